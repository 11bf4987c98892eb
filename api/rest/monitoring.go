package rest

import (
	"context"

	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/trial"
)

// GetTrialMetrics answers with the figures.
func (s *server) GetTrialMetrics(ctx context.Context, _ GetTrialMetricsRequestObject) (GetTrialMetricsResponseObject, error) {
	metrics, err := s.metrics(ctx)
	if err != nil {
		return nil, err
	}
	return GetTrialMetrics200JSONResponse(*metrics), nil
}

func (s *server) metrics(ctx context.Context) (*TrialMetrics, error) {
	report, err := s.report(ctx)
	if err != nil {
		return nil, err
	}
	return &TrialMetrics{Report: report, Definitions: monitoring.Definitions()}, nil
}

// Report is how things stand now. Where flags switch the figures off it is a
// *trial.Error with trial.CodeConflict.
func (a *API) Report(ctx context.Context) (monitoring.Report, error) { return a.server.report(ctx) }

func (s *server) report(ctx context.Context) (monitoring.Report, error) {
	doc, err := s.Store.Flags(ctx)
	if err != nil {
		return monitoring.Report{}, err
	}
	if m := doc.FeatureFlags.Monitoring; !m.Enabled || !m.TrialMetrics {
		return monitoring.Report{}, &trial.Error{Code: trial.CodeConflict, Message: "trial metrics are off: see the flags monitoring.enabled and monitoring.trialMetrics"}
	}
	now := s.now()
	tally, err := s.Store.Counters(ctx, monitoring.Periods(now, s.Day, s.Policy))
	if err != nil {
		return monitoring.Report{}, err
	}
	calls, err := s.Store.Calls(ctx, now.Add(-s.Day/24), now, s.Day)
	if err != nil {
		return monitoring.Report{}, err
	}
	return monitoring.Make(monitoring.Facts{Now: now, Day: s.Day, Policy: s.Policy, Tally: tally, Calls: calls}), nil
}
