package activities

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"marketplace.example/trials/audit"
	"marketplace.example/trials/rollout"
	"marketplace.example/trials/trial"
)

// registry keeps the flags, one rollout's decisions and the audit record, and in
// which order they were written.
type registry struct {
	RolloutStore
	flags     rollout.Document
	decisions []rollout.Event
	entries   []audit.Entry
	order     []string
	// fails is what writing to the audit record fails with.
	fails error
}

func (r *registry) UpdateFlags(_ context.Context, _ string, change func(*rollout.Flags) error) (rollout.Document, error) {
	r.order = append(r.order, "flags")
	err := change(&r.flags.FeatureFlags)
	return r.flags, err
}

func (r *registry) AppendDecision(_ context.Context, e rollout.Event, _ rollout.State) (*rollout.Event, error) {
	r.order = append(r.order, "decision")
	if e.Seq <= len(r.decisions) {
		return &r.decisions[e.Seq-1], nil
	}
	r.decisions = append(r.decisions, e)
	return nil, nil //nolint:nilnil // nothing stood there
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
	return nil
}

func TestWhatARolloutDecidesIsOnTheAuditRecord(t *testing.T) {
	t.Parallel()
	store := &registry{flags: rollout.Document{FeatureFlags: rollout.InitialFlags()}}
	rollouts := &Rollouts{Store: store, Schedule: store, Now: learnedAt.Local, Log: zap.NewNop()}
	started := rollout.Begin(rollout.Start{ID: "r-1", Plan: rollout.DefaultPlan(), By: "ada", Times: rollout.Times{Day: trial.RealDay, TrialDays: 17}}, learnedAt)
	_, err := rollouts.Enact(t.Context(), Deed{Event: started})
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
	deed := Deed{State: rollout.State{}.Apply(started), Event: rollout.Event{
		Seq: 2, Type: rollout.EventEntered, At: learnedAt, By: "rollout", Reason: "Entered limited", RequestID: "k-1",
		Stage: &rollout.Stage{Kind: rollout.InPhase, Phase: 1}, Enabled: new(true), Percentage: new(10.0),
	}}
	store.fails = &trial.Error{Code: trial.CodeUnavailable, Message: "away"}
	_, err = rollouts.Enact(t.Context(), deed)
	require.ErrorContains(t, err, "putting it on the audit record: away")
	require.Len(t, store.entries, 1)
	require.Len(t, store.decisions, 2)
	store.fails = nil
	_, err = rollouts.Enact(t.Context(), deed) // the next attempt
	require.NoError(t, err)
	require.Equal(t, []string{"flags", "decision", "audit", "flags", "decision", "audit"}, store.order)
	require.Len(t, store.decisions, 2)
	require.Len(t, store.entries, 2)
	e = store.entries[1]
	require.Equal(t, "k-1", e.Key)
	require.Contains(t, e.Before, `"percentage":0`)
	require.Contains(t, e.After, `"percentage":10`)
}
