package main

import (
	"context"
	"fmt"
	"time"

	"marketplace.example/trials/internal/domain/recovery"
)

// catchUpRollouts adds to the rollouts what their workflows have decided since.
func (a *app) catchUpRollouts(ctx context.Context, c *catching, since time.Time) error {
	runs, err := c.client.RecoveredRollouts(ctx, since)
	if err != nil {
		return err
	}
	for _, recovered := range recovery.JoinRuns(runs) {
		result, state, err := c.store.CatchUpRollout(ctx, recovered)
		if err != nil {
			return fmt.Errorf("catching up rollout %s: %w", recovered.ID, err)
		}
		switch {
		case result.Differs > 0:
			a.printf("Rollout %s: what the workflow knows is another than what the database has, which stays\n", recovered.ID)
		case result.Gap > 0:
			a.printf("Rollout %s: decisions between are not known any more; it stands as before them\n", recovered.ID)
		case result.Added > 0:
			a.printf("Rollout %s was behind and caught up, by %d decisions: it is %s, at %v %%, enabled %t.\n",
				recovered.ID, result.Added, state.Status, state.Percentage, state.Enabled)
		}
	}
	return nil
}
