package mongodb

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"

	"marketplace.example/trials/internal/domain/trial"
)

func erasure(after time.Duration) trial.Erasure {
	return trial.Erasure{At: at.Add(after), By: "admin", Reason: "asked for it"}
}

func TestEraseVendor(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	register(t, s, "v1", trial.Automated)
	events, _ := history(t, registration14d("v1"))
	appendAll(t, s, events)
	suppressed := trial.Suppression{Reason: trial.ReasonSuppressedAddress, At: at, AddressHash: trial.AddressHash("v1@example.com")}
	suppress(t, s, "v1", suppressed)
	before := document(t, s.users, "v1")

	kept, err := s.EraseVendor(t.Context(), "v1", erasure(time.Hour))
	require.NoError(t, err)
	require.Equal(t, erasure(time.Hour), kept)
	v, err := s.Vendor(t.Context(), "v1")
	require.NoError(t, err)
	require.Empty(t, v.Name+v.Email)
	require.Equal(t, at.Add(time.Hour), *v.ErasedAt)
	require.Equal(t, trial.ReasonNoAddress, v.NoMail())
	kept2, err := s.Suppressions(t.Context(), "v1")
	require.NoError(t, err)
	require.Equal(t, []trial.Suppression{suppressed}, kept2, "what is suppressed stays so, by its hash")

	require.Contains(t, before, "name")
	require.Contains(t, before, "email")
	delete(before, "name")
	delete(before, "email")
	require.ElementsMatch(t, keysOf(before), keysOf(document(t, s.users, "v1")), "the rest stays")

	again, err := s.EraseVendor(t.Context(), "v1", trial.Erasure{At: at.Add(2 * time.Hour), By: "other", Reason: "again"})
	require.NoError(t, err)
	require.Equal(t, kept, again, "the first counts")

	// The marketplace writes an address again: it is not for us.
	_, err = s.updateUser(t.Context(), "v1", bson.D{{Key: "$set", Value: bson.D{{Key: "email", Value: "new@example.com"}}}})
	require.NoError(t, err)
	v, err = s.Vendor(t.Context(), "v1")
	require.NoError(t, err)
	require.Equal(t, trial.ReasonNoAddress, v.NoMail())
}

// An erasure outlives the document: taken in again, the vendor is still erased.
func TestErasureOutlivesTheDocument(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	register(t, s, "v1", trial.Automated)
	_, err := s.EraseVendor(t.Context(), "v1", erasure(time.Hour))
	require.NoError(t, err)
	_, err = s.users.DeleteOne(t.Context(), byID("v1"))
	require.NoError(t, err)
	insertUser(t, s, bson.D{{Key: "_id", Value: "v1"}, {Key: "isVendor", Value: true}, {Key: "email", Value: "new@example.com"}})
	v, err := s.TakeIn(t.Context(), vendor("v1", trial.Automated))
	require.NoError(t, err)
	require.NotNil(t, v.ErasedAt)
	require.Equal(t, trial.ReasonNoAddress, v.NoMail())
}

// Nor is one that was erased registered anew: its name and address would be there again.
func TestAnErasedVendorIsNotRegisteredAnew(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	register(t, s, "v1", trial.Automated)
	_, err := s.EraseVendor(t.Context(), "v1", erasure(time.Hour))
	require.NoError(t, err)
	_, err = s.users.DeleteOne(t.Context(), byID("v1"))
	require.NoError(t, err)
	_, _, err = s.RegisterVendor(t.Context(), vendor("v1", trial.Automated))
	requireCode(t, trial.CodeConflict, err)
	n, err := s.users.CountDocuments(t.Context(), bson.D{})
	require.NoError(t, err)
	require.Zero(t, n)
}

func TestEraseVendorRefuses(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	insertUser(t, s, bson.D{{Key: "_id", Value: "buyer"}, {Key: "isVendor", Value: false}, {Key: "email", Value: "b@example.com"}})
	for _, id := range []string{"buyer", "unknown"} {
		_, err := s.EraseVendor(t.Context(), id, erasure(0))
		requireCode(t, trial.CodeNotFound, err)
	}
	require.Contains(t, document(t, s.users, "buyer"), "email")
}

// A vendor that was not taken in yet, or whose trialAutomation is something
// else, is erased all the same.
func TestEraseVendorNotTakenIn(t *testing.T) {
	t.Parallel()
	for name, automation := range map[string]any{"null": nil, "text": "yes"} {
		s := newTestStore(t)
		insertUser(t, s, bson.D{{Key: "_id", Value: "v1"}, {Key: "isVendor", Value: true}, {Key: "email", Value: "b@example.com"}, {Key: "trialAutomation", Value: automation}})
		_, err := s.EraseVendor(t.Context(), "v1", erasure(0))
		require.NoError(t, err, name)
		v, err := s.TakeIn(t.Context(), vendor("v1", trial.Automated))
		require.NoError(t, err, name)
		require.Empty(t, v.Email, name)
		require.NotNil(t, v.ErasedAt, name)
	}
}

// The document of a vendor who is on record as erased comes from a backup as the erasure has left it, and at no
// moment with a name or an address: where it breaks off then, nobody would remove them.
func TestAnErasedVendorComesBackFromABackupErased(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	register(t, s, "v1", trial.Automated)
	events, _ := history(t, registration14d("v1"))
	appendAll(t, s, events)
	insertUser(t, s, bson.D{{Key: "_id", Value: "v2"}, {Key: "isVendor", Value: true}, {Key: "name", Value: "Ada"}, {Key: "trialAutomation", Value: 3}})
	for _, id := range []string{"v1", "v2"} {
		before := raw(t, s, id)
		_, err := s.EraseVendor(t.Context(), id, erasure(time.Hour))
		require.NoError(t, err)
		for command := int64(0); ; command++ {
			into := newTestStore(t)
			_, err = into.RecordErasure(t.Context(), id, erasure(time.Hour))
			require.NoError(t, err)
			crashing, ctx := crashingStore(t, into.users.Database().Name(), crash{command: command, answered: true})
			there, failure := crashing.RestoreVendor(ctx, id, before)
			if failure == nil {
				require.True(t, there)
				require.Equal(t, document(t, s.users, id), document(t, into.users, id))
				require.Positive(t, command, "there was something to crash")
				break
			}
			require.ErrorIs(t, failure, context.Canceled)
			named, err := into.users.CountDocuments(t.Context(), bson.D{{Key: "name", Value: bson.D{{Key: "$exists", Value: true}}}})
			require.NoError(t, err)
			require.Zero(t, named, "after command %d", command)
		}
	}
}

// What a vendor's policy was chosen by is kept beside its document too, and goes from both places.
func TestAttributesAreKeptAndErased(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	v := vendor("v1", trial.Automated)
	v.Automation.PolicyBy, v.Automation.Attributes = trial.PolicyByRule, trial.Attributes{"country": "BR"}
	stored, _, err := s.RegisterVendor(t.Context(), v)
	require.NoError(t, err)
	require.Equal(t, v.Automation.Attributes, stored.Automation.Attributes)
	read, err := s.Vendor(t.Context(), "v1")
	require.NoError(t, err)
	require.Equal(t, trial.PolicyByRule, read.Automation.PolicyBy)
	require.Equal(t, v.Automation.Attributes, read.Automation.Attributes)

	_, err = s.EraseVendor(t.Context(), "v1", erasure(time.Hour))
	require.NoError(t, err)
	read, err = s.Vendor(t.Context(), "v1")
	require.NoError(t, err)
	require.Nil(t, read.Automation.Attributes)
	require.Equal(t, trial.PolicyByRule, read.Automation.PolicyBy)
	kept, err := lookUp[registration](t.Context(), s, registrationKey("v1"))
	require.NoError(t, err)
	require.Nil(t, kept.Attributes)
	require.NotContains(t, document(t, s.users, "v1")["trialAutomation"], "attributes")
}
