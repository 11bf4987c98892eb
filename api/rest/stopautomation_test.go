package rest_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/idempotency"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// Stopping switches the automation off whether a rollout is under way, is over or never was, and counts once.
func TestStoppingTheAutomation(t *testing.T) {
	t.Parallel()
	for name, world := range map[string]func(*testing.T) *api{"no rollout": newAPI, "a rollout": running} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := world(t)
			r := flags.Request{ID: "k-1", Reason: "wrong e-mails go out"}
			for range 2 {
				require.NoError(t, a.app.StopAutomationRecorded(t.Context(), r))
			}
			doc, err := a.store.Flags(t.Context())
			require.NoError(t, err)
			require.False(t, doc.FeatureFlags.TrialAutomation.Enabled)
			require.Equal(t, doc.Version, doc.DisabledVersion)
			last := a.store.Record[len(a.store.Record)-1]
			require.Equal(t, "wrong e-mails go out", last.Reason)
			require.Equal(t, "repeats an earlier request, and counts once", last.Detail)
			requireWhole(t, a.store.Record)
		})
	}
}

// Without a reason nothing is done, and what was switched off is switched off again without harm.
func TestStoppingWantsAReason(t *testing.T) {
	t.Parallel()
	a := running(t)
	before := len(a.store.Record)
	err := a.app.StopAutomationRecorded(t.Context(), flags.Request{ID: "k-1", Reason: " "})
	require.Equal(t, trial.CodeInvalid, app.ErrorOf(err).Code)
	require.Len(t, a.store.Record, before)
	require.NoError(t, a.app.StopAutomationRecorded(t.Context(), flags.Request{ID: "k-2", Reason: "first"}))
	require.NoError(t, a.app.StopAutomationRecorded(t.Context(), flags.Request{ID: "k-3", Reason: "second"}))
}

// What stops everything is obeyed even where changes by admins are switched off.
func TestStoppingWithoutAdminTools(t *testing.T) {
	t.Parallel()
	for name, world := range map[string]func(*testing.T) *api{"no rollout": newAPI, "a rollout": running} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := world(t)
			_, err := a.store.UpdateFlags(t.Context(), "somebody", func(f *flags.Change) error {
				f.AdminTools.Enabled = false
				return nil
			})
			require.NoError(t, err)
			require.NoError(t, a.app.StopAutomationRecorded(t.Context(), flags.Request{ID: "k-1", Reason: "harm"}))
			doc, err := a.store.Flags(t.Context())
			require.NoError(t, err)
			require.False(t, doc.FeatureFlags.TrialAutomation.Enabled)
		})
	}
}

// A rollout that ends between the look and the rollback does not keep the automation on.
func TestStoppingWhileTheRolloutEnds(t *testing.T) {
	t.Parallel()
	a := running(t)
	a.store.rollouts.ends = &rollout.Event{Seq: len(a.store.Store.Rollout) + 1, At: present, Type: rollout.EventCompleted}
	require.NoError(t, a.app.StopAutomationRecorded(t.Context(), flags.Request{ID: "k-1", Reason: "harm"}))
	require.Equal(t, rollout.Completed, rollout.Fold(a.store.Store.Rollout).Status)
	doc, err := a.store.Flags(t.Context())
	require.NoError(t, err)
	require.False(t, doc.FeatureFlags.TrialAutomation.Enabled)
	requireWhole(t, a.store.Record)
}

// An earlier attempt whose answer is not known keeps its key: it was for another rollout, or there was none then.
func TestStoppingWithAKeyThatAnotherAttemptHolds(t *testing.T) {
	t.Parallel()
	for name, world := range map[string]func(*testing.T) *api{"no rollout": newAPI, "a rollout": running} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := world(t)
			_, mine, err := a.store.ClaimKey(t.Context(), "k-1", idempotency.Claim{Request: "another", At: present})
			require.NoError(t, err)
			require.True(t, mine)
			require.NoError(t, a.app.StopAutomationRecorded(t.Context(), flags.Request{ID: "k-1", Reason: "harm"}))
			doc, err := a.store.Flags(t.Context())
			require.NoError(t, err)
			require.False(t, doc.FeatureFlags.TrialAutomation.Enabled)
		})
	}
}
