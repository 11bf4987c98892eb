package recovery

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"marketplace.example/trials/internal/adapters/backup"
	"marketplace.example/trials/internal/domain/recovery"
)

// Vendors who came after the moment have their documents in a later backup; one who had been deleted
// by then has none, and one whom it does not know is looked for in another.
func TestVendorsComeBackFromALaterBackup(t *testing.T) {
	t.Parallel()
	r := newPast(t)
	begin := func(id string) {
		events, _ := history(t, registration14d(id))
		r.happen(t, id, events[0])
	}
	begin("v1")
	begin("deleted")
	require.NoError(t, r.store.in(recovery.Users).FindOneAndDelete(t.Context(), byID("deleted")).Err())
	r.backUp(t, backup.Full)
	begin("later")
	listed, err := r.repository.List(t.Context())
	require.NoError(t, err)

	into := newTestStore(t)
	missing := map[string]bool{"v1": true, "deleted": true, "later": true}
	done, err := into.RestoreVendors(t.Context(), r.source(t, listed.Good[0]), missing)
	require.NoError(t, err)
	require.Equal(t, RestoredVendors{Found: []string{"v1"}}, done)
	require.Equal(t, map[string]bool{"later": true}, missing)
	require.Equal(t, document(t, r.store.in(recovery.Users), "v1"), document(t, into.in(recovery.Users), "v1"))
}

// A vendor whose document the database refuses stays without one, and is told from those who have theirs: the others
// come back all the same.
func TestAVendorWhoseDocumentIsRefusedIsNamed(t *testing.T) {
	t.Parallel()
	r := newPast(t)
	for _, id := range []string{"v1", "v2", "erased-1", "erased-2"} {
		events, _ := history(t, registration14d(id))
		r.happen(t, id, events[0])
	}
	r.backUp(t, backup.Full)
	listed, err := r.repository.List(t.Context())
	require.NoError(t, err)
	into := newTestStore(t)
	for _, id := range []string{"erased-1", "erased-2"} {
		_, err = into.RecordErasure(t.Context(), id, erasure(time.Hour))
		require.NoError(t, err)
	}
	unique := mongo.IndexModel{Keys: bson.D{{Key: "email", Value: 1}}, Options: options.Index().SetUnique(true)}
	_, err = into.in(recovery.Users).Indexes().CreateOne(t.Context(), unique)
	require.NoError(t, err)
	standAgainstErasures(t, into)
	insertUser(t, into, bson.D{{Key: "_id", Value: "other"}, {Key: "email", Value: "v1@example.com"}})
	missing := map[string]bool{"v1": true, "v2": true, "erased-1": true, "erased-2": true}

	done, err := into.RestoreVendors(t.Context(), r.source(t, listed.Good[0]), missing)

	require.NoError(t, err)
	require.Empty(t, missing)
	require.Len(t, done.Found, 2)
	require.Contains(t, done.Found, "v2")
	require.Len(t, done.Refused, 2)
	require.Contains(t, done.Refused, "v1")
	for _, id := range done.Refused {
		require.ErrorIs(t, into.in(recovery.Users).FindOne(t.Context(), byID(id)).Err(), mongo.ErrNoDocuments)
	}
}

// What the marketplace itself has put there meanwhile counts, and stays.
func TestAVendorWhoIsThereAgainIsNotRestored(t *testing.T) {
	t.Parallel()
	r := newPast(t)
	events, _ := history(t, registration14d("v1"))
	r.happen(t, "v1", events[0])
	r.backUp(t, backup.Full)
	listed, err := r.repository.List(t.Context())
	require.NoError(t, err)
	into := newTestStore(t)
	insertUser(t, into, bson.D{{Key: "_id", Value: "v1"}, {Key: "isVendor", Value: true}, {Key: "email", Value: "new@example.com"}})
	done, err := into.RestoreVendors(t.Context(), r.source(t, listed.Good[0]), map[string]bool{"v1": true})
	require.NoError(t, err)
	require.Equal(t, RestoredVendors{Found: []string{"v1"}}, done)
	require.Equal(t, "new@example.com", document(t, into.in(recovery.Users), "v1")["email"])
}
