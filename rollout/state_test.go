package rollout_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/rollout"
)

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
