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
		if trial.CodeOf(err) != trial.CodeConflict { // else it has ended meanwhile
			return err
		}
	}
	return a.switchOffRecorded(ctx, r)
}

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
