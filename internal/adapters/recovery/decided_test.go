package recovery

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"

	"marketplace.example/trials/internal/adapters/backup"
	"marketplace.example/trials/internal/domain/feedback"
	"marketplace.example/trials/internal/domain/recovery"
	"marketplace.example/trials/internal/domain/trial"
)

// What was decided is not undone by a restore to before, whether the database that is replaced knows of it or a later backup.
func TestARestoreUndoesNeitherErasureNorConversion(t *testing.T) {
	t.Parallel()
	for _, knows := range []string{"the database", "a later backup", "the last backup"} {
		t.Run(knows, func(t *testing.T) {
			t.Parallel()
			r := newPast(t)
			for _, id := range []string{"erased", "paid", "untouched"} {
				events, _ := history(t, registration14d(id))
				r.happen(t, id, events[0])
				require.NoError(t, r.store.PutFeedback(t.Context(), id, feedback.Answer{Kind: "welcome", Helpful: true, Text: "Written by " + id, At: at}))
			}
			r.backUp(t, backup.Full)
			moment := r.now
			r.tick()
			if knows == "the last backup" {
				r.backUp(t, backup.Incremental)
			}
			_, err := r.store.EraseVendor(t.Context(), "erased", erasure(time.Hour))
			require.NoError(t, err)
			_, _, err = r.store.RecordConversion(t.Context(), "paid", trial.Conversion{At: at.Add(time.Hour), RequestID: "billing"})
			require.NoError(t, err)
			delivered := bson.D{{Key: "$set", Value: bson.D{{Key: "value.recorded", Value: true}}}}
			require.NoError(t, r.store.in(recovery.IdempotencyKeys).FindOneAndUpdate(t.Context(), byID("paid/conversion"), delivered).Err(), "to a trial that is set back to before")
			suppress(t, r.store, "untouched", unsubscribed(2))
			into := r.store
			if knows != "the database" {
				r.backUp(t, backup.Incremental)
				into = r.restore(t, moment)
			} else {
				listed, err := r.repository.List(t.Context())
				require.NoError(t, err)
				for range 2 { // the first has broken off
					require.NoError(t, into.Clear(t.Context()))
					occupied, err := into.Occupied(t.Context())
					require.NoError(t, err)
					require.Empty(t, occupied)
					done, err := into.Restore(t.Context(), Moment{At: moment, Before: r.source(t, listed.Good[0])})
					require.NoError(t, err)
					require.Equal(t, 1, done.Erased)
				}
			}
			gone, err := into.Vendor(t.Context(), "erased")
			require.NoError(t, err)
			require.Empty(t, gone.Name+gone.Email)
			require.NotEmpty(t, gone.NoMail())
			require.Equal(t, erasure(time.Hour), kept[trial.Erasure](t, into, "erased"+recovery.ErasureKey))
			for id, text := range map[string]string{"erased": "", "untouched": "Written by untouched"} {
				answers, err := into.Feedback(t.Context(), id)
				require.NoError(t, err)
				require.Equal(t, []feedback.Answer{{Kind: "welcome", Helpful: true, Text: text, At: at}}, answers)
			}
			deliver, err := into.UnrecordedConversions(t.Context(), 9)
			require.NoError(t, err)
			require.Len(t, deliver, 1)
			require.Equal(t, "paid", deliver[0].ID)
			require.Equal(t, at.Add(time.Hour), deliver[0].Automation.Conversion.At)
			left, err := into.Vendor(t.Context(), "untouched")
			require.NoError(t, err)
			require.Equal(t, "untouched@example.com", left.Email)
			require.Equal(t, trial.ReasonUnsubscribed, noMail(t, into, "untouched"))
		})
	}
}

// A conversion that both know stays as the database has it: the backup may not know that it was delivered, nor by what.
func TestARestoreLeavesWhatIsDecidedAsItStands(t *testing.T) {
	t.Parallel()
	r := newPast(t)
	register(t, r.store, "v1", trial.Automated)
	_, _, err := r.store.RecordConversion(t.Context(), "v1", trial.Conversion{At: at, RequestID: "billing"})
	require.NoError(t, err)
	for _, key := range []string{"request with key/v1/conversion", "v1/registrations"} {
		_, err = r.store.in(recovery.IdempotencyKeys).InsertOne(t.Context(), bson.D{{Key: "_id", Value: key}, {Key: "value", Value: "other"}})
		require.NoError(t, err)
	}
	r.backUp(t, backup.Full)
	listed, err := r.repository.List(t.Context())
	require.NoError(t, err)
	other := bson.D{{Key: "$set", Value: bson.D{{Key: "value.requestId", Value: "other"}}}}
	require.NoError(t, r.store.in(recovery.IdempotencyKeys).FindOneAndUpdate(t.Context(), byID("v1/conversion"), other).Err())

	require.NoError(t, r.store.Clear(t.Context()))
	left, err := r.store.in(recovery.IdempotencyKeys).CountDocuments(t.Context(), bson.D{})
	require.NoError(t, err)
	require.EqualValues(t, 1, left)
	_, err = r.store.Restore(t.Context(), Moment{At: r.now, Before: r.source(t, listed.Good[0])})
	require.NoError(t, err)
	require.Equal(t, "other", kept[trial.Conversion](t, r.store, "v1/conversion").RequestID)
}

// A unique index of the marketplace's may stand against users without an address: nobody else's restore waits for that,
// nor does catching up with its history, which knows of the erasure too.
func TestAVendorWhoCannotBeErasedAgainIsNamed(t *testing.T) {
	t.Parallel()
	r := newPast(t)
	for _, id := range []string{"v1", "v2"} {
		insertUser(t, r.store, bson.D{{Key: "_id", Value: id}, {Key: "isVendor", Value: true}, {Key: "email", Value: id + "@example.com"}, {Key: "name", Value: "Ada"}})
	}
	r.backUp(t, backup.Full)
	for _, id := range []string{"v1", "v2"} {
		_, err := r.store.EraseVendor(t.Context(), id, erasure(time.Hour))
		require.NoError(t, err)
	}
	listed, err := r.repository.List(t.Context())
	require.NoError(t, err)
	require.NoError(t, r.store.Clear(t.Context()))
	standAgainstErasures(t, r.store)
	done, err := r.store.Restore(t.Context(), Moment{At: r.now, Before: r.source(t, listed.Good[0])})
	require.NoError(t, err)
	require.Equal(t, 1, done.Erased)
	require.Len(t, done.Unerased, 1)
	v, err := r.store.Vendor(t.Context(), done.Unerased[0])
	require.NoError(t, err)
	require.NotEmpty(t, v.NoMail())
	e := erasure(time.Hour)
	got, err := r.store.CatchUp(t.Context(), v.ID, recovery.Trial{Erased: &e})
	require.NoError(t, err)
	require.Equal(t, CatchUpResult{Unerased: true}, got)
}

// Whoever has said no since the backup, by what the database that is replaced knew, gets no e-mail: nor does anybody
// of whom the backup alone knows it.
func TestWhoSaidNoSinceTheBackupIsNotWrittenToAfterAReplacement(t *testing.T) {
	t.Parallel()
	r := newPast(t)
	for _, id := range []string{"v1", "v2", "v3"} {
		insertUser(t, r.store, bson.D{{Key: "_id", Value: id}, {Key: "isVendor", Value: true}, {Key: "email", Value: id + "@example.com"}})
	}
	suppress(t, r.store, "v1", bounced("old@example.com", 2))
	suppress(t, r.store, "v2", unsubscribed(2))
	suppress(t, r.store, "v3", bounced("old@example.com", 1))
	r.backUp(t, backup.Full)
	suppress(t, r.store, "v1", unsubscribed(3))
	suppress(t, r.store, "v3", bounced("v3@example.com", 3))
	_, err := r.store.in(recovery.Suppressions).DeleteMany(t.Context(), bson.D{{Key: "_id", Value: "vendor/v2"}})
	require.NoError(t, err)

	listed, err := r.repository.List(t.Context())
	require.NoError(t, err)
	before := r.source(t, listed.Good[0])
	require.NoError(t, r.store.Clear(t.Context()))
	occupied, err := r.store.Occupied(t.Context())
	require.NoError(t, err)
	require.Empty(t, occupied, "a restore that broke off is begun anew")
	_, err = r.store.Restore(t.Context(), Moment{At: r.now, Before: before, After: before})
	require.NoError(t, err)

	require.Equal(t, trial.ReasonUnsubscribed, noMail(t, r.store, "v1"))
	require.Equal(t, trial.ReasonUnsubscribed, noMail(t, r.store, "v2"))
	require.Equal(t, trial.ReasonSuppressedAddress, noMail(t, r.store, "v3"))
	all, err := r.store.Suppressions(t.Context(), "v1")
	require.NoError(t, err)
	require.Equal(t, []trial.Suppression{unsubscribed(3), bounced("old@example.com", 2)}, all)
	all, err = r.store.Suppressions(t.Context(), "v3")
	require.NoError(t, err)
	require.Len(t, all, 2)
	var known struct {
		Value trial.Suppression `json:"value"`
	}
	id := "address/" + trial.AddressHash("old@example.com")
	require.NoError(t, r.store.in(recovery.Suppressions).FindOne(t.Context(), byID(id)).Decode(&known))
	require.Equal(t, at.Add(time.Hour), known.Value.At.UTC(), "the earliest word on an address stands")
}

// A lift that the backup does not know of is known where the database that is replaced, or the trial's history, does; who has
// unsubscribed stays so.
func TestARestoreKeepsWhatWasLifted(t *testing.T) {
	t.Parallel()
	for _, knows := range []string{"the database", "the history"} {
		t.Run(knows, func(t *testing.T) {
			t.Parallel()
			r := newPast(t)
			lifted := at.Add(5 * time.Hour)
			for _, id := range []string{"v1", "v2"} {
				insertUser(t, r.store, bson.D{{Key: "_id", Value: id}, {Key: "isVendor", Value: true}, {Key: "email", Value: id + "@example.com"}})
				p := bounced(id+"@example.com", 1)
				p.Cause = trial.CauseBounce
				suppress(t, r.store, id, p)
			}
			suppress(t, r.store, "v2", unsubscribed(2))
			r.backUp(t, backup.Full)
			listed, err := r.repository.List(t.Context())
			require.NoError(t, err)
			if knows == "the database" {
				for _, id := range []string{"v1", "v2"} {
					require.NoError(t, r.store.LiftSuppression(t.Context(), id, trial.AddressHash(id+"@example.com"), lifted))
				}
			}
			require.NoError(t, r.store.Clear(t.Context()))
			_, err = r.store.Restore(t.Context(), Moment{At: r.now, Before: r.source(t, listed.Good[0])})
			require.NoError(t, err)
			if knows == "the history" {
				require.Equal(t, trial.ReasonSuppressedAddress, noMail(t, r.store, "v1"))
				for _, id := range []string{"v1", "v2"} {
					_, err := r.store.CatchUp(t.Context(), id, recovery.Trial{
						NoMail: []trial.Suppression{{Reason: trial.ReasonSuppressedAddress, At: at.Add(time.Hour)}}, Lifts: []recovery.Lift{{Of: at.Add(time.Hour), At: lifted}},
					})
					require.NoError(t, err)
				}
			}
			require.Empty(t, noMail(t, r.store, "v1"))
			require.Equal(t, trial.ReasonUnsubscribed, noMail(t, r.store, "v2"))
		})
	}
}
