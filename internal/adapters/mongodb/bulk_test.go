package mongodb

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/bulk"
	"marketplace.example/trials/internal/domain/trial"
)

func bulkOperation(id string) bulk.Operation {
	return bulk.Operation{
		ID: id, Action: bulk.Extend, Days: 3, Reason: "asked", By: "admin", AskedAt: at, PerMinute: 600, Listed: 3,
		Filter: &bulk.Filter{Status: trial.Active, EndsBefore: new(at.Add(time.Hour))},
	}
}

func TestABulkOperationOnlyGrows(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	o := bulkOperation("bulk-1")
	o.Filter = nil
	first := bulk.Begin(o)
	require.NoError(t, s.AddBulk(t.Context(), o, first))
	later := first.Carried(bulk.Page{From: 1, To: 2}, bulk.Tally{{Outcome: bulk.Succeeded, Reason: bulk.ReasonCarriedOut, Items: 2}}, at.Add(time.Minute))
	require.NoError(t, s.GrowBulk(t.Context(), o.ID, later))
	require.NoError(t, s.GrowBulk(t.Context(), o.ID, first), "an attempt thought dead")
	require.NoError(t, s.AddBulk(t.Context(), o, first), "a request sent once more")
	gotOperation, gotState, err := s.Bulk(t.Context(), o.ID)
	require.NoError(t, err)
	require.Equal(t, o, gotOperation)
	require.Equal(t, later, gotState)
	_, _, err = s.Bulk(t.Context(), "bulk-9")
	requireCode(t, trial.CodeNotFound, err)
	require.Error(t, s.GrowBulk(t.Context(), "bulk-9", later))
}

func TestBulkOperationsAreListedTheLatestFirst(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	for _, id := range []string{"bulk-1", "bulk-3", "bulk-2"} {
		require.NoError(t, s.AddBulk(t.Context(), bulkOperation(id), bulk.State{Seq: 1, Status: bulk.Running}))
	}
	page, next, err := s.Bulks(t.Context(), "", 2)
	require.NoError(t, err)
	require.Equal(t, []string{"bulk-3", "bulk-2"}, []string{page[0].Operation.ID, page[1].Operation.ID})
	require.Equal(t, bulkOperation("bulk-3"), page[0].Operation)
	page, next, err = s.Bulks(t.Context(), next, 2)
	require.NoError(t, err)
	require.Len(t, page, 1)
	require.Empty(t, next)
}

func TestBulkItems(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	listed := make([]bulk.Listing, 1234)
	for i := range listed {
		listed[i] = bulk.Listing{VendorID: fmt.Sprintf("v-%d", i), Days: i % 7}
	}
	items := bulk.Items(listed, at)
	items[7].Left = &bulk.Change{Was: at, Is: at.Add(time.Hour), Revision: 2}
	require.NoError(t, s.AddBulkItems(t.Context(), "bulk-1", items[:700]))
	require.NoError(t, s.AddBulkItems(t.Context(), "bulk-1", items), "what is there already stays")
	for _, number := range []int{1, 8, 500, 501, 1234} {
		got, found, err := s.BulkItem(t.Context(), "bulk-1", number)
		require.NoError(t, err)
		require.True(t, found)
		require.Equal(t, items[number-1], got)
	}
	_, found, err := s.BulkItem(t.Context(), "bulk-1", 1235)
	require.NoError(t, err)
	require.False(t, found)
	require.NoError(t, s.AddBulkItems(t.Context(), "bulk-1", nil))
}

func TestTheWeightierResultOfAnItemStands(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	require.NoError(t, s.AddBulkItems(t.Context(), "bulk-1", bulk.Items([]bulk.Listing{{VendorID: "v1"}}, at)))
	failed := bulk.NewResult(bulk.Failed, bulk.ReasonNoAnswer, "", at.Add(time.Minute))
	done := bulk.NewResult(bulk.Succeeded, bulk.ReasonCarriedOut, "", at)
	done.Change = &bulk.Change{Was: at, Is: at.Add(time.Hour), Revision: 1}
	for _, r := range []struct{ put, stands bulk.Result }{{failed, failed}, {done, done}, {failed, done}} {
		stands, err := s.SettleBulkItem(t.Context(), "bulk-1", 1, r.put)
		require.NoError(t, err)
		require.Equal(t, r.stands, stands)
	}
	got, _, err := s.BulkItem(t.Context(), "bulk-1", 1)
	require.NoError(t, err)
	require.Equal(t, &done, got.Result)
	_, err = s.SettleBulkItem(t.Context(), "bulk-1", 2, done)
	require.Error(t, err)
}

// What is kept of a vendor's part in bulk operations is its own, of every operation, with the operation's reason.
func TestAVendorsPartInAllBulkOperations(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	for _, id := range []string{"bulk-2", "bulk-1"} {
		require.NoError(t, s.AddBulk(t.Context(), bulkOperation(id), bulk.State{Seq: 1, Status: bulk.Running}))
		require.NoError(t, s.AddBulkItems(t.Context(), id, bulk.Items([]bulk.Listing{{VendorID: "v-9"}, {VendorID: "v-1"}, {VendorID: "v-11"}}, at)))
	}
	require.NoError(t, s.AddBulkItems(t.Context(), "bulk-3", bulk.Items([]bulk.Listing{{VendorID: "v-1"}}, at)), "its operation is not there")
	done := bulk.NewResult(bulk.Succeeded, bulk.ReasonCarriedOut, "", at)
	_, err := s.SettleBulkItem(t.Context(), "bulk-2", 2, done)
	require.NoError(t, err)
	parts, err := s.BulkParts(t.Context(), "v-1")
	require.NoError(t, err)
	items := bulk.Items([]bulk.Listing{{VendorID: "v-9"}, {VendorID: "v-1"}}, at)
	settled := items[1]
	settled.Result = &done
	gone := bulk.Operation{ID: "bulk-3"}
	require.Equal(t, []bulk.Part{
		bulkOperation("bulk-1").Part(items[1]), bulkOperation("bulk-2").Part(settled), gone.Part(bulk.Items([]bulk.Listing{{VendorID: "v-1"}}, at)[0]),
	}, parts)
	require.Equal(t, "asked", parts[0].Reason)
	parts, err = s.BulkParts(t.Context(), "v-2")
	require.NoError(t, err)
	require.Equal(t, []bulk.Part{}, parts)
}
