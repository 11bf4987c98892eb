package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/temporal"
)

// catchUpRollouts adds to the rollouts what their workflows have decided since.
func (a *app) catchUpRollouts(ctx context.Context, c *catching, since time.Time) error {
	runs, err := c.client.RecoveredRollouts(ctx, since)
	if err != nil {
		return err
	}
	for _, recovered := range byRollout(runs) {
		result, state, err := c.store.CatchUpRollout(ctx, recovered.RolloutID, recovered.Decisions)
		if err != nil {
			return fmt.Errorf("catching up rollout %s: %w", recovered.RolloutID, err)
		}
		switch {
		case result.Differs > 0:
			a.printf("Rollout %s: what the workflow knows is another than what the database has, which stays\n", recovered.RolloutID)
		case result.Gap > 0:
			a.printf("Rollout %s: decisions between are not known any more; it stands as before them\n", recovered.RolloutID)
		case result.Added > 0:
			a.printf("Rollout %s was behind and caught up, by %d decisions: it is %s, at %v %%, enabled %t.\n",
				recovered.RolloutID, result.Added, state.Status, state.Percentage, state.Enabled)
		}
	}
	return nil
}

// byRollout puts together what the runs of each rollout know. The rollout that began last comes last, since it
// is the one that is the latest.
func byRollout(runs []temporal.RecoveredRollout) []temporal.RecoveredRollout {
	known := map[string][]rollout.Event{}
	for _, run := range runs {
		known[run.RolloutID] = append(known[run.RolloutID], run.Decisions...)
	}
	var all []temporal.RecoveredRollout
	for id, decisions := range known {
		if len(decisions) == 0 {
			continue
		}
		slices.SortFunc(decisions, func(a, b rollout.Event) int { return cmp.Compare(a.Seq, b.Seq) })
		all = append(all, temporal.RecoveredRollout{RolloutID: id, Decisions: decisions})
	}
	slices.SortFunc(all, func(a, b temporal.RecoveredRollout) int { return a.Decisions[0].At.Compare(b.Decisions[0].At) })
	return all
}
