package main

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"

	"marketplace.example/trials/activities"
	"marketplace.example/trials/internal/adapters/mail"
	"marketplace.example/trials/internal/adapters/mongodb"
	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/internal/platform/config"
	"marketplace.example/trials/temporal"
)

// newAlerts prepares the evaluation of the alerts.
func newAlerts(cfg config.Config, parts alertParts, notices *activities.Notices) (*activities.Alerts, error) {
	rules, err := cfg.AlertRules()
	if err != nil {
		return nil, fmt.Errorf("reading the alerts' configuration: %w", err)
	}
	return &activities.Alerts{
		Store: parts.store, Parts: parts, Notifier: activities.NoticeGroups{Notices: notices}, Rules: rules, Policy: trial.DefaultPolicy(), Day: cfg.TrialDay,
		MailsFrom: time.Now(), Now: time.Now, Log: parts.log,
	}, nil
}

// alertParts reads the states of the parts that no counter covers.
type alertParts struct {
	store   *mongodb.Store
	client  *temporal.Client
	account *mail.Account
	// backupService is nil if no backups are configured.
	backupService *backupService
	// workers is how many there should be.
	workers int
	log     *zap.Logger
}

// AlertParts implements activities.AlertParts.
func (p alertParts) AlertParts(ctx context.Context, now time.Time) monitoring.Parts {
	parts := monitoring.Parts{WorkersNeeded: p.workers, MailRefusedSince: p.account.AllRefused(now)}
	processes, err := p.store.Processes(ctx)
	if p.answered("the processes", err) {
		parts.Certificates = monitoring.Certificates(processes, now)
	}
	if polls, err := p.client.Polls(ctx); p.answered("who polls", err) { // without samples the polls alone decide
		here, sign := monitoring.CountWorkers(polls, processes, now)
		parts.Workers, parts.WorkerSign = &here, sign
	}
	if may, err := p.account.SendingEnabled(ctx); p.answered("the mail service", err) {
		parts.MaySend = &may
	}
	if watched, err := p.store.WatchedAt(ctx); p.answered("the rollout", err) {
		parts.Watched = &watched
	}
	if run, err := p.client.RolloutRun(ctx); p.answered("the rollout's workflow", err) {
		parts.Rollout = &run
	}
	if p.backupService != nil {
		if last, err := p.backedUp(ctx); p.answered("the rollout", err) {
			parts.BackedUp = &last
		}
	}
	return parts
}

// backedUp is when the last backup finished, or the running rollout began if that is later; zero
// if none runs. Storage that does not answer counts as storage without a new backup.
func (p alertParts) backedUp(ctx context.Context) (time.Time, error) {
	state, found, err := p.store.CurrentRollout(ctx)
	if err != nil || !found || state.Status.Final() {
		return time.Time{}, err
	}
	last, err := p.backupService.LastBackup(ctx)
	p.answered("the backups", err)
	if last.Before(state.StartedAt) {
		last = state.StartedAt
	}
	return last, nil
}

func (p alertParts) answered(what string, err error) bool {
	if err != nil {
		p.log.Warn("alerts: not measured", zap.String("part", what), zap.Error(err))
	}
	return err == nil
}
