package mongodb

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"

	"marketplace.example/trials/internal/domain/trial"
)

// failing is the bounce of an e-mail to an address, sent so many hours from the beginning and heard of an hour later.
func failing(address string, sent int) trial.Suppression {
	p := bounced(address, sent+1)
	p.Cause, p.SentAt = trial.CauseBounce, at.Add(time.Duration(sent)*time.Hour)
	return p
}

func complained(address string, hours int) trial.Suppression {
	p := bounced(address, hours)
	p.Cause = trial.CauseComplaint
	return p
}

func lift(t *testing.T, s *Store, vendorID, address string, hours int) {
	t.Helper()
	require.NoError(t, s.LiftSuppression(t.Context(), vendorID, trial.AddressHash(address), at.Add(time.Duration(hours)*time.Hour)))
}

// rawSuppressions are all documents, as a backup has them.
func rawSuppressions(t *testing.T, s *Store) []bson.Raw {
	t.Helper()
	docs, err := list[bson.Raw](t.Context(), "reading", s.suppressions, bson.D{})
	require.NoError(t, err)
	return docs
}

// What a person has lifted no late or repeated event undoes, nor a document that is replaced, nor a restore of any backup; a new
// bounce does, and no lift opens what the vendor has closed.
func TestALiftStands(t *testing.T) {
	t.Parallel()
	const own = "v1@example.com"
	s := newTestStore(t)
	register(t, s, "v1", trial.Automated)
	require.True(t, suppress(t, s, "v1", failing(own, 1)))
	before := rawSuppressions(t, s)
	v, err := s.Vendor(t.Context(), "v1")
	require.NoError(t, err)
	require.Nil(t, v.LiftRefusal())
	for range 2 {
		lift(t, s, "v1", own, 5)
		require.Empty(t, noMail(t, s, "v1"))
	}
	require.False(t, suppress(t, s, "v1", failing(own, 1)), "the same event again")
	late := failing(own, 4)
	late.At = at.Add(9 * time.Hour)
	require.False(t, suppress(t, s, "v1", late), "an old e-mail bounces late")
	replaceUser(t, s, "v1", own)
	for _, doc := range before {
		require.NoError(t, s.MergeSuppression(t.Context(), doc))
	}
	require.Empty(t, noMail(t, s, "v1"), "a backup of before is restored")
	all, err := s.Suppressions(t.Context(), "v1")
	require.NoError(t, err)
	require.Contains(t, all, trial.Suppression{Reason: trial.ReasonLifted, At: at.Add(5 * time.Hour), AddressHash: trial.AddressHash(own)})

	restored := newTestStore(t)
	register(t, restored, "v1", trial.Automated)
	suppress(t, restored, "v1", failing(own, 1))
	for _, doc := range rawSuppressions(t, s) {
		require.NoError(t, restored.MergeSuppression(t.Context(), doc))
	}
	require.Empty(t, noMail(t, restored, "v1"), "and one that knows the lift tells it")
	suppress(t, restored, "v1", unsubscribed(2))
	lift(t, restored, "v1", own, 99)
	require.Equal(t, trial.ReasonUnsubscribed, noMail(t, restored, "v1"))

	require.True(t, suppress(t, s, "v1", failing(own, 6)), "a new e-mail bounces")
	require.Equal(t, trial.ReasonSuppressedAddress, noMail(t, s, "v1"))
	v, err = s.Vendor(t.Context(), "v1")
	require.NoError(t, err)
	require.Equal(t, at.Add(7*time.Hour), v.Suppression.At, "since then, not since the first")
	require.Equal(t, trial.CauseBounce, v.Suppression.Why())
}

// An address is lifted for the vendor that was looked at; another vendor's own record stays.
func TestALiftIsOfOneVendorsAddress(t *testing.T) {
	t.Parallel()
	const shared = "shared@example.com"
	s := newTestStore(t)
	for _, id := range []string{"v1", "v2", "v3"} {
		register(t, s, id, trial.Automated)
		replaceUser(t, s, id, shared)
	}
	suppress(t, s, "v1", failing(shared, 1))
	suppress(t, s, "v2", failing(shared, 2))
	lift(t, s, "v1", shared, 5)
	require.Empty(t, noMail(t, s, "v1"))
	require.Equal(t, trial.ReasonSuppressedAddress, noMail(t, s, "v2"))
	require.Empty(t, noMail(t, s, "v3"), "it was stopped by theirs alone")
	suppress(t, s, "v2", complained(shared, 3))
	require.Equal(t, trial.ReasonSuppressedAddress, noMail(t, s, "v1"), "a complaint is of a person, and older ones count too")
	v, err := s.Vendor(t.Context(), "v1")
	require.NoError(t, err)
	require.Equal(t, "complaint", v.LiftRefusal().Field)
	require.NoError(t, s.Resubscribe(t.Context(), "v1", at.Add(6*time.Hour)))
	require.Equal(t, trial.ReasonSuppressedAddress, noMail(t, s, "v3"))
	suppress(t, s, "v2", complained(shared, 7))
	for _, id := range []string{"v1", "v3"} {
		require.NoError(t, s.Resubscribe(t.Context(), id, at.Add(2*time.Hour)), "by a clock that is behind too")
		v, err = s.Vendor(t.Context(), id)
		require.NoError(t, err)
		require.Len(t, v.Stops, 1)
		require.True(t, v.Stops[0].Asked, "also where it is on record of another vendor alone")
		require.Nil(t, v.LiftRefusal())
	}
}

// A complaint can be lifted once the vendor has asked for e-mail again, also by a clock that is behind.
func TestAComplaintAndTheVendorsWish(t *testing.T) {
	t.Parallel()
	const own = "v1@example.com"
	s := newTestStore(t)
	register(t, s, "v1", trial.Automated)
	suppress(t, s, "v1", complained(own, 4))
	lift(t, s, "v1", own, 5)
	require.Equal(t, trial.ReasonSuppressedAddress, noMail(t, s, "v1"))
	require.NoError(t, s.Resubscribe(t.Context(), "v1", at.Add(2*time.Hour)))
	v, err := s.Vendor(t.Context(), "v1")
	require.NoError(t, err)
	require.Empty(t, v.NoMail(), "the lift was after the complaint, and the vendor has asked since")
	require.True(t, suppress(t, s, "v1", complained(own, 6)))
	require.Equal(t, trial.ReasonSuppressedAddress, noMail(t, s, "v1"))
}

// rows are the pages of a list, put together.
func rows(t *testing.T, s *Store, cause trial.Cause, limit int) (ids []string) {
	t.Helper()
	for after, more := "", true; more; more = after != "" {
		page, next, err := s.SuppressedVendors(t.Context(), cause, after, limit)
		require.NoError(t, err)
		require.LessOrEqual(t, len(page), limit)
		for _, row := range page {
			ids = append(ids, row.VendorID)
		}
		after = next
	}
	return ids
}

func TestSuppressedVendorsAreListed(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	for i := range 8 {
		register(t, s, fmt.Sprintf("v%d", i), trial.Automated)
	}
	own := func(i int) string { return fmt.Sprintf("v%d@example.com", i) }
	suppress(t, s, "v0", failing(own(0), 1))
	suppress(t, s, "v1", complained(own(1), 9))
	suppress(t, s, "v2", unsubscribed(3))
	suppress(t, s, "v3", bounced(own(3), 4)) // of which the cause is not known
	suppress(t, s, "v4", failing("earlier@example.com", 5))
	suppress(t, s, "v5", failing(own(5), 6))
	lift(t, s, "v5", own(5), 8)
	suppress(t, s, "v6", failing(own(6), 7))
	_, err := s.EraseVendor(t.Context(), "v6", erasure(time.Hour))
	require.NoError(t, err)
	suppress(t, s, "v7", failing(own(7), 10))
	suppress(t, s, "v7", unsubscribed(2))
	suppress(t, s, "gone", unsubscribed(1))
	for _, limit := range []int{1, 2, 3, 50} {
		require.Equal(t, []string{"v7", "v1", "v3", "v2", "v0", "gone"}, rows(t, s, "", limit))
		require.Equal(t, []string{"v7", "v0"}, rows(t, s, trial.CauseBounce, limit))
		require.Equal(t, []string{"v1"}, rows(t, s, trial.CauseComplaint, limit))
		require.Equal(t, []string{"v3"}, rows(t, s, trial.CauseUnknown, limit))
		require.Equal(t, []string{"v2", "v7", "gone"}, rows(t, s, trial.CauseUnsubscribed, limit))
	}
	page, _, err := s.SuppressedVendors(t.Context(), "", "", 2)
	require.NoError(t, err)
	v, err := s.Vendor(t.Context(), "v7")
	require.NoError(t, err)
	want, _ := v.SuppressedView()
	require.Equal(t, want, page[0], "as the vendor alone is read")
	require.Equal(t, trial.CauseUnsubscribed, page[0].Cause)
	require.NotEmpty(t, page[0].Refusal)
	_, _, err = s.SuppressedVendors(t.Context(), "", "no place", 2)
	requireCode(t, trial.CodeInvalid, err)
}

// What was stored before there were lists, and causes, is listed once the database was set up, and as it is restored.
func TestOldSuppressionsAreListed(t *testing.T) {
	t.Parallel()
	old := []bson.D{
		{{Key: "_id", Value: "vendor/v1"}, {Key: "addresses", Value: bson.D{{Key: trial.AddressHash("v1@example.com"), Value: bson.D{
			{Key: "reason", Value: "suppressed-address"}, {Key: "at", Value: at}, {Key: "addressHash", Value: trial.AddressHash("v1@example.com")},
		}}}}},
		{{Key: "_id", Value: "vendor/v2"}, {Key: "everywhere", Value: bson.D{
			{Key: "rank", Value: 3}, {Key: "reason", Value: "unsubscribed"}, {Key: "at", Value: at}, {Key: "addressHash", Value: ""},
		}}},
		{{Key: "_id", Value: "vendor/v3"}, {Key: "resubscribedAt", Value: at}},
	}
	for name, store := range map[string]func(context.Context, *Store, bson.D) error{
		"set up": func(ctx context.Context, s *Store, doc bson.D) error {
			_, err := s.suppressions.InsertOne(ctx, doc)
			return err
		},
		"restored": func(ctx context.Context, s *Store, doc bson.D) error {
			whole, err := bson.Marshal(doc)
			if err != nil {
				return err
			}
			return s.MergeSuppression(ctx, whole)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newTestStore(t)
			for _, id := range []string{"v1", "v2", "v3"} {
				register(t, s, id, trial.Automated)
			}
			for _, doc := range old {
				require.NoError(t, store(t.Context(), s, doc))
			}
			for range 2 {
				require.NoError(t, s.listSuppressions(t.Context()))
				require.Equal(t, []string{"v2", "v1"}, rows(t, s, "", 9))
			}
			require.Equal(t, []string{"v1"}, rows(t, s, trial.CauseUnknown, 9))
			require.Equal(t, trial.ReasonSuppressedAddress, noMail(t, s, "v1"))
			lift(t, s, "v1", "v1@example.com", 5)
			require.Equal(t, trial.ReasonSuppressedAddress, noMail(t, s, "v1"), "it may be a complaint")
		})
	}
}

// What was stored before causes were may be a complaint, and stays so where an earlier bounce becomes known, or is restored.
func TestAnEarlierBounceHidesNoOldSuppression(t *testing.T) {
	t.Parallel()
	const own = "v1@example.com"
	hash := trial.AddressHash(own)
	first := bson.D{{Key: "reason", Value: "suppressed-address"}, {Key: "at", Value: at.Add(4 * time.Hour)}, {Key: "addressHash", Value: hash}}
	old := []bson.D{
		{{Key: "_id", Value: "vendor/v1"}, {Key: "addresses", Value: bson.D{{Key: hash, Value: first}}}},
		{{Key: "_id", Value: "address/" + hash}, {Key: "value", Value: first}},
	}
	other := newTestStore(t)
	suppress(t, other, "v1", failing(own, 1))
	merge := func(s *Store, doc any) {
		raw, err := bson.Marshal(doc)
		require.NoError(t, err)
		require.NoError(t, s.MergeSuppression(t.Context(), raw))
	}
	for name, happen := range map[string]func(s *Store, old bson.D){
		"heard late": func(s *Store, old bson.D) {
			_, err := s.suppressions.InsertOne(t.Context(), old)
			require.NoError(t, err)
			suppress(t, s, "v1", failing(own, 1))
		},
		"restored": func(s *Store, old bson.D) {
			_, err := s.suppressions.InsertOne(t.Context(), old)
			require.NoError(t, err)
			for _, doc := range rawSuppressions(t, other) {
				merge(s, doc)
			}
		},
		"an old backup": func(s *Store, old bson.D) {
			suppress(t, s, "v1", failing(own, 1))
			merge(s, old)
		},
	} {
		for i, of := range []string{"the vendor", "the address"} {
			s := newTestStore(t)
			register(t, s, "v1", trial.Automated)
			happen(s, old[i])
			v, err := s.Vendor(t.Context(), "v1")
			require.NoError(t, err)
			require.Equal(t, string(trial.CauseUnknown), v.LiftRefusal().Field, name+", of "+of)
		}
	}
}

// A page goes on past those that stop nothing any more.
func TestALiftEmptiesNoPage(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	for i := range 6 {
		id := fmt.Sprintf("v%d", i)
		register(t, s, id, trial.Automated)
		suppress(t, s, id, failing(id+"@example.com", i))
		if i > 1 {
			lift(t, s, id, id+"@example.com", 9)
		}
	}
	page, _, err := s.SuppressedVendors(t.Context(), "", "", 2)
	require.NoError(t, err)
	require.Len(t, page, 2)
	require.Equal(t, "v1", page[0].VendorID)
	require.Equal(t, []string{"v1", "v0"}, rows(t, s, "", 2))
}
