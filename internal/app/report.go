package app

import (
	"context"
	"time"

	"go.uber.org/zap"

	"marketplace.example/trials/internal/domain/feedback"
	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// Report is how things stand now. Where flags switch the figures off it is a *trial.Error with trial.CodeConflict.
func (a *App) Report(ctx context.Context) (monitoring.Report, error) {
	if err := a.measured(ctx); err != nil {
		return monitoring.Report{}, err
	}
	now := a.Present()
	tally, err := a.Store.Counters(ctx, monitoring.Periods(now, a.Day, a.Policies.Longest()))
	if err != nil {
		return monitoring.Report{}, err
	}
	calls, err := a.Store.Calls(ctx, now.Add(-a.Day/24), now, a.Day)
	if err != nil {
		return monitoring.Report{}, err
	}
	return monitoring.Make(monitoring.ReportFacts{Now: now, Day: a.Day, Policy: a.Policies.Longest(), Offered: a.Policies.Policies, Tally: tally, Calls: calls}), nil
}

// measured is an error with trial.CodeConflict where flags switch the figures off.
func (a *App) measured(ctx context.Context) error {
	doc, err := a.Store.Flags(ctx)
	if err != nil {
		return err
	}
	if m := doc.FeatureFlags.Monitoring; !m.Enabled || !m.TrialMetrics {
		return &trial.Error{Code: trial.CodeConflict, Message: "trial metrics are off: see the flags monitoring.enabled and monitoring.trialMetrics"}
	}
	return nil
}

// Trends are how things went in so many days before today. Where flags switch the figures off it is a *trial.Error with
// trial.CodeConflict.
func (a *App) Trends(ctx context.Context, back int) (monitoring.Trends, error) {
	if err := a.measured(ctx); err != nil {
		return monitoring.Trends{}, err
	}
	f := monitoring.TrendFacts{ReportFacts: monitoring.ReportFacts{Now: a.Present(), Day: a.Day, Policy: a.Policies.Longest()}, Range: back}
	var err error
	if f.Tally, err = a.Store.Counters(ctx, monitoring.TrendPeriods(f.Now, a.Day, f.Policy, back)); err != nil {
		return monitoring.Trends{}, err
	}
	const hours = 24
	hour := a.Day / hours
	// Hours that shared an interval would both have its calls: so they end with one.
	f.HoursEnd = rollout.IntervalEnd(f.Now, a.Day)
	for i := range hours {
		from := f.HoursEnd.Add(-hour * time.Duration(hours-i))
		calls, err := a.Store.Calls(ctx, from, from.Add(hour-1), a.Day)
		if err != nil {
			return monitoring.Trends{}, err
		}
		f.Hours = append(f.Hours, calls)
	}
	if f.Feedback, err = a.Store.CountFeedback(ctx, feedback.Filter{From: monitoring.TrendsFrom(f.Now, a.Day, back)}); err != nil {
		a.Log.Warn("feedback not counted, the other figures are shown", zap.Error(err)) // of very many answers it may take too long
		f.Uncounted = true
	}
	return monitoring.MakeTrends(f), nil
}
