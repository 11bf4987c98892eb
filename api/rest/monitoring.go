package rest

import (
	"context"
	"errors"

	"go.uber.org/zap"

	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// dashboardDecisions is how many of the rollout's decisions the dashboard has.
const dashboardDecisions = 20

// GetDashboard answers with all that is monitored. One part's trouble does not keep the others away.
func (s *server) GetDashboard(ctx context.Context, _ GetDashboardRequestObject) (GetDashboardResponseObject, error) {
	answer := Dashboard{Decisions: []rollout.Event{}, Missing: []DashboardGap{}}
	without := func(part DashboardGapPart, err error) {
		if err != nil {
			answer.Missing = append(answer.Missing, DashboardGap{Part: part, Reason: s.shownReason(ctx, string(part), err)})
		}
	}
	health, err := s.Health.Health(ctx)
	if err == nil {
		answer.Health = new(trialsHealth(health))
	}
	without(DashboardGapPartHealth, err)
	if part := health.Part(monitoring.PartMongoDB); part.State == monitoring.Unhealthy {
		// All the rest is read from there, and would wait for it one after the other.
		for _, p := range []DashboardGapPart{DashboardGapPartMetrics, DashboardGapPartAlerts, DashboardGapPartRollout, DashboardGapPartDecisions} {
			answer.Missing = append(answer.Missing, DashboardGap{Part: p, Reason: part.Message})
		}
		return GetDashboard200JSONResponse(answer), nil
	}
	answer.Metrics, err = s.metrics(ctx)
	without(DashboardGapPartMetrics, err)
	answer.Alerts, err = s.App.AlertsView(ctx)
	without(DashboardGapPartAlerts, err)
	answer.Rollout, err = app.LatestRollout(ctx, s.App.Store, s.App.Present())
	without(DashboardGapPartRollout, err)
	if answer.Rollout != nil {
		state := answer.Rollout.Rollout
		decisions, err := s.App.Store.Decisions(ctx, state.ID, max(1, state.Seq-dashboardDecisions+1), dashboardDecisions)
		without(DashboardGapPartDecisions, err)
		answer.Decisions = append(answer.Decisions, decisions...)
	}
	return GetDashboard200JSONResponse(answer), nil
}

// shownReason is what a caller may know of an error; the log knows all of it.
func (s *server) shownReason(ctx context.Context, part string, err error) string {
	if e, ok := errors.AsType[*trial.Error](err); ok {
		return e.Message
	}
	s.log.Error("the dashboard lacks a part", zap.String("requestId", callOf(ctx).id), zap.String("part", part), zap.Error(err))
	return "could not be told; the log says why under the request's id"
}

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
