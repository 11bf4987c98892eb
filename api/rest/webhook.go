package rest

import (
	"cmp"
	"context"
	"io"
	"strings"

	"go.uber.org/zap"

	"marketplace.example/trials/internal/domain/trial"
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
	callOf(ctx).letIn = true // its signature is good
	result, err := s.take(ctx, m)
	if err != nil {
		return nil, err
	}
	s.log.Info("mail event", zap.String("requestId", callOf(ctx).id), zap.String("messageId", m.ID), zap.String("result", string(result)))
	return ReceiveMailEvent200JSONResponse{Result: result}, nil
}

// take does what a message asks for, then keeps that it did, in this order: a
// message whose handling broke off is delivered again, and must not pass for
// done. Each part is safe to repeat, so one delivered twice changes nothing.
func (s *server) take(ctx context.Context, m MailMessage) (MailEventReceiptResult, error) {
	if m.Confirmed {
		return Confirmed, nil
	}
	if m.Event == nil {
		return Ignored, nil
	}
	ours, err := s.record(ctx, *m.Event)
	if err != nil || !ours {
		return Ignored, err
	}
	isFirst, err := s.Store.SeenMessage(ctx, m.ID, s.now())
	if err != nil || isFirst {
		return Recorded, err
	}
	return Repeated, nil
}

// record keeps what happened to a send, and stops e-mail where it must. It
// tells whether either was done. Of a send that is not on record, as after a
// restore, the event itself says by its tags whose it is, and which address to stop.
func (s *server) record(ctx context.Context, e MailEvent) (bool, error) {
	send, err := s.Store.SendEvent(ctx, e.Key, e.Attempt, e.MessageID, e.Delivery, millisecond(e.At))
	if err != nil {
		return false, err
	}
	hash := e.AddressHash
	if send != nil {
		hash = addressOf(*send, e)
	}
	vendorID, _, _ := strings.Cut(e.Key, "/")
	if !e.Suppress || send == nil && (hash == "" || !trial.ValidVendorID(vendorID)) {
		return send != nil, nil
	}
	return true, s.suppress(ctx, vendorID, trial.Suppression{Reason: trial.ReasonSuppressedAddress, At: millisecond(e.At), AddressHash: hash})
}

// addressOf is the hash of the address that the e-mail of an event went to: the
// one that was stored with the send, unless that is of another attempt or there is
// none, as where a restored database learned of the e-mail from a history; empty for unknown.
func addressOf(send trial.Send, e MailEvent) string {
	if send.Attempt != e.Attempt {
		return cmp.Or(e.AddressHash, send.AddressHash)
	}
	return cmp.Or(send.AddressHash, e.AddressHash)
}
