package rest

import (
	"bytes"
	"context"
)

// ShowUnsubscribe asks whether to stop the e-mails.
func (s *server) ShowUnsubscribe(ctx context.Context, request ShowUnsubscribeRequestObject) (ShowUnsubscribeResponseObject, error) {
	if _, err := s.Mail.Unsubscriber(request.Token); err != nil {
		return nil, err
	}
	callOf(ctx).letIn = true // our own signature is
	page, err := render(unsubscribePage, unsubscribeView{})
	if err != nil {
		return nil, err
	}
	return ShowUnsubscribe200TexthtmlResponse{Body: bytes.NewReader(page), ContentLength: int64(len(page))}, nil
}

// Unsubscribe stops the e-mails.
func (s *server) Unsubscribe(ctx context.Context, request UnsubscribeRequestObject) (UnsubscribeResponseObject, error) {
	vendorID, err := s.Mail.Unsubscriber(request.Token)
	if err != nil {
		return nil, err
	}
	callOf(ctx).letIn = true
	if err := s.App.Unsubscribe(ctx, vendorID); err != nil {
		return nil, err
	}
	page, err := render(unsubscribePage, unsubscribeView{Done: true})
	if err != nil {
		return nil, err
	}
	return Unsubscribe200TexthtmlResponse{Body: bytes.NewReader(page), ContentLength: int64(len(page))}, nil
}

// unsubscribeView is what the page shows.
type unsubscribeView struct{ Done bool }
