package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// NewRollout is what a rollout is to begin with; nil is what the configuration says.
type NewRollout struct {
	Plan *rollout.Plan
	// Phase counts from 1. RestartOf is the id of one that was rolled back.
	Phase     *int
	RestartOf *string
}

// StartRollout starts a rollout, once a key, and answers with its id and its plan's name.
func (a *App) StartRollout(ctx context.Context, r NewRollout) (id, plan string, err error) {
	k := keyOf(ctx)
	id = k.claim.ID("rollout", k.key, rolloutDigest)
	noteChange(ctx, nil, map[string]string{"rolloutId": id})
	before, err := a.Store.Rollout(ctx, id)
	if err == nil {
		return before.ID, before.Plan.Name, nil
	}
	if trial.CodeOf(err) != trial.CodeNotFound {
		return "", "", err
	}
	start, err := a.start(ctx, r)
	if err != nil {
		return "", "", err
	}
	start.ID = id
	if err := a.launch(ctx, start); err != nil {
		return "", "", err
	}
	a.Log.Info("rollout started", zap.String("requestId", requestID(ctx)), zap.String("rollout", id))
	return id, start.Plan.Name, nil
}

// rolloutDigest is how many bytes of its key's hash a rollout's id holds.
const rolloutDigest = 3

// A rollout is over once that is stored, and its workflow a moment later: so long it is waited for, and so often looked.
const (
	endsWithin = 10 * time.Second
	beginEvery = 200 * time.Millisecond
)

// launch starts a rollout's workflow, if need be after the end of the one before.
func (a *App) launch(ctx context.Context, start rollout.Start) error {
	late := time.After(endsWithin)
	for {
		err := a.Rollouts.StartRollout(ctx, start)
		if trial.CodeOf(err) != trial.CodeConflict {
			return err
		}
		before, found, readErr := a.Store.CurrentRollout(ctx)
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
func (a *App) start(ctx context.Context, r NewRollout) (rollout.Start, error) {
	start := rollout.Start{Plan: a.Plan, By: actor(ctx), Times: a.Times()}
	if r.Plan != nil {
		start.Plan = *r.Plan
	}
	if r.Phase != nil {
		start.Phase = *r.Phase - 1
	}
	if r.RestartOf != nil {
		start.RestartOf = *r.RestartOf
		before, err := a.Store.Rollout(ctx, start.RestartOf)
		if err != nil {
			return start, inField("restartOf", err)
		}
		if before.Status != rollout.RolledBack {
			return start, &trial.Error{Code: trial.CodeConflict, Field: "restartOf", Message: fmt.Sprintf("is %s: only one that was rolled back is restarted", before.Status)}
		}
		if r.Plan == nil {
			start.Plan = before.Plan
		}
	}
	doc, err := a.Store.Flags(ctx)
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

// Times are how long the days and the trials of a rollout last that begins now: those of the longest policy.
func (a *App) Times() evidence.Times {
	longest := a.Policies.Longest()
	return evidence.Times{Day: a.Day, TrialDays: float64(longest.LengthDays + longest.GraceDays)}
}
