package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"marketplace.example/trials/internal/adapters/mongodb"
	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/rollout"
)

// replayOptions are the flags of `starter rollout replay`.
type replayOptions struct{ plan, mongodb string }

func (a *app) rolloutReplay() *cobra.Command {
	var o replayOptions
	command := &cobra.Command{
		Use: "replay [ID]", Short: "Judge and decide a rollout again from its snapshots, and compare", Args: onRollout,
		Long: "Repeats every judgement of a rollout on its stored snapshots, and every decision that it made by\n" +
			"itself, and says where they differ from what is stored; then the exit code is 1. People's requests\n" +
			"are taken as stored.\n\n" +
			"With --plan it lists instead what another plan would have decided: on the vendors that the rollout\n" +
			"admitted, without people's requests, and with a preflight that passes.\n\n" +
			"Reads MongoDB itself and changes nothing there. Takes MONGODB_URI (or MONGODB_URI_FILE) and\n" +
			"MONGODB_DATABASE from the environment.",
		Example: examples("starter rollout replay", "starter rollout replay rollout-20260310-120000 --plan plan.yaml"),
	}
	flags := command.Flags()
	flags.StringVar(&o.plan, "plan", "", "a YAML file with another plan")
	flags.StringVar(&o.mongodb, "mongodb", "", "the connection string of MongoDB (default MONGODB_URI)")
	command.RunE = func(c *cobra.Command, args []string) error { return a.replayRollout(c.Context(), rolloutOf(args), o) }
	return command
}

func (a *app) replayRollout(ctx context.Context, id string, o replayOptions) error {
	plan, err := planFile(o.plan)
	if err != nil {
		return err
	}
	settings, err := a.storeConfig(o.mongodb)
	if err != nil {
		return err
	}
	return withStore(ctx, settings, func(store *mongodb.Store) error {
		state, err := storedRollout(ctx, store, id)
		if err != nil {
			return err
		}
		events, err := storedEvents(ctx, store, state.ID)
		if err != nil {
			return err
		}
		read := func(number int) (rollout.Snapshot, bool, error) { return store.Snapshot(ctx, state.ID, number) }
		if plan != nil {
			return a.rehearse(*plan, events, read)
		}
		return a.compare(events, read)
	})
}

// storedRollout reads a rollout from MongoDB.
func storedRollout(ctx context.Context, store *mongodb.Store, id string) (rollout.State, error) {
	if id != currentRollout {
		return store.Rollout(ctx, id)
	}
	state, found, err := store.CurrentRollout(ctx)
	if err == nil && !found {
		err = fmt.Errorf("there was no rollout yet")
	}
	return state, err
}

// storedEvents reads all events of a rollout.
func storedEvents(ctx context.Context, store *mongodb.Store, id string) ([]rollout.Event, error) {
	var all []rollout.Event
	for {
		page, err := store.Decisions(ctx, id, len(all)+1, decisionPage)
		all = append(all, page...)
		if err != nil || len(page) < decisionPage {
			return all, err
		}
	}
}

func (a *app) compare(events []rollout.Event, read rollout.Snapshots) error {
	r, err := rollout.Replay(events, read)
	if err != nil {
		return err
	}
	if err := a.printReplayed(r); err != nil {
		return err
	}
	if n := len(r.Differences); n > 0 {
		return fmt.Errorf("the replay differs from what is stored in %d places", n)
	}
	return nil
}

func (a *app) printReplayed(r rollout.Replayed) error {
	if a.options.json {
		return a.printValue(r)
	}
	a.printf("Rollout %s: %s, %s.\n", printable(r.ID), evidence.Counted(r.Events, "decision", "decisions"), evidence.Counted(r.Snapshots, "snapshot", "snapshots"))
	a.printf("Replayed and compared: %s, %s. The other decisions were people's.\n",
		evidence.Counted(r.Decisions, "decision", "decisions"), evidence.Counted(r.Judgements, "judgement", "judgements"))
	if len(r.Differences) == 0 {
		a.printf("All came to the same.\n")
		return nil
	}
	for _, d := range r.Differences {
		a.printf("\nDecision %d, %s: %s differs.\n  stored: %s\n  replay: %s\n", d.Seq, printable(string(d.Type)), d.What, printable(d.Stored), printable(d.Anew))
	}
	return nil
}

func (a *app) rehearse(plan rollout.Plan, events []rollout.Event, read rollout.Snapshots) error {
	r, err := rollout.Rehearse(plan, events, read)
	if err != nil {
		return err
	}
	if a.options.json {
		return a.printValue(r)
	}
	a.printf("What plan %s would have decided on %s of %s, left to itself:\n\n", printable(plan.Name),
		evidence.Counted(r.Snapshots, "snapshot", "snapshots"), printable(r.State.ID))
	var decided []rollout.Event
	for _, e := range r.Events {
		if e.Type != rollout.EventUpdate && e.Type != rollout.EventPreflight {
			decided = append(decided, e)
		}
	}
	if err := decisionTable(decided).write(a.out); err != nil {
		return err
	}
	a.printf("\nIn the end: %s\n", printable(r.State.Sentence()))
	return nil
}
