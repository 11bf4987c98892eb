package rest

import (
	"context"
	"encoding/base64"
	"time"

	"marketplace.example/trials/internal/domain/idempotency"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// defaultPage is the length of a page where the request does not say.
const defaultPage = 50

// ListTrials answers with a page of trials.
func (s *server) ListTrials(ctx context.Context, request ListTrialsRequestObject) (ListTrialsResponseObject, error) {
	p := request.Params
	filter, limit, after := trial.Filter{Held: p.Held}, defaultPage, ""
	if p.Status != nil {
		filter.Status = *p.Status
	}
	if p.Cohort != nil {
		filter.Cohort = *p.Cohort
	}
	if p.Limit != nil {
		limit = *p.Limit
	}
	if p.Cursor != nil {
		id, err := base64.RawURLEncoding.DecodeString(*p.Cursor)
		if err != nil || !trial.ValidVendorID(string(id)) {
			return nil, trial.Invalid("cursor", "is not the nextCursor of a page")
		}
		after = string(id)
	}
	states, next, err := s.Store.Trials(ctx, filter, after, limit)
	if err != nil {
		return nil, err
	}
	page := ListTrials200JSONResponse{Trials: []Trial{}, NextCursor: base64.RawURLEncoding.EncodeToString([]byte(next))}
	for _, state := range states {
		page.Trials = append(page.Trials, state.Overview())
	}
	return page, nil
}

// GetTrial answers with everything known of a trial.
func (s *server) GetTrial(ctx context.Context, request GetTrialRequestObject) (GetTrialResponseObject, error) {
	v, err := s.takenIn(ctx, request.Id)
	if err != nil {
		return nil, err
	}
	state, err := s.state(ctx, v)
	if err != nil {
		return nil, err
	}
	events, err := s.Store.Events(ctx, v.ID, 1)
	if err != nil {
		return nil, err
	}
	if events == nil {
		events = []Event{}
	}
	return GetTrial200JSONResponse{Trial: state.Overview(), Timetable: state.Timetable(), Events: events}, nil
}

// takenIn is a vendor that has a trial.
func (s *server) takenIn(ctx context.Context, id string) (trial.Vendor, error) {
	v, err := s.Store.Vendor(ctx, id)
	if err == nil && v.Automation == nil {
		err = &trial.Error{Code: trial.CodeNotFound, Field: "id", Message: "this vendor has no trial yet"}
	}
	return v, err
}

// change is what an admin asks of a trial.
type change struct {
	message string
	id      string
	key     string
	days    int
	reason  string
}

// ask puts a change before the trial, unless a flag stands against it.
func (s *server) ask(ctx context.Context, c change) (trial.Overview, error) {
	if _, err := s.takenIn(ctx, c.id); err != nil {
		return trial.Overview{}, err
	}
	if !keyOf(ctx).done() {
		flags, err := s.Store.Flags(ctx)
		if err != nil {
			return trial.Overview{}, err
		}
		if err := allowed(flags.FeatureFlags.AdminTools, c.message); err != nil {
			return trial.Overview{}, err
		}
	}
	before, _, err := s.Store.Trial(ctx, c.id)
	if err != nil {
		return trial.Overview{}, err
	}
	if keyOf(ctx).foreign(before.Knows(c.key)) {
		return trial.Overview{}, idempotency.ErrReused
	}
	var was any
	if before.Status != "" { // else its workflow has not begun yet
		was = trialEnd{before.Status, before.Revision, before.EndsAt}
	}
	noteChange(ctx, was, nil)
	after, err := s.Trials.Ask(ctx, c.message, c.id, trial.Request{ID: c.key, Days: c.days, Reason: c.reason, By: actor(ctx)})
	if err == nil {
		noteChange(ctx, was, trialEnd{after.Status, after.Revision, after.EndsAt})
	}
	return after, err
}

// trialEnd is what admins change of a trial, for the audit record.
type trialEnd struct {
	Status   trial.Status `json:"status"`
	Revision int          `json:"revision"`
	EndsAt   time.Time    `json:"endsAt"`
}

// allowed tells whether the flags let admins change trials in this way.
func allowed(flags rollout.AdminTools, message string) error {
	if !flags.TrialExtension && message != trial.MessageCancel {
		return &trial.Error{Code: trial.CodeForbidden, Message: "new ends for trials are switched off: the flag adminTools.trialExtension is false"}
	}
	return nil
}

// ExtendTrial lets a trial end later.
func (s *server) ExtendTrial(ctx context.Context, r ExtendTrialRequestObject) (ExtendTrialResponseObject, error) {
	overview, err := s.ask(ctx, change{trial.MessageExtend, r.Id, r.Params.IdempotencyKey, r.Body.Days, r.Body.Reason})
	if err != nil {
		return nil, err
	}
	return ExtendTrial200JSONResponse(overview), nil
}

// ShortenTrial lets a trial end sooner.
func (s *server) ShortenTrial(ctx context.Context, r ShortenTrialRequestObject) (ShortenTrialResponseObject, error) {
	overview, err := s.ask(ctx, change{trial.MessageShorten, r.Id, r.Params.IdempotencyKey, r.Body.Days, r.Body.Reason})
	if err != nil {
		return nil, err
	}
	return ShortenTrial200JSONResponse(overview), nil
}

// CancelTrial ends a trial.
func (s *server) CancelTrial(ctx context.Context, r CancelTrialRequestObject) (CancelTrialResponseObject, error) {
	overview, err := s.ask(ctx, change{trial.MessageCancel, r.Id, r.Params.IdempotencyKey, 0, r.Body.Reason})
	if err != nil {
		return nil, err
	}
	return CancelTrial200JSONResponse(overview), nil
}

// ReviveTrial gives a trial that is over another end.
func (s *server) ReviveTrial(ctx context.Context, r ReviveTrialRequestObject) (ReviveTrialResponseObject, error) {
	overview, err := s.ask(ctx, change{trial.MessageRevive, r.Id, r.Params.IdempotencyKey, r.Body.Days, r.Body.Reason})
	if err != nil {
		return nil, err
	}
	return ReviveTrial200JSONResponse(overview), nil
}
