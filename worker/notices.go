package main

import (
	"fmt"
	"time"

	"go.uber.org/zap"

	"marketplace.example/trials/activities"
	"marketplace.example/trials/internal/adapters/mongodb"
	"marketplace.example/trials/internal/adapters/webhook"
	"marketplace.example/trials/internal/platform/config"
)

// newNotices prepares the notices to stakeholders of a rollout.
func newNotices(cfg config.Config, store *mongodb.Store, mailer *mailer, log *zap.Logger) (*activities.Notices, error) {
	stakeholders, err := cfg.ReadStakeholders()
	if err != nil {
		return nil, fmt.Errorf("reading the stakeholders: %w", err)
	}
	notices := &activities.Notices{Store: store, Mailer: mailer, Stakeholders: stakeholders, Now: time.Now, Log: log}
	if cfg.WebhookSecret == "" { // then no stakeholder has a webhook, as config has checked
		return notices, nil
	}
	client, err := webhook.New(cfg.WebhookSecret, webhook.DefaultTimeout)
	if err != nil {
		return nil, fmt.Errorf("preparing the webhooks: %w", err)
	}
	notices.Poster = poster{client}
	return notices, nil
}
