package main

import (
	"context"
	"errors"
	"time"

	sdktemporal "go.temporal.io/sdk/temporal"

	"marketplace.example/trials/activities"
	"marketplace.example/trials/mail"
	"marketplace.example/trials/rollout"
	"marketplace.example/trials/trial"
)

const (
	// rateBudget is how long an activity waits for its place; beyond it the
	// server's retry waits instead, and holds no slot of the worker.
	rateBudget = 2 * time.Second
	// noticeable is a wait after which the facts are looked at again. The kill
	// switch promises a second.
	noticeable = 100 * time.Millisecond
)

// mailer lets the activities send through SES.
type mailer struct {
	sender    *mail.Sender
	rate      *mail.Rate
	account   *mail.Account
	links     *mail.Links
	publicURL string
}

// Wait implements activities.Mailer.
func (m *mailer) Wait(ctx context.Context) (bool, error) {
	began := time.Now()
	err := m.rate.Wait(ctx, rateBudget)
	if deferral, ok := errors.AsType[*mail.Deferral](err); ok {
		return true, sdktemporal.NewApplicationErrorWithOptions(deferral.Error(), "later",
			sdktemporal.ApplicationErrorOptions{NextRetryDelay: deferral.RetryAfter})
	}
	return time.Since(began) > noticeable, err
}

// Deliver implements activities.Mailer.
func (m *mailer) Deliver(ctx context.Context, e activities.Mail) (activities.Delivery, error) {
	unsubscribe := m.links.Unsubscribe(e.State.VendorID)
	r, err := mail.Render(mail.Content{
		Kind: contentKind(e.Step.Kind), VendorName: e.VendorName, DaysLeft: e.Step.Days(), GraceDays: e.State.Policy.GraceDays,
		LengthDays: e.State.Policy.LengthDays, EndsAt: e.State.EndsAt, GraceEndsAt: e.State.GraceEndsAt, Zone: e.State.Zone,
		Day: e.State.Day, ActionURL: m.publicURL, UnsubscribeURL: unsubscribe,
	})
	if err != nil {
		return activities.Delivery{}, err
	}
	outcome := m.sender.Send(ctx, mail.Message{
		To: e.To, Subject: r.Subject, Text: r.Text, HTML: r.HTML, UnsubscribeURL: unsubscribe,
		Key: mail.SendKey{TrialID: e.State.VendorID, Kind: string(e.Step.Kind), Revision: e.Step.Revision, Attempt: e.Send.Attempt},
	})
	m.account.Note(outcome, time.Now())
	return activities.Delivery{Status: sendStatus(outcome.Status), MessageID: outcome.MessageID, Reason: outcome.Reason, RetryAfter: outcome.RetryAfter}, nil
}

// DeliverNotice implements activities.NoticeMailer.
func (m *mailer) DeliverNotice(ctx context.Context, to, key string, n rollout.Message) (activities.Delivery, error) {
	r, err := mail.RenderNotice(n)
	if err != nil {
		return activities.Delivery{}, err
	}
	outcome := m.sender.Send(ctx, mail.Message{To: to, Subject: r.Subject, Text: r.Text, HTML: r.HTML, Notice: key})
	return activities.Delivery{Status: sendStatus(outcome.Status), MessageID: outcome.MessageID, Reason: outcome.Reason, RetryAfter: outcome.RetryAfter}, nil
}

// AddressHash implements activities.Mailer.
func (m *mailer) AddressHash(address string) string { return mail.AddressHash(address) }

func contentKind(k trial.Kind) string {
	if k.IsReminder() {
		return mail.KindReminder
	}
	return string(k)
}

func sendStatus(s mail.Status) trial.SendStatus {
	switch s {
	case mail.Sent:
		return trial.SendSent
	case mail.Refused:
		return trial.SendRefused
	case mail.Deferred:
		return trial.SendReleased
	case mail.Unknown:
	}
	return trial.SendUnknown
}
