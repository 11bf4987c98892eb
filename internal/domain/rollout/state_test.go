package rollout_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/rollout"
)

func TestTheDefaultPlanFromNoticeToCompletion(t *testing.T) {
	t.Parallel()
	l := initial(t, rollout.DefaultPlan())
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
	l := initial(t, rollout.DefaultPlan())
	e, wake := l.state.Next(nil, l.now)
	require.Nil(t, e)
	require.Equal(t, noon, wake)
	l.toPhase(1)
	_, wake = l.state.Next(l.last, l.now)
	require.Equal(t, noon.Add(3*day), wake, "the daily update")
}

func TestPartialRollbacksTwiceAndThenAPause(t *testing.T) {
	t.Parallel()
	l := initial(t, rollout.DefaultPlan())
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

// Or the same evidence would pause it again at once.
func TestEvidenceBeginsAnewWhereAPersonGoesOnAfterATriggersPause(t *testing.T) {
	t.Parallel()
	for _, over := range []bool{false, true} {
		l := initial(t, rollout.DefaultPlan())
		l.toPhase(3)
		l.judge = raising(rollout.TriggerEmail, rollout.Partial)
		l.days(3)
		if over {
			l.ask(rollout.SignalPause, flags.Request{})
		}
		old := l.last
		l.judge = func(rollout.State, time.Time) *rollout.Judgement { return old }
		l.ask(rollout.SignalResume, flags.Request{})
		l.days(0.5)
		require.Equal(t, rollout.Running, l.state.Status, "paused over it: %t", over)
		l.judge = raising(rollout.TriggerEmail, rollout.Partial)
		l.days(0.5)
		require.Equal(t, "Paused: after 2 rollbacks by alarms, again it is bad.", l.state.Pause.Reason)
	}
}

func TestACooldownAndASoakAfterAPartialRollback(t *testing.T) {
	t.Parallel()
	l := initial(t, rollout.DefaultPlan())
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
	l := initial(t, p)
	l.toPhase(0)
	require.InDelta(t, 10, l.state.Percentage, 0)
	l.judge = raising(rollout.TriggerEmail, rollout.Partial)
	l.until(l.now)
	l.judge = result(rollout.GateEmail, rollout.Insufficient)
	l.days(2.25) // nobody is admitted, so that no gate can hold it
	l.judge = healthy
	l.days(2.75)
	require.Equal(t, []string{
		"entered phase/0 10% day 1", "rolled-back phase/0 0% day 1.25", "entered phase/0 10% day 3.25", "entered phase/1 25% day 5.25",
	}, l.of(rollout.EventEntered, rollout.EventRolledBack), "it begins with its first phase again")
}

// Where a person has set less than the phase says, a partial rollback leads below that.
func TestAPartialRollbackLeadsBelowWhatAPersonHasSet(t *testing.T) {
	t.Parallel()
	l := initial(t, rollout.DefaultPlan())
	l.toPhase(3)
	l.ask(rollout.SignalSetPercentage, flags.Request{Percentage: 25})
	l.judge = raising(rollout.TriggerEmail, rollout.Partial)
	l.until(l.now)
	require.InDelta(t, 10, l.state.Percentage, 0)
}

func TestAnImmediateRollbackEndsIt(t *testing.T) {
	t.Parallel()
	for _, stage := range []float64{3, 12, 25} {
		l := initial(t, rollout.DefaultPlan())
		l.until(noon.Add(time.Duration(stage) * day))
		l.judge = raising(rollout.TriggerErrors, rollout.Immediate)
		l.until(l.now)
		require.Equal(t, rollout.RolledBack, l.state.Status)
		require.False(t, l.state.Enabled)
		require.Zero(t, l.state.Percentage)
		last := l.events[len(l.events)-1]
		require.Equal(t, rollout.TriggerErrors, last.Trigger)
		require.Equal(t, "Rolled back completely: it is bad.", last.Reason)
		require.NotNil(t, last.Judgement)
		l.days(30)
		require.Equal(t, last, l.events[len(l.events)-1], "nothing more happens")
	}
}

func TestFlagsSetByHandHoldTheRollout(t *testing.T) {
	t.Parallel()
	l := initial(t, rollout.DefaultPlan())
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
	l.ask(rollout.SignalResume, flags.Request{})
	require.Equal(t, rollout.Stage{Kind: rollout.InPhase, Phase: 3}, l.state.Stage, "60 % fits the phase of 50 %")
	require.InDelta(t, 60, l.state.Percentage, 0)
	l.days(3)
	require.Equal(t, []string{"entered phase/4 75% day 11.25", "entered phase/5 100% day 12.25"}, l.of(rollout.EventEntered)[3:], "it soaks anew")

	l = initial(t, rollout.DefaultPlan())
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
	l := initial(t, rollout.DefaultPlan())
	l.toPhase(2)
	l.last = healthy(l.state, l.now)
	l.now = l.now.Add(time.Minute)
	l.ask(rollout.SignalSetPercentage, flags.Request{Percentage: 5})
	l.settle(nil)
	require.InDelta(t, 5, l.state.Percentage, 0, "what was judged a minute before knew 25 %")
	require.Equal(t, "owner", l.state.Pause.By)
}

func TestAPartialRollbackNeverGoesUp(t *testing.T) {
	t.Parallel()
	l := initial(t, rollout.DefaultPlan())
	l.toPhase(4)
	l.ask(rollout.SignalSetPercentage, flags.Request{Percentage: 15})
	l.judge = raising(rollout.TriggerEmail, rollout.Partial)
	l.now = l.now.Add(time.Hour)
	l.until(l.now)
	require.InDelta(t, 10, l.state.Percentage, 0, "50 % is the phase before, but 15 % was set by hand")
	require.Equal(t, rollout.Paused, l.state.Status, "a person has it wait")
	l.judge = healthy
	l.days(10)
	require.InDelta(t, 10, l.state.Percentage, 0)
	l.ask(rollout.SignalResume, flags.Request{})
	require.Equal(t, l.now, l.state.EnteredAt, "time spent paused does not count as soaked")
}

func TestAnOutagePausesAndIsOver(t *testing.T) {
	t.Parallel()
	l := initial(t, rollout.DefaultPlan())
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

// Whoever was automated before a rollback to 0 % still is, and may come to harm.
func TestAtNothingAfterARollbackTriggersWatchOn(t *testing.T) {
	t.Parallel()
	backToNothing := func() *life {
		l := initial(t, rollout.DefaultPlan())
		l.toPhase(1)
		l.judge = raising(rollout.TriggerEmail, rollout.Partial)
		l.until(l.now)
		require.InDelta(t, 0, l.state.Percentage, 0)
		require.True(t, l.state.Enabled)
		return l
	}
	l := backToNothing()
	l.judge = raising(rollout.TriggerErrors, rollout.Immediate)
	require.True(t, l.state.ShouldSignal(*l.judge(l.state, l.now), l.now))
	l.until(l.now)
	require.Equal(t, rollout.RolledBack, l.state.Status, "at once, cooldown or not")
	require.False(t, l.state.Enabled)

	l = backToNothing()
	l.days(0.5)
	require.Equal(t, rollout.Running, l.state.Status, "its effect is waited for")
	l.days(5)
	require.Equal(t, rollout.PausedByTriggers, l.state.Pause.Cause, "it does not climb again by itself")
	require.Equal(t, "Paused: nobody new is admitted, and of the vendors automated before it is bad.", l.state.Pause.Reason)
	l.judge = raising(rollout.TriggerConversion, rollout.Immediate)
	l.days(1)
	require.Equal(t, rollout.RolledBack, l.state.Status)

	l = &life{t: t, now: noon, judge: raising(rollout.TriggerErrors, rollout.Immediate)}
	l.apply(rollout.Begin(rollout.Start{ID: "r1", Plan: rollout.DefaultPlan(), Times: inDays, By: "owner"}, l.now))
	l.days(0.5)
	require.Equal(t, rollout.Running, l.state.Status, "in its notice a rollout has done nothing yet")
}

// doubtful is a judgement in which fewer trials convert than must, which may be chance.
func doubtful(seen int) func(rollout.State, time.Time) *rollout.Judgement {
	return func(s rollout.State, now time.Time) *rollout.Judgement {
		j := healthy(s, now)
		j.Triggers = []rollout.TriggerResult{{Trigger: rollout.TriggerConversion, Remedy: rollout.Immediate, Seen: seen, Estimate: 0.06, Limit: 0.1, Reason: "6.0 % converted"}}
		return j
	}
}

func TestTheGuardGoesOnWhileConversionIsInDoubt(t *testing.T) {
	t.Parallel()
	guarded := func(seen int) *life {
		l := initial(t, rollout.DefaultPlan())
		l.days(30)
		require.Equal(t, rollout.Guard, l.state.Stage.Kind)
		l.judge = doubtful(seen)
		return l
	}
	ends := []rollout.EventType{rollout.EventCompleted, rollout.EventPaused, rollout.EventRolledBack}

	l := guarded(30)
	l.days(10)
	require.Empty(t, l.of(ends...), "its time is over, and it goes on")
	require.Contains(t, l.state.SentenceAt(l.last, l.now), "in guard")
	require.Contains(t, l.state.SentenceAt(l.last, l.now), "pauses on 22 April 2026 12:00 UTC if that is still open.")
	l.judge = raising(rollout.TriggerConversion, rollout.Immediate)
	l.days(1)
	require.Equal(t, []string{"rolled-back guard/5 0% day 40"}, l.of(ends...), "it is still watched")

	l = guarded(30)
	l.days(10)
	l.judge = healthy
	l.days(1)
	require.Equal(t, []string{"completed guard/5 100% day 40"}, l.of(ends...), "as soon as enough convert")

	l = guarded(30)
	l.days(40)
	require.Equal(t, []string{"paused guard/5 100% day 52"}, l.of(ends...), "a person decides after twice its time")
	require.Equal(t, "Paused: twice the guard's time has passed, and 6.0 % converted, which may still be chance.", l.state.Pause.Reason)
	l.ask(rollout.SignalAdvance, flags.Request{})
	require.Equal(t, rollout.Completed, l.state.Status)

	for why, doubt := range map[string]rollout.TriggerResult{
		"too few to care": {Seen: 29, Estimate: 0.06, Limit: 0.1}, "the limit is kept": {Seen: 30, Estimate: 0.1, Limit: 0.1},
	} {
		l = guarded(30)
		l.judge = func(s rollout.State, now time.Time) *rollout.Judgement {
			j := healthy(s, now)
			doubt.Trigger = rollout.TriggerConversion
			j.Triggers = []rollout.TriggerResult{doubt}
			return j
		}
		l.days(10)
		require.Equal(t, []string{"completed guard/5 100% day 35"}, l.of(ends...), why)
	}

	p := rollout.DefaultPlan()
	p.StabilityDays, p.GuardDays = 24, 0
	l = initial(t, p)
	l.judge = doubtful(30)
	l.days(40)
	require.Equal(t, []string{"completed guard/5 100% day 35"}, l.of(ends...), "the plan has no guard")
}

func TestTooLittleSeenHoldsAndThenPauses(t *testing.T) {
	t.Parallel()
	l := initial(t, rollout.DefaultPlan())
	l.toPhase(1)
	l.judge = result(rollout.GateEmail, rollout.Insufficient)
	l.days(1.5)
	require.Equal(t, rollout.Running, l.state.Status, "its time is over, and it holds")
	l.days(5)
	require.Equal(t, []string{"paused phase/1 10% day 9"}, l.of(rollout.EventPaused), "without data, after three times its time")
	require.Contains(t, l.state.Pause.Reason, "E-mails delivered: so it is")
	l.ask(rollout.SignalResume, flags.Request{})
	require.Equal(t, l.now, l.state.EnteredAt, "the phase begins anew")
	l.judge = healthy
	l.days(2)
	require.Equal(t, rollout.Stage{Kind: rollout.InPhase, Phase: 2}, l.state.Stage)
}

func TestConversionAloneMayLackData(t *testing.T) {
	t.Parallel()
	l := initial(t, rollout.DefaultPlan())
	l.judge = result(rollout.GateConversion, rollout.Insufficient)
	l.until(noon.Add(35 * day))
	require.Equal(t, rollout.Completed, l.state.Status)
}

func TestAFailedGatePausesWhenTheSoakIsOver(t *testing.T) {
	t.Parallel()
	l := initial(t, rollout.DefaultPlan())
	l.judge = result(rollout.GateConversion, rollout.Fail)
	l.until(noon.Add(20 * day))
	require.Equal(t, []string{"paused phase/1 10% day 5"}, l.of(rollout.EventPaused))
	require.Contains(t, l.state.Pause.Reason, "Paused at the gate. Ended trials that converted: so it is")
}

func TestWithoutAJudgementNothingGoesOn(t *testing.T) {
	t.Parallel()
	l := initial(t, rollout.DefaultPlan())
	l.judge = func(rollout.State, time.Time) *rollout.Judgement { return nil }
	l.until(noon.Add(10 * day))
	require.Equal(t, []string{"entered phase/0 0% day 1", "entered phase/1 10% day 3", "paused phase/1 10% day 7"},
		l.of(rollout.EventEntered, rollout.EventPaused))
}

func TestGatesAtZeroPercentPauseToo(t *testing.T) {
	t.Parallel()
	p := rollout.DefaultPlan()
	p.Phases[0].Gates = []rollout.Gate{rollout.GateAPI}
	l := initial(t, p)
	l.judge = result(rollout.GateAPI, rollout.Fail)
	l.until(noon.Add(4 * day))
	require.Equal(t, []string{"paused phase/0 0% day 3"}, l.of(rollout.EventPaused))
}
