package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	sdktemporal "go.temporal.io/sdk/temporal"
	"go.uber.org/zap"

	"marketplace.example/trials/internal/domain/notice"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// NoticeStore is what notices need of the database. A key is a message's key and a recipient's id.
type NoticeStore interface {
	ClaimNotice(ctx context.Context, key string, at time.Time) (claimed bool, err error)
	NoticeStatus(ctx context.Context, key string) (trial.SendStatus, error)
	// SettleNotice never replaces a result by one that says less.
	SettleNotice(ctx context.Context, key string, status trial.SendStatus, reason string, at time.Time) error
	// TimeSeries is how a rollout's judgements have developed.
	TimeSeries(ctx context.Context, rolloutID string) (rollout.TimeSeries, error)
}

// NoticeMailer sends notices by e-mail.
type NoticeMailer interface {
	// Wait is as in Mailer.
	Wait(ctx context.Context) (waited bool, err error)
	// DeliverNotice renders and sends. With an error, nothing has left and nothing will: the message cannot be rendered.
	DeliverNotice(ctx context.Context, to, key string, m notice.Message) (trial.SendResult, error)
}

// Poster posts notices to webhooks.
type Poster interface {
	// Post posts a body once. By the key the receiver recognizes a repetition.
	Post(ctx context.Context, address, key string, body []byte) trial.SendResult
}

// Notices notifies stakeholders of a rollout.
type Notices struct {
	Store        NoticeStore
	Mailer       NoticeMailer
	Poster       Poster
	Stakeholders []notice.Stakeholder
	// Dashboard is the base of the address of the dashboard's pages; empty where nobody knows it.
	Dashboard string
	Now       func() time.Time
	Log       *zap.Logger
}

// Notify notifies everybody whom a message concerns, each once. The error is about those who could not be reached for now: the
// next try is for them only. A recipient who cannot be reached at all, or whose result is unknown, is logged and recorded.
func (n *Notices) Notify(ctx context.Context, m notice.Message) error {
	if m.Key == "" || m.Subject == "" || m.Lead == "" {
		return sdktemporal.NewNonRetryableApplicationError("the message has no key, subject or lead", string(trial.CodeInvalid), nil)
	}
	m.History = n.history(ctx, m)
	recipients := notice.Recipients(n.Stakeholders, m.Roles())
	if len(recipients) == 0 {
		n.Log.Info("nobody is to be notified", zap.String("notice", m.Key), zap.String("kind", string(m.Kind)))
	}
	var passing []error
	for _, r := range recipients {
		if err := n.notify(ctx, m, r); err != nil {
			passing = append(passing, err)
		}
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("notifying stakeholders: %w", err)
		}
	}
	if len(passing) == 0 {
		return nil
	}
	return later(fmt.Sprintf("%d of %d were not notified yet: %v", len(passing), len(recipients), passing[0]), longestWait(passing))
}

// history is how the phase has developed that a message is about. A notice without it is better than none.
func (n *Notices) history(ctx context.Context, m notice.Message) *notice.History {
	if m.RolloutID == "" {
		return nil
	}
	series, err := n.Store.TimeSeries(ctx, m.RolloutID)
	if err != nil {
		n.Log.Warn("a notice goes without the phase's history", zap.String("notice", m.Key), zap.Error(err))
		return nil
	}
	return notice.HistoryOf(series)
}

// longestWait is the longest pause that any of the errors asks for; zero leaves it to the retry policy.
func longestWait(errs []error) time.Duration {
	var pause time.Duration
	for _, err := range errs {
		if e, ok := errors.AsType[*sdktemporal.ApplicationError](err); ok {
			pause = max(pause, e.NextRetryDelay())
		}
	}
	return pause
}

// posted is the body for webhooks. Its fields are a contract with them.
type posted struct {
	Key     string          `json:"key"`
	Kind    notice.Kind     `json:"kind"`
	At      time.Time       `json:"at"`
	Subject string          `json:"subject"`
	Lead    string          `json:"lead"`
	Lines   []string        `json:"lines"`
	Page    string          `json:"page,omitempty"`
	Figures []notice.Figure `json:"figures"`
}

func newPosted(m notice.Message) posted {
	p := posted{Key: m.Key, Kind: m.Kind, At: m.At.UTC(), Subject: m.Subject, Lead: m.Lead, Lines: m.Flat(), Page: m.Page, Figures: m.Figures}
	if p.Lines == nil {
		p.Lines = []string{}
	}
	if p.Figures == nil {
		p.Figures = []notice.Figure{}
	}
	return p
}

// notify notifies one recipient, unless that was done or tried before. An error is temporary.
func (n *Notices) notify(ctx context.Context, m notice.Message, r notice.Recipient) error {
	return n.notifyAs(ctx, m.Key+"/"+r.ID, m, r)
}

func (n *Notices) notifyAs(ctx context.Context, key string, m notice.Message, r notice.Recipient) error {
	return n.once(ctx, key, !r.Webhook, func() trial.SendResult { return n.deliver(ctx, m, r, key) })
}

// once sends what has a key, unless that was done or tried before. An e-mail waits for its turn. An error is temporary.
func (n *Notices) once(ctx context.Context, key string, byMail bool, deliver func() trial.SendResult) error {
	if byMail {
		// Before the claim: no claim is held during the wait.
		if _, err := n.Mailer.Wait(ctx); err != nil {
			return err
		}
	}
	claimed, err := n.Store.ClaimNotice(ctx, key, n.Now())
	if err != nil {
		return failed("claiming the notice", err)
	}
	if !claimed {
		return n.triedBefore(ctx, key)
	}
	return n.settle(ctx, key, deliver())
}

// settle records the result of a notice. An error is temporary.
func (n *Notices) settle(ctx context.Context, key string, delivery trial.SendResult) error {
	// The context may have ended; recording the result is worth a moment more.
	noteCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := n.Store.SettleNotice(noteCtx, key, delivery.Status, delivery.Reason, n.Now()); err != nil {
		n.Log.Error("the result of a notice was not recorded", zap.String("notice", key), zap.String("status", string(delivery.Status)))
		return failed("recording the notice's result", err)
	}
	switch delivery.Status {
	case trial.SendSent:
		n.Log.Debug("stakeholder notified", zap.String("notice", key))
	case trial.SendReleased:
		return later(fmt.Sprintf("notice %s: not accepted (%s)", key, delivery.Reason), delivery.RetryAfter)
	case trial.SendRefused:
		n.Log.Error("stakeholder cannot be notified", zap.String("notice", key), zap.String("reason", delivery.Reason))
	case trial.SendUnknown, trial.SendClaimed:
		n.Log.Warn("nobody knows whether a stakeholder was notified; it is not repeated", zap.String("notice", key), zap.String("reason", delivery.Reason))
	}
	return nil
}

func (n *Notices) deliver(ctx context.Context, m notice.Message, r notice.Recipient, key string) trial.SendResult {
	if r.Webhook { // others read along: no name or number of whoever is on call
		body, err := json.Marshal(newPosted(m.Addressed(n.Dashboard, nil)))
		if err != nil {
			return trial.SendResult{Status: trial.SendRefused, Reason: trial.NotRendered}
		}
		return n.Poster.Post(ctx, r.Address, key, body)
	}
	delivery, err := n.Mailer.DeliverNotice(ctx, r.Address, key, m.Addressed(n.Dashboard, n.Stakeholders))
	if err != nil {
		return trial.SendResult{Status: trial.SendRefused, Reason: trial.NotRendered}
	}
	return delivery
}

// triedBefore does not repeat what an earlier attempt has claimed. If that attempt died, nobody knows whether the notice left; a
// second notice is worse than a line in the log.
func (n *Notices) triedBefore(ctx context.Context, key string) error {
	status, err := n.Store.NoticeStatus(ctx, key)
	if err != nil {
		return failed("reading the notice", err)
	}
	switch status {
	case trial.SendClaimed:
		n.Log.Warn("nobody knows whether a stakeholder was notified; it is not repeated", zap.String("notice", key), zap.String("reason", "interrupted"))
		if err := n.Store.SettleNotice(ctx, key, trial.SendUnknown, "interrupted", n.Now()); err != nil {
			return failed("recording the notice's result", err)
		}
	case trial.SendReleased: // an attempt thought dead has released it
		return later("notice "+key+": released by another attempt", time.Second)
	case trial.SendSent, trial.SendRefused, trial.SendUnknown:
	}
	return nil
}
