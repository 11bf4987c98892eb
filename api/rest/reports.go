package rest

import (
	"context"
	"fmt"

	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// ListRolloutReports answers with the reports on the time after the last phase.
func (s *server) ListRolloutReports(ctx context.Context, request ListRolloutReportsRequestObject) (ListRolloutReportsResponseObject, error) {
	state, err := s.App.Rollout(ctx, request.RolloutId)
	if err != nil {
		return nil, err
	}
	all := RolloutReports{RolloutId: state.ID, Reports: []rollout.ReportEntry{}}
	for _, p := range state.Periods() {
		report, _, found, err := s.App.Store.Report(ctx, state.ID, p.ID())
		if err != nil {
			return nil, err
		}
		made := &report
		if !found {
			made = nil
		}
		all.Reports = append(all.Reports, rollout.EntryOf(p, made))
	}
	return ListRolloutReports200JSONResponse(all), nil
}

// GetRolloutReport answers with a report.
func (s *server) GetRolloutReport(ctx context.Context, request GetRolloutReportRequestObject) (GetRolloutReportResponseObject, error) {
	state, err := s.App.Rollout(ctx, request.RolloutId)
	if err != nil {
		return nil, err
	}
	report, _, found, err := s.App.Store.Report(ctx, state.ID, request.ReportId)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, &trial.Error{Code: trial.CodeNotFound, Field: "reportId", Message: fmt.Sprintf("%s has not been made", request.ReportId)}
	}
	return GetRolloutReport200JSONResponse(report), nil
}
