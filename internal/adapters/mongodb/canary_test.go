package mongodb

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"

	"marketplace.example/trials/internal/domain/canary"
	"marketplace.example/trials/internal/domain/recovery"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

var canaryID = trial.CanaryID("ABCDEFGHIJKLMNOPQRSTUVWX23")

// A canary lives through every method that knows a vendor by its id. No collection of the vendors knows of it then: what lists,
// counts or sums up those cannot meet it.
func TestACanaryIsNowhereButInItsOwnCollections(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s, err := Connect(ctx, server, newDatabase(), WithCounters(24*time.Hour), WithObservations(24*time.Hour))
	require.NoError(t, err)
	cleanUp(t, s)
	require.NoError(t, s.Setup(ctx))
	v, created, err := s.RegisterVendor(ctx, vendor(canaryID, trial.Automated))
	require.NoError(t, err)
	require.True(t, created)
	state := trial.State{}
	event := trial.Start(v.Registration(canary.Policy(), 10*time.Second), at)
	for range 4 { // its start, and some steps with their e-mails
		if event.Step != nil {
			key := event.Step.Key(canaryID)
			_, send, err := s.ClaimSend(ctx, trial.Send{Key: key, VendorID: canaryID, Kind: event.Step.Kind, ClaimedAt: at, AddressHash: "x"})
			require.NoError(t, err)
			_, err = s.SettleSend(ctx, key, send.Attempt, trial.SendResult{Status: trial.SendReleased, Reason: trial.NotRendered}, at)
			require.NoError(t, err)
			_, send, err = s.ReclaimSend(ctx, key, send.Attempt, false, at, "x")
			require.NoError(t, err)
			_, err = s.SettleSend(ctx, key, send.Attempt, trial.SendResult{Status: trial.SendSent, MessageID: "message"}, at)
			require.NoError(t, err)
			_, err = s.SendEvent(ctx, key, send.Attempt, "message", trial.DeliveryDone, at)
			require.NoError(t, err)
		}
		_, err = s.Append(ctx, event, state.Apply(event))
		require.NoError(t, err)
		state = state.Apply(event)
		step, _ := state.Next()
		event = state.StepEvent(step, trial.Decision{Action: trial.Run, Reason: trial.ReasonDue, Mail: true}, trial.StepFacts{Now: step.At}, true)
	}
	_, _, err = s.RecordConversion(ctx, canaryID, trial.Conversion{At: at, RequestID: "c"})
	require.NoError(t, err)
	require.NoError(t, s.RedeliverConversion(ctx, canaryID))
	_, _, err = s.Suppress(ctx, canaryID, trial.Suppression{Reason: trial.ReasonUnsubscribed, At: at})
	require.NoError(t, err)
	_, _, err = s.Suppress(ctx, canaryID, trial.Suppression{Reason: trial.ReasonSuppressedAddress, At: at, AddressHash: "x"})
	require.NoError(t, err)
	_, err = s.EraseVendor(ctx, canaryID, trial.Erasure{At: at})
	require.NoError(t, err)
	_, err = s.Refold(ctx, canaryID)
	require.NoError(t, err)
	_, err = s.ResyncVendor(ctx, canaryID)
	require.NoError(t, err)

	found, known, err := s.Trial(ctx, canaryID)
	require.NoError(t, err)
	require.True(t, known, "whoever asks for it finds it")
	assert.Equal(t, 4, found.Seq)
	sends, err := s.Sends(ctx, canaryID)
	require.NoError(t, err)
	assert.Len(t, sends, 3)
	assert.Equal(t, trial.DeliveryDone, sends[0].Delivery)

	s.tallies.flush(ctx)
	s.observations.flush(ctx)
	for name, documents := range dump(t, s) {
		switch {
		case strings.HasPrefix(name, recovery.CanaryPrefix):
		case name == countersCollection, name == observedCollection:
			assert.Empty(t, documents, "%s: a canary was counted", name)
		default:
			assert.NotContains(t, documents, canaryID, name)
		}
	}

	left, err := s.ClearCanaries(ctx)
	require.NoError(t, err)
	assert.Empty(t, left)
	for name, documents := range dump(t, s) {
		assert.NotContains(t, documents, canaryID, name)
	}
	_, known, err = s.Trial(ctx, canaryID)
	require.NoError(t, err)
	assert.False(t, known)
}

// dump is what each collection holds, as text.
func dump(t *testing.T, s *Store) map[string]string {
	t.Helper()
	names, err := s.Database().ListCollectionNames(t.Context(), bson.D{})
	require.NoError(t, err)
	all := map[string]string{}
	for _, name := range names {
		cursor, err := s.Database().Collection(name).Find(t.Context(), bson.D{})
		require.NoError(t, err)
		var documents []bson.Raw
		require.NoError(t, cursor.All(t.Context(), &documents))
		var text strings.Builder
		for _, d := range documents {
			fmt.Fprintln(&text, d)
		}
		all[name] = text.String()
	}
	return all
}

func TestWhatCanariesHaveShownIsKept(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	results, err := s.Canaries(t.Context())
	require.NoError(t, err)
	require.Empty(t, results)
	first := canary.Result{ID: "1", BeganAt: at, EndedAt: at.Add(time.Minute), Parts: []canary.Part{{Name: canary.PartStart, State: canary.Done, Took: time.Second}}}
	second := canary.Result{ID: "2", BeganAt: at.Add(time.Hour), EndedAt: at.Add(time.Hour + time.Minute), Fault: canary.MailRefused, Reason: "refused"}
	require.NoError(t, s.PutCanary(t.Context(), first))
	require.NoError(t, s.PutCanary(t.Context(), second))
	require.NoError(t, s.PutCanary(t.Context(), second), "an activity may be repeated")
	results, err = s.Canaries(t.Context())
	require.NoError(t, err)
	first.Parts, second.Parts = results[1].Parts, results[0].Parts
	assert.Equal(t, []canary.Result{second, first}, results)
	assert.Equal(t, time.Second, results[1].Parts[0].Took)
	_, err = s.ClearCanaries(t.Context())
	require.NoError(t, err)
	kept, err := s.Canaries(t.Context())
	require.NoError(t, err)
	assert.Len(t, kept, 2, "only canaries are removed")
}

// Canaries are due since the rollout began, or since they were switched on under way; not where nobody has ever said that some come.
func TestSinceWhenCanariesAreDue(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	since := func() time.Time {
		_, since, err := s.LatestCanary(t.Context())
		require.NoError(t, err)
		return since
	}
	began := aRollout("r1")
	_, err := s.AppendDecision(t.Context(), began, rollout.State{}.Apply(began))
	require.NoError(t, err)
	require.Zero(t, since(), "nobody has said that some come")

	switched := began.At.Add(time.Hour)
	require.NoError(t, s.CanariesDue(t.Context(), true, switched))
	require.NoError(t, s.CanariesDue(t.Context(), true, switched.Add(time.Hour)))
	require.Equal(t, switched, since(), "switched on under way")
	require.NoError(t, s.CanariesDue(t.Context(), false, switched))
	require.Zero(t, since())
	require.NoError(t, s.CanariesDue(t.Context(), true, began.At.Add(-time.Hour)))
	require.Equal(t, began.At, since())
	require.NoError(t, s.PutCanary(t.Context(), canary.Result{ID: "1", BeganAt: at, EndedAt: at}))
	require.Equal(t, began.At, since(), "a result leaves it as it is")
}
