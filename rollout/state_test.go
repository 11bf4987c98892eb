package rollout_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"marketplace.example/trials/rollout"
)

// life is a rollout being lived through, hour by hour.
type life struct {
	t      fataler
	state  rollout.State
	events []rollout.Event
	now    time.Time
	// judge is what is judged each hour; nil for nothing.
	judge func(rollout.State, time.Time) *rollout.Judgement
	last  *rollout.Judgement
}

// begun is a rollout a day before noon whose preflight passes.
func begun(t fataler, p rollout.Plan) *life {
	t.Helper()
	l := &life{t: t, now: noon.Add(-day), judge: healthy}
	l.apply(rollout.Begin(rollout.Start{ID: "r1", Plan: p, Times: inDays, By: "owner"}, l.now))
	l.apply(rollout.Event{Seq: 2, Type: rollout.EventPreflight, At: l.now, By: "rollout", Checks: []rollout.Check{
		{ID: rollout.CheckHealth, Verdict: rollout.Pass}, {ID: rollout.CheckBackup, Verdict: rollout.Pass},
	}})
	return l
}

func (l *life) apply(e rollout.Event) {
	l.t.Helper()
	require.Equal(l.t, l.state.Seq+1, e.Seq)
	require.NotEmpty(l.t, e.By)
	l.state = l.state.Apply(e)
	l.events = append(l.events, e)
}

// settle lets the rollout do what it does by itself at this moment.
func (l *life) settle(each func(rollout.State, rollout.Event)) {
	l.t.Helper()
	for range 100 {
		e, wake := l.state.Next(l.last, l.now)
		if e == nil {
			require.True(l.t, wake.IsZero() || wake.After(l.now), "it wakes later")
			return
		}
		before := l.state
		l.apply(*e)
		if each != nil {
			each(before, *e)
		}
	}
	require.Fail(l.t, "it does not come to rest", "%+v", l.state)
}

func (l *life) until(end time.Time) {
	l.t.Helper()
	for ; !l.now.After(end); l.now = l.now.Add(time.Hour) {
		l.last = l.judge(l.state, l.now)
		l.settle(nil)
	}
	l.now = end
}

func (l *life) days(n float64) { l.t.Helper(); l.until(l.now.Add(time.Duration(n * float64(day)))) }

// toPhase lives on until a phase has been entered and judged.
func (l *life) toPhase(phase int) {
	l.t.Helper()
	for range 1000 {
		if l.state.Stage == (rollout.Stage{Kind: rollout.InPhase, Phase: phase}) {
			l.days(0.25)
			return
		}
		l.days(1.0 / 24)
	}
	require.Fail(l.t, "it never came there")
}

func (l *life) ask(name string, r rollout.Request) {
	l.t.Helper()
	if r.Reason == "" {
		r.Reason = "because"
	}
	r.By = "owner"
	e, err := l.state.Request(name, r, l.last, l.now)
	require.NoError(l.t, err)
	require.NotNil(l.t, e)
	l.apply(*e)
}

// of lists what happened of some kinds: what, on which day since noon, at which percentage.
func (l *life) of(kinds ...rollout.EventType) []string {
	var all []string
	var s rollout.State
	for _, e := range l.events {
		s = s.Apply(e)
		if slices.Contains(kinds, e.Type) {
			all = append(all, fmt.Sprintf("%s %s/%d %v%% day %v", e.Type, s.Stage.Kind, s.Stage.Phase, s.Percentage, 1+e.At.Sub(noon).Hours()/24))
		}
	}
	return all
}

// healthy is a judgement in which all is well.
func healthy(s rollout.State, now time.Time) *rollout.Judgement {
	j := &rollout.Judgement{At: now, Position: s.Position(), Enabled: s.Enabled, Percentage: s.Percentage}
	for _, g := range rollout.Gates() {
		j.Gates = append(j.Gates, rollout.Ruling{Gate: g, Verdict: rollout.Pass})
	}
	return j
}

func raising(name rollout.Trigger, remedy rollout.Remedy) func(rollout.State, time.Time) *rollout.Judgement {
	return func(s rollout.State, now time.Time) *rollout.Judgement {
		j := healthy(s, now)
		j.Triggers = []rollout.Alarm{{Trigger: name, Remedy: remedy, Raised: true, Reason: "it is bad"}}
		return j
	}
}

func ruling(g rollout.Gate, v rollout.Verdict) func(rollout.State, time.Time) *rollout.Judgement {
	return func(s rollout.State, now time.Time) *rollout.Judgement {
		j := healthy(s, now)
		for i := range j.Gates {
			if j.Gates[i].Gate == g {
				j.Gates[i].Verdict, j.Gates[i].Reason = v, "so it is"
			}
		}
		return j
	}
}

func TestTheDefaultPlanFromNoticeToCompletion(t *testing.T) {
	t.Parallel()
	l := begun(t, rollout.DefaultPlan())
	l.until(noon.Add(60 * day))
	require.Equal(t, []string{
		"entered phase/0 0% day 1", "entered phase/1 10% day 3", "entered phase/2 25% day 5", "entered phase/3 50% day 7",
		"entered phase/4 75% day 9", "entered phase/5 100% day 10", "entered stability/5 100% day 11", "entered guard/5 100% day 18",
		"completed guard/5 100% day 35",
	}, l.of(rollout.EventEntered, rollout.EventPaused, rollout.EventRolledBack, rollout.EventOverridden, rollout.EventResumed, rollout.EventCompleted))
	require.Equal(t, rollout.Completed, l.state.Status)
	require.Len(t, l.of(rollout.EventUpdate), 35, "one update a day")
	require.Equal(t, noon.Add(34*day), *l.state.EndedAt)
	require.Equal(t, jsonOf(t, l.state), jsonOf(t, rollout.Fold(l.events)))
	e, wake := l.state.Next(nil, l.now)
	require.Nil(t, e)
	require.True(t, wake.IsZero())
}

func TestItWakesWhenSomethingIsDue(t *testing.T) {
	t.Parallel()
	l := begun(t, rollout.DefaultPlan())
	e, wake := l.state.Next(nil, l.now)
	require.Nil(t, e)
	require.Equal(t, noon, wake)
	l.toPhase(1)
	_, wake = l.state.Next(l.last, l.now)
	require.Equal(t, noon.Add(3*day), wake, "the daily update")
}

func TestPartialRollbacksTwiceAndThenAPause(t *testing.T) {
	t.Parallel()
	l := begun(t, rollout.DefaultPlan())
	l.toPhase(3)
	l.judge = raising(rollout.TriggerEmail, rollout.Partial)
	l.days(3)
	require.Equal(t, []string{
		"rolled-back phase/2 25% day 7.25", "rolled-back phase/1 10% day 8.25", "paused phase/1 10% day 9.25",
	}, l.of(rollout.EventRolledBack, rollout.EventPaused))
	require.Equal(t, 2, l.state.Epoch)
	require.Equal(t, rollout.PausedByTriggers, l.state.Pause.Cause)
	l.judge = healthy
	l.days(5)
	require.Equal(t, rollout.Paused, l.state.Status, "a person must say")
}

func TestACooldownAndASoakAfterAPartialRollback(t *testing.T) {
	t.Parallel()
	l := begun(t, rollout.DefaultPlan())
	l.toPhase(5) // day 10, the phases before last 1 and 2 days
	l.judge = raising(rollout.TriggerPerformance, rollout.Partial)
	l.until(l.now)
	l.judge = healthy
	require.Equal(t, l.now.Add(day), l.state.CooldownUntil)
	l.days(5)
	require.Equal(t, []string{"rolled-back phase/4 75% day 10.25", "entered phase/5 100% day 11.25", "entered stability/5 100% day 12.25"},
		l.of(rollout.EventRolledBack, rollout.EventEntered)[6:])
}

func TestBeforeTheFirstPhaseThereIsZero(t *testing.T) {
	t.Parallel()
	p := rollout.DefaultPlan()
	p.Phases = p.Phases[1:]
	l := begun(t, p)
	l.toPhase(0)
	require.InDelta(t, 10, l.state.Percentage, 0)
	l.judge = raising(rollout.TriggerEmail, rollout.Partial)
	l.until(l.now)
	l.judge = healthy
	l.days(5)
	require.Equal(t, []string{
		"entered phase/0 10% day 1", "rolled-back phase/0 0% day 1.25", "entered phase/0 10% day 3.25", "entered phase/1 25% day 5.25",
	}, l.of(rollout.EventEntered, rollout.EventRolledBack), "it begins with its first phase again")
}

func TestAnImmediateRollbackEndsIt(t *testing.T) {
	t.Parallel()
	for _, stage := range []float64{3, 12, 25} {
		l := begun(t, rollout.DefaultPlan())
		l.until(noon.Add(time.Duration(stage) * day))
		l.judge = raising(rollout.TriggerErrors, rollout.Immediate)
		l.until(l.now)
		require.Equal(t, rollout.RolledBack, l.state.Status)
		require.False(t, l.state.Enabled)
		require.Zero(t, l.state.Percentage)
		last := l.events[len(l.events)-1]
		require.Equal(t, rollout.TriggerErrors, last.Trigger)
		require.Equal(t, "Taken back completely: it is bad.", last.Reason)
		require.NotNil(t, last.Judgement)
		l.days(30)
		require.Equal(t, last, l.events[len(l.events)-1], "nothing more happens")
	}
}

func TestFlagsSetByHandHoldTheRollout(t *testing.T) {
	t.Parallel()
	l := begun(t, rollout.DefaultPlan())
	l.toPhase(2)
	l.judge = func(s rollout.State, now time.Time) *rollout.Judgement {
		j := healthy(s, now)
		j.Percentage = 60
		return j
	}
	l.days(4)
	require.Equal(t, []string{"overridden phase/2 60% day 5.25"}, l.of(rollout.EventOverridden, rollout.EventEntered)[3:])
	require.Equal(t, rollout.PausedByOverride, l.state.Pause.Cause)
	require.Equal(t, "flags", l.state.Pause.By)
	l.judge = healthy
	l.ask(rollout.SignalResume, rollout.Request{})
	require.Equal(t, rollout.Stage{Kind: rollout.InPhase, Phase: 3}, l.state.Stage, "60 % fits the phase of 50 %")
	require.InDelta(t, 60, l.state.Percentage, 0)
	l.days(3)
	require.Equal(t, []string{"entered phase/4 75% day 11.25", "entered phase/5 100% day 12.25"}, l.of(rollout.EventEntered)[3:], "it soaks anew")

	l = begun(t, rollout.DefaultPlan())
	l.toPhase(2)
	l.judge = func(s rollout.State, now time.Time) *rollout.Judgement {
		j := healthy(s, now)
		j.Enabled = false
		return j
	}
	l.until(l.now)
	require.Equal(t, rollout.RolledBack, l.state.Status, "disabling by hand ends it")
}

func TestAnOldJudgementDoesNotUndoARequest(t *testing.T) {
	t.Parallel()
	l := begun(t, rollout.DefaultPlan())
	l.toPhase(2)
	l.last = healthy(l.state, l.now)
	l.now = l.now.Add(time.Minute)
	l.ask(rollout.SignalSetPercentage, rollout.Request{Percentage: 5})
	l.settle(nil)
	require.InDelta(t, 5, l.state.Percentage, 0, "what was judged a minute before knew 25 %")
	require.Equal(t, "owner", l.state.Pause.By)
}

func TestAPartialRollbackNeverGoesUp(t *testing.T) {
	t.Parallel()
	l := begun(t, rollout.DefaultPlan())
	l.toPhase(4)
	l.ask(rollout.SignalSetPercentage, rollout.Request{Percentage: 15})
	l.judge = raising(rollout.TriggerEmail, rollout.Partial)
	l.now = l.now.Add(time.Hour)
	l.until(l.now)
	require.InDelta(t, 10, l.state.Percentage, 0, "50 % is the phase before, but 15 % was set by hand")
	require.Equal(t, rollout.Paused, l.state.Status, "a person has it wait")
	l.judge = healthy
	l.days(10)
	require.InDelta(t, 10, l.state.Percentage, 0)
	l.ask(rollout.SignalResume, rollout.Request{})
	require.Equal(t, l.now, l.state.EnteredAt, "time spent paused does not count as soaked")
}

func TestAnOutagePausesAndIsOver(t *testing.T) {
	t.Parallel()
	l := begun(t, rollout.DefaultPlan())
	l.toPhase(2)
	l.judge = func(s rollout.State, now time.Time) *rollout.Judgement {
		j := raising(rollout.TriggerEmail, rollout.Partial)(s, now)
		j.Outage = &rollout.Outage{Cause: rollout.OutageSESPaused, Since: now}
		return j
	}
	l.days(2)
	require.Equal(t, rollout.PausedByOutage, l.state.Pause.Cause)
	require.Contains(t, l.state.Pause.Reason, "the mail service has paused our account")
	require.Contains(t, l.state.Sentence(), "holds at 25 %")
	l.judge = healthy
	l.days(3)
	require.Equal(t, []string{"paused phase/2 25% day 5.25", "resumed phase/2 25% day 7.25", "entered phase/3 50% day 9"},
		l.of(rollout.EventPaused, rollout.EventResumed, rollout.EventRolledBack, rollout.EventEntered)[3:6], "two days later than planned")
}

func TestTooLittleSeenHoldsAndThenPauses(t *testing.T) {
	t.Parallel()
	l := begun(t, rollout.DefaultPlan())
	l.toPhase(1)
	l.judge = ruling(rollout.GateEmail, rollout.Insufficient)
	l.days(1.5)
	require.Equal(t, rollout.Running, l.state.Status, "its time is over, and it holds")
	l.days(3)
	require.Equal(t, []string{"paused phase/1 10% day 7"}, l.of(rollout.EventPaused), "after twice its time")
	require.Contains(t, l.state.Pause.Reason, "email: so it is")
	l.ask(rollout.SignalResume, rollout.Request{})
	require.Equal(t, l.now, l.state.EnteredAt, "the phase begins anew")
	l.judge = healthy
	l.days(2)
	require.Equal(t, rollout.Stage{Kind: rollout.InPhase, Phase: 2}, l.state.Stage)
}

func TestConversionAloneMayLackData(t *testing.T) {
	t.Parallel()
	l := begun(t, rollout.DefaultPlan())
	l.judge = ruling(rollout.GateConversion, rollout.Insufficient)
	l.until(noon.Add(35 * day))
	require.Equal(t, rollout.Completed, l.state.Status)
}

func TestAFailedGatePausesWhenTheSoakIsOver(t *testing.T) {
	t.Parallel()
	l := begun(t, rollout.DefaultPlan())
	l.judge = ruling(rollout.GateConversion, rollout.Fail)
	l.until(noon.Add(20 * day))
	require.Equal(t, []string{"paused phase/1 10% day 5"}, l.of(rollout.EventPaused))
	require.Contains(t, l.state.Pause.Reason, "Paused at the gate: conversion: so it is")
}

func TestWithoutAJudgementNothingGoesOn(t *testing.T) {
	t.Parallel()
	l := begun(t, rollout.DefaultPlan())
	l.judge = func(rollout.State, time.Time) *rollout.Judgement { return nil }
	l.until(noon.Add(10 * day))
	require.Equal(t, []string{"entered phase/0 0% day 1", "entered phase/1 10% day 3", "paused phase/1 10% day 7"},
		l.of(rollout.EventEntered, rollout.EventPaused))
}

func TestGatesAtZeroPercentPauseToo(t *testing.T) {
	t.Parallel()
	p := rollout.DefaultPlan()
	p.Phases[0].Gates = []rollout.Gate{rollout.GateAPI}
	l := begun(t, p)
	l.judge = ruling(rollout.GateAPI, rollout.Fail)
	l.until(noon.Add(4 * day))
	require.Equal(t, []string{"paused phase/0 0% day 3"}, l.of(rollout.EventPaused))
}

func TestNobodyIsAdmittedBeforeThePreflight(t *testing.T) {
	t.Parallel()
	fresh := func() *life {
		l := &life{t: t, now: noon.Add(-day), judge: healthy}
		l.apply(rollout.Begin(rollout.Start{ID: "r1", Plan: rollout.DefaultPlan(), Times: inDays, By: "owner"}, l.now))
		return l
	}
	l := fresh()
	l.until(noon.Add(10 * day))
	require.Equal(t, []string{"paused phase/0 0% day 5"}, l.of(rollout.EventPaused), "it was never made")

	l = fresh()
	l.apply(rollout.Event{Seq: 2, Type: rollout.EventPreflight, At: l.now, By: "rollout", Checks: []rollout.Check{
		{ID: rollout.CheckBackup, Verdict: rollout.Fail, Reason: "there is none"},
	}})
	l.until(noon.Add(10 * day))
	require.Equal(t, []string{"paused phase/0 0% day 3"}, l.of(rollout.EventPaused))
	var conflict *rollout.ConflictError
	_, err := l.state.Request(rollout.SignalAdvance, rollout.Request{Reason: "now"}, nil, l.now)
	require.ErrorAs(t, err, &conflict)
	require.Equal(t, "preflight check backup is FAIL: there is none; waive it first", err.Error())
	l.ask(rollout.SignalWaive, rollout.Request{Subject: rollout.CheckBackup, Reason: "made by hand"})
	require.Equal(t, "made by hand", l.state.Checks[0].WaiverReason)
	l.apply(rollout.Event{Seq: l.state.Seq + 1, Type: rollout.EventPreflight, At: l.now, By: "rollout", Checks: []rollout.Check{
		{ID: rollout.CheckBackup, Verdict: rollout.Fail},
	}})
	require.Equal(t, "owner", l.state.Checks[0].WaivedBy, "a waiver outlasts another preflight")
	l.ask(rollout.SignalResume, rollout.Request{})
	l.days(1)
	require.Equal(t, rollout.Stage{Kind: rollout.InPhase, Phase: 1}, l.state.Stage)
}

func TestRequestsThatAreRefused(t *testing.T) {
	t.Parallel()
	running := begun(t, rollout.DefaultPlan())
	running.toPhase(2)
	paused := begun(t, rollout.DefaultPlan())
	paused.toPhase(2)
	paused.ask(rollout.SignalPause, rollout.Request{})
	over := begun(t, rollout.DefaultPlan())
	over.toPhase(2)
	over.ask(rollout.SignalRollback, rollout.Request{})
	because := rollout.Request{Reason: "because"}
	with := func(change func(*rollout.Request)) rollout.Request {
		r := because
		change(&r)
		return r
	}
	percentage := func(p float64) rollout.Request { return with(func(r *rollout.Request) { r.Percentage = p }) }
	tests := []struct {
		state   *life
		name    string
		request rollout.Request
		field   string // empty for a conflict
		message string
	}{
		{running, rollout.SignalPause, rollout.Request{Reason: " \n"}, "reason", "is missing"},
		{running, rollout.SignalPause, rollout.Request{Reason: strings.Repeat("é", 501)}, "reason", "must be at most 500 characters"},
		{running, rollout.SignalRollback, percentage(25), "percentage", "must be below the present 25, is 25"},
		{running, rollout.SignalRollback, percentage(50), "percentage", "must be below the present 25, is 50"},
		{running, rollout.SignalRollback, percentage(-1), "percentage", "must be 0 to 100 in steps of 0.01, is -1"},
		{running, rollout.SignalRollback, percentage(math.NaN()), "percentage", "must be 0 to 100 in steps of 0.01, is NaN"},
		{running, rollout.SignalRollback, with(func(r *rollout.Request) { r.InFlight = "drop" }), "inFlight", "must be keep or release"},
		{running, rollout.SignalSetPercentage, percentage(101), "percentage", "must be 0 to 100 in steps of 0.01, is 101"},
		{running, rollout.SignalSetPercentage, percentage(10.005), "percentage", "must be 0 to 100 in steps of 0.01, is 10.005"},
		{running, rollout.SignalTick, with(func(r *rollout.Request) { r.Subject = "no-rollback" }), "criterion", `"no-rollback" is not one that a person judges`},
		{running, rollout.SignalWaive, with(func(r *rollout.Request) { r.Subject = "luck" }), "check", `"luck" is no preflight check`},
		{running, rollout.SignalWaive, with(func(r *rollout.Request) { r.Subject = rollout.CheckHealth }), "", "check health passes: there is nothing to waive"},
		{running, rollout.SignalResume, because, "", "the rollout is not paused"},
		{paused, rollout.SignalPause, because, "", "the rollout is paused already"},
		{over, rollout.SignalAdvance, because, "", "the rollout is rolled-back: advance does not apply"},
		{running, "dance", because, "message", `"dance" is not one of the rollout's`},
	}
	for _, tt := range tests {
		before := jsonOf(t, tt.state.state)
		e, err := tt.state.state.Request(tt.name, tt.request, nil, tt.state.now)
		require.Nil(t, e)
		if tt.field == "" {
			var conflict *rollout.ConflictError
			require.ErrorAs(t, err, &conflict)
			require.Equal(t, tt.message, conflict.Message)
		} else {
			var field *rollout.FieldError
			require.ErrorAs(t, err, &field)
			require.Equal(t, tt.field, field.Field)
			require.Equal(t, tt.message, field.Message)
		}
		require.Equal(t, before, jsonOf(t, tt.state.state), "nothing has changed")
	}
}

func TestRequestsThatAreCarriedOut(t *testing.T) {
	t.Parallel()
	l := begun(t, rollout.DefaultPlan())
	l.toPhase(3)
	l.ask(rollout.SignalTick, rollout.Request{Subject: "feedback-positive", Met: true})
	require.True(t, l.state.Criteria["feedback-positive"].Met)
	l.ask(rollout.SignalRollback, rollout.Request{ID: "q1", Percentage: 15, InFlight: rollout.Release})
	require.Equal(t, rollout.Stage{Kind: rollout.InPhase, Phase: 1}, l.state.Stage, "15 % fits the phase of 10 %")
	require.InDelta(t, 15, l.state.Percentage, 0)
	require.Zero(t, l.state.Epoch, "a person's rollback says nothing of the evidence")
	require.Equal(t, rollout.Release, l.events[len(l.events)-1].InFlight)
	e, err := l.state.Request(rollout.SignalRollback, rollout.Request{ID: "q1", Percentage: 15}, nil, l.now)
	require.NoError(t, err)
	require.Nil(t, e, "it was carried out before")
	l.ask(rollout.SignalPause, rollout.Request{})
	l.days(3)
	require.InDelta(t, 15, l.state.Percentage, 0)
	l.ask(rollout.SignalAdvance, rollout.Request{})
	require.Equal(t, rollout.Running, l.state.Status)
	require.InDelta(t, 25, l.state.Percentage, 0)
	for range 5 {
		l.ask(rollout.SignalAdvance, rollout.Request{})
	}
	require.Equal(t, rollout.Guard, l.state.Stage.Kind)
	l.ask(rollout.SignalAdvance, rollout.Request{})
	require.Equal(t, rollout.Completed, l.state.Status)
}

func TestTimePausedTwiceDoesNotCountAsSoaked(t *testing.T) {
	t.Parallel()
	l := begun(t, rollout.DefaultPlan())
	l.until(noon.Add(11 * day)) // a day of stability is over
	l.ask(rollout.SignalPause, rollout.Request{})
	l.days(2)
	l.ask(rollout.SignalSetPercentage, rollout.Request{Percentage: 90})
	l.days(3)
	l.ask(rollout.SignalResume, rollout.Request{})
	require.Equal(t, noon.Add(15*day), l.state.EnteredAt, "five days later")
}

func TestCriteria(t *testing.T) {
	t.Parallel()
	l := begun(t, rollout.DefaultPlan())
	verdicts := func() map[string]rollout.Verdict {
		all := map[string]rollout.Verdict{}
		for _, a := range rollout.Appraise(l.state, l.last) {
			require.NotEmpty(t, a.Text)
			all[a.ID] = a.Verdict
		}
		return all
	}
	require.Len(t, verdicts(), 12)
	require.Equal(t, rollout.Insufficient, verdicts()["stable-at-10"])
	require.Equal(t, rollout.Insufficient, verdicts()["feedback-positive"])
	l.until(noon.Add(35 * day))
	l.state.Criteria = map[string]rollout.Tick{"feedback-positive": {Met: false}}
	require.Equal(t, rollout.Fail, verdicts()["feedback-positive"])
	for _, id := range []string{"stable-at-10", "stable-at-100", "no-rollback", "email-delivery", "all-metrics-met", "no-setup-errors"} {
		require.Equal(t, rollout.Pass, verdicts()[id], id)
	}
	l.state.Status = rollout.RolledBack
	require.Equal(t, rollout.Fail, verdicts()["no-rollback"])
}

// anyPlan is a valid plan, beginning at 0 % or above.
func anyPlan(t *rapid.T) rollout.Plan {
	p := rollout.DefaultPlan()
	p.NoticeDays = rapid.SampledFrom([]float64{0, 1}).Draw(t, "notice")
	p.StabilityDays = rapid.SampledFrom([]float64{0, 0.5, 3}).Draw(t, "stability")
	p.GuardDays = rapid.SampledFrom([]float64{0, 2}).Draw(t, "guard")
	first := rapid.IntRange(0, 2).Draw(t, "first")
	p.Phases = slices.Clone(p.Phases[first:rapid.IntRange(first+2, 6).Draw(t, "end")])
	for i := range p.Phases {
		p.Phases[i].SoakDays = rapid.SampledFrom([]float64{0.1, 1, 2}).Draw(t, "soak")
	}
	return p
}

// anyJudgement is of the present, or of some time ago.
func anyJudgement(t *rapid.T, s rollout.State, now time.Time) *rollout.Judgement {
	j := healthy(s, now.Add(-time.Duration(rapid.IntRange(0, 2).Draw(t, "old"))*time.Hour))
	if rapid.IntRange(0, 9).Draw(t, "elsewhere") == 0 {
		j.Position.Entry--
	}
	for i := range j.Gates {
		j.Gates[i].Verdict = rapid.SampledFrom([]rollout.Verdict{rollout.Pass, rollout.Pass, rollout.Pass, rollout.Pass, rollout.Insufficient, rollout.Fail}).Draw(t, "verdict")
	}
	switch rapid.IntRange(0, 24).Draw(t, "trouble") {
	case 0:
		j.Triggers = []rollout.Alarm{{Trigger: rollout.TriggerErrors, Remedy: rollout.Immediate, Raised: true}}
	case 1, 2, 3, 4:
		j.Triggers = []rollout.Alarm{{Trigger: rollout.TriggerEmail, Remedy: rollout.Partial, Raised: true}}
	case 5, 6:
		j.Outage = &rollout.Outage{Cause: rollout.OutageSESRefusesAll}
	case 7:
		j.Percentage = float64(rapid.IntRange(0, 100).Draw(t, "by hand"))
	case 8:
		j.Enabled = false
	default:
	}
	return j
}

func TestWhateverHappensTheRolloutKeepsItsPromises(t *testing.T) {
	t.Parallel()
	names := []string{
		rollout.SignalRollback, rollout.SignalPause, rollout.SignalResume, rollout.SignalResume, rollout.SignalResume,
		rollout.SignalAdvance, rollout.SignalSetPercentage, "dance",
	}
	rapid.Check(t, func(t *rapid.T) {
		l := begun(t, anyPlan(t))
		entered, byHand := map[rollout.Stage]bool{}, false
		check := func(before rollout.State, e rollout.Event) {
			switch e.Type {
			case rollout.EventEntered:
				if e.By == "rollout" {
					require.False(t, entered[*e.Stage], "%v is entered twice", *e.Stage)
					require.Equal(t, rollout.Running, before.Status)
					require.False(t, e.At.Before(before.StageEnds()), "its time is not over")
				}
				entered[*e.Stage], byHand = true, false
			case rollout.EventRolledBack:
				clear(entered)
				byHand = e.Trigger == ""
				require.True(t, byHand || l.state.Percentage < before.Percentage, "it went up")
			case rollout.EventOverridden:
				clear(entered)
				byHand = true
			case rollout.EventResumed:
				clear(entered)
			default:
				require.Equal(t, [2]any{before.Percentage, before.Enabled}, [2]any{l.state.Percentage, l.state.Enabled})
			}
			if !byHand {
				planned := l.state.Percentage == 0 || slices.ContainsFunc(l.state.Plan.Phases, func(p rollout.Phase) bool { return p.Percentage == l.state.Percentage })
				require.True(t, planned, "%v %% is no phase's", l.state.Percentage)
			}
			if before.Status == rollout.Paused && before.Pause.Cause == rollout.PausedByAdmin && e.By == "rollout" {
				require.True(t, l.state.Status == rollout.Paused || l.state.Status == rollout.RolledBack, "a person has it wait")
			}
		}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			if rapid.IntRange(0, 4).Draw(t, "asked") == 0 {
				r := rollout.Request{By: "owner", Reason: "because", Percentage: float64(rapid.IntRange(0, 100).Draw(t, "percentage"))}
				before := l.state
				e, err := l.state.Request(rapid.SampledFrom(names).Draw(t, "name"), r, l.last, l.now)
				require.Equal(t, err == nil, e != nil)
				if e != nil {
					l.apply(*e)
					check(before, *e)
				}
			} else {
				l.now = l.now.Add(time.Duration(rapid.IntRange(0, 72).Draw(t, "hours")) * time.Hour)
				l.last = anyJudgement(t, l.state, l.now)
			}
			l.settle(check)
		}
		require.Equal(t, jsonOf(t, l.state), jsonOf(t, rollout.Fold(l.events)))
	})
}

func TestASignalThatDoesNotSayWhoseItIsCountsAllTheSame(t *testing.T) {
	t.Parallel()
	l := begun(t, rollout.DefaultPlan())
	l.apply(l.state.CheckedEvent([]rollout.Check{{ID: rollout.CheckBackup, Verdict: rollout.Insufficient, Reason: "none"}}, l.now))
	e, err := l.state.Request(rollout.SignalWaive, rollout.Request{Subject: rollout.CheckBackup, Reason: "in the vault"}, nil, l.now)
	require.NoError(t, err)
	l.apply(*e)
	require.Equal(t, "signal", l.state.Checks[0].WaivedBy, "a check that nobody waived would not be waived")
}
