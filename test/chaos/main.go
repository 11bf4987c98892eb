// Chaos rolls back rollouts again and again while vendors register and e-mails
// leave, with the worker running, stopped, or killed in between, and counts
// those after which anybody was admitted, or any e-mail left, for more than a second.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"sync"
	"time"

	"marketplace.example/trials/test/harness"
	"marketplace.example/trials/test/system"
)

// promised is how long after the answer to a rollback vendors may be admitted
// and e-mails leave; of a hundred rollbacks one may take longer.
const (
	promised = time.Second
	perLate  = 100
)

func main() {
	n := flag.Int("n", 100, "how many `rollbacks`, a third with each thing that happens to the worker")
	harness.Main("chaos", func(ctx context.Context, out io.Writer) error {
		if *n < 1 {
			return fmt.Errorf("-n must be at least 1, is %d", *n)
		}
		return harness.WithStack(ctx, "chaos", func(env *harness.Env) error { return run(ctx, out, env, *n) })
	})
}

// run fails where too many of n rollbacks acted too late.
func run(ctx context.Context, out io.Writer, env *harness.Env, n int) error {
	began := time.Now()
	// The lanes go side by side, each on a system of its own: one after the other
	// they would take thrice as long, most of it waiting.
	lanes := []*lane{
		{name: "running", around: leaveAlone}, {name: "stopped", around: stopBefore}, {name: "killed", around: killMeanwhile},
	}
	results := make([][]round, len(lanes))
	errs := make([]error, len(lanes))
	var driving sync.WaitGroup
	for i, l := range lanes {
		l.out = out
		driving.Go(func() { results[i], errs[i] = drive(ctx, l, env, (n+i)/len(lanes)) })
	}
	driving.Wait()
	err := errors.Join(errs...)
	if !report(out, lanes, results) {
		err = errors.Join(err, errors.New("too many rollbacks acted too late"))
	}
	fmt.Fprintf(out, "It took %s.\n", time.Since(began).Round(time.Second))
	return err
}

// drive starts a lane's system and makes its rounds.
func drive(ctx context.Context, l *lane, env *harness.Env, rounds int) (all []round, err error) {
	s, err := env.System(ctx, "chaos-"+l.name, system.Options{Day: day})
	if err != nil {
		return nil, err
	}
	defer s.Stop()
	l.system = s
	for i := range rounds {
		r, err := l.round(ctx, i)
		if err != nil {
			return all, fmt.Errorf("worker %s, rollback %d: %w", l.name, i+1, err)
		}
		all = append(all, r)
		fmt.Fprintf(l.out, "worker %-7s %3d of %d: %s\n", l.name, i+1, rounds, r)
	}
	return all, nil
}

// report prints what the rounds came to, and tells whether that is enough.
func report(out io.Writer, lanes []*lane, results [][]round) bool {
	fmt.Fprintf(out, "\n%-10s %9s %9s %14s %14s %8s\n", "worker", "rollbacks", "e-mails", "last admission", "last e-mail", "too late")
	total, late := 0, 0
	for i, l := range lanes {
		var sum round
		laneLate := 0
		for _, r := range results[i] {
			sum.mails += r.mails
			sum.lastAdmission, sum.lastMail = max(sum.lastAdmission, r.lastAdmission), max(sum.lastMail, r.lastMail)
			if r.late() {
				laneLate++
			}
		}
		total, late = total+len(results[i]), late+laneLate
		fmt.Fprintf(out, "%-10s %9d %9d %14s %14s %8d\n", l.name, len(results[i]), sum.mails, after(sum.lastAdmission), after(sum.lastMail), laneLate)
	}
	fmt.Fprintf(out, "\nOf %d rollbacks %d had an admission or an e-mail later than %s after the answer; %d may.\n", total, late, promised, allowed(total))
	return late <= allowed(total)
}

// allowed is how many rollbacks of so many may be late: one of a hundred, and
// one of less.
func allowed(total int) int { return max(1, total/perLate) }
