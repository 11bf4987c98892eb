package app

import (
	"context"

	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/trial"
)

// Report is how things stand now. Where flags switch the figures off it is a *trial.Error with trial.CodeConflict.
func (a *App) Report(ctx context.Context) (monitoring.Report, error) {
	doc, err := a.Store.Flags(ctx)
	if err != nil {
		return monitoring.Report{}, err
	}
	if m := doc.FeatureFlags.Monitoring; !m.Enabled || !m.TrialMetrics {
		return monitoring.Report{}, &trial.Error{Code: trial.CodeConflict, Message: "trial metrics are off: see the flags monitoring.enabled and monitoring.trialMetrics"}
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
