package mongodb

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/audit"
)

// pendingAt is an entry of a request that is about to be carried out.
func pendingAt(moment time.Time) audit.Entry {
	return audit.Entry{At: moment, Actor: "ada", Action: "extendTrial", Subject: "trials/v-1", RequestID: "r", Outcome: audit.Pending}
}

func settles(e audit.Entry) audit.Entry {
	e.Settles, e.Outcome = e.Seq, audit.Done
	return e
}

// sweep sweeps so often as it takes to see that nobody settles what is open.
func sweep(t *testing.T, s *Store, now time.Time) (waiting audit.Unsettled) {
	t.Helper()
	for range 2 {
		var err error
		waiting, err = s.SweepAudit(t.Context(), waiting, now)
		require.NoError(t, err)
	}
	return waiting
}

func TestWhatNobodySettlesIsSettledAsUnknown(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	require.Empty(t, sweep(t, s, at), "nothing yet")
	all := appendAudit(t, s, pendingAt(at), pendingAt(at), pendingAt(at.Add(time.Hour)))
	appendAudit(t, s, settles(all[1]))

	waiting, err := s.SweepAudit(t.Context(), nil, at.Add(time.Hour))
	require.NoError(t, err)
	require.Len(t, waiting, 2, "whoever put it there may have been kept from settling it until now")
	waiting, err = s.SweepAudit(t.Context(), waiting, at.Add(time.Hour))
	require.NoError(t, err)
	require.Len(t, waiting, 1, "the last one is young")
	entries, _, err := s.AuditEntries(t.Context(), audit.Filter{}, 0, 10)
	require.NoError(t, err)
	require.Len(t, entries, 5)
	require.Equal(t, 1, entries[0].Settles)
	require.Equal(t, audit.Failed, entries[0].Outcome)
	require.Contains(t, entries[0].Detail, "may have been carried out")

	require.Empty(t, sweep(t, s, at.Add(2*time.Hour)))
	v, err := verifyAudit(t, s)
	require.NoError(t, err)
	require.Empty(t, v.Pending())
	require.Equal(t, 6, v.Last().Seq)
	require.Empty(t, sweep(t, s, at.Add(3*time.Hour)), "from where the one before ended")
	mark, err := s.settledMark(t.Context())
	require.NoError(t, err)
	require.Equal(t, 6, mark.Seq)

	_, err = s.auditLog.DeleteOne(t.Context(), byID(auditKey(mark.Seq)))
	require.NoError(t, err)
	mark, err = s.settledMark(t.Context())
	require.NoError(t, err)
	require.Zero(t, mark, "an older state was restored: from the beginning")
}

func TestWhatIsSettledIsNotSettledAgain(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	pending := appendAudit(t, s, pendingAt(at))[0]
	for range 3 {
		require.NoError(t, s.SettleAudit(t.Context(), settles(pending)))
	}
	v, err := verifyAudit(t, s)
	require.NoError(t, err)
	require.Equal(t, 2, v.Last().Seq)
	require.Empty(t, v.Pending())
}
