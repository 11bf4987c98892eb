package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"marketplace.example/trials/internal/adapters/backup"
	"marketplace.example/trials/internal/adapters/recovery"
	"marketplace.example/trials/internal/domain/audit"
	"marketplace.example/trials/internal/domain/evidence"
	rules "marketplace.example/trials/internal/domain/recovery"
	"marketplace.example/trials/temporal"
)

// catchUpSince is how far back workflows that have ended are asked: as far as backups reach, and a day more.
const catchUpSince = 8 * 24 * time.Hour

func (a *app) catchUp() *cobra.Command {
	var o setupOptions
	var yes bool
	command := &cobra.Command{
		Use: "catch-up", Short: "Add to a restored database what only the workflows know", Args: cobra.NoArgs,
		Long: "Compares each trial in the database, and each rollout, with the history of its workflow, adds what\n" +
			"the database does not have, and says where they differ. \"starter restore\" does it by itself.\n" +
			"Workflows of trials that go on and have none are started again. The automation is disabled, until you\n" +
			"enable it, so it asks before it begins. Run it while no worker runs, after a restore by other means too.",
		Example: examples("starter catch-up", "starter catch-up --yes   # for scripts: it is meant"),
	}
	command.Flags().StringVar(&o.mongodb, "mongodb", "", "the connection string of MongoDB (default MONGODB_URI)")
	command.Flags().StringVar(&o.temporal, "temporal", "", "Temporal's host:port (default TEMPORAL_ADDRESS)")
	command.Flags().BoolVar(&yes, "yes", false, "do not ask whether it is meant")
	command.RunE = func(c *cobra.Command, _ []string) error {
		if err := a.confirm(yes, "disables the automation until you enable it again, and adds to the database what only the workflows know"); err != nil {
			return err
		}
		settings, err := a.setupConfig(o)
		if err != nil {
			return err
		}
		store, err := connectInto(c.Context(), settings, "")
		if err != nil {
			return err
		}
		defer store.Close(context.WithoutCancel(c.Context())) //nolint:errcheck // the work is done, or its error says more
		return a.onRecord(c.Context(), store, audit.Entry{Action: "catchUp", Subject: "trials"}, func() (any, error) {
			since := a.now().Add(-catchUpSince)
			was, err := store.Disable(c.Context())
			if err != nil {
				return nil, err
			}
			defer a.sayDisabled(was, since)
			if err := a.catchUpWith(c.Context(), o, store, since, laterBackups{}); err != nil {
				return nil, err
			}
			return nil, a.recountRestored(c.Context(), store)
		})
	}
	return command
}

// catching is a comparison under way.
type catching struct {
	store  recovery.Store
	client *temporal.Client
	// compared counts runs of workflows, added the events that trials lacked.
	compared, added, started int
	// behind are trials that lacked events; the others are told one by one in the end, each once.
	behind, suppressed, erased, unerased, differ, gaps, noVendor, refused, unreadable, presumed map[string]bool
	// withoutVendor are the runs of noVendor, found how many vendors of them a later backup had.
	withoutVendor []temporal.TrialRun
	found         int
}

func newCatching(store recovery.Store, client *temporal.Client) *catching {
	none := func() map[string]bool { return map[string]bool{} }
	return &catching{
		store: store, client: client, presumed: none(), erased: none(), unerased: none(), refused: none(),
		behind: none(), suppressed: none(), differ: none(), gaps: none(), noVendor: none(), unreadable: none(),
	}
}

func (a *app) catchUpWith(ctx context.Context, o setupOptions, store recovery.Store, since time.Time, later laterBackups) error {
	settings, err := a.setupConfig(o)
	if err != nil {
		return err
	}
	client, err := temporal.Dial(settings.TaskQueue, zap.NewNop())
	if err != nil {
		return err
	}
	defer client.Close()
	c := newCatching(store, client)
	if err := c.histories(ctx, since); err != nil {
		return err
	}
	if err := c.lostVendors(ctx, later); err != nil {
		return err
	}
	if err := c.workflows(ctx); err != nil {
		return err
	}
	a.sayCaughtUp(c, later)
	if err := a.catchUpRollouts(ctx, c, since); err != nil {
		return err
	}
	underWay, err := client.BulkUnderWay(ctx)
	for _, id := range underWay {
		a.printf("Bulk operation %s was under way and will go on: if it sends e-mails, end it before the workers start\n", id)
	}
	return err
}

// sayCaughtUp says what a comparison came to.
func (a *app) sayCaughtUp(c *catching, later laterBackups) {
	a.printf("Compared with %s: %s caught up, by %s; %s started again.\n", evidence.Counted(c.compared, "workflow", "workflows"),
		evidence.Counted(len(c.behind), "trial was behind and", "trials were behind and"), evidence.Counted(c.added, "event", "events"),
		evidence.Counted(c.started, "workflow", "workflows"))
	if c.found > 0 {
		a.printf("Vendors whose document came from a backup of after the moment: %d.\n", c.found)
	}
	a.printf("Vendors who want no e-mail, of which the database did not know: %d.\n", len(c.suppressed))
	a.listTrials("the vendor was erased since the backup, and is erased again", c.erased)
	a.listTrials("the vendor was erased, and the database refuses its document without an address; erase it by hand", c.unerased)
	a.listTrials("the workflow differs from the database, which stays as it is", c.differ)
	a.listTrials("the events between are lost; its state is the one before them", c.gaps)
	a.listTrials("the history cannot be read; its state is the one in the backup", c.unreadable)
	a.listTrials("an e-mail may have left as the database was lost, and is not sent again", c.presumed)
	a.listTrials("the vendor's document is not in "+later.where()+"; register the vendor again", c.noVendor)
	a.listTrials("the database refuses the vendor's document as a backup has it; register the vendor again, unless it was erased", c.refused)
}

func (a *app) listTrials(what string, trials map[string]bool) {
	for _, t := range slices.Sorted(maps.Keys(trials)) {
		a.printf("Trial %s: %s\n", t, what)
	}
}

// histories goes through all runs. One that begins after a gap is put off until those before it, which
// come in no certain order, have been gone through.
func (c *catching) histories(ctx context.Context, since time.Time) error {
	var left []temporal.TrialRun
	for run, err := range c.client.TrialRuns(ctx, since) {
		if err != nil {
			return err
		}
		c.compared++
		result, err := c.one(ctx, run)
		if err != nil {
			return err
		}
		if result.Gap > 0 {
			left = append(left, run)
		}
	}
	return c.again(ctx, left)
}

// again goes through runs that had a gap, until that helps no more.
func (c *catching) again(ctx context.Context, left []temporal.TrialRun) error {
	for helped := true; helped && len(left) > 0; {
		helped = false
		var still []temporal.TrialRun
		for _, run := range left {
			result, err := c.one(ctx, run)
			if err != nil {
				return err
			}
			helped = helped || result.Added > 0
			if result.Gap > 0 {
				still = append(still, run)
			}
		}
		left = still
	}
	for _, run := range left {
		c.gaps[run.VendorID] = true
	}
	return nil
}

func (c *catching) one(ctx context.Context, run temporal.TrialRun) (recovery.CatchUpResult, error) {
	recovered, err := c.client.RecoveredTrial(ctx, run)
	if errors.Is(err, temporal.ErrUnreadable) {
		c.unreadable[run.VendorID] = true // the others are not to wait for it
		return recovery.CatchUpResult{}, nil
	}
	if err != nil {
		return recovery.CatchUpResult{}, err
	}
	result, err := c.store.CatchUp(ctx, run.VendorID, recovered)
	if err != nil {
		return result, fmt.Errorf("catching up trial %s: %w", run.VendorID, err)
	}
	c.note(run.VendorID, result)
	if result.NoVendor {
		c.withoutVendor = append(c.withoutVendor, run)
	}
	return result, nil
}

// note keeps what came of comparing a trial.
func (c *catching) note(vendorID string, result recovery.CatchUpResult) {
	c.added += result.Added
	note := func(trials map[string]bool, is bool) {
		if is {
			trials[vendorID] = true
		}
	}
	note(c.behind, result.Added > 0)
	note(c.suppressed, result.Suppressed)
	note(c.erased, result.Erased)
	note(c.unerased, result.Unerased)
	note(c.differ, result.Differs > 0)
	note(c.noVendor, result.NoVendor)
	note(c.presumed, len(result.Presumed) > 0)
}

// workflows starts those of trials that go on and have none.
func (c *catching) workflows(ctx context.Context) error {
	const batch = 500
	for _, automated := range []bool{true, false} {
		for after := ""; ; {
			running, err := c.store.RunningTrials(ctx, automated, after, batch)
			if err != nil {
				return err
			}
			for _, state := range running {
				after = state.VendorID
				started, err := c.client.Restart(ctx, state)
				if err != nil {
					return err
				}
				if started {
					c.started++
				}
			}
			if len(running) < batch {
				break
			}
		}
	}
	return nil
}

// catchUpRollouts adds to the rollouts what their workflows have decided since.
func (a *app) catchUpRollouts(ctx context.Context, c *catching, since time.Time) error {
	runs, err := c.client.RecoveredRollouts(ctx, since)
	if err != nil {
		return err
	}
	for _, recovered := range rules.JoinRuns(runs) {
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
			a.printf("Rollout %s was behind and caught up, by %s: it is %s, at %v %%, enabled %t.\n",
				recovered.ID, evidence.Counted(result.Added, "decision", "decisions"), state.Status, state.Percentage, state.Enabled)
		}
	}
	return nil
}

// laterBackups are backups of after the moment that is restored, the newest first. They may have
// the documents of vendors who came since.
type laterBackups struct {
	repository *backup.Repository
	manifests  []backup.Manifest
	printf     func(format string, args ...any)
}

// where says where a vendor's document has been looked for.
func (l laterBackups) where() string {
	if l.repository == nil {
		return "the database"
	}
	return "any backup"
}

// lostVendors gets the documents of vendors who have a workflow and no document from the newest backup that
// knows of their trial, and compares their trials again: what their workflows know of them is noted in the document.
func (c *catching) lostVendors(ctx context.Context, later laterBackups) error {
	missing := maps.Clone(c.noVendor)
	for _, m := range later.manifests {
		if len(missing) == 0 {
			break
		}
		if _, err := later.repository.Restorable(ctx, m.ID); err != nil {
			later.printf("Vendors are not looked for in one backup: %s\n", printable(err.Error()))
			continue
		}
		done, err := c.store.RestoreVendors(ctx, func(fn func(backup.Records) error) error { return later.repository.Open(ctx, m, fn) }, missing)
		if err != nil {
			return fmt.Errorf("getting vendors from backup %s: %w", m.ID, err)
		}
		c.noteRestored(done)
	}
	runs := c.withoutVendor
	for _, run := range runs {
		if c.noVendor[run.VendorID] || c.refused[run.VendorID] {
			continue
		}
		if _, err := c.one(ctx, run); err != nil {
			return err
		}
	}
	return nil
}

// noteRestored keeps which of the vendors without a document have one now, or could have had one.
func (c *catching) noteRestored(done recovery.RestoredVendors) {
	c.found += len(done.Found)
	for _, id := range slices.Concat(done.Found, done.Refused) {
		delete(c.noVendor, id)
	}
	for _, id := range done.Refused {
		c.refused[id] = true
	}
}
