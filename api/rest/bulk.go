package rest

import (
	"context"
	"errors"

	"go.uber.org/zap"

	"marketplace.example/trials/internal/domain/bulk"
	"marketplace.example/trials/internal/domain/trial"
)

// BulkStore keeps the bulk operations.
type BulkStore interface {
	// AddBulk and AddBulkItems store what is not there yet.
	AddBulk(ctx context.Context, o bulk.Operation, state bulk.State) error
	AddBulkItems(ctx context.Context, id string, items []bulk.Item) error
	// Bulk returns an operation; one that does not exist is a *trial.Error with
	// trial.CodeNotFound.
	Bulk(ctx context.Context, id string) (bulk.Operation, bulk.State, error)
	// Bulks lists operations, the latest first, from before an id on.
	Bulks(ctx context.Context, before string, limit int) (page []bulk.View, next string, err error)
	BulkItem(ctx context.Context, id string, number int) (bulk.Item, bool, error)
	// BulkParts are a vendor's part in all operations.
	BulkParts(ctx context.Context, vendorID string) ([]bulk.Part, error)
}

// Bulks reaches the workflows of the bulk operations.
type Bulks interface {
	// StartBulk starts an operation that is stored; one that runs is left alone.
	StartBulk(ctx context.Context, o bulk.Operation) error
	// SteerBulk sends an operation what an admin asks of it.
	SteerBulk(ctx context.Context, o bulk.Operation, c bulk.Control) error
}

// StartBulkOperation begins an operation, once a key. Its items are stored before
// it is, and it before its workflow is started: repeating the request makes good
// whatever is missing.
func (s *server) StartBulkOperation(ctx context.Context, request StartBulkOperationRequestObject) (StartBulkOperationResponseObject, error) {
	o, list, err := s.bulkAsked(ctx, request.Body)
	if err != nil {
		return nil, err
	}
	if !keyOf(ctx).done() {
		if err := s.bulkAllowed(ctx, o); err != nil {
			return nil, err
		}
	}
	o.ID = bulkID(ctx)
	view, err := s.beginBulk(ctx, o, bulk.Items(list, o.AskedAt))
	return StartBulkOperation202JSONResponse(view), err
}

// bulkAsked is what a request asks for, checked.
func (s *server) bulkAsked(ctx context.Context, body *BulkRequest) (bulk.Operation, []bulk.Listing, error) {
	now := s.now()
	o := bulk.Operation{Action: bulk.Action(body.Action), Reason: body.Reason, By: actor(ctx), AskedAt: now, PerMinute: bulk.DefaultPerMinute}
	set(&o.Days, body.Days)
	set(&o.DryRun, body.DryRun)
	set(&o.PerMinute, body.PerMinute)
	if body.At != nil {
		o.At = new(millisecond(*body.At))
	} else if o.Action == bulk.Convert {
		o.At = &now
	}
	list, err := bulkChosen(&o, body)
	if err != nil {
		return o, nil, err
	}
	o.Listed = len(list)
	return o, list, errors.Join(o.Validate(), o.CheckList(list))
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

// bulkAllowed tells whether the flags let an operation begin or go on.
func (s *server) bulkAllowed(ctx context.Context, o bulk.Operation) error {
	flags, err := s.Store.Flags(ctx)
	if err != nil {
		return err
	}
	if flag := o.Against(flags.FeatureFlags); flag != "" {
		return &trial.Error{Code: trial.CodeForbidden, Message: "this is switched off: the flag " + flag + " is false"}
	}
	return nil
}

// bulkID is the id of the operation that the key of the request at hand starts.
func bulkID(ctx context.Context) string {
	const digest = 4
	k := keyOf(ctx)
	return k.claim.ID("bulk", k.key, digest)
}

// beginBulk stores an operation, unless that was done before, and starts it.
func (s *server) beginBulk(ctx context.Context, o bulk.Operation, items []bulk.Item) (bulk.View, error) {
	known, state, err := s.Store.Bulk(ctx, o.ID)
	if isNotFound(err) {
		known, state = o, bulk.Begin(o)
		if err = s.Store.AddBulkItems(ctx, o.ID, items); err == nil {
			err = s.Store.AddBulk(ctx, o, state)
		}
	}
	if err != nil {
		return bulk.View{}, err
	}
	if err := s.Bulks.StartBulk(ctx, known); err != nil {
		return bulk.View{}, err
	}
	noteChange(ctx, nil, bulkStatus{known.ID, known.Listed, state.Status})
	s.log.Info("bulk operation asked for", zap.String("requestId", callOf(ctx).id), zap.String("operation", o.ID),
		zap.String("action", string(o.Action)), zap.Int("listed", o.Listed))
	return bulk.ViewOf(known, state), nil
}

// bulkStatus is what the audit record says of an operation; its items have
// their results.
type bulkStatus struct {
	Operation string      `json:"operation"`
	Listed    int         `json:"listed"`
	Status    bulk.Status `json:"status"`
}

// UndoBulkOperation begins an operation that takes another one back, once a key.
func (s *server) UndoBulkOperation(ctx context.Context, request UndoBulkOperationRequestObject) (UndoBulkOperationResponseObject, error) {
	first, state, err := s.Store.Bulk(ctx, request.OperationId)
	if err != nil {
		return nil, err
	}
	undo, err := bulk.UndoOf(first, state, bulkID(ctx), request.Body.Reason, actor(ctx), s.now())
	if err != nil {
		return nil, err
	}
	if !keyOf(ctx).done() {
		if err := s.bulkAllowed(ctx, undo); err != nil {
			return nil, err
		}
	}
	view, err := s.beginBulk(ctx, undo, nil)
	return UndoBulkOperation202JSONResponse(view), err
}

// GetBulkOperation answers with an operation.
func (s *server) GetBulkOperation(ctx context.Context, request GetBulkOperationRequestObject) (GetBulkOperationResponseObject, error) {
	o, state, err := s.Store.Bulk(ctx, request.OperationId)
	return GetBulkOperation200JSONResponse(bulk.ViewOf(o, state)), err
}

// ListBulkOperations answers with a page of operations.
func (s *server) ListBulkOperations(ctx context.Context, request ListBulkOperationsRequestObject) (ListBulkOperationsResponseObject, error) {
	before, limit := "", 20
	set(&before, request.Params.Cursor)
	set(&limit, request.Params.Limit)
	views, next, err := s.Store.Bulks(ctx, before, limit)
	if err != nil {
		return nil, err
	}
	if views == nil {
		views = []bulk.View{}
	}
	return ListBulkOperations200JSONResponse{Operations: views, NextCursor: next}, nil
}

// ListBulkItems answers with a page of an operation's items.
func (s *server) ListBulkItems(ctx context.Context, request ListBulkItemsRequestObject) (ListBulkItemsResponseObject, error) {
	if _, _, err := s.Store.Bulk(ctx, request.OperationId); err != nil {
		return nil, err
	}
	search := bulk.Search{Limit: 100}
	set(&search.After, request.Params.Cursor)
	set(&search.Limit, request.Params.Limit)
	if request.Params.Outcome != nil {
		search.Outcome = bulk.Outcome(*request.Params.Outcome)
	}
	items, next, err := search.Find(func(number int) (bulk.Item, bool, error) {
		return s.Store.BulkItem(ctx, request.OperationId, number)
	})
	page := ListBulkItems200JSONResponse{Items: append([]bulk.Item{}, items...)}
	if next > 0 {
		page.NextCursor = &next
	}
	return page, err
}

// steerBulk puts a request before an operation. What does not apply is refused
// here, on what is stored; the workflow decides anew.
func (s *server) steerBulk(ctx context.Context, id, name, reason string) (bulk.View, error) {
	o, state, err := s.Store.Bulk(ctx, id)
	if err != nil {
		return bulk.View{}, err
	}
	if keyOf(ctx).done() {
		return bulk.ViewOf(o, state), nil
	}
	c := bulk.Control{Name: name, Reason: reason, By: actor(ctx), At: s.now()}
	if _, err := state.Request(c); err != nil {
		return bulk.View{}, err
	}
	if name == bulk.ControlStart || name == bulk.ControlResume {
		if err := s.bulkAllowed(ctx, o); err != nil {
			return bulk.View{}, err
		}
	}
	noteChange(ctx, bulkStatus{o.ID, o.Listed, state.Status}, nil)
	noteDetail(ctx, "passed on to its workflow, which carries it out or refuses it")
	s.log.Info("bulk operation steered", zap.String("requestId", callOf(ctx).id), zap.String("operation", id), zap.String("control", name))
	return bulk.ViewOf(o, state), s.Bulks.SteerBulk(ctx, o, c)
}

// StartPlannedBulkOperation carries out what a dry run has looked at.
func (s *server) StartPlannedBulkOperation(ctx context.Context, r StartPlannedBulkOperationRequestObject) (StartPlannedBulkOperationResponseObject, error) {
	view, err := s.steerBulk(ctx, r.OperationId, bulk.ControlStart, r.Body.Reason)
	return StartPlannedBulkOperation202JSONResponse(view), err
}

// PauseBulkOperation holds an operation where it is.
func (s *server) PauseBulkOperation(ctx context.Context, r PauseBulkOperationRequestObject) (PauseBulkOperationResponseObject, error) {
	view, err := s.steerBulk(ctx, r.OperationId, bulk.ControlPause, r.Body.Reason)
	return PauseBulkOperation202JSONResponse(view), err
}

// ResumeBulkOperation lets an operation go on.
func (s *server) ResumeBulkOperation(ctx context.Context, r ResumeBulkOperationRequestObject) (ResumeBulkOperationResponseObject, error) {
	view, err := s.steerBulk(ctx, r.OperationId, bulk.ControlResume, r.Body.Reason)
	return ResumeBulkOperation202JSONResponse(view), err
}

// StopBulkOperation ends an operation where it is.
func (s *server) StopBulkOperation(ctx context.Context, r StopBulkOperationRequestObject) (StopBulkOperationResponseObject, error) {
	view, err := s.steerBulk(ctx, r.OperationId, bulk.ControlStop, r.Body.Reason)
	return StopBulkOperation202JSONResponse(view), err
}
