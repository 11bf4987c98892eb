package mongodb

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"marketplace.example/trials/internal/domain/audit"
)

func auditAbout(subject string) audit.Entry {
	return audit.Entry{
		At: at.Add(123456 * time.Microsecond), Actor: "admin", Action: "extendTrial", Subject: subject, Reason: "asked <for> more \u2028 é",
		RequestID: "r", Key: "k", Outcome: audit.Done, Asked: `{"days":7.0}`, Before: `{ "a": 1 }`, After: `{"b":[1,2.50]}`,
	}
}

func appendAudit(t *testing.T, s *Store, entries ...audit.Entry) []audit.Entry {
	t.Helper()
	var all []audit.Entry
	for _, e := range entries {
		stands, err := s.AppendAudit(t.Context(), e)
		require.NoError(t, err)
		all = append(all, stands)
	}
	return all
}

// verifyAudit follows the whole record as it is stored.
func verifyAudit(t *testing.T, s *Store) (*audit.Verifier, error) {
	t.Helper()
	v := &audit.Verifier{}
	return v, s.VerifyAudit(t.Context(), v)
}

func requireBreak(t *testing.T, s *Store, seq int, fault audit.Fault) {
	t.Helper()
	_, err := verifyAudit(t, s)
	var b *audit.Break
	require.ErrorAs(t, err, &b)
	require.Equal(t, seq, b.Seq, b.Text)
	require.Equal(t, fault, b.Fault, b.Text)
}

func TestTheAuditRecordIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	_, err := verifyAudit(t, s)
	require.NoError(t, err, "nothing yet")
	none, next, err := s.AuditEntries(t.Context(), audit.Filter{}, 0, 10)
	require.NoError(t, err)
	require.Empty(t, none)
	require.Zero(t, next)

	written := appendAudit(t, s, auditAbout("trials/v-1"), audit.Entry{At: at, Outcome: audit.Pending}, auditAbout("trials/v-2"))
	read, _, err := s.AuditEntries(t.Context(), audit.Filter{}, 0, 10)
	require.NoError(t, err)
	slices.Reverse(read)
	require.Equal(t, written, read)
	v, err := verifyAudit(t, s)
	require.NoError(t, err)
	require.Equal(t, written[2].Hash, v.Last().Hash)
	require.Equal(t, []int{2}, v.Pending())
	require.Equal(t, "000000000003", document(t, s.auditLog, auditKey(3))["_id"])
}

// Several processes append at once, each with requests of its own: every number
// is there once, and the chain is whole.
func TestAppendsAtOnceMakeOneChain(t *testing.T) {
	t.Parallel()
	first := newTestStore(t)
	second, err := Connect(t.Context(), server, first.users.Database().Name())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, second.Close(t.Context())) })
	const writers, each = 6, 10
	errs := make([]error, writers)
	seen := make([][]int, writers)
	together(writers, func(w int) {
		s := []*Store{first, second}[w%2]
		for i := range each {
			e, err := s.AppendAudit(t.Context(), auditAbout(fmt.Sprintf("trials/v-%d-%d", w, i)))
			errs[w] = errors.Join(errs[w], err)
			seen[w] = append(seen[w], e.Seq)
		}
	})
	require.NoError(t, errors.Join(errs...))
	numbers := slices.Sorted(slices.Values(slices.Concat(seen...)))
	require.Len(t, slices.Compact(numbers), writers*each)
	require.Equal(t, 1, numbers[0])
	require.Equal(t, writers*each, numbers[len(numbers)-1])
	for w := range writers {
		require.True(t, slices.IsSorted(seen[w]), "what one writes one after the other stands in that order")
	}
	v, err := verifyAudit(t, first)
	require.NoError(t, err)
	require.Equal(t, writers*each, v.Last().Seq)
}

// Requests that are alike in everything, made at the same moment, are as many entries:
// whoever calls may choose the request's id.
func TestEntriesThatAreAlikeAreAllOnRecord(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	const writers = 8
	seen, errs := make([]int, writers), make([]error, writers)
	together(writers, func(w int) {
		e, err := s.AppendAudit(t.Context(), auditAbout("trials/v-1"))
		seen[w], errs[w] = e.Seq, err
	})
	require.NoError(t, errors.Join(errs...))
	slices.Sort(seen)
	require.Equal(t, []int{1, 2, 3, 4, 5, 6, 7, 8}, seen)
}

// Of entries that are written together those stand whose numbers are free, up to the first that is not; one that
// the driver has sent twice is no other's.
func TestEntriesWrittenTogetherStandUpToTheFirstOfAnother(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	appendAudit(t, s, auditAbout("trials/v-1"), auditAbout("trials/v-2"))
	second, err := s.AuditEntry(t.Context(), 2)
	require.NoError(t, err)
	third := audit.Next(*second, auditAbout("trials/v-3"))
	fourth := audit.Next(third, auditAbout("trials/v-4"))
	fifth := audit.Next(fourth, auditAbout("trials/v-5"))
	_, err = s.auditLog.InsertOne(t.Context(), auditDocument{Key: auditKey(4), Entry: auditAbout("trials/v-other"), Attempt: "another"})
	require.NoError(t, err)
	stand, err := s.InsertAudit(t.Context(), []audit.Entry{third, fourth, fifth})
	require.NoError(t, err)
	require.Equal(t, 1, stand)
	require.Equal(t, "trials/v-3", document(t, s.auditLog, auditKey(3))["subject"])
	require.Equal(t, "trials/v-other", document(t, s.auditLog, auditKey(4))["subject"])
	gone, err := s.AuditEntry(t.Context(), 5)
	require.NoError(t, err)
	require.Nil(t, gone)
}

// A record whose end is gone goes on, and the log says that it was longer.
func TestTheLogTellsOfARecordThatWasLonger(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	core, logs := observer.New(zap.ErrorLevel)
	s.log = zap.New(core)
	appendAudit(t, s, auditAbout("trials/v-1"), auditAbout("trials/v-2"), auditAbout("trials/v-3"))
	require.Zero(t, logs.Len())
	_, err := s.auditLog.DeleteOne(t.Context(), byID(auditKey(3)))
	require.NoError(t, err)
	require.Equal(t, 3, appendAudit(t, s, auditAbout("trials/v-4"))[0].Seq)
	require.Equal(t, 1, logs.Len())
	require.EqualValues(t, 3, logs.All()[0].ContextMap()["missing"])
	appendAudit(t, s, auditAbout("trials/v-5"))
	require.Equal(t, 1, logs.Len())
}

// Whatever somebody does to the stored record is found, and named.
func TestTamperingWithTheStoredRecordIsNamed(t *testing.T) {
	t.Parallel()
	set := func(seq int, field string, value any) func(t *testing.T, s *Store) {
		return func(t *testing.T, s *Store) {
			t.Helper()
			update := bson.D{{Key: "$set", Value: bson.D{{Key: field, Value: value}}}}
			require.NoError(t, s.auditLog.FindOneAndUpdate(t.Context(), byID(auditKey(seq)), update).Err())
		}
	}
	remove := func(t *testing.T, s *Store, key string) auditDocument {
		t.Helper()
		var doc auditDocument
		require.NoError(t, s.auditLog.FindOneAndDelete(t.Context(), byID(key)).Decode(&doc))
		return doc
	}
	put := func(t *testing.T, s *Store, doc auditDocument, seq int) {
		t.Helper()
		doc.Key = auditKey(seq)
		_, err := s.auditLog.InsertOne(t.Context(), doc)
		require.NoError(t, err)
	}
	for name, c := range map[string]struct {
		tamper func(t *testing.T, s *Store)
		seq    int
		fault  audit.Fault
	}{
		"another actor":     {set(3, "actor", "eve"), 3, audit.Altered},
		"another moment":    {set(3, "at", at), 3, audit.Altered},
		"another document":  {set(3, "after", `{"b":[1,2.5]}`), 3, audit.Altered},
		"no reason":         {set(3, "reason", ""), 3, audit.Altered},
		"a removed entry":   {func(t *testing.T, s *Store) { t.Helper(); remove(t, s, auditKey(2)) }, 2, audit.Missing},
		"the first removed": {func(t *testing.T, s *Store) { t.Helper(); remove(t, s, auditKey(1)) }, 1, audit.Missing},
		"two swapped": {func(t *testing.T, s *Store) {
			t.Helper()
			two, four := remove(t, s, auditKey(2)), remove(t, s, auditKey(4))
			put(t, s, two, 4)
			put(t, s, four, 2)
		}, 2, audit.Misplaced},
		"made anew": {func(t *testing.T, s *Store) {
			t.Helper()
			forged := remove(t, s, auditKey(3))
			two, err := s.auditEntry(t.Context(), 2)
			require.NoError(t, err)
			forged.Actor = "eve"
			forged.Entry = audit.Next(two.Entry, forged.Entry)
			put(t, s, forged, 3)
		}, 4, audit.Unlinked},
		"an entry of no number": {func(t *testing.T, s *Store) {
			t.Helper()
			_, err := s.auditLog.InsertOne(t.Context(), auditDocument{Key: "0", Entry: auditAbout("trials/v-1")})
			require.NoError(t, err)
		}, 0, audit.Misplaced},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newTestStore(t)
			for i := range 5 {
				appendAudit(t, s, auditAbout(fmt.Sprintf("trials/v-%d", i)))
			}
			_, err := verifyAudit(t, s)
			require.NoError(t, err)
			c.tamper(t, s)
			requireBreak(t, s, c.seq, c.fault)
			appendAudit(t, s, auditAbout("trials/v-9"))
			_, err = verifyAudit(t, s)
			require.Error(t, err, "going on does not heal it")
		})
	}
}

// After an older state was restored, the record goes on where that ends.
func TestTheRecordGoesOnAfterARestore(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	written := appendAudit(t, s, auditAbout("trials/v-1"), auditAbout("trials/v-2"), auditAbout("trials/v-3"))
	for _, seq := range []int{2, 3} {
		_, err := s.auditLog.DeleteOne(t.Context(), byID(auditKey(seq)))
		require.NoError(t, err)
	}
	require.Equal(t, 2, appendAudit(t, s, auditAbout("trials/v-4"))[0].Seq)
	_, err := verifyAudit(t, s)
	require.NoError(t, err)
	v := &audit.Verifier{Known: audit.Mark{Seq: 3, Hash: written[2].Hash}}
	require.ErrorContains(t, s.VerifyAudit(t.Context(), v), "entry 3, which is missing")
}

func TestTheAuditRecordIsFiltered(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	for i, e := range []audit.Entry{
		{Actor: "ada", Action: "extendTrial", Subject: "trials/v-1"},
		{Actor: "ben", Action: "extendTrial", Subject: "trials/v-10"},
		{Actor: "ada", Action: "pauseRollout", Subject: "rollouts/r-1"},
		{Actor: "rollout", Action: "rollout/entered", Subject: "rollouts/r-1"},
		{Actor: "ada", Action: "tickRolloutCriterion", Subject: "rollouts/r-1/criteria/c"},
		{Actor: "ben", Action: "cancelTrial", Subject: "trials/v-1-b", Outcome: audit.Failed},
	} {
		e.At = at.Add(time.Duration(i) * time.Minute)
		appendAudit(t, s, e)
	}
	for name, c := range map[string]struct {
		filter audit.Filter
		want   []int
	}{
		"all":            {audit.Filter{}, []int{6, 5, 4, 3, 2, 1}},
		"actor":          {audit.Filter{Actor: "ada"}, []int{5, 3, 1}},
		"action":         {audit.Filter{Action: "extendTrial"}, []int{2, 1}},
		"subject":        {audit.Filter{Subject: "trials/v-1"}, []int{1}},
		"and below it":   {audit.Filter{Subject: "rollouts/r-1"}, []int{5, 4, 3}},
		"a whole kind":   {audit.Filter{Subject: "trials"}, []int{6, 2, 1}},
		"part of a name": {audit.Filter{Subject: "trial"}, nil},
		"outcome":        {audit.Filter{Outcome: audit.Failed}, []int{6}},
		"from":           {audit.Filter{From: at.Add(3 * time.Minute)}, []int{6, 5, 4}},
		"to":             {audit.Filter{To: at.Add(time.Minute)}, []int{1}},
		"all at once":    {audit.Filter{Actor: "ada", Action: "pauseRollout", Subject: "rollouts", From: at, To: at.Add(time.Hour)}, []int{3}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []int
			for before, pages := 0, 0; pages == 0 || before > 0; pages++ {
				require.LessOrEqual(t, pages, 3)
				entries, next, err := s.AuditEntries(t.Context(), c.filter, before, 2)
				require.NoError(t, err)
				for _, e := range entries {
					got = append(got, e.Seq)
				}
				before = next
			}
			require.Equal(t, c.want, got)
			all, _, err := s.AuditEntries(t.Context(), audit.Filter{}, 0, 10)
			require.NoError(t, err)
			var meant []int
			for _, e := range all {
				if c.filter.Means(e) {
					meant = append(meant, e.Seq)
				}
			}
			require.Equal(t, meant, got)
		})
	}
}
