package main

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"marketplace.example/trials/internal/adapters/ses"
	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/brand"
	"marketplace.example/trials/internal/domain/trial"
)

// mailbox is the API's port to mail: what SNS says and what links mean, in the
// API's words.
type mailbox struct {
	verifier *ses.Verifier
	links    *ses.Links
	buttons  ses.Buttons
	// refused counts a message that was not believed, by reason.
	refused func(reason string)
	log     *zap.Logger
}

// Receive reads an SNS message, and believes only what SNS has signed.
func (m mailbox) Receive(ctx context.Context, body []byte) (app.MailMessage, error) {
	message, err := m.receive(ctx, body)
	if r, ok := errors.AsType[*ses.Rejection](err); ok {
		m.refused(r.Code)
	}
	return message, refusal(err)
}

func (m mailbox) receive(ctx context.Context, body []byte) (app.MailMessage, error) {
	n, err := ses.ParseNotification(body)
	if err != nil {
		return app.MailMessage{}, err
	}
	if err := m.verifier.Verify(ctx, n); err != nil {
		return app.MailMessage{}, err
	}
	switch message := (app.MailMessage{ID: n.MessageID}); n.Type {
	case ses.TypeSubscriptionConfirmation:
		if err := m.verifier.Confirm(ctx, n); err != nil {
			return app.MailMessage{}, err
		}
		message.Confirmed = true
		return message, nil
	case ses.TypeNotification:
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
func (m mailbox) event(n *ses.Notification) *app.MailEvent {
	e, err := ses.ParseEvent(n.Message)
	if err != nil {
		m.log.Info("mail event set aside", zap.String("messageId", n.MessageID), zap.Error(err))
		return nil
	}
	switch e.Type { //nolint:exhaustive // the others say what became of the e-mail
	case ses.EventOpen, ses.EventClick, ses.EventSubscription:
		return nil
	}
	step := trial.Step{Kind: trial.Kind(e.Key.Kind), Revision: e.Key.Revision}
	return &app.MailEvent{
		Key: step.Key(e.Key.TrialID), Attempt: e.Key.Attempt, MessageID: e.MessageID, Delivery: e.Delivery, At: e.At,
		Suppress: e.Suppress, Cause: e.Cause, SentAt: e.SentAt, AddressHash: e.AddressHash,
	}
}

// Unsubscriber reads the token of a link.
func (m mailbox) Unsubscriber(token string) (string, error) {
	vendorID, err := m.links.Verify(token)
	return vendorID, badLink(err)
}

// Asked reads the token of a link to the question whether an e-mail helped.
func (m mailbox) Asked(token string) (vendorID, kind string, err error) {
	vendorID, kind, err = m.links.VerifyFeedback(token)
	return vendorID, kind, badLink(err)
}

// Reader reads the token of a link to the guide.
func (m mailbox) Reader(token string) (string, error) {
	vendorID, err := m.links.VerifyGuide(token)
	return vendorID, badLink(err)
}

// GuideToken is the token of a vendor's link to the guide.
func (m mailbox) GuideToken(vendorID string) string { return m.links.GuideToken(vendorID) }

// badLink is what is said of a token that is not valid.
func badLink(err error) error {
	if err == nil {
		return nil
	}
	return &trial.Error{Code: trial.CodeForbidden, Field: "token", Message: err.Error()}
}

// refusal is what the sender of a message that is not believed is told: the
// field at fault and a code. It quotes nothing of the message.
func refusal(err error) error {
	r, ok := errors.AsType[*ses.Rejection](err)
	if !ok {
		return err
	}
	e := &trial.Error{Code: trial.CodeForbidden, Field: fieldOf(r.Code), Message: r.Error()}
	switch {
	case r.Passing():
		e.Code = trial.CodeUnavailable
	case r.Code == ses.CodeMalformed, r.Code == ses.CodeUnknownType, r.Code == ses.CodeTooLarge:
		e.Code = trial.CodeInvalid
	}
	return e
}

// fieldOf is the field of an SNS message that a rejection is about.
func fieldOf(code string) string {
	switch code {
	case ses.CodeUnknownType, ses.CodeNotAConfirmation:
		return "Type"
	case ses.CodeWrongTopic:
		return "TopicArn"
	case ses.CodeTooOld, ses.CodeFromTheFuture:
		return "Timestamp"
	case ses.CodeBadCertificateURL, ses.CodeCertificateUnavailable, ses.CodeBadCertificate:
		return "SigningCertURL"
	case ses.CodeUnknownSignature:
		return "SignatureVersion"
	case ses.CodeBadSignature:
		return "Signature"
	case ses.CodeBadSubscribeURL, ses.CodeConfirmationFailed:
		return "SubscribeURL"
	}
	return "body"
}

// ButtonToken is the token in the target of a vendor's button, made at a moment.
func (m mailbox) ButtonToken(b brand.Brand, vendorID string, at time.Time) (string, error) {
	return m.buttons.Token(b, vendorID, at)
}
