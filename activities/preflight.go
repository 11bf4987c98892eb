package activities

import (
	"context"
	"slices"
	"time"

	"go.uber.org/zap"

	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/rollout"
)

// BackupRecord lists the backups.
type BackupRecord interface {
	// LastFull is when the last good full backup began, zero for none.
	LastFull(ctx context.Context) (time.Time, error)
}

// Dashboards asks the dashboards whether they work.
type Dashboards interface {
	// Ask returns the answers within seconds; none if there is no dashboard to ask.
	Ask(ctx context.Context) []rollout.DashboardAnswer
}

// Preflight makes the checks before anybody is admitted.
func (r *Rollouts) Preflight(ctx context.Context, s rollout.State) ([]rollout.Check, error) {
	defer heartbeat(ctx)()
	missing, err := r.Store.VendorsWithoutStart(ctx)
	if err != nil {
		return nil, failed("checking the migration", err)
	}
	doc, err := r.Store.Flags(ctx)
	if err != nil {
		return nil, failed("checking the flags", err)
	}
	judged, err := r.Store.LatestJudgement(ctx, s.ID)
	if err != nil {
		return nil, failed("checking the watch", err)
	}
	now := r.Now()
	conversion, err := r.conversion(ctx, now)
	if err != nil {
		return nil, err
	}
	conversion.Counted = doc.FeatureFlags.Monitoring.TrialMetrics
	canaries, err := r.canaries(ctx)
	if err != nil {
		return nil, err
	}
	sending, err := r.Account.SendingEnabled(ctx)
	checks := rollout.Preflight(s, rollout.PreflightFacts{
		Now: now, VendorsWithoutStart: missing, Flags: doc.FeatureFlags, Judged: judged,
		MailAnswers: err == nil, MayMail: sending, Backup: r.backups(ctx), Dashboards: r.Dashboards.Ask(ctx), Conversion: conversion, Canary: canaries,
	})
	r.startCanary(ctx, s, checks)
	return checks, nil
}

// startCanary starts a canary if the check of the latest one does not pass, and nobody has waived it. The next preflight tries again
// if that fails.
func (r *Rollouts) startCanary(ctx context.Context, s rollout.State, checks []rollout.Check) {
	waived := slices.ContainsFunc(s.Checks, func(c rollout.Check) bool { return c.ID == rollout.CheckCanary && c.WaivedBy != "" })
	for _, check := range checks {
		if check.ID != rollout.CheckCanary || check.Verdict == rollout.Pass || waived {
			continue
		}
		if err := r.Canaries.StartCanary(ctx); err != nil {
			r.Log.Warn("no canary was started", zap.Error(err))
		}
	}
}

func (r *Rollouts) canaries(ctx context.Context) (*rollout.CanaryFacts, error) {
	if r.Canaries == nil {
		return nil, nil //nolint:nilnil // documented: none are configured
	}
	latest, _, err := r.Canaries.LatestCanary(ctx)
	return &rollout.CanaryFacts{Latest: latest}, failed("reading the latest canary", err)
}

// conversion counts the conversions of the last weeks.
func (r *Rollouts) conversion(ctx context.Context, now time.Time) (c rollout.ConversionFacts, err error) {
	figures := monitoring.ReportFacts{Now: now, Day: r.Day, Policy: r.Policy}
	if figures.Tally, err = r.Store.Counters(ctx, monitoring.Periods(now, r.Day, r.Policy)); err != nil {
		return c, failed("checking the conversion rate", err)
	}
	c.Converted, c.Trials = figures.Converted()
	return c, nil
}

func (r *Rollouts) backups(ctx context.Context) rollout.BackupFacts {
	if r.Backups == nil {
		return rollout.BackupFacts{}
	}
	full, err := r.Backups.LastFull(ctx)
	if err != nil {
		r.Log.Warn("the backups cannot be listed", zap.Error(err))
	}
	return rollout.BackupFacts{Kept: true, Answers: err == nil, Full: full}
}
