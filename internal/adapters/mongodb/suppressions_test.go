package mongodb

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"

	"marketplace.example/trials/internal/domain/trial"
)

func suppress(t *testing.T, s *Store, vendorID string, p trial.Suppression) (isNew bool) {
	t.Helper()
	_, isNew, err := s.Suppress(t.Context(), vendorID, p)
	require.NoError(t, err)
	return isNew
}

func bounced(address string, hours int) trial.Suppression {
	return trial.Suppression{Reason: trial.ReasonSuppressedAddress, At: at.Add(time.Duration(hours) * time.Hour), AddressHash: trial.AddressHash(address)}
}

func unsubscribed(hours int) trial.Suppression {
	return trial.Suppression{Reason: trial.ReasonUnsubscribed, At: at.Add(time.Duration(hours) * time.Hour)}
}

// replaceUser is what a marketplace does that knows nothing of our fields.
func replaceUser(t *testing.T, s *Store, id, email string, more ...bson.E) {
	t.Helper()
	_, err := s.users.DeleteOne(t.Context(), byID(id))
	require.NoError(t, err)
	insertUser(t, s, append(bson.D{{Key: "_id", Value: id}, {Key: "isVendor", Value: true}, {Key: "email", Value: email}, {Key: "name", Value: "Shop"}}, more...))
}

func noMail(t *testing.T, s *Store, id string) trial.Reason {
	t.Helper()
	v, err := s.Vendor(t.Context(), id)
	require.NoError(t, err)
	return v.NoMail()
}

func TestSuppress(t *testing.T) {
	t.Parallel()
	anywhere := trial.Suppression{Reason: trial.ReasonSuppressedAddress, At: at}
	const own = "v1@example.com"
	for name, c := range map[string]struct {
		given []trial.Suppression
		want  trial.Suppression
	}{
		"a bounce":                       {given: []trial.Suppression{bounced(own, 0)}, want: bounced(own, 0)},
		"the same again":                 {given: []trial.Suppression{bounced(own, 0), bounced(own, 3)}, want: bounced(own, 0)},
		"heard of in another order":      {given: []trial.Suppression{bounced(own, 3), bounced(own, 0)}, want: bounced(own, 0)},
		"a bounce of an earlier address": {given: []trial.Suppression{bounced(own, 0), bounced("b", 1)}, want: bounced(own, 0)},
		"unsubscribed, then a bounce":    {given: []trial.Suppression{unsubscribed(0), bounced(own, 1)}, want: unsubscribed(0)},
		"unsubscribed twice":             {given: []trial.Suppression{unsubscribed(0), unsubscribed(1)}, want: unsubscribed(0)},
		"a bounce, then unsubscribed":    {given: []trial.Suppression{bounced(own, 1), unsubscribed(0)}, want: unsubscribed(0)},
		"unsubscribed from an address":   {given: []trial.Suppression{{Reason: trial.ReasonUnsubscribed, At: at, AddressHash: "a"}}, want: unsubscribed(0)},
		"any address, then a bounce":     {given: []trial.Suppression{anywhere, bounced(own, 1)}, want: anywhere},
		"any address, then unsubscribed": {given: []trial.Suppression{anywhere, unsubscribed(1)}, want: unsubscribed(1)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newTestStore(t)
			register(t, s, "v1", trial.Automated)
			for _, p := range c.given {
				suppress(t, s, "v1", p)
				require.False(t, suppress(t, s, "v1", p), "once is enough")
			}
			v, err := s.Vendor(t.Context(), "v1")
			require.NoError(t, err)
			require.Equal(t, &c.want, v.Suppression)
		})
	}
	s := newTestStore(t)
	_, _, err := s.Suppress(t.Context(), "v1", trial.Suppression{Reason: trial.ReasonDue})
	requireCode(t, trial.CodeInvalid, err)
	_, _, err = s.Suppress(t.Context(), "no id/", unsubscribed(0))
	requireCode(t, trial.CodeNotFound, err)
}

// What a vendor has decided is kept where the marketplace cannot lose it, and
// counts before the reconciler has put our fields back as well as after.
func TestSuppressionOutlivesTheDocument(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]trial.Suppression{
		"unsubscribed": unsubscribed(1), "the address bounced": bounced("v1@example.com", 1),
		"nobody knows which address": {Reason: trial.ReasonSuppressedAddress, At: at},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newTestStore(t)
			register(t, s, "v1", trial.Automated)
			suppress(t, s, "v1", p)
			for range 2 {
				replaceUser(t, s, "v1", "V1@example.com")
				require.Equal(t, p.Reason, noMail(t, s, "v1"), "at once")
				_, err := s.TakeIn(t.Context(), vendor("v1", trial.Automated))
				require.NoError(t, err)
				require.Equal(t, p.Reason, noMail(t, s, "v1"), "taken in again")
			}
			_, err := s.users.DeleteOne(t.Context(), byID("v1"))
			require.NoError(t, err)
			_, _, err = s.RegisterVendor(t.Context(), vendor("v1", trial.Automated))
			require.NoError(t, err)
			require.Equal(t, p.Reason, noMail(t, s, "v1"), "registered again")
		})
	}
}

// Each address keeps its own state, whatever is heard of another one later.
func TestEachAddressKeepsItsOwnState(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	register(t, s, "v1", trial.Automated)
	move := func(address string) trial.Reason {
		t.Helper()
		_, err := s.updateUser(t.Context(), "v1", bson.D{{Key: "$set", Value: bson.D{{Key: "email", Value: address}}}})
		require.NoError(t, err)
		return noMail(t, s, "v1")
	}
	require.Empty(t, move("b@example.com"))
	require.True(t, suppress(t, s, "v1", bounced("b@example.com", 1)))
	require.True(t, suppress(t, s, "v1", bounced("a@example.com", 2)), "a complaint about the one before")
	require.Equal(t, trial.ReasonSuppressedAddress, move("b@example.com"))
	require.Equal(t, trial.ReasonSuppressedAddress, move(" A@Example.com"))
	require.Empty(t, move("c@example.com"))
	all, err := s.Suppressions(t.Context(), "v1")
	require.NoError(t, err)
	require.ElementsMatch(t, []trial.Suppression{bounced("a@example.com", 2), bounced("b@example.com", 1)}, all)

	register(t, s, "v2", trial.Automated)
	_, err = s.updateUser(t.Context(), "v2", bson.D{{Key: "$set", Value: bson.D{{Key: "email", Value: "a@example.com"}}}})
	require.NoError(t, err)
	require.Equal(t, trial.ReasonSuppressedAddress, noMail(t, s, "v2"), "whoever complains does not ask under which vendor's name")
}

// A wish is kept of a vendor whose document is gone, is no vendor's any more, or was never there.
func TestSuppressWithoutADocument(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	insertUser(t, s, bson.D{{Key: "_id", Value: "v2"}, {Key: "isVendor", Value: false}})
	for _, id := range []string{"v1", "v2"} {
		require.True(t, suppress(t, s, id, unsubscribed(0)))
		require.False(t, suppress(t, s, id, unsubscribed(5)))
		replaceUser(t, s, id, "new@example.com")
		require.Equal(t, trial.ReasonUnsubscribed, noMail(t, s, id))
	}
}

// An erasure counts at once as well, before the document is marked again.
func TestErasureCountsInAReplacedDocument(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	register(t, s, "v1", trial.Automated)
	_, err := s.EraseVendor(t.Context(), "v1", erasure(time.Hour))
	require.NoError(t, err)
	replaceUser(t, s, "v1", "v1@example.com")
	require.Equal(t, trial.ReasonNoAddress, noMail(t, s, "v1"))
}

// Who asks for it after the marketplace has removed the document is erased when it comes back.
func TestErasureWithoutADocument(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	register(t, s, "v1", trial.Automated)
	_, err := s.users.DeleteOne(t.Context(), byID("v1"))
	require.NoError(t, err)
	kept, err := s.EraseVendor(t.Context(), "v1", erasure(time.Hour))
	require.NoError(t, err)
	require.Equal(t, erasure(time.Hour), kept)
	replaceUser(t, s, "v1", "v1@example.com")
	require.Equal(t, trial.ReasonNoAddress, noMail(t, s, "v1"))
}

// Billing's word reaches the trial whatever becomes of the document meanwhile, and may come when it is gone.
func TestConversionOutlivesTheDocument(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ goneBefore, comesBack bool }{
		"replaced afterwards": {comesBack: true}, "removed afterwards": {}, "removed before": {goneBefore: true}, "removed before, and comes back": {goneBefore: true, comesBack: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newTestStore(t)
			register(t, s, "v1", trial.Automated)
			events, _ := history(t, registration14d("v1"), convert(at.Add(time.Hour)))
			if !c.comesBack { // without a document none begins any more
				appendAll(t, s, events[:1])
			}
			said := trial.Conversion{At: at.Add(time.Hour), RequestID: "invoice-1"}
			remove := func() {
				_, err := s.users.DeleteOne(t.Context(), byID("v1"))
				require.NoError(t, err)
			}
			if c.goneBefore {
				remove()
			}
			_, isFirst, err := s.RecordConversion(t.Context(), "v1", said)
			require.NoError(t, err)
			require.True(t, isFirst)
			remove()
			if c.comesBack {
				replaceUser(t, s, "v1", "v1@example.com")
				v, err := s.Vendor(t.Context(), "v1")
				require.NoError(t, err)
				require.Equal(t, &said, v.Automation.Conversion, "a step that is due sees it at once")
			}
			waiting, err := s.UnrecordedConversions(t.Context(), 10)
			require.NoError(t, err)
			require.Equal(t, []string{"v1"}, ids(waiting))
			require.Equal(t, &said, waiting[0].Automation.Conversion)
			appendAll(t, s, events)
			waiting, err = s.UnrecordedConversions(t.Context(), 10)
			require.NoError(t, err)
			require.Empty(t, waiting)
		})
	}
}

// Cohort and start are decided once, whatever the marketplace does to the document, and whoever puts our fields back.
func TestCohortAndStartNeverChange(t *testing.T) {
	t.Parallel()
	other := vendor("v1", trial.Control)
	other.StartedAt = at.AddDate(0, 2, 0)
	for name, back := range map[string]func(t *testing.T, s *Store){
		"nobody has yet": func(*testing.T, *Store) {},
		"the reconciler": func(t *testing.T, s *Store) {
			t.Helper()
			_, err := s.TakeIn(t.Context(), other)
			require.NoError(t, err)
		},
		"a registration": func(t *testing.T, s *Store) {
			t.Helper()
			_, created, err := s.RegisterVendor(t.Context(), other)
			require.NoError(t, err)
			require.False(t, created)
		},
		"the trial, as it goes on": func(t *testing.T, s *Store) {
			t.Helper()
			events, state := history(t, registration14d("v1"), request(trial.MessageExtend, trial.Request{ID: "r", Days: 3, Reason: "asked", By: "admin"}, at.Add(time.Hour)))
			appendAll(t, s, events)
			stored := readUser(raw(t, s, "v1"))
			require.Equal(t, trial.Automated, stored.vendor.Automation.Cohort, "in the document too")
			require.Equal(t, state.EndsAt, *stored.vendor.Automation.EndsAt)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newTestStore(t)
			register(t, s, "v1", trial.Automated)
			for _, more := range [][]bson.E{nil, {{Key: "createdAt", Value: at.AddDate(0, 1, 0)}}, {{Key: "trialStartDate", Value: at.AddDate(0, 1, 0)}}} {
				replaceUser(t, s, "v1", "v1@example.com", more...)
				back(t, s)
				v, err := s.Vendor(t.Context(), "v1")
				require.NoError(t, err)
				require.Equal(t, at, v.StartedAt)
				require.Equal(t, trial.Automated, v.Automation.Cohort)
			}
		})
	}
}

func raw(t *testing.T, s *Store, id string) bson.Raw {
	t.Helper()
	doc, err := s.users.FindOne(t.Context(), byID(id)).Raw()
	require.NoError(t, err)
	return doc
}

// The vendor's latest wish counts, and no wish opens an address that bounced or complained.
func TestResubscribe(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	register(t, s, "v1", trial.Automated)
	again := func(hours int) {
		t.Helper()
		require.NoError(t, s.Resubscribe(t.Context(), "v1", at.Add(time.Duration(hours)*time.Hour)))
	}
	kept := func() []trial.Suppression {
		t.Helper()
		all, err := s.Suppressions(t.Context(), "v1")
		require.NoError(t, err)
		return all
	}
	again(0)
	require.Empty(t, kept(), "it was never unsubscribed")
	require.True(t, suppress(t, s, "v1", unsubscribed(1)))
	for range 2 {
		again(2)
		require.Empty(t, noMail(t, s, "v1"))
		require.Equal(t, []trial.Suppression{{Reason: trial.ReasonResubscribed, At: at.Add(2 * time.Hour)}}, kept())
	}
	since, isNew, err := s.Suppress(t.Context(), "v1", unsubscribed(2))
	require.NoError(t, err)
	require.True(t, isNew, "at the same moment, or by a clock that is behind")
	require.Equal(t, []trial.Suppression{{Reason: trial.ReasonUnsubscribed, At: since}}, kept())
	require.Equal(t, trial.ReasonUnsubscribed, noMail(t, s, "v1"))
	require.False(t, suppress(t, s, "v1", unsubscribed(3)))
	again(1)
	require.Empty(t, noMail(t, s, "v1"), "by a clock that is behind")

	stored, err := s.suppressions.FindOne(t.Context(), byID(vendorSuppressionKey("v1"))).Raw()
	require.NoError(t, err)
	restored := newTestStore(t)
	register(t, restored, "v1", trial.Automated)
	suppress(t, restored, "v1", unsubscribed(1))
	require.NoError(t, restored.MergeSuppression(t.Context(), stored))
	require.Empty(t, noMail(t, restored, "v1"), "a restore learns it")
	suppress(t, restored, "v1", unsubscribed(9))
	require.NoError(t, restored.MergeSuppression(t.Context(), stored))
	require.Equal(t, trial.ReasonUnsubscribed, noMail(t, restored, "v1"), "and forgets nothing that came since")

	for name, p := range map[string]trial.Suppression{"bounced": bounced("v1@example.com", 4), "of an address that nobody knows": {Reason: trial.ReasonSuppressedAddress, At: at}} {
		s := newTestStore(t)
		register(t, s, "v1", trial.Automated)
		suppress(t, s, "v1", p)
		suppress(t, s, "v1", unsubscribed(5))
		require.NoError(t, s.Resubscribe(t.Context(), "v1", at.Add(6*time.Hour)))
		require.Equal(t, trial.ReasonSuppressedAddress, noMail(t, s, "v1"), name)
	}
}
