package rest

import (
	"bytes"
	"context"

	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/brand"
	"marketplace.example/trials/internal/domain/feedback"
	"marketplace.example/trials/internal/domain/trial"
)

// feedbackView is what the page shows.
type feedbackView struct {
	brand.Colors

	Brand    brand.Brand
	Question string
	MaxText  int
	// Helpful and Text are what was sent in, Problem what is wrong with the text.
	Helpful, Text, Problem string
	// Done says that the answer is kept.
	Done bool
}

func (s *server) feedbackPage(v feedbackView) (*bytes.Reader, int64, error) {
	v.Brand, v.Colors, v.Question, v.MaxText = s.Brand, s.Brand.Palette(), "Was this e-mail helpful?", feedback.MaxText
	page, err := render(feedbackPage, v)
	return bytes.NewReader(page), int64(len(page)), err
}

// ShowFeedback asks whether an e-mail helped.
func (s *server) ShowFeedback(ctx context.Context, request ShowFeedbackRequestObject) (ShowFeedbackResponseObject, error) {
	if _, _, err := s.Mail.Asked(request.Token); err != nil {
		return nil, err
	}
	callOf(ctx).letIn = true // our own signature is
	page, length, err := s.feedbackPage(feedbackView{})
	return ShowFeedback200TexthtmlResponse{Body: page, ContentLength: length}, err
}

// GiveFeedback keeps what a vendor answered on the page. A text that cannot be kept is shown again, with what is wrong.
func (s *server) GiveFeedback(ctx context.Context, request GiveFeedbackRequestObject) (GiveFeedbackResponseObject, error) {
	vendorID, kind, err := s.Mail.Asked(request.Token)
	if err != nil {
		return nil, err
	}
	callOf(ctx).letIn, callOf(ctx).canary = true, trial.IsCanary(vendorID)
	given := feedbackView{Helpful: string(request.Body.Helpful)}
	set(&given.Text, request.Body.Text)
	_, err = s.App.GiveFeedback(ctx, vendorID, feedback.Answer{Kind: kind, Helpful: request.Body.Helpful == Yes, Text: given.Text})
	if e := app.ErrorOf(err); err != nil && e.Code == trial.CodeInvalid && e.Field == "text" {
		given.Problem = e.Message
		page, length, err := s.feedbackPage(given)
		return GiveFeedback400TexthtmlResponse{Body: page, ContentLength: length}, err
	}
	if err != nil {
		return nil, err
	}
	page, length, err := s.feedbackPage(feedbackView{Done: true})
	return GiveFeedback200TexthtmlResponse{Body: page, ContentLength: length}, err
}

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
