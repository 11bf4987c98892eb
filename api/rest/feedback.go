package rest

import (
	"context"

	"marketplace.example/trials/internal/domain/feedback"
)

// GiveVendorFeedback keeps what a vendor answered in a form of the marketplace's.
func (s *server) GiveVendorFeedback(ctx context.Context, request GiveVendorFeedbackRequestObject) (GiveVendorFeedbackResponseObject, error) {
	given := feedback.Answer{Kind: request.Body.Kind, Helpful: request.Body.Helpful}
	set(&given.Text, request.Body.Text)
	kept, err := s.App.GiveFeedback(ctx, request.Id, given)
	return GiveVendorFeedback200JSONResponse(kept), err
}

// GetVendorFeedback answers with what a vendor answered.
func (s *server) GetVendorFeedback(ctx context.Context, request GetVendorFeedbackRequestObject) (GetVendorFeedbackResponseObject, error) {
	v, err := s.App.Store.VendorOnRecord(ctx, request.Id)
	if err != nil {
		return nil, err
	}
	answers, err := s.App.Store.Feedback(ctx, v.ID)
	return GetVendorFeedback200JSONResponse{Answers: append([]feedback.Answer{}, answers...)}, err
}

// GetRolloutFeedback answers with what vendors answered while a rollout ran.
func (s *server) GetRolloutFeedback(ctx context.Context, request GetRolloutFeedbackRequestObject) (GetRolloutFeedbackResponseObject, error) {
	id, figures, err := s.App.RolloutFeedback(ctx, request.RolloutId)
	return GetRolloutFeedback200JSONResponse{RolloutId: id, Figures: figures}, err
}
