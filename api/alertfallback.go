package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"marketplace.example/trials/activities"
	"marketplace.example/trials/internal/adapters/mongodb"
	"marketplace.example/trials/internal/adapters/webhook"
	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/internal/platform/config"
	"marketplace.example/trials/temporal"
)

// alertFallback looks at the alerts while no worker does: that none is there would go
// unseen otherwise. It posts to webhooks at once; e-mails wait for a worker.
type alertFallback struct {
	alerts *activities.Alerts
	store  *mongodb.Store
	// began is when this process did: until then nobody is late.
	began time.Time
	// mine is when this process looked last.
	mine time.Time
	day  time.Duration
	log  *zap.Logger
}

func newAlertFallback(cfg config.Config, store *mongodb.Store, client *temporal.Client, log *zap.Logger) (*alertFallback, error) {
	rules, err := cfg.AlertRules()
	if err != nil {
		return nil, fmt.Errorf("reading the alerts' configuration: %w", err)
	}
	stakeholders, err := cfg.ReadStakeholders()
	if err != nil {
		return nil, fmt.Errorf("reading the stakeholders: %w", err)
	}
	// Without a mailer: no e-mail is sent from here.
	notices := &activities.Notices{Store: store, Stakeholders: stakeholders, Now: time.Now, Log: log}
	if cfg.WebhookSecret != "" { // else no stakeholder has a webhook, as config has seen to
		hooks, err := webhook.New(cfg.WebhookSecret, webhook.DefaultTimeout)
		if err != nil {
			return nil, fmt.Errorf("preparing the webhooks: %w", err)
		}
		notices.Poster = poster{hooks}
	}
	return &alertFallback{
		store: store, began: time.Now(), day: cfg.TrialDay, log: log,
		alerts: &activities.Alerts{
			Store: store, Parts: alertParts{store: store, client: client, workers: cfg.MailSenders}, Notifier: activities.NoticeGroups{Notices: notices}, Rules: rules,
			Policy: trial.DefaultPolicy(), Day: cfg.TrialDay, Now: time.Now, Log: log,
		},
	}, nil
}

// keep keeps it up until the context ends.
func (l *alertFallback) keep(ctx context.Context) {
	ticker := time.NewTicker(monitoring.EvaluateEvery(l.day))
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			if err := l.evaluate(ctx, now); err != nil && ctx.Err() == nil {
				l.log.Warn("looking at the alerts in a worker's place", zap.Error(err))
			}
		}
	}
}

// evaluate looks once, unless somebody else has lately.
func (l *alertFallback) evaluate(ctx context.Context, now time.Time) error {
	last, err := l.lastEvaluation(ctx)
	if err != nil {
		return err
	}
	alone := !l.mine.IsZero() && last.Equal(l.mine)
	if last.Before(l.began) {
		last = l.began
	}
	if !alone && !monitoring.EvaluatedLate(last, now, l.day) {
		return nil
	}
	_, err = l.alerts.EvaluateAlerts(ctx)
	mine, readErr := l.lastEvaluation(ctx)
	l.mine = mine
	return errors.Join(err, readErr)
}

// lastEvaluation is when somebody looked last.
func (l *alertFallback) lastEvaluation(ctx context.Context) (time.Time, error) {
	last, err := l.store.Alert(ctx, monitoring.WorkerAway)
	return last.EvaluatedAt, err
}

// alertParts asks how the parts stand. How the account at the mail service does,
// the API does not know.
type alertParts struct {
	store   *mongodb.Store
	client  *temporal.Client
	workers int
}

// AlertParts implements activities.AlertParts. What does not answer is not measured.
func (p alertParts) AlertParts(ctx context.Context, now time.Time) monitoring.Parts {
	parts := monitoring.Parts{WorkersNeeded: p.workers}
	processes, err := p.store.Processes(ctx)
	if err == nil {
		parts.Certificates = monitoring.Certificates(processes, now)
	}
	if polls, err := p.client.Polls(ctx); err == nil { // without processes, polls alone tell
		here, sign := monitoring.CountWorkers(polls, processes, now)
		parts.Workers, parts.WorkerSign = &here, sign
	}
	if watched, err := p.store.WatchedAt(ctx); err == nil {
		parts.Watched = &watched
	}
	if run, err := p.client.RolloutRun(ctx); err == nil {
		parts.Rollout = &run
	}
	return parts
}

// poster lets the activities post to webhooks.
type poster struct{ client *webhook.Client }

// Post implements activities.Poster.
func (p poster) Post(ctx context.Context, address, key string, body []byte) activities.Delivery {
	outcome := p.client.Post(ctx, address, key, body)
	delivery := activities.Delivery{Status: trial.SendUnknown, Reason: outcome.Reason, RetryAfter: outcome.RetryAfter}
	switch outcome.Status {
	case webhook.Accepted:
		delivery.Status = trial.SendSent
	case webhook.Refused:
		delivery.Status = trial.SendRefused
	case webhook.Deferred:
		delivery.Status = trial.SendReleased
	case webhook.Unknown:
	}
	return delivery
}
