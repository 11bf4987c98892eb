package main

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"time"

	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/test/harness"
	"marketplace.example/trials/test/system"
)

// backWithin is in how many days trouble must have been found.
const backWithin = 10

// lateDays is how much later than planned a healthy rollout may reach 100 %: each of its phases may end up to one
// watch late, and a watch comes every fifth of such a day.
const lateDays = 1.5

// finding is what became of a rollout.
type finding struct {
	state rollout.State
	// back is the decision that rolled it back, nil where none did.
	back *rollout.Event
	// why is the sentence of the decision that ended it.
	why   string
	wrong []string
}

func (f *finding) complain(format string, args ...any) {
	f.wrong = append(f.wrong, fmt.Sprintf(format, args...))
}

// inspect compares a rollout with how it must end. Its system still runs.
func (r *rolloutRun) inspect(ctx context.Context) (*finding, error) {
	f := &finding{state: r.state()}
	for i, e := range r.events {
		if e.Type == rollout.EventRolledBack {
			f.back = &r.events[i]
		}
		if e.Type == rollout.EventRolledBack || e.Type == rollout.EventCompleted || e.Type == rollout.EventPaused {
			f.why = e.Reason
		}
	}
	r.inspectEnd(f)
	r.inspectRollback(f)
	if err := r.inspectFlags(ctx, f); err != nil {
		return f, err
	}
	var err error
	if f.back != nil {
		err = r.inspectAfter(ctx, f, f.back.At.Add(time.Second))
	}
	r.leave()
	if err != nil {
		return f, err
	}
	return f, r.inspectMails(ctx, f)
}

// inspectEnd looks at where the rollout has ended, and how it got there.
func (r *rolloutRun) inspectEnd(f *finding) {
	if f.state.Status != r.status || f.state.Percentage != r.percentage {
		f.complain("ended at %v %%, %s, not at %v %%, %s", f.state.Percentage, f.state.Status, r.percentage, r.status)
	}
	if got := r.entered(); !slices.Equal(got, r.stages) {
		f.complain("stages %v, not %v", got, r.stages)
	}
	if r.status == rollout.Completed {
		r.inspectCalendar(f)
	}
	if !regexp.MustCompile(r.why).MatchString(f.why) {
		f.complain("the decision's sentence is another")
	}
	taken := f.state.Backfill
	if r.status == rollout.Completed && (taken == nil || !taken.Done || taken.Taken == 0) {
		f.complain("the vendors of before were not taken in")
	}
}

// inspectCalendar looks at whether all vendors were admitted when the plan says so.
func (r *rolloutRun) inspectCalendar(f *finding) {
	plan := r.plan()
	due := plan.NoticeDays
	for _, phase := range plan.Phases[:len(plan.Phases)-1] {
		due += phase.SoakDays
	}
	all := slices.IndexFunc(r.events, func(e rollout.Event) bool { return e.Type == rollout.EventEntered && *e.Percentage == 100 })
	if all < 0 || r.dayOf(r.events[all].At) > due+lateDays {
		f.complain("100 %% was due on day %.1f", due)
	}
}

// entered are the stages entered, in order.
func (r *rolloutRun) entered() []string {
	var stages []string
	for _, e := range r.events {
		if (e.Type == rollout.EventEntered || e.Type == rollout.EventRolledBack) && e.Stage != nil {
			stages = append(stages, fmt.Sprintf("%s %v", e.Stage.Kind, *e.Percentage))
		}
	}
	return stages
}

// inspectRollback looks at what rolled back the rollout, and how soon.
func (r *rolloutRun) inspectRollback(f *finding) {
	switch {
	case f.back == nil && r.trigger == "":
	case f.back == nil:
		f.complain("not rolled back")
	case f.back.Trigger != r.trigger || f.back.Remedy != r.remedy:
		f.complain("rolled back by %s, %s, not by %s, %s", f.back.Trigger, f.back.Remedy, r.trigger, r.remedy)
	case f.back.At.Before(r.troubled):
		f.complain("rolled back before anything was wrong")
	case f.back.At.Sub(r.troubled) > backWithin*r.day:
		f.complain("rolled back %.1f days after things went wrong", f.back.At.Sub(r.troubled).Seconds()/r.day.Seconds())
	}
}

// inspectFlags looks at whether the flags say what has been decided by now: a rollout that was rolled back to a phase goes on from there
// once its pause is over, also while it is looked at, and a decision is on record a moment before it reaches the flags.
func (r *rolloutRun) inspectFlags(ctx context.Context, f *finding) error {
	const tries = 20
	decided := r.events
	for try := 1; ; try++ {
		later, err := r.newsAfter(ctx, len(decided))
		if err != nil {
			return err
		}
		decided = slices.Concat(decided, later)
		current, err := system.Read[flags.Document](r.system.Admin(ctx, http.MethodGet, "/api/admin/feature-flags", nil))
		if err != nil {
			return err
		}
		state, set := rollout.Fold(decided), current.FeatureFlags.TrialAutomation
		if set.RolloutPercentage == state.Percentage && set.Enabled == (r.remedy != rollout.Immediate) {
			return nil
		}
		if try == tries {
			f.complain("the flags say %v %%, enabled %t, where %v %% is decided", set.RolloutPercentage, set.Enabled, state.Percentage)
			return nil
		}
		if err := harness.Sleep(ctx, lookEvery); err != nil {
			return err
		}
	}
}
