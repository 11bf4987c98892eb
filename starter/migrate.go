package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"marketplace.example/trials/internal/adapters/mongodb"
	"marketplace.example/trials/internal/domain/audit"
	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/migration"
	"marketplace.example/trials/internal/domain/trial"
)

// findingsShown is how many vendors to check are listed for people. --json lists all.
const findingsShown = 50

func (a *app) migrate() *cobra.Command {
	group := &cobra.Command{
		Use: "migrate", Short: "Give the vendors that the marketplace has already what their trials need",
		Long: "Reads and changes the database itself, in MONGODB_URI as for \"starter setup\"; the system may run\n" +
			"meanwhile. Each vendor gets a trialStartDate and what registration would have decided, always in the\n" +
			"cohort control, so that nobody gets an e-mail because of it. What cannot be decided stays as it is.",
		Example: examples("starter migrate status", "starter migrate up", "starter migrate validate"),
	}
	group.AddCommand(
		a.migrateCommand("status", "Say which migrations were made and how far they are", a.migrateStatus),
		a.migrateCommand("up", "Migrate, or go on where it was interrupted", a.migrateUp),
		a.migrateCommand("validate", "Say what is left to migrate or to decide, and change nothing", a.migrateValidate),
	)
	return group
}

func (a *app) migrateCommand(name, short string, fn func(context.Context, *mongodb.Store, mongodb.Migration) error) *cobra.Command {
	var address string
	var page int
	command := &cobra.Command{Use: name, Short: short, Args: cobra.NoArgs, Example: examples("starter migrate " + name)}
	command.Flags().StringVar(&address, "mongodb", "", "the connection string of MongoDB (default MONGODB_URI)")
	if name != "status" {
		command.Flags().IntVar(&page, "page", mongodb.MigrationPage, "how many users are read at once")
	}
	command.RunE = func(c *cobra.Command, _ []string) error {
		if page < 1 && name != "status" {
			return usagef("--page: must be 1 or more")
		}
		settings, err := a.storeConfig(address)
		if err != nil {
			return err
		}
		policies, err := settings.ReadPolicies()
		if err != nil {
			return err
		}
		return withStore(c.Context(), settings, func(store *mongodb.Store) error {
			return fn(c.Context(), store, mongodb.Migration{Policy: policies.OfDefault(), Day: settings.TrialDay, Now: a.now, Page: page})
		})
	}
	return command
}

// migrationStatus is the state of one migration. Progress is nil before the first pass.
type migrationStatus struct {
	Version  int                 `json:"version"`
	What     string              `json:"what"`
	Progress *migration.Progress `json:"progress"`
}

func (a *app) migrateStatus(ctx context.Context, store *mongodb.Store, _ mongodb.Migration) error {
	var all []migrationStatus
	for _, v := range migration.Versions() {
		p, found, err := store.MigrationProgress(ctx, v)
		if err != nil {
			return err
		}
		status := migrationStatus{Version: v.Number, What: v.What}
		if found {
			status.Progress = &p
		}
		all = append(all, status)
	}
	return a.printMigrations(all)
}

func (a *app) migrateUp(ctx context.Context, store *mongodb.Store, m mongodb.Migration) error {
	var all []migrationStatus
	for _, v := range migration.Versions() {
		m.OnProgress = a.printProgress("migrated")
		var p migration.Progress
		asked := audit.Entry{Action: "migrate", Subject: fmt.Sprintf("migrations/%d", v.Number)}
		err := a.onRecord(ctx, store, asked, func() (_ any, err error) {
			p, err = store.Migrate(ctx, v, m)
			return p.Counts, err
		})
		if err != nil {
			return fmt.Errorf("migration %d: %w\nWhat is done is done; \"starter migrate up\" goes on from there", v.Number, err)
		}
		all = append(all, migrationStatus{v.Number, v.What, &p})
	}
	return a.printMigrations(all)
}

// printProgress writes the progress every few seconds.
func (a *app) printProgress(did string) func(migration.Progress) {
	progressAt := a.now()
	return func(p migration.Progress) {
		if now := a.now(); now.Sub(progressAt) >= lineEvery {
			progressAt = now
			fmt.Fprintf(a.err, "%s read, %s %s, %d undecided\n", evidence.Counted(p.Counts.Users, "user", "users"),
				evidence.Counted(p.Counts.Migrated, "vendor", "vendors"), did, p.Counts.Undecided)
		}
	}
}

func (a *app) printMigrations(all []migrationStatus) error {
	if a.options.json {
		return a.printValue(map[string]any{"migrations": all})
	}
	for _, s := range all {
		a.printf("Migration %d: %s\n", s.Version, s.What)
		if s.Progress == nil {
			a.printf("  never made\n")
			continue
		}
		stands := "interrupted, or under way; \"starter migrate up\" goes on with it"
		if s.Progress.FinishedAt != nil {
			stands = "finished " + formatTime(*s.Progress.FinishedAt, a.now())
		}
		a.printf("  pass %d: %s\n", s.Progress.Pass, stands)
		if err := writeCounts(a.out, s.Progress.Counts, "migrated"); err != nil {
			return err
		}
		a.printRefused(*s.Progress)
	}
	return nil
}

// printRefused lists the vendors whose documents the database refused to change.
func (a *app) printRefused(p migration.Progress) {
	if p.Counts.Refused == 0 {
		return
	}
	a.printf("  The database refused to change %d of their documents: a rule for documents, their size, or a unique index. They stay as they were; the others are done.\n", p.Counts.Refused)
	for _, r := range p.Refused {
		id := r.ID
		if !trial.ValidVendorID(id) {
			id = "(an id that cannot name a trial)"
		}
		a.printf("    %s: code %d\n", id, r.Code)
	}
}

// writeCounts lists the results by reason.
func writeCounts(out io.Writer, c migration.Counts, did string) error {
	t := table{}
	for _, row := range []struct {
		what string
		n    int
	}{{"users", c.Users}, {"vendors", c.Vendors}, {"complete before", c.Complete}, {did, c.Migrated}, {"undecided", c.Undecided}} {
		t.row("  "+row.what, strconv.Itoa(row.n))
	}
	for _, reason := range slices.Sorted(maps.Keys(c.Reasons)) {
		t.row("    "+string(reason), strconv.Itoa(c.Reasons[reason]))
	}
	return t.write(out)
}

// errNotInOrder fails a validation that found something.
var errNotInOrder = errors.New("the migration is not complete")

func (a *app) migrateValidate(ctx context.Context, store *mongodb.Store, m mongodb.Migration) error {
	m.OnProgress = a.printProgress("to migrate")
	v, err := store.ValidateMigration(ctx, m)
	if err != nil {
		return err
	}
	if a.options.json {
		err := a.printValue(v)
		if err == nil && !v.InOrder() {
			err = errNotInOrder
		}
		return err
	}
	a.printf("Users with trialAutomation: %d\nVendors without trialStartDate: %d\n", v.WithAutomation, v.WithoutStart)
	if err := writeCounts(a.out, v.Counts, "to migrate"); err != nil {
		return err
	}
	if v.InOrder() {
		a.printf("Every vendor has what its trial needs.\n")
		return nil
	}
	if err := a.listFindings(v.Findings); err != nil {
		return err
	}
	return errNotInOrder
}

// listFindings lists the vendors to check. It hides ids that cannot name a trial: they may be addresses.
func (a *app) listFindings(findings []mongodb.Finding) error {
	if len(findings) == 0 {
		return nil
	}
	t := table{header: []string{"VENDOR", "FIELD", "WHY"}}
	for _, f := range findings[:min(len(findings), findingsShown)] {
		id := f.ID
		if id == "" {
			id = "(an id that cannot name a trial)"
		}
		t.row(id, f.Field, string(f.Reason))
	}
	if err := t.write(a.out); err != nil {
		return err
	}
	if more := len(findings) - findingsShown; more > 0 {
		a.printf("and %d more; --json lists all\n", more)
	}
	return nil
}
