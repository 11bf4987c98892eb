package rest

import (
	"context"

	"marketplace.example/trials/internal/domain/bulk"
	"marketplace.example/trials/internal/domain/trial"
)

// StartBulkOperation begins an operation.
func (s *server) StartBulkOperation(ctx context.Context, request StartBulkOperationRequestObject) (StartBulkOperationResponseObject, error) {
	body := request.Body
	o := bulk.Operation{Action: bulk.Action(body.Action), Reason: body.Reason, PerMinute: bulk.DefaultPerMinute, At: body.At}
	set(&o.Days, body.Days)
	set(&o.DryRun, body.DryRun)
	set(&o.PerMinute, body.PerMinute)
	if body.Policy != nil {
		var err error
		if o.Policy, err = s.App.OfferedPolicy(*body.Policy); err != nil {
			return nil, err
		}
	}
	list, err := bulkChosen(&o, body)
	if err != nil {
		return nil, err
	}
	view, err := s.App.StartBulk(ctx, o, list)
	return StartBulkOperation202JSONResponse(view), err
}

// UndoBulkOperation begins an operation that takes another one back.
func (s *server) UndoBulkOperation(ctx context.Context, r UndoBulkOperationRequestObject) (UndoBulkOperationResponseObject, error) {
	view, err := s.App.UndoBulk(ctx, r.OperationId, r.Body.Reason)
	return UndoBulkOperation202JSONResponse(view), err
}

// bulkChosen is which trials a request names, in exactly one way.
func bulkChosen(o *bulk.Operation, body *BulkRequest) ([]bulk.Listing, error) {
	ways := 0
	for _, given := range []bool{body.Ids != nil, body.Csv != nil, body.Filter != nil} {
		if given {
			ways++
		}
	}
	switch {
	case ways != 1:
		return nil, trial.Invalid("ids", "give exactly one of ids, csv and filter")
	case body.Csv != nil:
		return bulk.ReadCSV(*body.Csv)
	case body.Filter != nil:
		o.Filter = &bulk.Filter{EndsFrom: body.Filter.EndsFrom, EndsBefore: body.Filter.EndsBefore}
		set(&o.Filter.Status, body.Filter.Status)
		set(&o.Filter.Cohort, body.Filter.Cohort)
		return nil, nil
	}
	list := make([]bulk.Listing, 0, len(*body.Ids))
	for _, id := range *body.Ids {
		list = append(list, bulk.Listing{VendorID: id})
	}
	return list, nil
}

// GetBulkOperation answers with an operation.
func (s *server) GetBulkOperation(ctx context.Context, request GetBulkOperationRequestObject) (GetBulkOperationResponseObject, error) {
	o, state, err := s.App.Store.Bulk(ctx, request.OperationId)
	return GetBulkOperation200JSONResponse(bulk.ViewOf(o, state)), err
}

// ListBulkOperations answers with a page of operations.
func (s *server) ListBulkOperations(ctx context.Context, request ListBulkOperationsRequestObject) (ListBulkOperationsResponseObject, error) {
	before, limit := "", 20
	set(&before, request.Params.Cursor)
	set(&limit, request.Params.Limit)
	views, next, err := s.App.Store.Bulks(ctx, before, limit)
	return ListBulkOperations200JSONResponse{Operations: append([]bulk.View{}, views...), NextCursor: next}, err
}

// ListBulkItems answers with a page of an operation's items.
func (s *server) ListBulkItems(ctx context.Context, request ListBulkItemsRequestObject) (ListBulkItemsResponseObject, error) {
	if _, _, err := s.App.Store.Bulk(ctx, request.OperationId); err != nil {
		return nil, err
	}
	search := bulk.Search{Limit: 100}
	set(&search.After, request.Params.Cursor)
	set(&search.Limit, request.Params.Limit)
	if request.Params.Outcome != nil {
		search.Outcome = bulk.ItemOutcome(*request.Params.Outcome)
	}
	items, next, err := search.Find(func(number int) (bulk.Item, bool, error) {
		return s.App.Store.BulkItem(ctx, request.OperationId, number)
	})
	page := ListBulkItems200JSONResponse{Items: append([]bulk.Item{}, items...)}
	if next > 0 {
		page.NextCursor = &next
	}
	return page, err
}

// StartPlannedBulkOperation carries out what a dry run has looked at.
func (s *server) StartPlannedBulkOperation(ctx context.Context, r StartPlannedBulkOperationRequestObject) (StartPlannedBulkOperationResponseObject, error) {
	view, err := s.App.SteerBulk(ctx, r.OperationId, bulk.ControlStart, r.Body.Reason)
	return StartPlannedBulkOperation202JSONResponse(view), err
}

// PauseBulkOperation holds an operation where it is.
func (s *server) PauseBulkOperation(ctx context.Context, r PauseBulkOperationRequestObject) (PauseBulkOperationResponseObject, error) {
	view, err := s.App.SteerBulk(ctx, r.OperationId, bulk.ControlPause, r.Body.Reason)
	return PauseBulkOperation202JSONResponse(view), err
}

// ResumeBulkOperation lets an operation go on.
func (s *server) ResumeBulkOperation(ctx context.Context, r ResumeBulkOperationRequestObject) (ResumeBulkOperationResponseObject, error) {
	view, err := s.App.SteerBulk(ctx, r.OperationId, bulk.ControlResume, r.Body.Reason)
	return ResumeBulkOperation202JSONResponse(view), err
}

// StopBulkOperation ends an operation where it is.
func (s *server) StopBulkOperation(ctx context.Context, r StopBulkOperationRequestObject) (StopBulkOperationResponseObject, error) {
	view, err := s.App.SteerBulk(ctx, r.OperationId, bulk.ControlStop, r.Body.Reason)
	return StopBulkOperation202JSONResponse(view), err
}
