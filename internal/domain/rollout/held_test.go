package rollout_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/rollout"
)

// criterion is the verdict on a success criterion, with its reason.
func criterion(l *life, id string) (rollout.Verdict, string) {
	all := rollout.JudgeCriteria(l.state, l.last, l.now)
	c := all[slices.IndexFunc(all, func(c rollout.CriterionResult) bool { return c.ID == id })]
	return c.Verdict, c.Reason
}

func requireCriterion(l *life, id string, verdict rollout.Verdict, reason string) {
	l.t.Helper()
	got, why := criterion(l, id)
	require.Equal(l.t, reason, why)
	require.Equal(l.t, verdict, got)
}

func TestStableMeansHeldForItsTimeWithoutAPauseOrARollback(t *testing.T) {
	t.Parallel()
	l := initial(t, rollout.DefaultPlan())
	requireCriterion(l, "stable-at-10", rollout.Insufficient, "the rollout has not been at 10 % or more yet")
	l.until(noon.Add(2*day + 18*time.Hour)) // at 10 % since two days after noon
	requireCriterion(l, "stable-at-10", rollout.Insufficient, "at 10 % or more since 4 March 2026 12:00 UTC, for 0.8 days (needs 1); a pause or a rollback begins them anew")
	l.ask(rollout.SignalPause, flags.Request{})
	requireCriterion(l, "stable-at-10", rollout.Insufficient, "held at 10 % or more for 0.8 days (needs 1), until a pause or a rollback")
	l.days(0.5)
	l.ask(rollout.SignalResume, flags.Request{})
	l.days(0.75)
	requireCriterion(l, "stable-at-10", rollout.Insufficient, "at 10 % or more since 5 March 2026 18:00 UTC, for 0.8 days (needs 1); a pause or a rollback begins them anew")
	l.days(0.25)
	requireCriterion(l, "stable-at-10", rollout.Pass, "held at 10 % or more for 1.0 days (needs 1), without a pause or a rollback")
	l.days(1)
	require.InDelta(t, 25, l.state.Percentage, 0)
	l.judge = raising(rollout.TriggerEmail, rollout.Partial)
	l.until(l.now)
	verdict, _ := criterion(l, "stable-at-10")
	require.Equal(t, rollout.Pass, verdict, "what was held was held; the rollback has a criterion of its own")
}

func TestSevenDaysAtFullAreMeasuredWhateverThePlanIs(t *testing.T) {
	t.Parallel()
	plan := func(change func(*rollout.Plan)) *life {
		p := rollout.DefaultPlan()
		p.Phases = []rollout.Phase{{Name: "none", SoakDays: 1, Gates: []rollout.Gate{}}, {Name: "full", Percentage: 100, SoakDays: 1, Gates: []rollout.Gate{}}}
		change(&p)
		return initial(t, p)
	}
	const id = "stable-at-100"
	l := plan(func(p *rollout.Plan) { p.StabilityDays, p.GuardDays = 1, 10 })
	l.until(noon.Add(7*day + 12*time.Hour)) // at 100 % since a day after noon
	require.Equal(t, rollout.Guard, l.state.Stage.Kind)
	requireCriterion(l, id, rollout.Insufficient, "at 100 % since 3 March 2026 12:00 UTC, for 6.5 days (needs 7); a pause or a rollback begins them anew")
	l.days(0.5)
	requireCriterion(l, id, rollout.Pass, "held at 100 % for 7.0 days (needs 7), without a pause or a rollback")

	l = plan(func(p *rollout.Plan) { p.StabilityDays, p.GuardDays = 1, 10 })
	l.until(noon.Add(6 * day))
	l.ask(rollout.SignalPause, flags.Request{})
	l.ask(rollout.SignalResume, flags.Request{})
	l.days(5)
	requireCriterion(l, id, rollout.Insufficient, "at 100 % since 8 March 2026 12:00 UTC, for 5.0 days (needs 7); a pause or a rollback begins them anew")
	l.days(3)
	require.Equal(t, rollout.Completed, l.state.Status)
	requireCriterion(l, id, rollout.Pass, "held at 100 % for 7.0 days (needs 7), without a pause or a rollback")

	l = plan(func(p *rollout.Plan) { p.StabilityDays, p.GuardDays = 1, 6 })
	l.until(noon.Add(6 * day))
	l.ask(rollout.SignalPause, flags.Request{})
	l.ask(rollout.SignalResume, flags.Request{})
	requireCriterion(l, id, rollout.Insufficient, "at 100 % since 8 March 2026 12:00 UTC, for 0.0 days (needs 7); a pause or a rollback begins them anew; "+
		"by its plan the rollout is over before, on 11 March 2026 12:00 UTC")
	l.days(5)
	requireCriterion(l, id, rollout.Fail, "the rollout is over; it held at 100 % for at most 5.0 days (needs 7), without a pause or a rollback")

	l = plan(func(p *rollout.Plan) { p.StabilityDays, p.GuardDays = 2, 4 })
	requireCriterion(l, id, rollout.Insufficient, "the rollout has not been at 100 % yet")
	l.until(noon.Add(8*day + time.Hour))
	requireCriterion(l, id, rollout.Pass, "held at 100 % for 7.0 days (needs 7), without a pause or a rollback")

	l = plan(func(p *rollout.Plan) { p.StabilityDays, p.GuardDays = 2, 3 })
	requireCriterion(l, id, rollout.Insufficient, "cannot be measured in this plan: it admits 100 % for 6 days, and 7 are needed")
	l = plan(func(p *rollout.Plan) { p.Phases[1].Percentage = 5 })
	requireCriterion(l, id, rollout.Insufficient, "cannot be measured in this plan: it never admits 100 %")
	requireCriterion(l, "stable-at-10", rollout.Insufficient, "cannot be measured in this plan: it never admits 10 % or more")
}

// Whatever happens in whatever order, the time held is that of the longest stretch in which nothing broke it.
func TestTheTimeHeldIsTheLongestUnbrokenStretch(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := rollout.Fold([]rollout.Event{rollout.Begin(rollout.Start{ID: "r1", Plan: rollout.DefaultPlan(), Times: inDays, By: "owner"}, noon)})
		now, longest := noon, map[float64]time.Duration{}
		stretches := map[float64]time.Duration{}
		for range rapid.IntRange(1, 30).Draw(t, "events") {
			passed := time.Duration(rapid.IntRange(0, 60).Draw(t, "hours")) * time.Hour
			now = now.Add(passed)
			for _, p := range []float64{10, 100} {
				stretch := stretches[p]
				if s.Status == rollout.Running && s.Percentage >= p {
					stretch += passed
				}
				longest[p], stretches[p] = max(longest[p], stretch), stretch
			}
			e := rollout.Event{Seq: s.Seq + 1, At: now, By: "owner"}
			stage := rollout.Stage{Kind: rollout.InPhase, Phase: rapid.IntRange(0, 5).Draw(t, "phase")}
			percentage := s.Plan.PercentageIn(stage)
			e.Type = rapid.SampledFrom([]rollout.EventType{
				rollout.EventEntered, rollout.EventPaused, rollout.EventResumed, rollout.EventRolledBack, rollout.EventOverridden, rollout.EventUpdate,
			}).Draw(t, "type")
			switch e.Type {
			case rollout.EventEntered:
				e.Stage, e.Enabled, e.Percentage = &stage, new(true), &percentage
			case rollout.EventRolledBack:
				e.Stage, e.Enabled, e.Percentage, e.Remedy = &stage, new(true), &percentage, rollout.Partial
			case rollout.EventOverridden:
				e.Enabled, e.Percentage = new(true), &percentage
			case rollout.EventPaused:
				e.Cause = rollout.PausedByGate
			default:
			}
			s = s.Apply(e)
			for _, p := range []float64{10, 100} {
				if s.Status != rollout.Running || s.Percentage < p || e.Type == rollout.EventRolledBack {
					stretches[p] = 0
				}
			}
			l := &life{t: t, state: s, now: now}
			for id, p := range map[string]float64{"stable-at-10": 10, "stable-at-100": 100} {
				needed := map[float64]time.Duration{10: day, 100: 7 * day}[p]
				verdict, reason := criterion(l, id)
				require.Equal(t, longest[p] >= needed, verdict == rollout.Pass, "%v %%: %v; %s", p, longest[p], reason)
			}
		}
	})
}
