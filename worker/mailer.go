package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"
	sdktemporal "go.temporal.io/sdk/temporal"
	"go.uber.org/zap"

	"marketplace.example/trials/activities"
	"marketplace.example/trials/internal/adapters/ses"
	"marketplace.example/trials/internal/domain/notice"
	"marketplace.example/trials/internal/domain/policy"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/internal/platform/config"
	"marketplace.example/trials/internal/wiring"
)

const (
	// rateBudget is how long a step waits for its turn; beyond it the workflow or
	// the server waits instead, and occupies no slot of the worker.
	rateBudget = 2 * time.Second
	// longRateBudget is that of an activity with heartbeats: otherwise
	// all its items would return at once.
	longRateBudget = time.Minute
	// keepLimit bounds the storing of a version of a template: the step has the send to settle then.
	keepLimit = time.Second
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
	buttons   ses.Buttons
	templates *wiring.Templates
	// policies and day are those of previews.
	policies policy.Set
	day      time.Duration
	// mailed counts an e-mail by its outcome.
	mailed func(outcome string)
	// keep stores a version of a template under its hash, and kept are the hashes of those that are stored, or being stored: few, as
	// they change only with what people write.
	keep func(ctx context.Context, hash string, content []byte) error
	kept sync.Map
	log  *zap.Logger
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
	mail, unsubscribe := m.templates.Current(), m.links.Unsubscribe(e.State.VendorID)
	c := content(e, mail)
	c.UnsubscribeURL, c.FeedbackURL = unsubscribe, m.links.Feedback(c.VendorID, string(e.Step.Kind))
	c.GuideURL = m.links.Guide(c.VendorID)
	var err error
	if c.ButtonToken, err = m.buttons.Token(c.Brand, c.VendorID, time.Now()); err != nil {
		return trial.SendResult{}, err
	}
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
	if outcome.Status == trial.SendSent { // of another nothing is noted
		outcome.Template, outcome.Fields = m.version(ctx, c), new(c.Fields())
	}
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

// DeliverPreview implements activities.PreviewMailer. No figure knows previews.
func (m *mailer) DeliverPreview(ctx context.Context, to, key string, p notice.Preview) (trial.SendResult, error) {
	shown, err := wiring.Mails{Templates: m.templates}.Ordered(m.policies, m.day, p)
	if err != nil {
		return trial.SendResult{}, err
	}
	return m.sender.Send(ctx, ses.Message{
		To: to, Subject: notice.Marked(shown.Subject), Text: shown.Text, HTML: shown.HTML, FromName: shown.From, ReplyTo: shown.ReplyTo, Notice: key,
	}), nil
}

// content is the content of the trial's e-mail, without the links.
func content(e activities.Mail, mail config.Mail) ses.Content {
	c := ses.ContentOf(e.State, e.Step, e.Now)
	c.VendorName, c.Locale, c.Brand, c.Words, c.Layout = e.VendorName, e.Locale, mail.Brand, mail.Words, mail.Layout
	return c
}

// version keeps the version of the template that an e-mail is made of, so that support can see the e-mail later as it was sent, and
// returns its hash. An e-mail is not held up by a version that cannot be kept, as it has left before: the next one tries again. One at
// a time does: a new wording, with which a thousand may leave at once, is written once.
func (m *mailer) version(ctx context.Context, c ses.Content) string {
	v, _ := ses.VersionOf(c)
	hash, encoded, err := v.Encoded()
	if err != nil {
		return hash
	}
	if _, known := m.kept.LoadOrStore(hash, true); known {
		return hash
	}
	ctx, cancel := context.WithTimeout(ctx, keepLimit)
	defer cancel()
	if err := m.keep(ctx, hash, encoded); err != nil {
		m.kept.Delete(hash)
		m.log.Error("the version of an e-mail's template was not kept: this e-mail cannot be shown later unless the next one keeps it",
			zap.String("template", hash), zap.Error(err))
	}
	return hash
}
