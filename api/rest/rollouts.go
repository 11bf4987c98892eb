package rest

import (
	"context"
	"fmt"

	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/report"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// StartRollout starts a rollout, once a key.
func (s *server) StartRollout(ctx context.Context, request StartRolloutRequestObject) (StartRolloutResponseObject, error) {
	b := request.Body
	id, plan, err := s.App.StartRollout(ctx, app.NewRollout{Plan: b.Plan, Phase: b.Phase, RestartOf: b.RestartOf})
	return StartRollout202JSONResponse{Id: id, Plan: plan}, err
}

// ForecastRollout says what a plan will be able to decide, and what it risks.
func (s *server) ForecastRollout(ctx context.Context, request ForecastRolloutRequestObject) (ForecastRolloutResponseObject, error) {
	f, err := s.App.Forecast(ctx, request.Body.Plan, request.Body.RegistrationsPerDay)
	return ForecastRollout200JSONResponse(f), err
}

// GetRollout answers with a rollout and how it is judged.
func (s *server) GetRollout(ctx context.Context, request GetRolloutRequestObject) (GetRolloutResponseObject, error) {
	state, err := s.App.Rollout(ctx, request.RolloutId)
	if err != nil {
		return nil, err
	}
	view, err := s.App.ViewRollout(ctx, state)
	return GetRollout200JSONResponse(view), err
}

// ListRolloutDecisions answers with what was decided.
func (s *server) ListRolloutDecisions(ctx context.Context, request ListRolloutDecisionsRequestObject) (ListRolloutDecisionsResponseObject, error) {
	state, err := s.App.Rollout(ctx, request.RolloutId)
	if err != nil {
		return nil, err
	}
	after, limit := 0, defaultPage
	set(&after, request.Params.After)
	set(&limit, request.Params.Limit)
	decisions, err := s.App.Store.Decisions(ctx, state.ID, after+1, limit)
	return ListRolloutDecisions200JSONResponse{Decisions: append([]rollout.Event{}, decisions...)}, err
}

// steer puts a request before the rollout that a path names.
func (s *server) steer(ctx context.Context, id, name string, r flags.Request) (RolloutTaken, error) {
	taken, err := s.App.SteerRollout(ctx, id, name, r)
	return RolloutTaken{RolloutId: taken, Taken: name}, err
}

// RollBackRollout rolls back a rollout: the flags first, then the workflow.
func (s *server) RollBackRollout(ctx context.Context, request RollBackRolloutRequestObject) (RollBackRolloutResponseObject, error) {
	b := request.Body
	r := flags.Request{ID: request.Params.IdempotencyKey, Reason: b.Reason, Percentage: b.Percentage}
	if b.InFlight != nil {
		r.InFlight = flags.InFlight(*b.InFlight)
	}
	taken, err := s.steer(ctx, request.RolloutId, rollout.SignalRollback, r)
	return RollBackRollout202JSONResponse(taken), err
}

// PauseRollout holds a rollout where it is.
func (s *server) PauseRollout(ctx context.Context, r PauseRolloutRequestObject) (PauseRolloutResponseObject, error) {
	taken, err := s.steer(ctx, r.RolloutId, rollout.SignalPause, flags.Request{ID: r.Params.IdempotencyKey, Reason: r.Body.Reason})
	return PauseRollout202JSONResponse(taken), err
}

// ResumeRollout lets a paused rollout go on.
func (s *server) ResumeRollout(ctx context.Context, r ResumeRolloutRequestObject) (ResumeRolloutResponseObject, error) {
	taken, err := s.steer(ctx, r.RolloutId, rollout.SignalResume, flags.Request{ID: r.Params.IdempotencyKey, Reason: r.Body.Reason})
	return ResumeRollout202JSONResponse(taken), err
}

// AdvanceRollout goes on to the next phase at once.
func (s *server) AdvanceRollout(ctx context.Context, r AdvanceRolloutRequestObject) (AdvanceRolloutResponseObject, error) {
	taken, err := s.steer(ctx, r.RolloutId, rollout.SignalAdvance, flags.Request{ID: r.Params.IdempotencyKey, Reason: r.Body.Reason})
	return AdvanceRollout202JSONResponse(taken), err
}

// SetRolloutPercentage sets the percentage by hand.
func (s *server) SetRolloutPercentage(ctx context.Context, r SetRolloutPercentageRequestObject) (SetRolloutPercentageResponseObject, error) {
	taken, err := s.steer(ctx, r.RolloutId, rollout.SignalSetPercentage,
		flags.Request{ID: r.Params.IdempotencyKey, Reason: r.Body.Reason, Percentage: r.Body.Percentage})
	return SetRolloutPercentage202JSONResponse(taken), err
}

// TickRolloutCriterion says whether a criterion is met, or a task is done.
func (s *server) TickRolloutCriterion(ctx context.Context, r TickRolloutCriterionRequestObject) (TickRolloutCriterionResponseObject, error) {
	taken, err := s.steer(ctx, r.RolloutId, rollout.SignalTick,
		flags.Request{ID: r.Params.IdempotencyKey, Reason: r.Body.Reason, Subject: r.Subject, Met: r.Body.Met})
	return TickRolloutCriterion202JSONResponse(taken), err
}

// WaiveRolloutCheck lets a preflight check pass.
func (s *server) WaiveRolloutCheck(ctx context.Context, r WaiveRolloutCheckRequestObject) (WaiveRolloutCheckResponseObject, error) {
	taken, err := s.steer(ctx, r.RolloutId, rollout.SignalWaive,
		flags.Request{ID: r.Params.IdempotencyKey, Reason: r.Body.Reason, Subject: r.Subject})
	return WaiveRolloutCheck202JSONResponse(taken), err
}

// ListRolloutReports answers with the reports on the time after the last phase.
func (s *server) ListRolloutReports(ctx context.Context, request ListRolloutReportsRequestObject) (ListRolloutReportsResponseObject, error) {
	state, err := s.App.Rollout(ctx, request.RolloutId)
	if err != nil {
		return nil, err
	}
	all := RolloutReports{RolloutId: state.ID, Reports: []report.Entry{}}
	for _, p := range state.Periods() {
		given, _, found, err := s.App.Store.Report(ctx, state.ID, p.ID())
		if err != nil {
			return nil, err
		}
		made := &given
		if !found {
			made = nil
		}
		all.Reports = append(all.Reports, report.EntryOf(p, made))
	}
	return ListRolloutReports200JSONResponse(all), nil
}

// GetRolloutReport answers with a report.
func (s *server) GetRolloutReport(ctx context.Context, request GetRolloutReportRequestObject) (GetRolloutReportResponseObject, error) {
	state, err := s.App.Rollout(ctx, request.RolloutId)
	if err != nil {
		return nil, err
	}
	made, _, found, err := s.App.Store.Report(ctx, state.ID, request.ReportId)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, &trial.Error{Code: trial.CodeNotFound, Field: "reportId", Message: fmt.Sprintf("%s has not been made", request.ReportId)}
	}
	return GetRolloutReport200JSONResponse(made), nil
}
