package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"marketplace.example/trials/api/rest"
	"marketplace.example/trials/config"
	"marketplace.example/trials/mail"
	"marketplace.example/trials/trial"
)

// mailReader lets the API read what SNS posts and what unsubscribe links carry.
type mailReader struct {
	verifier *mail.Verifier
	links    *mail.Links
}

func newMailReader(cfg config.Config) (*mailReader, error) {
	verifier, err := mail.NewVerifier(mail.VerifierConfig{TopicARN: cfg.SNSTopicARN, CertificateHosts: cfg.SNSCertificateHost})
	if err != nil {
		return nil, fmt.Errorf("preparing the webhook: %w", err)
	}
	links, err := mail.NewLinks(cfg.PublicURL, cfg.LinkSecret)
	if err != nil {
		return nil, fmt.Errorf("preparing the links: %w", err)
	}
	return &mailReader{verifier: verifier, links: links}, nil
}

// Receive implements rest.Mail.
func (m *mailReader) Receive(ctx context.Context, body []byte) (rest.MailMessage, error) {
	n, err := mail.ParseNotification(body)
	if err != nil {
		return rest.MailMessage{}, rejected(err)
	}
	if err := m.verifier.Verify(ctx, n); err != nil {
		return rest.MailMessage{}, rejected(err)
	}
	message := rest.MailMessage{ID: n.MessageID}
	switch n.Type {
	case mail.TypeSubscriptionConfirmation:
		if err := m.verifier.Confirm(ctx, n); err != nil {
			return rest.MailMessage{}, rejected(err)
		}
		message.Confirmed = true
		return message, nil
	case mail.TypeUnsubscribeConfirmation:
		return message, nil
	}
	event, err := mail.ParseEvent(n.Message)
	if _, aside := errors.AsType[*mail.SetAside](err); aside {
		return message, nil
	}
	if err != nil {
		return rest.MailMessage{}, fmt.Errorf("reading the event: %w", err)
	}
	delivery, told := deliveries[event.Type]
	if !told {
		return message, nil
	}
	message.Event = &rest.MailEvent{
		Key:     trial.Step{Kind: trial.Kind(event.Key.Kind), Revision: event.Key.Revision}.Key(event.Key.TrialID),
		Attempt: event.Key.Attempt, MessageID: event.MessageID, Delivery: delivery, At: event.At,
		Suppress: event.Suppresses(), AddressHash: event.AddressHash,
	}
	return message, nil
}

// deliveries are the events that say something of an e-mail's way; the others
// say what its reader did, which is nobody's business here.
var deliveries = map[mail.EventType]string{
	mail.EventSend: "", mail.EventDelivery: "delivery", mail.EventBounce: "bounce", mail.EventComplaint: "complaint",
	mail.EventReject: "reject", mail.EventDeliveryDelay: "delay",
}

// Unsubscriber implements rest.Mail.
func (m *mailReader) Unsubscriber(token string) (string, error) {
	vendorID, err := m.links.Verify(token)
	if err != nil {
		return "", trial.Invalid("token", "is not a link of ours, or is not whole")
	}
	return vendorID, nil
}

// rejected turns a rejection into what the caller is told: its code, and
// whether delivering again may help.
func rejected(err error) error {
	r, ok := errors.AsType[*mail.Rejection](err)
	if !ok {
		return err
	}
	e := &trial.Error{Code: trial.CodeForbidden, Field: rejectedField(r.Code), Message: "the message is not accepted: " + strings.ReplaceAll(r.Code, "-", " ")}
	switch {
	case r.Passing():
		e.Code = trial.CodeUnavailable
	case r.Code == mail.CodeMalformed, r.Code == mail.CodeUnknownType, r.Code == mail.CodeTooLarge:
		e.Code = trial.CodeInvalid
	}
	return e
}

// rejectedField is the field of an SNS message at fault.
func rejectedField(code string) string {
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
	case mail.CodeBadSubscribeURL:
		return "SubscribeURL"
	}
	return ""
}
