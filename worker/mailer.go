package main

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/sdk/activity"
	sdktemporal "go.temporal.io/sdk/temporal"

	"marketplace.example/trials/activities"
	"marketplace.example/trials/internal/adapters/ses"
	"marketplace.example/trials/internal/domain/notice"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/internal/wiring"
)

const (
	// rateBudget is how long a step waits for its turn; beyond it the workflow or
	// the server waits instead, and occupies no slot of the worker.
	rateBudget = 2 * time.Second
	// longRateBudget is that of an activity with heartbeats: otherwise
	// all its items would return at once.
	longRateBudget = time.Minute
	// noticeable is a wait after which the facts are read again. The kill
	// switch promises a second.
	noticeable = 100 * time.Millisecond
)

// mailer lets the activities send through SES.
type mailer struct {
	sender    *ses.Sender
	rate      *ses.Rate
	account   *ses.Account
	links     *ses.Links
	templates *wiring.Templates
	// mailed counts an e-mail by its outcome.
	mailed func(outcome string)
}

// Wait implements activities.Mailer. A step is tried within the workflow task
// first; whatever is tried as an activity of its own was deferred then, or is
// a notice, which are so rare that they need not wait behind the others.
func (m *mailer) Wait(ctx context.Context) (bool, error) {
	began, budget, wait := time.Now(), rateBudget, m.rate.Wait
	if activity.IsActivity(ctx) {
		info := activity.GetInfo(ctx)
		if !info.IsLocalActivity {
			wait = m.rate.WaitAgain
		}
		if info.HeartbeatTimeout > 0 {
			budget = longRateBudget
		}
	}
	err := wait(ctx, budget)
	if deferral, ok := errors.AsType[*ses.Deferral](err); ok {
		return true, sdktemporal.NewApplicationErrorWithOptions(deferral.Error(), activities.Later,
			sdktemporal.ApplicationErrorOptions{NextRetryDelay: deferral.RetryAfter})
	}
	return time.Since(began) > noticeable, err
}

// Deliver implements activities.Mailer.
func (m *mailer) Deliver(ctx context.Context, e activities.Mail) (trial.SendResult, error) {
	unsubscribe := m.links.Unsubscribe(e.State.VendorID)
	c, mail := content(e), m.templates.Current()
	c.Brand, c.Words, c.Layout, c.UnsubscribeURL, c.FeedbackURL = mail.Brand, mail.Words, mail.Layout, unsubscribe, m.links.Feedback(c.VendorID, string(e.Step.Kind))
	c.GuideURL = m.links.Guide(c.VendorID)
	r, err := ses.Render(c)
	if err != nil {
		return trial.SendResult{}, err
	}
	outcome := m.sender.Send(ctx, ses.Message{
		To: e.To, Subject: r.Subject, Text: r.Text, HTML: r.HTML, UnsubscribeURL: unsubscribe,
		FromName: mail.Brand.Sender.Name, ReplyTo: mail.Brand.Sender.ReplyTo,
		// The send's key, which differs from the step's if the e-mail is resent.
		Key: ses.SendKey{TrialID: e.State.VendorID, Kind: string(e.Send.Kind), Revision: e.Send.Revision, Attempt: e.Send.Attempt},
	})
	outcome.Template = mail.Version
	if !trial.IsCanary(e.State.VendorID) { // no figure knows canaries
		m.account.Note(outcome, time.Now())
		m.mailed(outcomes[outcome.Status])
	}
	return outcome, nil
}

// DeliverNotice implements activities.NoticeMailer.
func (m *mailer) DeliverNotice(ctx context.Context, to, key string, n notice.Message) (trial.SendResult, error) {
	r, err := ses.RenderNotice(n)
	if err != nil {
		return trial.SendResult{}, err
	}
	outcome := m.sender.Send(ctx, ses.Message{To: to, Subject: r.Subject, Text: r.Text, HTML: r.HTML, Notice: key})
	m.mailed(outcomes[outcome.Status])
	return outcome, nil
}

// content is the content of the trial's e-mail.
func content(e activities.Mail) ses.Content {
	s := e.State
	return ses.Content{
		Kind: contentKind(s.Policy, e.Step.Kind), VendorID: s.VendorID, VendorName: e.VendorName, DaysLeft: s.DaysLeft(e.Step, e.Now), GraceDays: s.Policy.GraceDays,
		LengthDays: s.LengthLeft(e.Now), EndsAt: s.EndsAt, Ended: !e.Now.Before(s.EndsAt), GraceEndsAt: graceEnd(s), Zone: s.Zone, Locale: e.Locale, Day: s.Day,
	}
}

// graceEnd is when selling is paused, or was; zero without a grace.
func graceEnd(s trial.State) time.Time {
	switch {
	case s.Policy.GraceDays == 0:
		return time.Time{}
	case s.ExpiredAt != nil: // it may have been held or late
		return *s.ExpiredAt
	}
	return s.GraceEndsAt
}

// contentKind is the kind of e-mail that a step sends; a mailing's is its template.
func contentKind(p trial.Policy, k trial.Kind) string {
	if m, own := p.Mailing(k); own {
		return m.Template
	}
	if k.IsReminder() {
		return ses.KindReminder
	}
	return string(k)
}
