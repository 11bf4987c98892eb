package main

import (
	"context"
	"time"

	"marketplace.example/trials/internal/adapters/ses"
	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/wiring"
)

// alertParts asks the parts that only a worker knows, beside those of every process.
type alertParts struct {
	*wiring.Base
	account *ses.Account
	backups *backupService // nil if no backups are configured
}

// AlertParts implements activities.AlertParts.
func (p alertParts) AlertParts(ctx context.Context, now time.Time) monitoring.Parts {
	parts := p.Base.AlertParts(ctx, now)
	parts.MailRefusedSince = p.account.AllRefused(now)
	if may, err := p.account.SendingEnabled(ctx); p.Answered("the mail service", err) {
		parts.MaySend = &may
	}
	if p.backups != nil {
		if last, err := p.backedUp(ctx); p.Answered("the rollout", err) {
			parts.BackedUp = &last
		}
	}
	return parts
}

// backedUp is when the last backup finished, or the running rollout began if that is later; zero
// if none runs. Storage that does not answer counts as storage without a new backup.
func (p alertParts) backedUp(ctx context.Context) (time.Time, error) {
	state, found, err := p.Store.CurrentRollout(ctx)
	if err != nil || !found || state.Status.Final() {
		return time.Time{}, err
	}
	last, err := p.backups.LastBackup(ctx)
	p.Answered("the backups", err)
	if last.Before(state.StartedAt) {
		last = state.StartedAt
	}
	return last, nil
}
