package fakeapi

import (
	"context"

	"marketplace.example/trials/internal/domain/bulk"
)

// refusedVendor is the one whose trial cannot be changed.
const refusedVendor = "v-2"

// StartBulk leaves the operation to advanceBulk.
func (b *backend) StartBulk(context.Context, bulk.Operation) error { return nil }

// SteerBulk has an operation do what is asked of it.
func (b *backend) SteerBulk(ctx context.Context, o bulk.Operation, c bulk.Control) error {
	return b.Do(ctx, func() error {
		return b.ChangeBulk(o.ID, func(_ bulk.Operation, s bulk.State) (bulk.State, error) { return s.Request(c) })
	})
}

// advanceBulk lets an operation do one page more; one by a filter chooses two trials.
func (a *API) advanceBulk(id string) {
	a.Look(func() {
		_ = a.ChangeBulk(id, func(o bulk.Operation, s bulk.State) (bulk.State, error) { // the handler says that there is none
			page := s.Page(o)
			switch s.Status { //nolint:exhaustive // in the others nothing happens
			case bulk.Choosing:
				a.Items[id] = bulk.Items([]bulk.Listing{{VendorID: "v-1"}, {VendorID: refusedVendor}}, a.now())
				return s.Chosen(o, len(a.Items[id]), true, a.now()), nil
			case bulk.Planning:
				examples, seen := a.carryOut(o, page, false)
				return s.Looked(page, examples, seen, a.now()), nil
			case bulk.Running:
				_, counts := a.carryOut(o, page, true)
				return s.Carried(page, counts, a.now()), nil
			}
			return s, nil
		})
	})
}

// carryOut carries out a page, or only looks at it.
func (a *API) carryOut(o bulk.Operation, page bulk.Page, really bool) (examples []bulk.Example, counts bulk.Tally) {
	end := a.now().UTC()
	for i := page.From - 1; i < page.To; i++ {
		item := &a.Items[o.ID][i]
		result := bulk.NewResult(bulk.Succeeded, bulk.ReasonCarriedOut, "", end)
		result.Change = &bulk.Change{Was: end, Is: end.AddDate(0, 0, o.Days), Revision: 1}
		example := bulk.Example{VendorID: item.VendorID, Outcome: bulk.Succeeded, Reason: bulk.ReasonCarriedOut, Was: &result.Change.Was, Is: &result.Change.Is}
		switch {
		case a.BulkFails:
			result = bulk.NewResult(bulk.Failed, bulk.ReasonNoAnswer, "the workflow gave no answer in time", end)
		case item.VendorID == refusedVendor:
			result = bulk.NewResult(bulk.Refused, bulk.ReasonStatus+"expired", "the trial is expired: extend does not apply", end)
			example = bulk.Example{VendorID: item.VendorID, Outcome: result.Outcome, Reason: result.Reason, Detail: result.Detail}
		}
		examples, counts = append(examples, example), counts.Add(result.Outcome, result.Reason)
		if really {
			item.Result = &result
		}
	}
	return examples, counts
}
