package rest

import (
	"context"

	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/trial"
)

// ListSuppressions answers with a page of vendors to whom no e-mail may go.
func (s *server) ListSuppressions(ctx context.Context, request ListSuppressionsRequestObject) (ListSuppressionsResponseObject, error) {
	p := request.Params
	var cause trial.Cause
	limit, after := defaultPage, ""
	set(&cause, p.Cause)
	set(&limit, p.Limit)
	set(&after, p.Cursor)
	page, next, err := s.App.SuppressedVendors(ctx, cause, after, limit)
	return ListSuppressions200JSONResponse{Suppressions: append([]trial.SuppressedVendor{}, page...), NextCursor: next}, err
}

// LiftSuppression lifts what stops e-mail to a vendor.
func (s *server) LiftSuppression(ctx context.Context, r LiftSuppressionRequestObject) (LiftSuppressionResponseObject, error) {
	o := app.LiftOrder{VendorID: r.Id, Reason: r.Body.Reason}
	set(&o.Seen, r.Body.Seen)
	lift, err := s.App.LiftSuppression(ctx, o)
	return LiftSuppression200JSONResponse(lift), err
}
