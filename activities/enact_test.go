package activities

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// decided is a rollout that is about to enter its first phase that admits: after its
// notice, or, where it is on, after a phase of 5 %.
func decided(on bool) EnactInput {
	start := rollout.Start{ID: "r-1", Plan: rollout.DefaultPlan(), By: "ada", Times: evidence.Times{Day: trial.RealDay, TrialDays: 17}, FlagsVersion: 3}
	state := rollout.State{}.Apply(rollout.Begin(start, learnedAt))
	if on {
		state = state.Apply(rollout.Event{Seq: 2, Type: rollout.EventEntered, At: learnedAt, Stage: &rollout.Stage{Kind: rollout.InPhase}, Enabled: new(true), Percentage: new(5.0)})
	}
	return EnactInput{State: state, Event: rollout.Event{
		Seq: state.Seq + 1, Type: rollout.EventEntered, At: learnedAt.Add(time.Second), By: "rollout", Reason: "Entered limited",
		Stage: &rollout.Stage{Kind: rollout.InPhase, Phase: 1}, Enabled: new(true), Percentage: new(10.0),
	}}
}

func TestFlagsChangedByHandBetweenLookingAndWritingWin(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		on     bool
		byHand func(*flags.TrialAutomation)
		comes  rollout.EventType
		now    flags.TrialAutomation
	}{
		"disabled in the notice": {false, func(f *flags.TrialAutomation) { f.Enabled = false }, rollout.EventRolledBack, flags.TrialAutomation{RolloutPercentage: 0}},
		"raised in the notice":   {false, func(f *flags.TrialAutomation) { f.RolloutPercentage = 30 }, rollout.EventOverridden, flags.TrialAutomation{Enabled: true, RolloutPercentage: 30}},
		"disabled in a phase":    {true, func(f *flags.TrialAutomation) { f.Enabled = false }, rollout.EventRolledBack, flags.TrialAutomation{RolloutPercentage: 5}},
		"lowered in a phase":     {true, func(f *flags.TrialAutomation) { f.RolloutPercentage = 1 }, rollout.EventOverridden, flags.TrialAutomation{Enabled: true, RolloutPercentage: 1}},
		"another flag":           {true, func(f *flags.TrialAutomation) { f.EmailReminders = false }, rollout.EventEntered, flags.TrialAutomation{Enabled: true, RolloutPercentage: 10}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			input := decided(c.on)
			store := &registry{flags: flags.Document{FeatureFlags: flags.Initial(), Version: 3}, decisions: make([]rollout.Event, input.State.Seq)}
			store.flags.FeatureFlags.TrialAutomation.RolloutPercentage = input.State.Percentage
			store.meanwhile = func(d *flags.Document) {
				c.byHand(&d.FeatureFlags.TrialAutomation)
				d.Version++
			}
			rollouts := &Rollouts{Store: store, Schedule: store, Now: learnedAt.Local, Log: zap.NewNop()}
			came, err := rollouts.Enact(t.Context(), input)
			require.NoError(t, err)
			require.Equal(t, c.comes, came.Type)
			is := store.flags.FeatureFlags.TrialAutomation
			require.Equal(t, c.now.Enabled, is.Enabled)
			require.InDelta(t, c.now.RolloutPercentage, is.RolloutPercentage, 0)
			require.Equal(t, name != "another flag", is.EmailReminders, "what somebody has set stays")

			again, err := rollouts.Enact(t.Context(), input)
			require.NoError(t, err)
			require.Equal(t, came.Type, again.Type, "the next attempt comes to the same")
		})
	}
}

// The next attempt finds what the first one wrote, which nobody has set by hand.
func TestFlagsThatTheRolloutWroteItselfAreNotByHand(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		by     string
		byHand int
	}{"the rollout": {flags.Automatic, 0}, "somebody": {"ada", 9}} {
		input := decided(true)
		store := &registry{decisions: make([]rollout.Event, input.State.Seq)}
		store.flags = flags.Document{FeatureFlags: flags.Initial(), Version: 9, UpdatedBy: c.by}
		store.flags.FeatureFlags.TrialAutomation.RolloutPercentage = *input.Event.Percentage
		came, err := (&Rollouts{Store: store, Schedule: store, Now: learnedAt.Local, Log: zap.NewNop()}).Enact(t.Context(), input)
		require.NoError(t, err)
		require.Equal(t, rollout.EventEntered, came.Type)
		require.Equal(t, c.byHand, came.HandVersion, name)
	}
}

// A rollback may be asked for while the completion is on its way.
func TestARolloutDoesNotCompleteOverARollback(t *testing.T) {
	t.Parallel()
	input := decided(true)
	input.Event = rollout.Event{Seq: input.State.Seq + 1, Type: rollout.EventCompleted, At: learnedAt.Add(time.Second), By: flags.Automatic, Reason: "Completed"}
	store := &registry{decisions: make([]rollout.Event, input.State.Seq), flags: flags.Document{FeatureFlags: flags.Initial(), Version: 9}}
	store.flags.FeatureFlags.TrialAutomation.RolloutPercentage = 1
	asked := flags.Request{ID: "k-1", By: "ada", Reason: "slow", Percentage: 1, InFlight: flags.Release}
	store.flags.Rollback = &flags.RollbackRequest{Version: 9, RolloutID: "r-1", Request: asked}
	came, err := (&Rollouts{Store: store, Schedule: store, Now: learnedAt.Local, Log: zap.NewNop()}).Enact(t.Context(), input)
	require.NoError(t, err)
	require.NotEqual(t, rollout.EventCompleted, came.Type)
	require.Equal(t, "k-1", came.RequestID)
	require.Equal(t, flags.Release, came.InFlight)
	require.Equal(t, 9, came.FlagsVersion)
}

// pool has one trial that runs, and keeps who was taken in and handed over.
type pool struct {
	registry
	running  trial.State
	rollout  rollout.State
	adopted  []string
	under    int // the version of the flags that the last was taken in by
	released []string
}

func (p *pool) Rollout(context.Context, string) (rollout.State, error) { return p.rollout, nil }

func (p *pool) RunningTrials(context.Context, bool, string, int) ([]trial.State, error) {
	p.running.VendorID = "v-1"
	return []trial.State{p.running}, nil
}

func (p *pool) Adopt(_ context.Context, vendorID string, r trial.Request) error {
	p.adopted, p.under = append(p.adopted, vendorID), r.FlagsVersion
	return nil
}

func (p *pool) Release(_ context.Context, vendorID string, _ trial.Request) error {
	p.released = append(p.released, vendorID)
	return nil
}

// Who was admitted at the percentage that a rollback went back to stays, however long handing the others over takes.
func TestOnlyWhoWasAutomatedBeforeARollbackIsHandedOver(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		under, releasedBefore int
		released              []string
	}{
		"before": {4, 5, []string{"v-1"}}, "by it": {5, 5, nil}, "not known": {0, 5, []string{"v-1"}}, "a rollback from before that was kept": {4, 0, []string{"v-1"}},
	} {
		p := &pool{running: trial.State{Automated: true, AutomatedUnder: c.under}, rollout: rollout.State{ReleasedBefore: c.releasedBefore}}
		moved, err := (&Rollouts{Store: p, Handover: p, Log: zap.NewNop()}).Release(t.Context(), Batch{RolloutID: "r-1", Size: 2})
		require.NoError(t, err, name)
		require.Equal(t, c.released, p.released, name)
		require.True(t, moved.Done, name)
	}
}

func TestNobodyIsTakenInOnceTheFlagsWereLoweredByHand(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		enabled    bool
		percentage float64
		taken      int
	}{"at 100 %": {true, 100, 1}, "disabled": {false, 100, 0}, "lowered": {true, 50, 0}} {
		p := &pool{}
		p.flags.Version = 7
		p.flags.FeatureFlags.TrialAutomation = flags.TrialAutomation{Enabled: c.enabled, RolloutPercentage: c.percentage}
		moved, err := (&Rollouts{Store: p, Handover: p, Log: zap.NewNop()}).Backfill(t.Context(), Batch{RolloutID: "r-1", After: "v-0", Size: 1})
		require.NoError(t, err, name)
		require.Len(t, p.adopted, c.taken, name)
		require.Equal(t, 7*c.taken, p.under, name)
		require.Equal(t, c.taken, moved.Count, name)
		require.False(t, moved.Done, name)
	}
}
