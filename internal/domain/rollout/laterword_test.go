package rollout_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/rollout"
)

// An attempt wrote the flags and died before its decision was stored; a person set them before the next one.
func TestWhatAPersonSetsBetweenTwoAttemptsHolds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		enabled    bool
		percentage float64
		comes      rollout.EventType
		hand       int
	}{
		"nothing":                    {true, 75, rollout.EventEntered, 0},
		"to what it was before":      {true, 50, rollout.EventOverridden, 10},
		"lower":                      {true, 5, rollout.EventOverridden, 10},
		"higher":                     {true, 80, rollout.EventOverridden, 10},
		"off":                        {false, 75, rollout.EventRolledBack, 10},
		"off, at what it was before": {false, 50, rollout.EventRolledBack, 10},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := initial(t, rollout.DefaultPlan())
			l.toPhase(3)
			next, err := l.state.Request(rollout.SignalAdvance, flags.Request{Reason: "on", FlagsVersion: 8}, nil, l.now)
			require.NoError(t, err)
			_, current := enact(l.state, *next, flagged(true, 50, 8))
			require.InDelta(t, 75, current.FeatureFlags.TrialAutomation.RolloutPercentage, 0)
			change := current.Change()
			change.TrialAutomation.Enabled, change.TrialAutomation.RolloutPercentage = c.enabled, c.percentage
			current, _ = current.Changed(change, "ada", noon)
			came, after := enact(l.state, *next, current)
			require.Equal(t, current, after, "an event writes once")
			require.Equal(t, c.comes, came.Type)
			require.InDelta(t, c.percentage, *came.Percentage, 0)
			require.Equal(t, c.hand, came.HandVersion)
			require.Equal(t, c.comes == rollout.EventEntered, came.WrittenVersion == 9)
		})
	}
}

// Somebody has raised the flags over a rollback of which the rollout has not heard: that is the later word, also once they
// are lowered again.
func TestARollbackThatWasOverruledIsNotCarriedOutLater(t *testing.T) {
	t.Parallel()
	for _, percentage := range []float64{10, 0} {
		l := initial(t, rollout.DefaultPlan())
		l.toPhase(3)
		request := flags.Request{ID: "k-1", By: "ada", Reason: "slow", Percentage: percentage, InFlight: flags.Release}
		back, err := l.state.Request(rollout.SignalRollback, request, nil, l.now)
		require.NoError(t, err)
		current := flagged(true, 50, 8)
		set := func(enabled bool, to float64, asked *flags.RollbackRequest) {
			c := current.Change()
			c.TrialAutomation.Enabled, c.TrialAutomation.RolloutPercentage, c.Rollback = enabled, to, asked
			current, _ = current.Changed(c, "ada", noon)
		}
		set(percentage > 0, percentage, &flags.RollbackRequest{RolloutID: "r1", Request: request})
		require.True(t, l.state.Awaits(current.Rollback))
		set(true, 50, nil)
		require.False(t, l.state.Awaits(current.Rollback))
		came, after := enact(l.state, *back, current)
		require.Equal(t, current, after, "its signal comes late")
		require.Equal(t, rollout.EventOverridden, came.Type)
		require.InDelta(t, 50, *came.Percentage, 0)
		require.Empty(t, came.InFlight)
		require.True(t, l.state.Apply(came).Knows("k-1"), "it has had its answer")

		set(true, 5, nil)
		held, _ := l.state.Next(sees(l, current), l.now.Add(time.Hour))
		require.Equal(t, rollout.EventOverridden, held.Type)
		require.InDelta(t, 5, *held.Percentage, 0)
		require.Empty(t, held.InFlight)
		require.Empty(t, held.RequestID)
	}
}

// Who is admitted by the flags that came with a rollback stays automated, however late the rollout hears of it.
func TestWhoIsAdmittedAfterARollbackStaysAutomated(t *testing.T) {
	t.Parallel()
	l := initial(t, rollout.DefaultPlan())
	l.toPhase(3)
	current := asked(flags.Request{Percentage: 10, InFlight: flags.Release}, true, 10)
	c := current.Change()
	c.TrialAutomation.EmailReminders = false
	current, _ = current.Changed(c, "ada", noon)
	require.Equal(t, 10, current.Version)
	back, _ := l.state.Next(sees(l, current), l.now.Add(time.Hour))
	came, _ := enact(l.state, *back, current)
	require.Equal(t, flags.Release, came.InFlight)
	require.Equal(t, 9, came.FlagsVersion)

	trigger := *back
	trigger.RequestID, trigger.InFlight, trigger.Percentage = "", flags.Keep, new(5.0)
	came, _ = enact(l.state, trigger, current)
	require.Equal(t, flags.Release, came.InFlight, "it hands over what the rollback would have")
	require.Equal(t, 9, came.FlagsVersion)
}

// A person's pause may be heard before the rollback that was asked for first.
func TestARollbackKeepsAPersonsPause(t *testing.T) {
	t.Parallel()
	l := initial(t, rollout.DefaultPlan())
	l.toPhase(3)
	l.ask(rollout.SignalPause, flags.Request{})
	l.ask(rollout.SignalRollback, flags.Request{Percentage: 10})
	require.InDelta(t, 10, l.state.Percentage, 0)
	require.Equal(t, rollout.Paused, l.state.Status)
	require.Equal(t, rollout.PausedByAdmin, l.state.Pause.Cause)
	l.ask(rollout.SignalResume, flags.Request{})
	require.Equal(t, rollout.Running, l.state.Status)

	l.ask(rollout.SignalSetPercentage, flags.Request{Percentage: 50})
	l.ask(rollout.SignalRollback, flags.Request{Percentage: 10})
	require.Equal(t, rollout.Running, l.state.Status, "a percentage that was held is given up")
}

// Trials that were released, or registered meanwhile, are backfilled as well.
func TestTakingInBeginsAgainAfterARollback(t *testing.T) {
	t.Parallel()
	for name, back := range map[string]rollout.Event{
		"rolled back": {Type: rollout.EventRolledBack, By: "ada", Remedy: rollout.Partial, Stage: &rollout.Stage{Kind: rollout.InPhase, Phase: 1}, Enabled: new(true), Percentage: new(10.0)},
		"set by hand": {Type: rollout.EventOverridden, By: "ada", Enabled: new(true), Percentage: new(60.0)},
	} {
		l := initial(t, rollout.DefaultPlan())
		l.toPhase(5)
		l.state.Stage = rollout.Stage{Kind: rollout.Stability}
		require.True(t, l.state.BackfillDue())
		l.apply(l.state.BackfilledEvent("v-9", 9, true, l.now))
		require.False(t, l.state.BackfillDue())
		back.Seq = l.state.Seq + 1
		l.apply(back)
		l.apply(rollout.Event{Seq: back.Seq + 1, Type: rollout.EventEntered, By: "rollout", Stage: &rollout.Stage{Kind: rollout.Stability}, Enabled: new(true), Percentage: new(100.0)})
		require.True(t, l.state.BackfillDue(), name)
		batch, _ := l.state.BackfillBatch()
		require.Empty(t, batch.After, name)
		require.NotNil(t, l.state.Backfill, name)
		require.Equal(t, 9, l.state.Backfill.Taken, "those who were taken in before count on")
	}
}

// A rollback's first attempt wrote the flags, and somebody has set them since: only where they were raised nobody is
// handed over.
func TestARollbackOverWhichTheFlagsAreRaisedBetweenTwoAttemptsHandsNobodyOver(t *testing.T) {
	t.Parallel()
	for percentage, inFlight := range map[float64]flags.InFlight{50: "", 5: flags.Release, 10: flags.Release} {
		l := initial(t, rollout.DefaultPlan())
		l.toPhase(3)
		back, err := l.state.Request(rollout.SignalRollback, flags.Request{ID: "k-1", Reason: "slow", Percentage: 10, InFlight: flags.Release}, nil, l.now)
		require.NoError(t, err)
		_, current := enact(l.state, *back, flagged(true, 50, 8))
		c := current.Change()
		c.TrialAutomation.RolloutPercentage = percentage
		current, _ = current.Changed(c, "ada", noon)
		came, after := enact(l.state, *back, current)
		require.Equal(t, current, after)
		require.InDelta(t, percentage, *came.Percentage, 0)
		require.Equal(t, inFlight, came.InFlight, percentage)
	}
}

// A run that was reset finds what an attempt of the run before it wrote for another decision, which is not stored.
func TestWhatAnotherDecisionWroteIsNotRaised(t *testing.T) {
	t.Parallel()
	l := initial(t, rollout.DefaultPlan())
	l.toPhase(3)
	harm := rollout.Event{Seq: l.state.Seq + 1, Type: rollout.EventRolledBack, At: l.now, By: "rollout", Trigger: rollout.TriggerErrors,
		Remedy: rollout.Immediate, InFlight: flags.Keep, Enabled: new(false), Percentage: new(0.0)}
	_, stopped := enact(l.state, harm, flagged(true, 50, 8))
	require.False(t, stopped.FeatureFlags.TrialAutomation.Enabled)
	l.now = l.now.Add(time.Minute)
	next, err := l.state.Request(rollout.SignalAdvance, flags.Request{ID: "k-1", Reason: "on", FlagsVersion: 8}, nil, l.now)
	require.NoError(t, err)
	came, after := enact(l.state, *next, stopped)
	require.Equal(t, stopped, after)
	require.Equal(t, rollout.EventRolledBack, came.Type)

	harm.At = l.now // decided anew
	came, after = enact(l.state, harm, stopped)
	require.Equal(t, rollout.EventRolledBack, came.Type)
	require.False(t, after.FeatureFlags.TrialAutomation.Enabled)

	_, raised := enact(l.state, *next, flagged(true, 50, 8))
	c := raised.Change()
	c.TrialAutomation.RolloutPercentage = 50
	lowered, _ := raised.Changed(c, "ada", noon)
	next.At = next.At.Add(time.Minute)
	came, after = enact(l.state, *next, lowered)
	require.Equal(t, lowered, after, "somebody has lowered what it wrote")
	require.Equal(t, rollout.EventOverridden, came.Type)
}

// The first rollback was overruled, and another asked for, before the rollout hears of the first.
func TestARollbackThatWasOverruledStaysSoAfterAnother(t *testing.T) {
	t.Parallel()
	l := initial(t, rollout.DefaultPlan())
	l.toPhase(3)
	current := flagged(true, 50, 8)
	var first *rollout.Event
	for i := range 30 { // more than are remembered
		request := flags.Request{ID: fmt.Sprintf("k-%d", i), By: "ada", Reason: "slow", InFlight: flags.Release}
		if i == 29 {
			request.Percentage, request.InFlight = 10, flags.Keep
		}
		e, err := l.state.Request(rollout.SignalRollback, request, nil, l.now)
		require.NoError(t, err)
		if i == 20 {
			first = e
		}
		c := current.Change()
		c.TrialAutomation.Enabled, c.TrialAutomation.RolloutPercentage = request.Percentage > 0, request.Percentage
		c.Rollback = &flags.RollbackRequest{RolloutID: "r1", Request: request}
		current, _ = current.Changed(c, "ada", noon)
		if i < 29 {
			c = current.Change()
			c.TrialAutomation.Enabled, c.TrialAutomation.RolloutPercentage = true, 25
			current, _ = current.Changed(c, "grace", noon)
		}
	}
	require.Len(t, current.Rollback.Before, 20)
	came, after := enact(l.state, *first, current)
	require.Equal(t, current, after)
	require.Equal(t, "k-29", came.RequestID, "the one that stands is carried out")
	require.Equal(t, flags.Keep, came.InFlight)
	require.InDelta(t, 10, *came.Percentage, 0)
}

// Somebody sets the flags again between the watch's look and what the rollout makes of it.
func TestWhatIsSetAfterTheWatchHasLookedHolds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		seen, later flags.Document
	}{
		"raised further":           {flagged(true, 30, 9), flagged(true, 80, 10)},
		"lowered further":          {flagged(true, 30, 9), flagged(true, 5, 10)},
		"to what it was before":    {flagged(true, 30, 9), flagged(true, 50, 10)},
		"off, and on again":        {switchedOff(50, 9, 9), on(50, 10, 9)},
		"off, and on again higher": {switchedOff(50, 9, 9), on(80, 10, 9)},
		"not at all":               {flagged(true, 30, 9), flagged(true, 30, 9)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := initial(t, rollout.DefaultPlan())
			l.toPhase(3)
			held, _ := l.state.Next(sees(l, c.seen), l.now.Add(time.Hour))
			came, after := enact(l.state, *held, c.later)
			require.Equal(t, c.later.FeatureFlags, after.FeatureFlags)
			require.Equal(t, rollout.EventOverridden, came.Type)
			require.InDelta(t, c.later.FeatureFlags.TrialAutomation.RolloutPercentage, *came.Percentage, 0)
		})
	}
}
