package rest

import (
	"context"

	"marketplace.example/trials/internal/domain/monitoring"
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
	report, err := s.App.Report(ctx)
	if err != nil {
		return nil, err
	}
	return &TrialMetrics{Report: report, Definitions: monitoring.Definitions()}, nil
}
