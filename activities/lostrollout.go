package activities

import (
	"context"
	"fmt"

	"go.uber.org/zap"

	"marketplace.example/trials/internal/domain/rollout"
)

// RolloutEnsurer keeps a rollout's workflow and schedules running.
type RolloutEnsurer interface {
	// EnsureRolloutRunning starts the workflow of a stored rollout, unless it runs, and tells whether it was gone.
	EnsureRolloutRunning(ctx context.Context, id string) (gone bool, err error)
	// KeepWatching resumes the schedules of the watch, of the backups and of the canary, unless somebody paused them on purpose.
	KeepWatching(ctx context.Context) error
}

// keep restarts the workflow of the running rollout if somebody terminated it, or it was lost with Temporal's data. Without it
// nothing would roll back.
func (s *Sweep) keep(ctx context.Context, swept *Swept) error {
	state, found, err := s.Store.CurrentRollout(ctx)
	if err != nil {
		return fmt.Errorf("looking for the running rollout: %w", err)
	}
	if !found || state.Status.Final() {
		return nil
	}
	gone, err := s.Rollouts.EnsureRolloutRunning(ctx, state.ID)
	if err != nil {
		return fmt.Errorf("checking rollout %s: %w", state.ID, err)
	}
	if gone {
		swept.Rollouts++
	}
	if err := s.Rollouts.KeepWatching(ctx); err != nil {
		return fmt.Errorf("resuming the watch of rollout %s: %w", state.ID, err)
	}
	return s.Store.CanariesDue(ctx, s.Canaries, s.Now())
}

// Recover is the stored state of a rollout, for a workflow that replaces a lost one or was reset. It also resumes the watch's
// schedule: lost with Temporal's data, that was created anew, paused. If that fails, the sweep does it.
func (r *Rollouts) Recover(ctx context.Context, id string) (rollout.State, error) {
	state, err := r.Store.Rollout(ctx, id)
	if err != nil {
		return state, failed("reading the rollout's state", err)
	}
	r.Log.Warn("a rollout goes on from what is stored: its workflow was lost, or reset", zap.String("rollout", id), zap.String("status", string(state.Status)))
	if state.Status.Final() {
		return state, nil
	}
	if err := r.Schedule.Watching(ctx, true); err != nil {
		r.Log.Error("the watch was not scheduled", zap.String("rollout", id), zap.Bool("on", true), zap.Error(err))
	}
	return state, nil
}
