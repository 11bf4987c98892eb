package app

import (
	"context"
	"time"

	"go.uber.org/zap"

	"marketplace.example/trials/internal/domain/audit"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// Latest stands for the latest rollout in the place of an id.
const Latest = "current"

// Rollout is a rollout by its id, or the latest.
func (a *App) Rollout(ctx context.Context, id string) (rollout.State, error) {
	if id != Latest {
		return a.Store.Rollout(ctx, id)
	}
	state, found, err := a.Store.CurrentRollout(ctx)
	if err == nil && !found {
		err = &trial.Error{Code: trial.CodeNotFound, Field: "rolloutId", Message: "there was no rollout yet"}
	}
	return state, err
}

// ViewRollout is how a rollout stands and is judged now.
func (a *App) ViewRollout(ctx context.Context, state rollout.State) (rollout.View, error) {
	judged, err := a.Store.LatestJudgement(ctx, state.ID)
	return rollout.ViewOf(state, judged, a.Present()), err
}

// LatestRollout is how the latest rollout stands and is judged at a moment; nil where there was none.
func LatestRollout(ctx context.Context, from RolloutReader, now time.Time) (*rollout.View, error) {
	state, found, err := from.CurrentRollout(ctx)
	if err != nil || !found {
		return nil, err
	}
	judged, err := from.LatestJudgement(ctx, state.ID)
	if err != nil {
		return nil, err
	}
	return new(rollout.ViewOf(state, judged, now)), nil
}

// SteerRolloutRecorded is SteerRollout with an entry in the audit log.
func (a *App) SteerRolloutRecorded(ctx context.Context, id, name string, r flags.Request) error {
	state, err := a.Rollout(ctx, id)
	if err != nil {
		return err
	}
	asked := audit.Entry{Action: steering[name], Subject: "rollouts/" + state.ID, Reason: r.Reason, Key: r.ID}
	switch name {
	case rollout.SignalTick:
		asked.Subject += "/criteria/" + r.Subject
		asked.Asked = audit.Document(map[string]any{"met": r.Met})
	case rollout.SignalSetPercentage:
		asked.Asked = audit.Document(map[string]any{"percentage": r.Percentage})
	case rollout.SignalWaive:
		asked.Subject += "/preflight/" + r.Subject
	case rollout.SignalRollback:
		asked.Asked = audit.Document(map[string]any{"percentage": r.Percentage, "inFlight": r.InFlight})
	}
	return a.Record(ctx, asked, r, func(ctx context.Context) error {
		_, err := a.SteerRollout(ctx, state.ID, name, r)
		return err
	})
}

// steering names the API operation of each signal, for the audit log.
var steering = map[string]string{
	rollout.SignalRollback: "rollBackRollout", rollout.SignalPause: "pauseRollout", rollout.SignalResume: "resumeRollout",
	rollout.SignalAdvance: "advanceRollout", rollout.SignalSetPercentage: "setRolloutPercentage",
	rollout.SignalTick: "tickRolloutCriterion", rollout.SignalWaive: "waiveRolloutCheck",
}

// SteerRollout puts a request before the rollout, and answers with its id. It must be running, but for the tasks of one that is
// complete, which has no workflow any more. What does not apply is refused here, on what is stored; the workflow decides anew.
func (a *App) SteerRollout(ctx context.Context, id, name string, r flags.Request) (rolloutID string, err error) {
	if rollout.MayRaise(name) { // first: what is set by hand from now on is later than this request
		current, err := a.Store.Flags(ctx)
		if err != nil {
			return "", err
		}
		r.FlagsVersion = current.Version
	}
	state, err := a.Rollout(ctx, id)
	if err != nil {
		return "", err
	}
	if name == rollout.SignalTick && state.Status == rollout.Completed && rollout.IsTask(r.Subject) {
		return state.ID, a.tickTask(ctx, state, r)
	}
	noteChange(ctx, state.Summary(), nil) // the rollout itself puts on record what comes of it
	r.By = actor(ctx)
	if keyOf(ctx).foreign(state.Knows(r.ID)) {
		return "", errReused
	}
	if _, err := state.Request(name, r, nil, a.Present()); err != nil {
		return "", err
	}
	if name != rollout.SignalRollback {
		noteDetail(ctx, passedOn)
		return state.ID, a.Rollouts.Steer(ctx, name, r)
	}
	if err := a.lowerFlags(ctx, state, &r); err != nil {
		return "", err
	}
	// The flags decide; the rollout catches up when it hears of it.
	a.signal(ctx, "rollout not told yet", zap.String("rollout", state.ID), func(ctx context.Context) error { return a.Rollouts.Steer(ctx, name, r) })
	return state.ID, nil
}

// lowerFlags lowers the flags to what a rollback asks for, and stores the request with them, in one write. It replaces a
// rollback that the rollout has not seen yet: if that one was to release trials, and this one does not say, this one does.
func (a *App) lowerFlags(ctx context.Context, state rollout.State, r *flags.Request) error {
	r.Seen = "" // what the caller saw is checked, and the flags are about to change
	if state.Knows(r.ID) {
		return nil // carried out before; the flags may have moved on
	}
	asked := r.InFlight
	_, err := a.UpdateFlags(ctx, func(f *flags.Change) error {
		f.TrialAutomation.RolloutPercentage = min(f.TrialAutomation.RolloutPercentage, r.Percentage)
		f.TrialAutomation.Enabled = f.TrialAutomation.Enabled && r.Percentage > 0
		r.InFlight = asked // the flags may be others than at the first try
		if before := f.Found.Rollback; asked == "" && state.Awaits(before) {
			r.InFlight = before.Request.InFlight
		}
		f.Off, f.Rollback = r.Percentage == 0, &flags.RollbackRequest{RolloutID: state.ID, Request: *r}
		return nil
	})
	return err
}

// tickTask writes a tick into the record of a rollout that is complete, behind whatever others have written there meanwhile.
func (a *App) tickTask(ctx context.Context, state rollout.State, r flags.Request) error {
	r.By = actor(ctx)
	if keyOf(ctx).foreign(state.Knows(r.ID)) {
		return errReused
	}
	for {
		event, err := state.Request(rollout.SignalTick, r, nil, a.Present())
		if err != nil {
			return err
		}
		if event == nil {
			return nil
		}
		after := state.Apply(*event)
		existing, err := a.Store.AppendDecision(ctx, *event, after)
		if err != nil || existing == nil {
			noteChange(ctx, state.Summary(), after.Summary())
			return err
		}
		state = state.Apply(*existing)
	}
}
