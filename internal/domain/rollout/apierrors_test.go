package rollout_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// about is how many of an interval's calls concern a cohort, and how many of these fail.
type about struct {
	cohort       trial.Cohort
	seen, failed int
}

// intervals are so many, each with these calls.
func intervals(n int, each ...about) (c rollout.Calls) {
	var one rollout.Calls
	for _, a := range each {
		for i := range a.seen {
			one.Observe(rollout.Call{Route: writing, About: a.cohort, Failed: i < a.failed})
		}
	}
	for range n {
		c.AddInterval(one)
	}
	return c
}

// add is the intervals of all, in order.
func add(all ...rollout.Calls) (c rollout.Calls) {
	for _, one := range all {
		intervals := slices.Concat(c.Intervals, one.Intervals)
		c.Add(one)
		c.Intervals = intervals
	}
	return c
}

func TestAnAPIThatFailsRollsBackUnlessAllVendorsShareIt(t *testing.T) {
	t.Parallel()
	const chance = "; chance alone would show this less than once in 100 rollouts"
	for name, tt := range map[string]struct {
		calls         rollout.Calls
		fires, shared bool
		reason        string
	}{
		"none": {rollout.Calls{}, false, false, "no data yet"},
		"at the limit": {intervals(200, about{trial.Automated, 5, 1}), false, false,
			"20 % of the API calls failed, at most 20 % may (of 200 intervals, on average)"},
		"only automated vendors' calls": {intervals(30, about{trial.Automated, 5, 4}, about{trial.Control, 5, 0}), true, false,
			"40 % of the API calls failed, at most 20 % may (of 30 intervals, on average)" + chance +
				"; of 150 about automated vendors 80 % failed, and of 150 about control vendors 0 % failed"},
		"control vendors' calls alike": {intervals(30, about{trial.Automated, 5, 3}, about{trial.Control, 2, 1}), true, true,
			"57 % of the API calls failed, at most 20 % may (of 30 intervals, on average)" + chance +
				"; of 150 about automated vendors 60 % failed, and of 60 about control vendors 50 % failed"},
		"control vendors' calls a little": {intervals(30, about{trial.Automated, 8, 7}, about{trial.Control, 10, 1}), true, false,
			"44 % of the API calls failed, at most 20 % may (of 30 intervals, on average)" + chance +
				"; of 240 about automated vendors 88 % failed, and of 300 about control vendors 10 % failed"},
		"nothing to compare with": {intervals(30, about{trial.Automated, 5, 3}), true, false,
			"60 % of the API calls failed, at most 20 % may (of 30 intervals, on average)" + chance +
				"; of 150 about automated vendors 60 % failed, and none was about control vendors"},
		"calls about no vendor": {intervals(30, about{trial.Automated, 2, 0}, about{"", 5, 5}), true, true,
			"71 % of the API calls failed, at most 20 % may (of 30 intervals, on average)" + chance +
				"; of 60 about automated vendors 0 % failed, and none was about control vendors"},
		"by night, when few call": {add(intervals(40, about{trial.Automated, 40, 0}, about{trial.Control, 10, 0}), intervals(60, about{trial.Automated, 5, 5})), true, false,
			"60 % of the API calls failed, at most 20 % may (of 100 intervals, on average)" + chance +
				"; of 1900 about automated vendors 16 % failed, and of 400 about control vendors 0 % failed"},
		"by night, of very many by day": {add(intervals(40, about{trial.Automated, 500, 0}, about{trial.Control, 100, 0}), intervals(60, about{trial.Automated, 5, 5})), true, false,
			"60 % of the API calls failed, at most 20 % may (of 100 intervals, on average)" + chance +
				"; of 20300 about automated vendors 1.5 % failed, and of 4000 about control vendors 0 % failed"},
		"the same, of all": {add(intervals(40, about{trial.Automated, 500, 0}, about{trial.Control, 500, 0}), intervals(60, about{trial.Automated, 5, 5}, about{trial.Control, 5, 5})), true, true,
			"60 % of the API calls failed, at most 20 % may (of 100 intervals, on average)" + chance +
				"; of 20300 about automated vendors 1.5 % failed, and of 20300 about control vendors 1.5 % failed"},
	} {
		b := compared(rollout.Calls{})
		b.take(24*time.Hour, tt.calls)
		j := b.judge()
		a := alarmOf(t, j, rollout.TriggerAPI)
		require.Equal(t, tt.reason, a.Reason, name)
		require.Equal(t, tt.fires, a.Firing, name)
		require.Equal(t, tt.shared, a.SharedFate, name)
		require.Equal(t, rollout.Immediate, a.Remedy)
		if tt.fires {
			require.Equal(t, rollout.TriggerAPI, j.Firing().Trigger, name)
		}
	}
}

func TestIntervalsWithFewCallsAreWeighedTogether(t *testing.T) {
	t.Parallel()
	b := compared(intervals(100, about{trial.Control, 5, 5}))
	require.Zero(t, b.ledger.API.Total().Seen, "nobody was admitted")
	b.take(time.Hour, intervals(1, about{trial.Control, 4, 4}))
	require.Zero(t, b.ledger.API.Total().Seen)
	b.take(time.Hour, intervals(1, about{trial.Control, 4, 0}))
	require.Equal(t, 1, b.ledger.API.Total().Seen)
	require.InDelta(t, 0.5, b.ledger.API.Total().Sum, near)
	b.take(time.Hour, intervals(2, about{trial.Control, 7, 7}))
	require.Equal(t, 3, b.ledger.API.Total().Seen)
	b.take(time.Hour, intervals(1, about{trial.Control, 3, 3}))
	b.position = inPhase(1, 3, 1)
	b.take(time.Hour, intervals(1, about{trial.Control, 4, 4}))
	require.Zero(t, b.ledger.API.Total().Seen, "a new epoch begins with nothing")
	require.Zero(t, b.ledger.Starts[0].Control.Seen)
	b.take(time.Hour, intervals(1, about{trial.Control, 4, 0}))
	require.Equal(t, rollout.CallCount{Seen: 8, Failed: 4}, b.ledger.Starts[0].Control)
}

// Whether all share an alarm is told by the calls since the start that it counts from.
func TestWhoSharesAFailingAPIIsToldSinceItFails(t *testing.T) {
	t.Parallel()
	b := compared(rollout.Calls{})
	b.take(24*time.Hour, intervals(300, about{trial.Automated, 5, 0}, about{trial.Control, 5, 0}))
	b.position = inPhase(2, 3, 0)
	b.take(time.Hour, intervals(30, about{trial.Automated, 5, 5}, about{trial.Control, 5, 0}))
	a := alarmOf(t, b.judge(), rollout.TriggerAPI)
	require.True(t, a.Firing)
	require.False(t, a.SharedFate, "in all, those about automated vendors keep the limit")
	require.Contains(t, a.Reason, "(of 30 intervals, on average since 3 March 2026 13:00 UTC)")
	require.Contains(t, a.Reason, "of 150 about automated vendors 100 % failed, and of 150 about control vendors 0 % failed")
}

// In an outage of e-mail too, failing calls count.
func TestAnOutageOfMailHidesNoFailingAPI(t *testing.T) {
	t.Parallel()
	j := rollout.Judgement{Outage: &rollout.Outage{}, Triggers: []rollout.TriggerResult{
		{Trigger: rollout.TriggerErrors, Remedy: rollout.Immediate, Firing: true}, {Trigger: rollout.TriggerAPI, Remedy: rollout.Immediate, Firing: true},
	}}
	require.Equal(t, rollout.TriggerAPI, j.Firing().Trigger)
}

// Calls that fail for all are slow for all: to go back would help nobody.
func TestASharedFateIsNotTakenForSlowCalls(t *testing.T) {
	t.Parallel()
	j := rollout.Judgement{Triggers: []rollout.TriggerResult{
		{Trigger: rollout.TriggerAPI, Remedy: rollout.Immediate, Firing: true, SharedFate: true},
		{Trigger: rollout.TriggerPerformance, Remedy: rollout.Partial, Firing: true},
	}}
	require.Equal(t, rollout.TriggerAPI, j.Firing().Trigger)
}

// Calls about adopted vendors count as about control vendors, so nobody is left to compare with.
func TestAfterABackfillNoControlVendorsCallsAreLeft(t *testing.T) {
	t.Parallel()
	b := compared(rollout.Calls{})
	b.take(time.Hour, intervals(10, about{trial.Automated, 5, 5}, about{trial.Control, 5, 5}))
	require.Equal(t, 50, b.ledger.Starts[0].Control.Seen)
	b.ledger.Adopted.Vendors = 1
	b.take(time.Hour, intervals(20, about{trial.Automated, 5, 5}, about{trial.Control, 5, 5}))
	a := alarmOf(t, b.judge(), rollout.TriggerAPI)
	require.True(t, a.Firing)
	require.False(t, a.SharedFate, a.Reason)
}

// A phase that was delayed when a trigger paused it does not pause again before the new evidence is judged.
func TestADelayedPhaseOutlivesItsResumption(t *testing.T) {
	t.Parallel()
	l := initial(t, rollout.DefaultPlan())
	l.toPhase(1)
	l.judge = waiting(rollout.GateEmail, 3, 4)
	l.days(6)
	l.judge = func(s rollout.State, now time.Time) *rollout.Judgement {
		j := raising(rollout.TriggerAPI, rollout.Immediate)(s, now)
		j.Triggers[0].SharedFate = true
		return j
	}
	l.days(1)
	require.Equal(t, rollout.PausedBySharedFate, l.state.Pause.Cause)
	l.judge = func(rollout.State, time.Time) *rollout.Judgement { return l.last }
	l.ask(rollout.SignalResume, flags.Request{})
	l.days(0.1)
	require.Equal(t, rollout.Running, l.state.Status, "%v", l.state.Pause)
	l.judge = healthy
	l.days(0.1)
	require.Equal(t, 2, l.state.Stage.Phase)
}

func TestASharedFatePausesAndAPersonGoesOnWithFreshEvidence(t *testing.T) {
	t.Parallel()
	l := initial(t, rollout.DefaultPlan())
	l.toPhase(3)
	alike := func(s rollout.State, now time.Time) *rollout.Judgement {
		j := raising(rollout.TriggerAPI, rollout.Immediate)(s, now)
		j.Triggers[0].SharedFate = true
		return j
	}
	l.judge = alike
	l.days(1)
	require.Equal(t, []string{"paused phase/3 50% day 7.25"}, l.of(rollout.EventRolledBack, rollout.EventPaused), "once")
	require.Equal(t, rollout.PausedBySharedFate, l.state.Pause.Cause)
	require.Equal(t, "Paused: it is bad; a rollback would not help.", l.state.Pause.Reason)

	old := l.last
	l.judge = func(rollout.State, time.Time) *rollout.Judgement { return old }
	l.ask(rollout.SignalResume, flags.Request{})
	require.Equal(t, 1, l.state.Epoch)
	l.days(0.25)
	require.Equal(t, rollout.Running, l.state.Status, "what was known before the resumption pauses nothing")
	l.judge = alike
	l.days(0.25)
	require.Equal(t, rollout.Paused, l.state.Status)
	l.judge = func(s rollout.State, now time.Time) *rollout.Judgement {
		j := alike(s, now)
		j.Triggers = append(j.Triggers, rollout.TriggerResult{Trigger: rollout.TriggerEmail, Remedy: rollout.Partial, Firing: true})
		return j
	}
	l.days(0.25)
	require.InDelta(t, 25, l.state.Percentage, 0, "another alarm is not hidden by it")
	require.Equal(t, rollout.PausedBySharedFate, l.state.Pause.Cause, "a person resumes, also after that")
	l.judge = raising(rollout.TriggerAPI, rollout.Immediate)
	l.days(0.25)
	require.Equal(t, rollout.RolledBack, l.state.Status, "once only automated vendors' calls fail")

	l = initial(t, rollout.DefaultPlan())
	l.toPhase(3)
	l.ask(rollout.SignalPause, flags.Request{})
	l.judge = alike
	l.days(0.25)
	require.Equal(t, rollout.PausedByAdmin, l.state.Pause.Cause, "a person's pause stays a person's")
}
