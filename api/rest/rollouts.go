package rest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"marketplace.example/trials/internal/domain/audit"
	"marketplace.example/trials/internal/domain/idempotency"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// latest stands for the latest rollout in a path.
const latest = "current"

// StartRollout starts a rollout, once a key.
func (s *server) StartRollout(ctx context.Context, request StartRolloutRequestObject) (StartRolloutResponseObject, error) {
	id := keyOf(ctx).claim.ID("rollout", request.Params.IdempotencyKey, rolloutDigest)
	noteChange(ctx, nil, map[string]string{"rolloutId": id})
	before, err := s.Store.Rollout(ctx, id)
	if err == nil {
		return StartRollout202JSONResponse{Id: before.ID, Plan: before.Plan.Name}, nil
	}
	if !isNotFound(err) {
		return nil, err
	}
	start, err := s.start(ctx, request.Body)
	if err != nil {
		return nil, err
	}
	start.ID = id
	if err := s.launch(ctx, start); err != nil {
		return nil, err
	}
	s.log.Info("rollout started", zap.String("requestId", callOf(ctx).id), zap.String("rollout", start.ID))
	return StartRollout202JSONResponse{Id: start.ID, Plan: start.Plan.Name}, nil
}

// rolloutDigest is how many bytes of its key's hash a rollout's id holds.
const rolloutDigest = 3

// A rollout is over once that is stored, and its workflow a moment later: so long
// it is waited for, and so often looked.
const (
	endsWithin = 10 * time.Second
	beginEvery = 200 * time.Millisecond
)

// launch starts a rollout's workflow, if need be after the end of the one before.
func (s *server) launch(ctx context.Context, start rollout.Start) error {
	late := time.After(endsWithin)
	for {
		err := s.Rollouts.StartRollout(ctx, start)
		if e, ok := errors.AsType[*trial.Error](err); !ok || e.Code != trial.CodeConflict {
			return err
		}
		before, found, readErr := s.Store.CurrentRollout(ctx)
		if readErr != nil || !found || !before.Status.Final() {
			return err // it runs
		}
		select {
		case <-ctx.Done():
			return err
		case <-late:
			return err
		case <-time.After(beginEvery):
		}
	}
}

// start is what a rollout begins with, checked.
func (s *server) start(ctx context.Context, body *StartRolloutJSONRequestBody) (rollout.Start, error) {
	start := rollout.Start{
		Plan: s.Plan, By: actor(ctx),
		Times: rollout.Times{Day: s.Day, TrialDays: float64(s.Policy.LengthDays + s.Policy.GraceDays)},
	}
	if body.Plan != nil {
		start.Plan = *body.Plan
	}
	if body.Phase != nil {
		start.Phase = *body.Phase - 1
	}
	if body.RestartOf != nil {
		start.RestartOf = *body.RestartOf
		before, err := s.Store.Rollout(ctx, start.RestartOf)
		if err != nil {
			return start, inField("restartOf", err)
		}
		if before.Status != rollout.RolledBack {
			return start, &trial.Error{Code: trial.CodeConflict, Field: "restartOf", Message: fmt.Sprintf("is %s: only one that was rolled back is restarted", before.Status)}
		}
		if body.Plan == nil {
			start.Plan = before.Plan
		}
	}
	doc, err := s.Store.Flags(ctx)
	start.FlagsVersion = doc.Version
	start.FlagsFound = &rollout.FlagsFound{
		Enabled: doc.FeatureFlags.TrialAutomation.Enabled, Percentage: doc.FeatureFlags.TrialAutomation.RolloutPercentage,
	}
	return start, errors.Join(err, start.Validate())
}

// inField names the field that an error is about.
func inField(field string, err error) error {
	if e, ok := errors.AsType[*trial.Error](err); ok && e.Field != "" {
		return &trial.Error{Code: e.Code, Field: field, Message: e.Message}
	}
	return err
}

// ForecastRollout says what a plan will be able to decide.
func (s *server) ForecastRollout(_ context.Context, request ForecastRolloutRequestObject) (ForecastRolloutResponseObject, error) {
	plan := s.Plan
	if request.Body.Plan != nil {
		plan = *request.Body.Plan
	}
	if err := plan.Validate(); err != nil {
		return nil, within("plan.", err)
	}
	times := rollout.Times{Day: s.Day, TrialDays: float64(s.Policy.LengthDays + s.Policy.GraceDays)}
	return ForecastRollout200JSONResponse(rollout.NewForecast(plan, times, request.Body.RegistrationsPerDay)), nil
}

// rollout is the rollout that a path names.
func (s *server) rollout(ctx context.Context, id string) (rollout.State, error) {
	if id != latest {
		return s.Store.Rollout(ctx, id)
	}
	state, found, err := s.Store.CurrentRollout(ctx)
	if err == nil && !found {
		err = &trial.Error{Code: trial.CodeNotFound, Field: "rolloutId", Message: "there was no rollout yet"}
	}
	return state, err
}

// GetRollout answers with a rollout and how it is judged.
func (s *server) GetRollout(ctx context.Context, request GetRolloutRequestObject) (GetRolloutResponseObject, error) {
	state, err := s.rollout(ctx, request.RolloutId)
	if err != nil {
		return nil, err
	}
	view, err := s.view(ctx, state)
	if err != nil {
		return nil, err
	}
	return GetRollout200JSONResponse(view), nil
}

func (s *server) view(ctx context.Context, state rollout.State) (rollout.View, error) {
	_, judged, _, err := s.Store.Ledger(ctx, state.ID)
	if err != nil {
		return rollout.View{}, err
	}
	return rollout.ViewOf(state, judged, s.now()), nil
}

// ListRolloutDecisions answers with what was decided.
func (s *server) ListRolloutDecisions(ctx context.Context, request ListRolloutDecisionsRequestObject) (ListRolloutDecisionsResponseObject, error) {
	state, err := s.rollout(ctx, request.RolloutId)
	if err != nil {
		return nil, err
	}
	after, limit := 0, 50
	set(&after, request.Params.After)
	set(&limit, request.Params.Limit)
	decisions, err := s.Store.Decisions(ctx, state.ID, after+1, limit)
	if err != nil {
		return nil, err
	}
	if decisions == nil {
		decisions = []rollout.Event{}
	}
	return ListRolloutDecisions200JSONResponse{Decisions: decisions}, nil
}

// Steer puts a request before a rollout as the routes do; "current" is the latest
// one. A request that does not apply is a *trial.Error, and
// has changed nothing. Who asks is
// who acts in the context; the pages have seen to it that they may.
func (a *API) Steer(ctx context.Context, id, name string, r rollout.Request) error {
	state, err := a.server.rollout(ctx, id)
	if err != nil {
		return err
	}
	asked := audit.Entry{Action: steering[name], Subject: "rollouts/" + state.ID, Reason: r.Reason, Key: r.ID}
	if name == rollout.SignalRollback {
		asked.Asked = audit.Document(map[string]any{"percentage": r.Percentage, "inFlight": r.InFlight})
	}
	if ctx, err = a.server.hurried(ctx, asked.Action, nil); err != nil {
		return err
	}
	return a.server.onRecord(ctx, asked, r, func(ctx context.Context) error {
		_, err := a.server.steer(ctx, state.ID, name, r)
		return err
	})
}

// steering are the operations that the requests to a rollout come by.
var steering = map[string]string{
	rollout.SignalRollback: "rollBackRollout", rollout.SignalPause: "pauseRollout", rollout.SignalResume: "resumeRollout",
	rollout.SignalAdvance: "advanceRollout", rollout.SignalSetPercentage: "setRolloutPercentage",
	rollout.SignalTick: "tickRolloutCriterion", rollout.SignalWaive: "waiveRolloutCheck",
}

// steer puts a request before the rollout, which must be running. What does not
// apply is refused here, on what is stored; the workflow decides anew.
func (s *server) steer(ctx context.Context, id, name string, r rollout.Request) (RolloutTaken, error) {
	if rollout.MayRaise(name) { // first: what is set by hand from now on is later than this request
		flags, err := s.Store.Flags(ctx)
		if err != nil {
			return RolloutTaken{}, err
		}
		r.FlagsVersion = flags.Version
	}
	state, err := s.rollout(ctx, id)
	if err != nil {
		return RolloutTaken{}, err
	}
	noteChange(ctx, state.Summary(), nil) // the rollout itself puts on record what comes of it
	r.By = actor(ctx)
	if keyOf(ctx).foreign(state.Knows(r.ID)) {
		return RolloutTaken{}, idempotency.ErrReused
	}
	if _, err := state.Request(name, r, nil, s.now()); err != nil {
		return RolloutTaken{}, err
	}
	taken := RolloutTaken{RolloutId: state.ID, Taken: name}
	if name != rollout.SignalRollback {
		noteDetail(ctx, passedOn)
		return taken, s.Rollouts.Steer(ctx, name, r)
	}
	if err := s.takeFlagsBack(ctx, state, &r); err != nil {
		return RolloutTaken{}, err
	}
	// The flags decide; the rollout catches up when it hears of it.
	s.signal(ctx, "rollout not told yet", zap.String("rollout", state.ID), func(ctx context.Context) error { return s.Rollouts.Steer(ctx, name, r) })
	return taken, nil
}

// takeFlagsBack lowers the flags to what a rollback asks for, and puts that beside them. One that the rollout has not
// heard of stands beside them no longer then: where that was to hand over, and nothing is said of it now, this does.
func (s *server) takeFlagsBack(ctx context.Context, state rollout.State, r *rollout.Request) error {
	r.Seen = "" // it was as seen, and the flags say soon what is asked for
	if state.Knows(r.ID) {
		return nil // carried out before; the flags may have moved on
	}
	asked := r.InFlight
	_, err := s.updateFlags(ctx, func(f *rollout.FlagChange) error {
		f.TrialAutomation.RolloutPercentage = min(f.TrialAutomation.RolloutPercentage, r.Percentage)
		f.TrialAutomation.Enabled = f.TrialAutomation.Enabled && r.Percentage > 0
		r.InFlight = asked // the flags may be others than at the first try
		if before := f.Found.Rollback; asked == "" && state.Awaits(before) {
			r.InFlight = before.Request.InFlight
		}
		f.Off, f.Rollback = r.Percentage == 0, &rollout.RollbackRequest{RolloutID: state.ID, Request: *r}
		return nil
	})
	return err
}

// RollBackRollout rolls back a rollout: the flags first, then the workflow.
func (s *server) RollBackRollout(ctx context.Context, request RollBackRolloutRequestObject) (RollBackRolloutResponseObject, error) {
	b := request.Body
	r := rollout.Request{ID: request.Params.IdempotencyKey, Reason: b.Reason, Percentage: b.Percentage}
	if b.InFlight != nil {
		r.InFlight = rollout.InFlight(*b.InFlight)
	}
	taken, err := s.steer(ctx, request.RolloutId, rollout.SignalRollback, r)
	return RollBackRollout202JSONResponse(taken), err
}

// PauseRollout holds a rollout where it is.
func (s *server) PauseRollout(ctx context.Context, r PauseRolloutRequestObject) (PauseRolloutResponseObject, error) {
	taken, err := s.steer(ctx, r.RolloutId, rollout.SignalPause, rollout.Request{ID: r.Params.IdempotencyKey, Reason: r.Body.Reason})
	return PauseRollout202JSONResponse(taken), err
}

// ResumeRollout lets a paused rollout go on.
func (s *server) ResumeRollout(ctx context.Context, r ResumeRolloutRequestObject) (ResumeRolloutResponseObject, error) {
	taken, err := s.steer(ctx, r.RolloutId, rollout.SignalResume, rollout.Request{ID: r.Params.IdempotencyKey, Reason: r.Body.Reason})
	return ResumeRollout202JSONResponse(taken), err
}

// AdvanceRollout goes on to the next phase at once.
func (s *server) AdvanceRollout(ctx context.Context, r AdvanceRolloutRequestObject) (AdvanceRolloutResponseObject, error) {
	taken, err := s.steer(ctx, r.RolloutId, rollout.SignalAdvance, rollout.Request{ID: r.Params.IdempotencyKey, Reason: r.Body.Reason})
	return AdvanceRollout202JSONResponse(taken), err
}

// SetRolloutPercentage sets the percentage by hand.
func (s *server) SetRolloutPercentage(ctx context.Context, r SetRolloutPercentageRequestObject) (SetRolloutPercentageResponseObject, error) {
	taken, err := s.steer(ctx, r.RolloutId, rollout.SignalSetPercentage,
		rollout.Request{ID: r.Params.IdempotencyKey, Reason: r.Body.Reason, Percentage: r.Body.Percentage})
	return SetRolloutPercentage202JSONResponse(taken), err
}

// TickRolloutCriterion says whether a criterion is met, or a task is done. A
// rollout that is complete has no workflow any more: what is ticked then is
// written here.
func (s *server) TickRolloutCriterion(ctx context.Context, r TickRolloutCriterionRequestObject) (TickRolloutCriterionResponseObject, error) {
	request := rollout.Request{ID: r.Params.IdempotencyKey, Reason: r.Body.Reason, Subject: r.Subject, Met: r.Body.Met}
	state, err := s.rollout(ctx, r.RolloutId)
	if err != nil {
		return nil, err
	}
	if state.Status == rollout.Completed && rollout.IsTask(r.Subject) {
		taken, err := s.tickTask(ctx, state, request)
		return TickRolloutCriterion202JSONResponse(taken), err
	}
	taken, err := s.steer(ctx, r.RolloutId, rollout.SignalTick, request)
	return TickRolloutCriterion202JSONResponse(taken), err
}

// tickTask writes a tick into the record of a rollout that is complete, behind
// whatever others have written there meanwhile.
func (s *server) tickTask(ctx context.Context, state rollout.State, r rollout.Request) (RolloutTaken, error) {
	r.By = actor(ctx)
	if keyOf(ctx).foreign(state.Knows(r.ID)) {
		return RolloutTaken{}, idempotency.ErrReused
	}
	for {
		event, err := state.Request(rollout.SignalTick, r, nil, s.now())
		if err != nil {
			return RolloutTaken{}, err
		}
		taken := RolloutTaken{RolloutId: state.ID, Taken: rollout.SignalTick}
		if event == nil {
			return taken, nil
		}
		after := state.Apply(*event)
		existing, err := s.Store.AppendDecision(ctx, *event, after)
		if err != nil || existing == nil {
			noteChange(ctx, state.Summary(), after.Summary())
			return taken, err
		}
		state = state.Apply(*existing)
	}
}

// WaiveRolloutCheck lets a preflight check pass.
func (s *server) WaiveRolloutCheck(ctx context.Context, r WaiveRolloutCheckRequestObject) (WaiveRolloutCheckResponseObject, error) {
	taken, err := s.steer(ctx, r.RolloutId, rollout.SignalWaive,
		rollout.Request{ID: r.Params.IdempotencyKey, Reason: r.Body.Reason, Subject: r.Subject})
	return WaiveRolloutCheck202JSONResponse(taken), err
}
