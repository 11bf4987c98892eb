package rest

import (
	"context"
	"io"

	"go.uber.org/zap"
)

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
