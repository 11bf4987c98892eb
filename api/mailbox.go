package main

import (
	"context"
	"errors"

	"go.uber.org/zap"

	"marketplace.example/trials/internal/adapters/mail"
	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/trial"
)

// mailbox is the API's port to mail: what SNS says and what links mean, in the
// API's words.
type mailbox struct {
	verifier *mail.Verifier
	links    *mail.Links
	// refused counts a message that was not believed, by reason.
	refused func(reason string)
	log     *zap.Logger
}

// Receive reads an SNS message, and believes only what SNS has signed.
func (m mailbox) Receive(ctx context.Context, body []byte) (app.MailMessage, error) {
	message, err := m.receive(ctx, body)
	if r, ok := errors.AsType[*mail.Rejection](err); ok {
		m.refused(r.Code)
	}
	return message, refusal(err)
}

func (m mailbox) receive(ctx context.Context, body []byte) (app.MailMessage, error) {
	n, err := mail.ParseNotification(body)
	if err != nil {
		return app.MailMessage{}, err
	}
	if err := m.verifier.Verify(ctx, n); err != nil {
		return app.MailMessage{}, err
	}
	switch message := (app.MailMessage{ID: n.MessageID}); n.Type {
	case mail.TypeSubscriptionConfirmation:
		if err := m.verifier.Confirm(ctx, n); err != nil {
			return app.MailMessage{}, err
		}
		message.Confirmed = true
		return message, nil
	case mail.TypeNotification:
		message.Event = m.event(n)
		return message, nil
	default:
		// The end of the subscription: somebody wanted that, or will have to
		// subscribe again.
		m.log.Warn("SNS has ended the subscription", zap.String("messageId", n.MessageID))
		return message, nil
	}
}

// event is what a message says of one of our e-mails, nil if nothing.
func (m mailbox) event(n *mail.Notification) *app.MailEvent {
	e, err := mail.ParseEvent(n.Message)
	if err != nil {
		m.log.Info("mail event set aside", zap.String("messageId", n.MessageID), zap.Error(err))
		return nil
	}
	switch e.Type { //nolint:exhaustive // the others say what became of the e-mail
	case mail.EventOpen, mail.EventClick, mail.EventSubscription:
		return nil
	}
	step := trial.Step{Kind: trial.Kind(e.Key.Kind), Revision: e.Key.Revision}
	return &app.MailEvent{
		Key: step.Key(e.Key.TrialID), Attempt: e.Key.Attempt, MessageID: e.MessageID, Delivery: e.Delivery, At: e.At,
		Suppress: e.Suppress, AddressHash: e.AddressHash,
	}
}

// Unsubscriber reads the token of a link.
func (m mailbox) Unsubscriber(token string) (string, error) {
	vendorID, err := m.links.Verify(token)
	if err != nil {
		return "", &trial.Error{Code: trial.CodeForbidden, Field: "token", Message: err.Error()}
	}
	return vendorID, nil
}

// refusal is what the sender of a message that is not believed is told: the
// field at fault and a code. It quotes nothing of the message.
func refusal(err error) error {
	r, ok := errors.AsType[*mail.Rejection](err)
	if !ok {
		return err
	}
	e := &trial.Error{Code: trial.CodeForbidden, Field: fieldOf(r.Code), Message: r.Error()}
	switch {
	case r.Passing():
		e.Code = trial.CodeUnavailable
	case r.Code == mail.CodeMalformed, r.Code == mail.CodeUnknownType, r.Code == mail.CodeTooLarge:
		e.Code = trial.CodeInvalid
	}
	return e
}

// fieldOf is the field of an SNS message that a rejection is about.
func fieldOf(code string) string {
	switch code {
	case mail.CodeUnknownType, mail.CodeNotAConfirmation:
		return "Type"
	case mail.CodeWrongTopic:
		return "TopicArn"
	case mail.CodeTooOld, mail.CodeFromTheFuture:
		return "Timestamp"
	case mail.CodeBadCertificateURL, mail.CodeCertificateUnavailable, mail.CodeBadCertificate:
		return "SigningCertURL"
	case mail.CodeUnknownSignature:
		return "SignatureVersion"
	case mail.CodeBadSignature:
		return "Signature"
	case mail.CodeBadSubscribeURL, mail.CodeConfirmationFailed:
		return "SubscribeURL"
	}
	return "body"
}
