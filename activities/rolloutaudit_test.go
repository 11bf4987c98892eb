package activities

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"marketplace.example/trials/internal/domain/audit"
	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// registry keeps the flags, one rollout's decisions and the audit record, and in
// which order they were written.
type registry struct {
	RolloutStore
	flags     flags.Document
	decisions []rollout.Event
	entries   []audit.Entry
	order     []string
	// meanwhile is what somebody does to the flags before they are written.
	meanwhile func(*flags.Document)
	// fails is what writing to the audit record fails with.
	fails error
	// unscheduled is what having the watch come fails with.
	unscheduled error
}

func (r *registry) Flags(context.Context) (flags.Document, error) {
	return r.flags, nil
}

func (r *registry) UpdateFlags(_ context.Context, by string, change func(*flags.Change) error) (flags.Document, error) {
	r.order = append(r.order, "flags")
	if r.meanwhile != nil {
		r.meanwhile(&r.flags)
		r.meanwhile = nil
	}
	c := r.flags.Change()
	if err := change(&c); err != nil {
		return flags.Document{}, err
	}
	r.flags, _ = r.flags.Changed(c, by, time.Time{})
	return r.flags, nil
}

func (r *registry) AppendDecision(_ context.Context, e rollout.Event, _ rollout.State) (*rollout.Event, error) {
	r.order = append(r.order, "decision")
	if e.Seq <= len(r.decisions) {
		return &r.decisions[e.Seq-1], nil
	}
	r.decisions = append(r.decisions, e)
	return nil, nil //nolint:nilnil // nothing stood there
}

func (r *registry) Decisions(_ context.Context, _ string, from, _ int) ([]rollout.Event, error) {
	return r.decisions[min(from-1, len(r.decisions)):], nil
}

func (r *registry) Rollout(context.Context, string) (rollout.State, error) {
	return rollout.Fold(r.decisions), nil
}

func (r *registry) CurrentRollout(context.Context) (rollout.State, bool, error) {
	return rollout.Fold(r.decisions), len(r.decisions) > 0, nil
}

func (r *registry) AppendAudit(_ context.Context, e audit.Entry) (audit.Entry, error) {
	r.order = append(r.order, "audit")
	if r.fails != nil {
		return e, r.fails
	}
	e = audit.Next(audit.Entry{}, e)
	r.entries = append(r.entries, e)
	return e, nil
}

// Watching implements Schedule.
func (r *registry) Watching(context.Context, bool) error {
	r.order = append(r.order, "watch")
	return r.unscheduled
}

func TestWhatARolloutDecidesIsOnTheAuditRecord(t *testing.T) {
	t.Parallel()
	store := &registry{flags: flags.Document{FeatureFlags: flags.Initial()}}
	rollouts := &Rollouts{Store: store, Schedule: store, Now: learnedAt.Local, Log: zap.NewNop()}
	started := rollout.Begin(rollout.Start{ID: "r-1", Plan: rollout.DefaultPlan(), By: "ada", Times: evidence.Times{Day: trial.RealDay, TrialDays: 17}}, learnedAt)
	_, err := rollouts.Enact(t.Context(), EnactInput{Event: started})
	require.NoError(t, err)
	require.Equal(t, []string{"decision", "watch", "audit"}, store.order)
	e := store.entries[0]
	require.Equal(t, "ada", e.Actor)
	require.Equal(t, "rollout/started", e.Action)
	require.Equal(t, "rollouts/r-1", e.Subject)
	require.Equal(t, "started with plan default", e.Reason)
	require.Equal(t, audit.Done, e.Outcome)
	require.Empty(t, e.Before)
	require.JSONEq(t, `{"seq":1,"status":"running","stage":{"kind":"notice","phase":0},"enabled":true,"percentage":0}`, string(e.After))

	store.order = nil
	input := EnactInput{State: rollout.State{}.Apply(started), Event: rollout.Event{
		Seq: 2, Type: rollout.EventEntered, At: learnedAt, By: "rollout", Reason: "Entered limited", RequestID: "k-1",
		Stage: &rollout.Stage{Kind: rollout.InPhase, Phase: 1}, Enabled: new(true), Percentage: new(10.0),
	}}
	store.fails = &trial.Error{Code: trial.CodeUnavailable, Message: "away"}
	_, err = rollouts.Enact(t.Context(), input)
	require.ErrorContains(t, err, "recording it in the audit record: away")
	require.Len(t, store.entries, 1)
	require.Len(t, store.decisions, 2)
	store.fails = nil
	_, err = rollouts.Enact(t.Context(), input) // the next attempt
	require.NoError(t, err)
	require.Equal(t, []string{"flags", "decision", "audit", "decision", "audit"}, store.order)
	require.Len(t, store.decisions, 2)
	require.Len(t, store.entries, 2)
	e = store.entries[1]
	require.Equal(t, "k-1", e.Key)
	require.Contains(t, e.Before, `"percentage":0`)
	require.Contains(t, e.After, `"percentage":10`)
}

// The first attempt stores its decision, and the worker dies; somebody lowers the flags, so that they say what they said
// before it. Whoever goes on then, another attempt or one that was thought dead, sets nothing.
func TestAnAttemptAfterItsDecisionIsStoredLeavesTheFlagsAlone(t *testing.T) {
	t.Parallel()
	store := &registry{flags: flags.Document{FeatureFlags: flags.Initial()}}
	rollouts := &Rollouts{Store: store, Schedule: store, Now: learnedAt.Local, Log: zap.NewNop()}
	started := rollout.Begin(rollout.Start{ID: "r-1", Plan: rollout.DefaultPlan(), By: "ada", Times: evidence.Times{Day: trial.RealDay, TrialDays: 17}}, learnedAt)
	store.decisions = []rollout.Event{started}
	input := EnactInput{State: rollout.Fold(store.decisions), Event: rollout.Event{
		Seq: 2, Type: rollout.EventEntered, At: learnedAt, By: "rollout", Reason: "Entered limited",
		Stage: &rollout.Stage{Kind: rollout.InPhase, Phase: 1}, Enabled: new(true), Percentage: new(10.0),
	}}
	enacted, err := rollouts.Enact(t.Context(), input)
	require.NoError(t, err)
	lowered := store.flags.Change()
	lowered.TrialAutomation.RolloutPercentage = 0
	store.flags, _ = store.flags.Changed(lowered, "ada", learnedAt)
	want := store.flags

	again, err := rollouts.Enact(t.Context(), input)
	require.NoError(t, err)
	require.Equal(t, enacted, again)
	require.Equal(t, want, store.flags, "the next attempt")

	all := store.decisions
	store.decisions, store.meanwhile = all[:1], func(*flags.Document) { store.decisions = all }
	again, err = rollouts.Enact(t.Context(), input)
	require.NoError(t, err)
	require.Equal(t, enacted, again)
	require.Equal(t, want, store.flags, "one that had looked before")
	require.Len(t, store.decisions, 2)
}

// unfinished is a database in which a rollout's start is stored, and named as the latest, but not where it stands.
type unfinished struct{ *registry }

func (u *unfinished) CurrentRollout(ctx context.Context) (rollout.State, bool, error) {
	if len(u.entries) == 0 {
		return rollout.State{}, false, &trial.Error{Code: trial.CodeNotFound, Message: "there is no rollout"}
	}
	return u.registry.CurrentRollout(ctx)
}

func TestAStartThatIsStoredInPartIsFinished(t *testing.T) {
	t.Parallel()
	started := rollout.Begin(rollout.Start{ID: "r-1", Plan: rollout.DefaultPlan(), By: "ada", Times: evidence.Times{Day: trial.RealDay, TrialDays: 17}}, learnedAt)
	store := &unfinished{&registry{decisions: []rollout.Event{started}}}
	rollouts := &Rollouts{Store: store, Schedule: store, Now: learnedAt.Local, Log: zap.NewNop()}
	_, err := rollouts.Enact(t.Context(), EnactInput{Event: started})
	require.NoError(t, err)
	require.Equal(t, []string{"decision", "watch", "audit"}, store.order)
}

// A run that was reset decides once more what is stored.
func TestADecisionThatIsStoredIsNotEnactedAgain(t *testing.T) {
	t.Parallel()
	store := &registry{flags: flags.Document{FeatureFlags: flags.Initial()}}
	store.flags.FeatureFlags.TrialAutomation.Enabled = true
	rollouts := &Rollouts{Store: store, Schedule: store, Now: learnedAt.Local, Log: zap.NewNop()}
	started := rollout.Begin(rollout.Start{ID: "r-1", Plan: rollout.DefaultPlan(), By: "ada", Times: evidence.Times{Day: trial.RealDay, TrialDays: 17}}, learnedAt)
	before := rollout.State{}.Apply(started)
	entered := rollout.Event{Seq: 2, Type: rollout.EventEntered, At: learnedAt, By: "rollout", Reason: "Entered limited",
		Stage: &rollout.Stage{Kind: rollout.InPhase, Phase: 1}, Enabled: new(true), Percentage: new(10.0)}
	back := rollout.Event{Seq: 3, Type: rollout.EventRolledBack, At: learnedAt.Add(time.Hour), Remedy: rollout.Immediate, Enabled: new(false), Percentage: new(0.0)}
	store.decisions = []rollout.Event{started, entered, back}

	entered.At = learnedAt.Add(2 * time.Hour)
	enacted, err := rollouts.Enact(t.Context(), EnactInput{State: before, Event: entered})
	require.NoError(t, err)
	require.Empty(t, store.order, "nothing was written")
	require.Zero(t, store.flags.FeatureFlags.TrialAutomation.RolloutPercentage)
	require.Equal(t, learnedAt, enacted.At)
	require.Equal(t, rollout.RolledBack, enacted.Stored.Status)
}

func TestNobodyIsTakenInByARunThatWasReset(t *testing.T) {
	t.Parallel()
	store := &registry{decisions: make([]rollout.Event, 3)}
	for i := range store.decisions {
		store.decisions[i] = rollout.Event{Seq: i + 1, Type: rollout.EventUpdate}
	}
	rollouts := &Rollouts{Store: store, Log: zap.NewNop()} // to look for trials would panic
	moved, err := rollouts.Backfill(t.Context(), Batch{RolloutID: "r-1", After: "v-1", Size: 100, Seq: 2})
	require.NoError(t, err)
	require.Equal(t, HandedOver{After: "v-1"}, moved)
}

// Nothing that a rollout decides waits for the schedule of its watch.
func TestARolloutEndsAlthoughTheWatchCannotBeStopped(t *testing.T) {
	t.Parallel()
	store := &registry{flags: flags.Document{FeatureFlags: flags.Initial()}, unscheduled: errors.New("there is no such schedule")}
	rollouts := &Rollouts{Store: store, Schedule: store, Now: learnedAt.Local, Log: zap.NewNop()}
	started := rollout.Begin(rollout.Start{ID: "r-1", Plan: rollout.DefaultPlan(), By: "ada", Times: evidence.Times{Day: trial.RealDay, TrialDays: 17}}, learnedAt)
	_, err := rollouts.Enact(t.Context(), EnactInput{Event: started})
	require.NoError(t, err)
	_, err = rollouts.Enact(t.Context(), EnactInput{State: rollout.State{}.Apply(started), Event: rollout.Event{
		Seq: 2, Type: rollout.EventRolledBack, At: learnedAt, Remedy: rollout.Immediate, Enabled: new(false), Percentage: new(0.0),
	}})
	require.NoError(t, err)
	_, err = rollouts.Recover(t.Context(), "r-1")
	require.NoError(t, err)
}

// Whom a rollout has handed over stays so in the next: their trials may not have begun yet.
func TestTheFlagsVersionOfAReleaseIsKept(t *testing.T) {
	t.Parallel()
	store := &registry{flags: flags.Document{Version: 7, FeatureFlags: flags.Initial()}}
	rollouts := &Rollouts{Store: store, Schedule: store, Now: learnedAt.Local, Log: zap.NewNop()}
	start := rollout.Start{ID: "r-1", Plan: rollout.DefaultPlan(), By: "ada", Times: evidence.Times{Day: trial.RealDay, TrialDays: 17}}
	_, err := rollouts.Enact(t.Context(), EnactInput{Event: rollout.Begin(start, learnedAt)})
	require.NoError(t, err)
	back := rollout.Event{Seq: 2, Type: rollout.EventRolledBack, At: learnedAt, Remedy: rollout.Immediate, InFlight: flags.Release, Enabled: new(false), Percentage: new(0.0)}
	_, err = rollouts.Enact(t.Context(), EnactInput{State: rollout.Fold(store.decisions), Event: back})
	require.NoError(t, err)
	before := rollout.Fold(store.decisions)
	require.Equal(t, 8, before.ReleasedBefore)

	next := &registry{flags: store.flags, decisions: store.decisions}
	rollouts.Store = next
	start.ID, start.RestartOf = "r-2", "r-1"
	initial := rollout.Begin(start, learnedAt.Add(time.Hour))
	decided, err := rollouts.decided(t.Context(), EnactInput{Event: initial})
	require.NoError(t, err)
	after := rollout.State{}.Apply(decided)
	require.Equal(t, 8, after.ReleasedBefore)
	require.Zero(t, after.Apply(rollout.Event{Seq: 2, Type: rollout.EventBackfill, Backfill: &rollout.Backfill{Taken: 1}}).ReleasedBefore)
}
