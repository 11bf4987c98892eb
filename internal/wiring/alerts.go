package wiring

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"

	"marketplace.example/trials/activities"
	"marketplace.example/trials/internal/adapters/webhook"
	"marketplace.example/trials/internal/domain/monitoring"
)

// Notices prepares the notices to stakeholders. Without a mailer, no e-mail is sent.
func (b *Base) Notices(mailer activities.NoticeMailer) (*activities.Notices, error) {
	stakeholders, err := b.Config.ReadStakeholders()
	if err != nil {
		return nil, fmt.Errorf("reading the stakeholders: %w", err)
	}
	notices := &activities.Notices{Store: b.Store, Mailer: mailer, Stakeholders: stakeholders, Dashboard: b.Config.PublicURL, Now: time.Now, Log: b.Log}
	if b.Config.WebhookSecret == "" { // then no stakeholder has a webhook, as config has checked
		return notices, nil
	}
	client, err := webhook.New(b.Config.WebhookSecret, webhook.DefaultTimeout)
	if err != nil {
		return nil, fmt.Errorf("preparing the webhooks: %w", err)
	}
	notices.Poster = client
	return notices, nil
}

// Alerts prepares the evaluation of the alerts. mailsFrom is since when this process may send e-mails, zero for never.
func (b *Base) Alerts(parts activities.AlertParts, notices *activities.Notices, mailsFrom time.Time) (*activities.Alerts, error) {
	rules, err := b.Config.AlertRules()
	if err != nil {
		return nil, fmt.Errorf("reading the alerts' configuration: %w", err)
	}
	policies, err := b.Config.ReadPolicies()
	if err != nil {
		return nil, fmt.Errorf("reading the policies: %w", err)
	}
	return &activities.Alerts{
		Store: b.Store, Parts: parts, Notifier: activities.NoticeGroups{Notices: notices}, Rules: rules, Policy: policies.Longest(),
		Day: b.Config.TrialDay, MailsFrom: mailsFrom, Now: time.Now, Log: b.Log,
	}, nil
}

// AlertParts implements activities.AlertParts with what every process can ask.
func (b *Base) AlertParts(ctx context.Context, now time.Time) monitoring.Parts {
	parts := monitoring.Parts{WorkersNeeded: b.Config.MailSenders}
	processes, err := b.Store.Processes(ctx)
	if b.Answered("the processes", err) {
		parts.Certificates = monitoring.Certificates(processes, now)
	}
	if polls, err := b.Client.Polls(ctx); b.Answered("who polls", err) { // without samples the polls alone decide
		here, sign := monitoring.CountWorkers(polls, processes, now)
		parts.Workers, parts.WorkerSign = &here, sign
	}
	if watched, err := b.Store.WatchedAt(ctx); b.Answered("the rollout", err) {
		parts.Watched = &watched
	}
	if b.Config.Canaries() {
		if latest, since, err := b.Store.LatestCanary(ctx); b.Answered("the canary", err) {
			parts.Canary = &monitoring.CanaryPart{Latest: latest, Since: since}
		}
	}
	if run, err := b.Client.RolloutRun(ctx); b.Answered("the rollout's workflow", err) {
		parts.Rollout = &run
	}
	return parts
}

// Answered tells whether a part that an alert is about has answered, and logs an error.
func (b *Base) Answered(part string, err error) bool {
	if err != nil {
		b.Log.Warn("alerts: not measured", zap.String("part", part), zap.Error(err))
	}
	return err == nil
}
