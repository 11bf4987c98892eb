package app

import (
	"context"

	"marketplace.example/trials/internal/domain/audit"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// StopAutomationRecorded has no more e-mails to vendors leave, whatever goes on: a rollout under way is rolled back completely,
// and without one the automation is switched off. Of the request, ID and Reason count; the same one again counts once.
func (a *App) StopAutomationRecorded(ctx context.Context, r flags.Request) error {
	r.Percentage, r.InFlight = 0, flags.Keep
	if err := rollout.ValidateRequest(r, rollout.SignalRollback); err != nil {
		return err
	}
	state, found, err := a.Store.CurrentRollout(ctx)
	if err != nil {
		return err
	}
	if found && (!state.Status.Final() || state.Knows(r.ID)) {
		err = a.SteerRolloutRecorded(ctx, state.ID, rollout.SignalRollback, r)
		// Else it has ended meanwhile, or an earlier attempt was for another one.
		if code := trial.CodeOf(err); code != trial.CodeConflict && code != CodeReused {
			return err
		}
	}
	if r.ID != "" {
		r.ID += switchedOffKey // an attempt whose answer is not known keeps its key, and must not stand in the way of this one
	}
	return a.switchOffRecorded(ctx, r)
}

// switchedOffKey is behind the key of a stop that switches the automation off without a rollout.
const switchedOffKey = "-off"

// switchOffRecorded switches the automation off, on record.
func (a *App) switchOffRecorded(ctx context.Context, r flags.Request) error {
	change := func(f *flags.Change) error {
		f.Off, f.TrialAutomation.Enabled = true, false
		return nil
	}
	ctx, err := a.Hurried(ctx, change)
	if err != nil {
		return err
	}
	asked := audit.Entry{
		Action: "patchFeatureFlags", Subject: "feature-flags", Reason: r.Reason, Key: r.ID,
		Asked: audit.Document(map[string]any{"featureFlags": map[string]any{"trialAutomation": map[string]any{"enabled": false}}}),
	}
	return a.Record(ctx, asked, r, func(ctx context.Context) error {
		_, err := a.UpdateFlags(ctx, change)
		return err
	})
}
