package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"marketplace.example/trials/test/harness"
)

// result is a run of a case and what was found of it; finding is nil where it broke off.
type result struct {
	run     *rolloutRun
	finding *finding
}

// together is how many rollouts go on at once: more are too much for two cores.
const together = 2

// runRollouts runs every case, each on a system of its own: one beside the
// vendors, and two at a time once they are through. The next begins while the one
// before it is watched for what may still come.
func runRollouts(ctx context.Context, vendorsOver <-chan struct{}, env *harness.Env, out io.Writer) ([]result, error) {
	all := rolloutCases()
	results, errs := make([]result, len(all)), make([]error, len(all))
	next := make(chan int)
	var done sync.WaitGroup
	for lane := range together {
		done.Go(func() {
			if lane > 0 {
				<-vendorsOver
			}
			var before sync.WaitGroup
			for i := range next {
				if all[i].prepare != nil {
					before.Wait() // nothing beside it disturbs how fast is normal, as it is measured
				}
				over, end := context.WithCancel(context.WithoutCancel(ctx))
				before.Go(func() {
					defer end()
					results[i], errs[i] = runRollout(ctx, all[i], env, out, end)
				})
				<-over.Done()
			}
			before.Wait()
		})
	}
	for i := range all {
		next <- i
	}
	close(next)
	done.Wait()
	return results, errors.Join(errs...)
}

// runRollout calls end when the rollout is over; it is watched for a while then.
func runRollout(ctx context.Context, c rolloutCase, env *harness.Env, out io.Writer, end func()) (result, error) {
	r, err := newRolloutRun(ctx, c, env, out)
	if err != nil {
		return result{run: &rolloutRun{rolloutCase: c}}, fmt.Errorf("rollout %s: %w", c.name, err)
	}
	err = r.live(ctx, end)
	if err != nil {
		r.leave()
		return result{run: r}, fmt.Errorf("rollout %s: %w", c.name, err)
	}
	f, err := r.inspect(ctx)
	if err != nil {
		err = fmt.Errorf("rollout %s: %w", c.name, err)
	}
	return result{r, f}, err
}

// reportRollouts prints how the rollouts ended and tells whether all of it was right.
func reportRollouts(out io.Writer, all []result) bool {
	t := table.NewWriter()
	t.SetOutputMirror(out)
	t.SetStyle(table.StyleLight)
	t.SetColumnConfigs([]table.ColumnConfig{{Name: "what happens", WidthMax: 30, WidthMaxEnforcer: text.WrapSoft}, {Name: "why", WidthMax: 60, WidthMaxEnforcer: text.WrapSoft}, {Name: "checked", WidthMax: 60, WidthMaxEnforcer: text.WrapSoft}})
	t.AppendHeader(table.Row{"rollout", "what happens", "ended", "rolled back", "why", "checked"})
	right := 0
	for _, l := range all {
		row, ok := l.row()
		if ok {
			right++
		}
		t.AppendRow(row)
		t.AppendSeparator()
	}
	t.AppendFooter(table.Row{"", fmt.Sprintf("%d of %d as they must be", right, len(all)), "", "", "", ""})
	t.Render()
	return right == len(all)
}

func (l result) row() (table.Row, bool) {
	if l.finding == nil {
		return table.Row{l.run.name, l.run.description, "", "", "", "it broke off"}, false
	}
	f, back, verdict := l.finding, "never", "ok"
	if f.back != nil {
		back = fmt.Sprintf("day %.1f", l.run.dayOf(f.back.At))
	}
	if len(f.wrong) > 0 {
		verdict = strings.Join(f.wrong, "; ")
	}
	ended := fmt.Sprintf("%v %%, %s", f.state.Percentage, f.state.Status)
	return table.Row{l.run.name, l.run.description, ended, back, f.why, verdict}, len(f.wrong) == 0
}
