package mongodb

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"

	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/trial"
)

// initialState is "Initial State" of the deployment strategy, as it stands there.
const initialState = `{
  "featureFlags": {
    "trialAutomation": {
      "enabled": true,
      "emailReminders": true,
      "autoExpiration": true,
      "conversionTracking": true,
      "rolloutPercentage": 0
    },
    "monitoring": {
      "enabled": true,
      "trialMetrics": true,
      "alerting": true
    },
    "adminTools": {
      "enabled": true,
      "trialExtension": true,
      "bulkOperations": true
    }
  }
}`

func TestInitialFlagsAreShapedAsRequired(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	doc, err := s.Flags(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, doc.Version)
	require.Len(t, doc.Salt, 26)

	raw, err := s.flags.FindOne(t.Context(), byID("featureFlags")).Raw()
	require.NoError(t, err)
	current, err := bson.MarshalExtJSON(bson.D{{Key: "featureFlags", Value: raw.Lookup("featureFlags")}}, false, false)
	require.NoError(t, err)
	require.JSONEq(t, initialState, string(current))
}

func TestFlagsAreMadeOnce(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	docs := make([]flags.Document, 16)
	errs := make([]error, len(docs))
	together(len(docs), func(i int) { docs[i], errs[i] = s.Flags(t.Context()) })
	for i := range docs {
		require.NoError(t, errs[i])
		require.Equal(t, docs[0], docs[i])
	}
}

// An operator may have put the flags there by hand, before anything of ours ran.
func TestFlagsPutThereByHand(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	var byHand bson.D
	require.NoError(t, bson.UnmarshalExtJSON([]byte(initialState), false, &byHand))
	_, err := s.flags.InsertOne(t.Context(), append(byID("featureFlags"), byHand...))
	require.NoError(t, err)
	docs := make([]flags.Document, 16)
	errs := make([]error, len(docs))
	together(len(docs), func(i int) { docs[i], errs[i] = s.Flags(t.Context()) })
	for i := range docs {
		require.NoError(t, errs[i])
		require.Equal(t, docs[0].Salt, docs[i].Salt)
	}
	require.NotEmpty(t, docs[0].Salt)
	require.Equal(t, flags.Initial(), docs[0].FeatureFlags)

	updated, err := s.UpdateFlags(t.Context(), "test", func(f *flags.Change) error { f.TrialAutomation.RolloutPercentage = 10; return nil })
	require.NoError(t, err)
	require.Equal(t, 1, updated.Version)
	require.Equal(t, docs[0].Salt, updated.Salt)
}

func TestUpdateFlagsLosesNoChange(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	initial, err := s.Flags(t.Context())
	require.NoError(t, err)
	const changes = 20
	errs := make([]error, changes)
	together(changes, func(i int) {
		_, errs[i] = s.UpdateFlags(t.Context(), "test", func(f *flags.Change) error { f.TrialAutomation.RolloutPercentage++; return nil })
	})
	for _, err := range errs {
		require.NoError(t, err)
	}
	doc, err := s.Flags(t.Context())
	require.NoError(t, err)
	require.InDelta(t, changes, doc.FeatureFlags.TrialAutomation.RolloutPercentage, 0)
	require.Equal(t, 1+changes, doc.Version)
	require.Equal(t, initial.Salt, doc.Salt)
	require.Equal(t, "test", doc.UpdatedBy)
}

func TestUpdateFlagsRefuses(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	before, err := s.Flags(t.Context())
	require.NoError(t, err)

	refusal := errors.New("no")
	_, err = s.UpdateFlags(t.Context(), "test", func(f *flags.Change) error { f.AdminTools.Enabled = false; return refusal })
	require.ErrorIs(t, err, refusal)

	var field *trial.Error
	_, err = s.UpdateFlags(t.Context(), "test", func(f *flags.Change) error { f.TrialAutomation.RolloutPercentage = 101; return nil })
	require.ErrorAs(t, err, &field)
	require.Equal(t, "rolloutPercentage", field.Field)

	same, err := s.UpdateFlags(t.Context(), "test", func(*flags.Change) error { return nil })
	require.NoError(t, err)
	require.Equal(t, before, same, "a change that changes nothing makes no version")

	after, err := s.Flags(t.Context())
	require.NoError(t, err)
	require.Equal(t, before, after)
}

// What people asked for with the flags is kept beside them.
func TestFlagsKnowWhatWasAskedForWithThem(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	asked := flags.RollbackRequest{RolloutID: "r-1", Request: flags.Request{ID: "k-1", By: "ada", Reason: "slow", InFlight: flags.Release}}
	for version := 2; version < 4; version++ {
		updated, err := s.UpdateFlags(t.Context(), "ada", func(c *flags.Change) error {
			c.Off, c.TrialAutomation.Enabled, c.Rollback = true, false, &asked
			return nil
		})
		require.NoError(t, err)
		require.Equal(t, version, updated.Version, "it counts though nothing changes")
		require.Equal(t, version, updated.DisabledVersion)
		read, err := s.Flags(t.Context())
		require.NoError(t, err)
		require.Equal(t, updated, read)
		kept := flags.RollbackRequest{Version: version, RolloutID: asked.RolloutID, Request: asked.Request}
		require.Equal(t, &kept, read.Rollback)
	}
	on, err := s.UpdateFlags(t.Context(), "ada", func(c *flags.Change) error { c.TrialAutomation.Enabled = true; return nil })
	require.NoError(t, err)
	require.Equal(t, 3, on.DisabledVersion)
	require.Equal(t, 3, on.Rollback.Version)
}
