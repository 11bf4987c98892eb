package mongodb

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"marketplace.example/trials/internal/domain/rollout"
)

// ledgerOf is a ledger of so many vendors, each with all that one of them can have.
func ledgerOf(vendors, number int) rollout.Ledger {
	l := rollout.NewLedger(rollout.DefaultPlan())
	l.Number, l.LeftOut = number, map[string]int{}
	for i := range vendors {
		id := fmt.Sprintf("507f1f77bcf86cd799%06d", i)
		l.EmailVendors[id], l.StepVendors[id], l.DayOf[id] = true, true, i%40
		l.EmailDays[id+"/2026-03-01"] = rollout.VendorDay{Known: at, Seen: 2, Good: 1}
		l.StepDays[id+"/2026-03-01"] = rollout.VendorDay{Known: at, Seen: 2, Good: 2}
		l.Awaited[id+"/reminder-7d/0"], l.Delivered[id+"/welcome/0"], l.Settled[id+"/welcome/0"] = at, at, at
		l.LeftOut[id] = 3
	}
	return l
}

// A ledger is stored whole however the process ends while it is stored, and what it no longer needs is removed.
func TestALedgerIsStoredWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	for _, answered := range []bool{false, true} {
		for command := range int64(6) {
			c := crash{command: command, answered: answered}
			t.Run(c.String(), func(t *testing.T) {
				t.Parallel()
				s, first, second := newTestStore(t), ledgerOf(150, 1), ledgerOf(250, 2)
				require.NoError(t, s.PutLedger(t.Context(), "r1", first, rollout.Judgement{Snapshot: 1}))
				crashing, ctx := crashingStore(t, s.users.Database().Name(), c)
				err := crashing.PutLedger(ctx, "r1", second, rollout.Judgement{Snapshot: 2})
				got := s.ledgerThere(t)
				if got.Number == first.Number {
					require.Error(t, err)
					requireSameLedger(t, first, got)
				} else {
					requireSameLedger(t, second, got)
				}
				for number := 2; number < 4; number++ {
					second.Number = number
					require.NoError(t, s.PutLedger(t.Context(), "r1", second, rollout.Judgement{Snapshot: number}))
				}
				requireSameLedger(t, second, s.ledgerThere(t))
				n, err := s.ledgers.CountDocuments(t.Context(), bson.D{})
				require.NoError(t, err)
				require.Equal(t, rollout.Parts(second.Len(), 1)+1, int(n), "parts that no ledger names are left")
			})
		}
	}
}

func (s *Store) ledgerThere(t *testing.T) rollout.Ledger {
	t.Helper()
	l, found, err := s.Ledger(t.Context(), "r1")
	require.NoError(t, err)
	require.True(t, found)
	return l
}

func requireSameLedger(t *testing.T, want, got rollout.Ledger) {
	t.Helper()
	require.Equal(t, want.OpenEvidence, openInUTC(got.OpenEvidence))
	require.Equal(t, want.Gates[rollout.GateEmail].Null, got.Gates[rollout.GateEmail].Null)
}

// openInUTC has the moments that were stored be in the zone of those that are compared with them.
func openInUTC(o rollout.OpenEvidence) rollout.OpenEvidence {
	for _, moments := range []map[string]time.Time{o.Awaited, o.Settled, o.Delivered} {
		for key, moment := range moments {
			moments[key] = moment.UTC()
		}
	}
	for _, days := range []map[string]rollout.VendorDay{o.EmailDays, o.StepDays} {
		for key, day := range days {
			day.Known = day.Known.UTC()
			days[key] = day
		}
	}
	return o
}

// A version without parts has stored all in one document: nothing of it is lost.
func TestALedgerWithoutPartsIsRead(t *testing.T) {
	t.Parallel()
	s, all := newTestStore(t), ledgerOf(20, 4)
	require.NoError(t, put(t.Context(), "storing", s.ledgers, "r1", ledgerDocument{Key: "r1", Ledger: all}))
	requireSameLedger(t, all, s.ledgerThere(t))
	all.Number = 5
	require.NoError(t, s.PutLedger(t.Context(), "r1", all, rollout.Judgement{}))
	requireSameLedger(t, all, s.ledgerThere(t))
}

// A watch that was held up while others went on stores nothing over what they have stored.
func TestAHeldUpWatchBringsNoLedgerBack(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	require.NoError(t, s.PutLedger(t.Context(), "r1", ledgerOf(20, 1), rollout.Judgement{}))
	once := sync.OnceFunc(func() {
		for number := 2; number < 5; number++ {
			require.NoError(t, s.PutLedger(t.Context(), "r1", ledgerOf(20+number, number), rollout.Judgement{}))
		}
	})
	client, err := mongo.Connect(clientOptions(server).SetMonitor(&event.CommandMonitor{Started: func(_ context.Context, e *event.CommandStartedEvent) {
		if e.CommandName == "findAndModify" {
			once()
		}
	}}))
	require.NoError(t, err)
	heldUp := newStore(client, s.users.Database().Name())
	t.Cleanup(func() { _ = heldUp.Close(context.WithoutCancel(t.Context())) })
	require.ErrorIs(t, heldUp.PutLedger(t.Context(), "r1", ledgerOf(22, 2), rollout.Judgement{}), errAnotherLedger)
	requireSameLedger(t, ledgerOf(24, 4), s.ledgerThere(t))
}

// A ledger that names parts which are not there is made again: the watch begins with the first snapshot.
func TestATornLedgerIsDropped(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	require.NoError(t, s.PutLedger(t.Context(), "r1", ledgerOf(200, 1), rollout.Judgement{}))
	_, err := s.ledgers.DeleteOne(t.Context(), byID("r1/part/1/1"))
	require.NoError(t, err)
	_, found, err := s.Ledger(t.Context(), "r1")
	require.NoError(t, err)
	require.False(t, found)
	require.NoError(t, s.PutLedger(t.Context(), "r1", ledgerOf(200, 1), rollout.Judgement{}))
	requireSameLedger(t, ledgerOf(200, 1), s.ledgerThere(t))
}

// A watch that changes one vendor's evidence writes that vendor's parts, and none of all the others'.
func TestOnlyPartsOfALedgerThatChangedAreWritten(t *testing.T) {
	t.Parallel()
	before, _, err := successor(ledgerDocument{Key: "r1"}, ledgerOf(5_000, 1), rollout.Judgement{})
	require.NoError(t, err)
	next := ledgerOf(5_000, 2)
	next.DayOf["another"] = 7
	after, changed, err := successor(before, next, rollout.Judgement{})
	require.NoError(t, err)
	require.Len(t, changed, 1)
	require.Len(t, after.Replaced, 1)
	require.Len(t, after.Parts, len(before.Parts))
}

// However many vendors a rollout has, none of its documents comes near a server's limit of 16 MB.
func TestNoDocumentOfALedgerGrowsWithItsVendors(t *testing.T) {
	t.Parallel()
	const most = 1 << 20
	doc := ledgerDocument{Key: "rollout-20260308-082000"}
	for i, vendors := range []int{62_000, 70_000} { // the second names the parts of the first too
		next, changed, err := successor(doc, ledgerOf(vendors, i+1), rollout.Judgement{})
		require.NoError(t, err)
		content, err := bson.Marshal(next)
		require.NoError(t, err)
		require.Less(t, len(content), most)
		for _, write := range changed {
			model, is := write.(*mongo.ReplaceOneModel)
			require.True(t, is)
			content, err := bson.Marshal(model.Replacement)
			require.NoError(t, err)
			require.Less(t, len(content), most)
		}
		doc = next
	}
}
