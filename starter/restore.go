package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"marketplace.example/trials/internal/adapters/backup"
	"marketplace.example/trials/internal/adapters/mongodb"
	"marketplace.example/trials/internal/adapters/recovery"
	"marketplace.example/trials/internal/domain/audit"
	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/platform/config"
)

// restoreOptions is what `starter restore` is asked to do.
type restoreOptions struct {
	backupOptions

	at, into, temporal, installation      string
	replace, yes, noCatchUp, whileRunning bool
}

func (o restoreOptions) setup() setupOptions {
	return setupOptions{mongodb: o.mongodb, temporal: o.temporal}
}

func (a *app) restore() *cobra.Command {
	var o restoreOptions
	command := &cobra.Command{
		Use: "restore", Short: "Restore the database to a moment of the last seven days", Args: cobra.NoArgs,
		Long: "Verifies the backups that the moment is restored from, fills the database, and then adds what the\n" +
			"workflows know and the database does not, so that no trial is lost and no e-mail sent twice.\n" +
			"Nothing is touched before all files have proven right, Temporal answers, and neither api nor worker\n" +
			"shows a sign of life. A database that is not empty is refused, and another installation's backup.\n" +
			"The automation is disabled then, until you enable it: nobody who has unsubscribed since is mailed unasked.\n\n" +
			"Stop the api and the workers before, and start them again after. With --into another database is filled\n" +
			"to look at, as it was at the moment, and nothing is caught up with." + aboutBackups,
		Example: examples(
			"starter restore                                                # the database is gone: get back what there was",
			"starter restore --at 2026-03-10T12:00:00Z --into before_noon   # only look",
			"starter restore --replace                                      # delete what is there first",
		),
	}
	o.flags(command)
	current := command.Flags()
	current.StringVar(&o.at, "at", "", "the moment, such as 2026-03-10T12:00:00Z (default now)")
	current.StringVar(&o.into, "into", "", "the database to fill (default the one that was backed up)")
	current.BoolVar(&o.replace, "replace", false, "delete every document that is there, once the backups have proven right")
	current.BoolVar(&o.yes, "yes", false, "do not ask before deleting")
	current.BoolVar(&o.noCatchUp, "no-catch-up", false, "leave out what only the workflows know")
	current.StringVar(&o.installation, "installation", "", "restore the backup of that installation, where several keep theirs in one place")
	current.BoolVar(&o.whileRunning, "even-while-running", false, "restore although api or worker run, with --yes")
	current.StringVar(&o.temporal, "temporal", "", "Temporal's host:port (default TEMPORAL_ADDRESS)")
	command.RunE = func(c *cobra.Command, _ []string) error { return a.runRestore(c.Context(), o) }
	return command
}

func (a *app) runRestore(ctx context.Context, o restoreOptions) error {
	at, err := pastTime(o.at, a.now())
	if err != nil {
		return err
	}
	repository, settings, err := a.repository(ctx, o.backupOptions)
	if err != nil {
		return err
	}
	source := settings.MongoDBDatabase
	elsewhere := o.into != "" && o.into != source
	store, err := connectInto(ctx, settings, o.into)
	if err != nil {
		return err
	}
	defer store.Close(context.WithoutCancel(ctx)) //nolint:errcheck // the work is done, or its error says more
	listed, err := repository.List(ctx)
	if err != nil {
		return err
	}
	origin, err := a.restoredFrom(ctx, listed, source, o.installation, store, elsewhere)
	if err != nil {
		return fmt.Errorf("%w (in %s)", err, repository.Storage)
	}
	choice, err := a.verified(ctx, repository, listed, origin, at)
	if err != nil {
		return err
	}
	moment := sources(ctx, repository, choice, at)
	if err := moment.Check(); err != nil {
		return untouched(err)
	}
	if !elsewhere {
		if moment.Installation, err = installationAfter(ctx, store, origin, o.installation); err != nil {
			return err
		}
	}
	if err := a.makeRoom(ctx, store, o, elsewhere); err != nil {
		return err
	}
	done, err := store.Restore(ctx, moment)
	if err != nil {
		return fmt.Errorf("the database is restored in part only; try again with --replace: %w", err)
	}
	a.sayRestored(store.Database().Name(), choice, at, done)
	defer a.sayDisabled(done.Flags, choice.Before.Begin) // the last thing that is read
	if elsewhere {
		return a.recountRestored(ctx, store)
	}
	if err := a.settle(ctx, store, restoredEntry(choice, at, done, a.now())); err != nil { // before, the record was not there
		return fmt.Errorf("the database is restored, but: %w", err)
	}
	if o.noCatchUp {
		return a.recountRestored(ctx, store)
	}
	later := laterBackups{repository: repository, manifests: backup.Since(choice.Before, backup.WithoutFuture(backup.Of(listed.Good, origin), a.now())), printf: a.printf}
	if err := a.catchUpWith(ctx, o.setup(), store, askedSince(choice), later); err != nil {
		return fmt.Errorf("the database is restored, but has not caught up; before the workers start, run \"starter catch-up\": %w", err)
	}
	return a.recountRestored(ctx, store)
}

// connectInto reaches the database that is to be filled; into is its name where it is not the configured one.
func connectInto(ctx context.Context, settings config.Config, into string) (recovery.Store, error) {
	if into != "" {
		settings.MongoDBDatabase = into
		if err := settings.Validate(); err != nil {
			return recovery.Store{}, usagef("--into: %s", oneLine(err))
		}
	}
	store, err := mongodb.Connect(ctx, settings.MongoDBURI, settings.MongoDBDatabase)
	return recovery.Store{Store: store}, err
}

// sayRestored says what a restore came to.
func (a *app) sayRestored(database string, choice backup.Choice, at time.Time, done recovery.Restored) {
	a.printf("Restored %s to %s: %s, %s, %s; later events left out: %d.\n", database, at.UTC().Format(time.RFC3339),
		evidence.Counted(done.Documents, "document", "documents"), evidence.Counted(done.Trials, "trial", "trials"),
		evidence.Counted(done.Rollouts, "rollout", "rollouts"), done.Later)
	if done.SetBack {
		a.printf("Backup %s, begun after the moment, lacks events that %s has: the database had been lost or set back by then, so it is passed over.\n",
			choice.After.ID, choice.Before.ID)
	}
	if done.Erased > 0 {
		a.printf("Vendors who had been erased since, and are erased again: %d.\n", done.Erased)
	}
	for _, id := range done.Unerased {
		a.printf("Vendor %s had been erased, and its document cannot be: a unique index of the marketplace's stands against a user without an address. Erase it by hand.\n", id)
	}
	a.printf("Tokens that are good: %d, as in the backup; %d that were revoked since stay revoked. What was revoked since %s\n"+
		"and is in no later backup is good again: see \"starter token list\" before the api is reached from outside.\n",
		done.Tokens, done.Revoked, choice.Before.Begin.UTC().Format(time.RFC3339))
}

// installationAfter is the id that a database has after its restore.
func installationAfter(ctx context.Context, store recovery.Store, origin backup.Origin, named string) (string, error) {
	own, found, err := store.KnownOrigin(ctx)
	if err != nil {
		return "", err
	}
	return keptInstallation(own, found, origin, named)
}

// restoredEntry is the restored record's first new entry.
func restoredEntry(choice backup.Choice, at time.Time, done recovery.Restored, now time.Time) audit.Entry {
	return audit.Entry{
		At: now, Actor: cliActor, Action: "restore", Subject: "backups/" + choice.Before.ID, Outcome: audit.Done,
		Asked: audit.Document(map[string]time.Time{"at": at.UTC()}),
		After: audit.Document(map[string]int{"documents": done.Documents, "trials": done.Trials, "rollouts": done.Rollouts, "later": done.Later}),
	}
}

// askedSince is the moment since which workflows may have ended of which the backup does not know all.
func askedSince(choice backup.Choice) time.Time {
	return choice.Before.Begin.Add(-recovery.ClocksDiffer)
}

// sayDisabled says that nothing is sent until a person says so, and what to see to before.
func (a *app) sayDisabled(was flags.Flags, since time.Time) {
	before := "disabled"
	if was.TrialAutomation.Enabled {
		before = fmt.Sprintf("enabled for %v %%", was.TrialAutomation.RolloutPercentage)
	}
	a.printf("\nThe automation is disabled now, so no e-mail leaves; it was %s.\n"+
		"Who has unsubscribed since %s is known only as far as said above: see docs/backup.md, start the api,\n"+
		"and then \"starter flags set trialAutomation.enabled=true\".\n", before, since.UTC().Format(time.RFC3339))
}

// verified chooses what to restore a moment from, and reads all of it.
func (a *app) verified(ctx context.Context, repository *backup.Repository, listed backup.Listed, origin backup.Origin, at time.Time) (backup.Choice, error) {
	// One that was cut off since is chosen too, and refused below by name and reason: a person is to
	// know that an older one would be restored from.
	choice, err := backup.Choose(backup.WithoutFuture(backup.Of(listed.Finished(), origin), a.now()), at)
	if err != nil {
		return choice, fmt.Errorf("%w (of %s in %s; --installation takes another's)", err, origin, repository.Storage)
	}
	if unreadable := listed.Unreadable(choice.Before.Begin, at); unreadable != nil {
		return choice, untouched(unreadable)
	}
	chosen := []backup.Manifest{choice.Before}
	for _, m := range []*backup.Manifest{choice.After, choice.Latest} {
		if m != nil {
			chosen = append(chosen, *m)
		}
	}
	for _, m := range slices.CompactFunc(chosen, func(a, b backup.Manifest) bool { return a.ID == b.ID }) {
		_, err := repository.Restorable(ctx, m.ID)
		if errors.Is(err, backup.ErrNoKey) {
			return choice, fmt.Errorf("%w: set BACKUP_AGE_IDENTITY_FILE; nothing was touched", err)
		}
		if err != nil {
			return choice, untouched(err)
		}
	}
	return choice, nil
}

func untouched(refused error) error {
	return fmt.Errorf("%w; nothing was touched (move its files away to restore from what else there is)", refused)
}

func sources(ctx context.Context, repository *backup.Repository, choice backup.Choice, at time.Time) recovery.Moment {
	source := func(m *backup.Manifest) recovery.Source {
		if m == nil {
			return nil
		}
		return func(fn func(backup.Records) error) error { return repository.Open(ctx, *m, fn) }
	}
	return recovery.Moment{
		At: at, Before: source(&choice.Before), Began: choice.Before.Begin, After: source(choice.After), Latest: source(choice.Latest),
	}
}

func (a *app) recountRestored(ctx context.Context, store recovery.Store) error {
	result, err := store.Recount(ctx, false, func(int) {})
	if err != nil {
		return err
	}
	a.printf("Counters that were behind and are set right: %d of %d.\n", result.Wrong, result.Counters)
	return nil
}
