package main

import (
	"fmt"
	"time"

	"go.uber.org/zap"

	"marketplace.example/trials/activities"
	"marketplace.example/trials/config"
	"marketplace.example/trials/mongodb"
	"marketplace.example/trials/webhook"
)

// newNotices prepares what tells stakeholders of a rollout.
func newNotices(cfg config.Config, store *mongodb.Store, mailer *mailer, log *zap.Logger) (*activities.Notices, error) {
	stakeholders, err := cfg.ReadStakeholders()
	if err != nil {
		return nil, fmt.Errorf("reading the stakeholders: %w", err)
	}
	// The first key signs, as it does links.
	client, err := webhook.New(cfg.LinkSecret[0], webhook.DefaultTimeout)
	if err != nil {
		return nil, fmt.Errorf("preparing the webhooks: %w", err)
	}
	return &activities.Notices{
		Store: store, Mailer: mailer, Poster: poster{client}, Stakeholders: stakeholders, Now: time.Now, Log: log,
	}, nil
}
