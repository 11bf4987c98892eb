package rest

import (
	"context"
	"encoding/base64"

	"marketplace.example/trials/internal/domain/trial"
)

// defaultPage is the length of a page where the request does not say.
const defaultPage = 50

// ListTrials answers with a page of trials.
func (s *server) ListTrials(ctx context.Context, request ListTrialsRequestObject) (ListTrialsResponseObject, error) {
	p := request.Params
	filter, limit, after := trial.Filter{Held: p.Held}, defaultPage, ""
	set(&filter.Status, p.Status)
	set(&filter.Cohort, p.Cohort)
	set(&filter.Policy, p.Policy)
	set(&filter.Experiment, p.Experiment)
	set(&filter.Arm, p.Arm)
	set(&limit, p.Limit)
	if p.Cursor != nil {
		id, err := base64.RawURLEncoding.DecodeString(*p.Cursor)
		if err != nil || !trial.ValidVendorID(string(id)) {
			return nil, trial.Invalid("cursor", "is not the nextCursor of a page")
		}
		after = string(id)
	}
	states, next, err := s.App.Store.Trials(ctx, filter, after, limit)
	page := ListTrials200JSONResponse{Trials: []Trial{}, NextCursor: base64.RawURLEncoding.EncodeToString([]byte(next))}
	for _, state := range states {
		page.Trials = append(page.Trials, state.Overview())
	}
	return page, err
}

// GetTrial answers with everything known of a trial.
func (s *server) GetTrial(ctx context.Context, request GetTrialRequestObject) (GetTrialResponseObject, error) {
	v, err := s.App.Enrolled(ctx, request.Id)
	if err != nil {
		return nil, err
	}
	state, err := s.App.Trial(ctx, v)
	if err != nil {
		return nil, err
	}
	events, err := s.App.Store.Events(ctx, v.ID, 1)
	return GetTrial200JSONResponse{Trial: state.Overview(), Timetable: state.Timetable(), Events: append([]Event{}, events...)}, err
}

// ExtendTrial lets a trial end later.
func (s *server) ExtendTrial(ctx context.Context, r ExtendTrialRequestObject) (ExtendTrialResponseObject, error) {
	overview, err := s.App.ChangeTrial(ctx, trial.MessageExtend, r.Id, trial.Request{ID: r.Params.IdempotencyKey, Days: r.Body.Days, Reason: r.Body.Reason})
	return ExtendTrial200JSONResponse(overview), err
}

// ShortenTrial lets a trial end sooner.
func (s *server) ShortenTrial(ctx context.Context, r ShortenTrialRequestObject) (ShortenTrialResponseObject, error) {
	overview, err := s.App.ChangeTrial(ctx, trial.MessageShorten, r.Id, trial.Request{ID: r.Params.IdempotencyKey, Days: r.Body.Days, Reason: r.Body.Reason})
	return ShortenTrial200JSONResponse(overview), err
}

// CancelTrial ends a trial.
func (s *server) CancelTrial(ctx context.Context, r CancelTrialRequestObject) (CancelTrialResponseObject, error) {
	overview, err := s.App.ChangeTrial(ctx, trial.MessageCancel, r.Id, trial.Request{ID: r.Params.IdempotencyKey, Reason: r.Body.Reason})
	return CancelTrial200JSONResponse(overview), err
}

// ReviveTrial gives a trial that is over another end.
func (s *server) ReviveTrial(ctx context.Context, r ReviveTrialRequestObject) (ReviveTrialResponseObject, error) {
	overview, err := s.App.ChangeTrial(ctx, trial.MessageRevive, r.Id, trial.Request{ID: r.Params.IdempotencyKey, Days: r.Body.Days, Reason: r.Body.Reason})
	return ReviveTrial200JSONResponse(overview), err
}

// MoveTrial moves a trial to another policy.
func (s *server) MoveTrial(ctx context.Context, r MoveTrialRequestObject) (MoveTrialResponseObject, error) {
	overview, err := s.App.MoveTrial(ctx, r.Id, r.Body.Policy, trial.Request{ID: r.Params.IdempotencyKey, Reason: r.Body.Reason})
	return MoveTrial200JSONResponse(overview), err
}
