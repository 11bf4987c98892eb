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
	runs, err := c.client.RolloutsTold(ctx, since)
	if err != nil {
		return err
	}
	for _, told := range byRollout(runs) {
		caught, state, err := c.store.CatchUpRollout(ctx, told.RolloutID, told.Decisions)
		if err != nil {
			return fmt.Errorf("catching up rollout %s: %w", told.RolloutID, err)
		}
		switch {
		case caught.Differs > 0:
			a.say("Rollout %s: what the workflow knows is another than what the database has, which stays\n", told.RolloutID)
		case caught.Gap > 0:
			a.say("Rollout %s: decisions between are not known any more; it stands as before them\n", told.RolloutID)
		case caught.Added > 0:
			a.say("Rollout %s was behind and caught up, by %d decisions: it is %s, at %v %%, enabled %t.\n",
				told.RolloutID, caught.Added, state.Status, state.Percentage, state.Enabled)
		}
	}
	return nil
}

// byRollout puts together what the runs of each rollout know. The rollout that began last comes last, since it
// is the one that is the latest.
func byRollout(runs []temporal.RolloutTold) []temporal.RolloutTold {
	known := map[string][]rollout.Event{}
	for _, run := range runs {
		known[run.RolloutID] = append(known[run.RolloutID], run.Decisions...)
	}
	var all []temporal.RolloutTold
	for id, decisions := range known {
		if len(decisions) == 0 {
			continue
		}
		slices.SortFunc(decisions, func(a, b rollout.Event) int { return cmp.Compare(a.Seq, b.Seq) })
		all = append(all, temporal.RolloutTold{RolloutID: id, Decisions: decisions})
	}
	slices.SortFunc(all, func(a, b temporal.RolloutTold) int { return a.Decisions[0].At.Compare(b.Decisions[0].At) })
	return all
}
