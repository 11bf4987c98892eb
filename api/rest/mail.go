package rest

import (
	"bytes"
	"context"
	"io"

	"go.uber.org/zap"
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

// ReceiveMailEvent takes a message of the mail service.
func (s *server) ReceiveMailEvent(ctx context.Context, request ReceiveMailEventRequestObject) (ReceiveMailEventResponseObject, error) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return nil, err
	}
	m, err := s.Mail.Receive(ctx, body)
	if err != nil {
		return nil, err
	}
	callOf(ctx).letIn, callOf(ctx).canary = true, m.OfCanary() // its signature is good
	result, err := s.App.TakeMail(ctx, m)
	if err != nil {
		return nil, err
	}
	s.log.Info("mail event", zap.String("requestId", callOf(ctx).id), zap.String("messageId", m.ID), zap.String("result", string(result)))
	return ReceiveMailEvent200JSONResponse{Result: MailEventReceiptResult(result)}, nil
}
