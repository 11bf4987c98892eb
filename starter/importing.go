package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/platform/config"
	"marketplace.example/trials/starter/importer"
	"marketplace.example/trials/starter/vendorcsv"
)

// importOptions are the flags of `starter import`.
type importOptions struct {
	csv, from, to, resume string
	day, patience         time.Duration
	limit, concurrency    int
	restart, dryRun       bool
}

const importAbout = `Imports recorded vendors: registers each on its date and reports its conversion at its moment, in
order, on a clock whose day lasts as long as a day of the running system.

The file is CSV with a header that names the columns vendor_id, registered_at (2018-01-31) and
converted_at (RFC 3339, or empty), in any order, others beside them. Rows of one date are spread evenly
over it. E-mail addresses and names are made from the ids. Lines that cannot be used are reported
and skipped; vendors that the API refuses are reported and the others go on.

A trial begins when it is really registered, also when the system falls behind, so that each of its
steps is still to come; its conversion keeps its distance from that. A conversion that is on record
before its registration is reported right after it.

Stopped or killed, the same command goes on where it was: its clock stands still in between. What was
done is kept in a state file, and the API does nothing twice.

It fails if a vendor was refused or something is left to do; skipped lines alone are no failure.`

func (a *app) importing() *cobra.Command {
	var o importOptions
	command := &cobra.Command{
		Use: "import --csv FILE", Short: "Import recorded registrations and conversions", Args: cobra.NoArgs, Long: importAbout,
		Example: examples(
			"starter import --csv vendors.csv",
			"starter import --csv vendors.csv --from 2018-01-01 --to 2018-01-31 --limit 200",
			"starter import --csv vendors.csv --dry-run",
		),
	}
	flags := command.Flags()
	flags.StringVar(&o.csv, "csv", "", "the file")
	flags.DurationVar(&o.day, "day", 0, "how long a day lasts, such as 2s (default the running system's)")
	flags.IntVar(&o.limit, "limit", 0, "only so many vendors, the first (default all)")
	flags.StringVar(&o.from, "from", "", "only vendors registered on this date or later")
	flags.StringVar(&o.to, "to", "", "only vendors registered on this date or earlier")
	flags.StringVar(&o.resume, "resume", "", "the state file (default made from the file's name, in .dev/ or the user's cache)")
	flags.BoolVar(&o.restart, "restart", false, "forget the state and start over")
	flags.IntVar(&o.concurrency, "concurrency", 16, "how many requests may be under way at once")
	flags.DurationVar(&o.patience, "patience", importer.DefaultPatience, "how long to wait for an API that does not answer")
	flags.BoolVar(&o.dryRun, "dry-run", false, "only read the file and say what would be done")
	markRequired(command, "csv")
	command.RunE = func(c *cobra.Command, _ []string) error { return a.runImport(c.Context(), o) }
	return command
}

func (a *app) runImport(ctx context.Context, o importOptions) error {
	selection, err := o.selection()
	if err != nil {
		return err
	}
	content, err := os.ReadFile(o.csv)
	if err != nil {
		return fmt.Errorf("reading the vendors: %w", err)
	}
	rows, skipped, err := vendorcsv.Read(bytes.NewReader(content))
	if err != nil {
		return fmt.Errorf("%s: %w", o.csv, err)
	}
	for _, problem := range skipped {
		fmt.Fprintf(a.err, "Skipped %s\n", problem)
	}
	plan := importer.NewPlan(rows, selection)
	if len(plan.Registrations) == 0 {
		return fmt.Errorf("%s: there is no vendor to register (%d rows read, %d lines skipped)", o.csv, len(rows), len(skipped))
	}
	a.printPlan(plan, len(skipped))
	if o.dryRun {
		return a.printSummary(importer.NewSummary(plan), skipped, "")
	}
	sum := sha256.Sum256(content)
	return a.importPlan(ctx, o, plan, skipped, hex.EncodeToString(sum[:]))
}

// selection checks the options, and selects what to import.
func (o importOptions) selection() (importer.Selection, error) {
	s := importer.Selection{Limit: o.limit}
	switch {
	case o.limit < 0:
		return s, usagef("--limit: must not be negative, is %d", o.limit)
	case o.concurrency < 1 || o.concurrency > connections:
		return s, usagef("--concurrency: must be 1 to %d, is %d", connections, o.concurrency)
	case o.day != 0 && (o.day < config.MinTrialDay || o.day > config.MaxTrialDay):
		return s, usagef("--day: must be %s to %s, is %s", config.MinTrialDay, config.MaxTrialDay, o.day)
	case o.patience < 0:
		return s, usagef("--patience: must not be negative, is %s", o.patience)
	}
	var err error
	if s.From, err = parseDate("from", o.from); err != nil {
		return s, err
	}
	if s.To, err = parseDate("to", o.to); err != nil {
		return s, err
	}
	if !s.To.IsZero() && s.To.Before(s.From) {
		return s, usagef("--to: %s is before --from %s", o.to, o.from)
	}
	return s, nil
}

func parseDate(flag, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	date, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return time.Time{}, usagef("--%s: %.80q is not a date like 2018-01-31", flag, text)
	}
	return date, nil
}

func (a *app) printPlan(plan importer.Plan, skipped int) {
	end := plan.Begins.Add(plan.Length())
	fmt.Fprintf(a.err, "%s to register and %s to report, from %s to %s; lines skipped: %d.\n",
		evidence.Counted(len(plan.Registrations), "vendor", "vendors"), evidence.Counted(plan.Conversions(), "conversion", "conversions"),
		plan.Begins.Format(time.DateOnly), end.Format(time.DateOnly), skipped)
}

// importPlan imports the plan and prints the result.
func (a *app) importPlan(ctx context.Context, o importOptions, plan importer.Plan, skipped []vendorcsv.Problem, sum string) error {
	api, address, err := a.asService()
	if err != nil {
		return err
	}
	identity := importer.Identity{File: sum, API: address, From: o.from, To: o.to, Limit: o.limit}
	path, err := a.stateFile(o, identity)
	if err != nil {
		return err
	}
	journal, err := importer.OpenJournal(path, identity, o.restart)
	if errors.Is(err, importer.ErrOtherImport) {
		return fmt.Errorf("%w: give another file with --resume, or start over with --restart", err)
	}
	if err != nil {
		return err
	}
	defer journal.Close() //nolint:errcheck // every entry was written by itself
	if !journal.Empty() {
		fmt.Fprintf(a.err, "Going on from %s.\n", path)
	}
	bar := &progress{out: a.err, terminal: a.terminal(), now: a.now, begins: plan.Begins, length: plan.Length()}
	r := &importer.Import{
		API: api, Plan: plan, Identity: identity, Journal: journal, Day: o.day,
		Concurrency: o.concurrency, Patience: o.patience, Watch: bar.show, Report: bar.report,
	}
	summary, err := r.Run(ctx)
	bar.end()
	if errors.Is(err, importer.ErrOtherImport) {
		return fmt.Errorf("%w: leave out --day, or start over with --restart", err)
	}
	if printErr := a.printSummary(summary, skipped, path); printErr != nil {
		return printErr
	}
	return outcomeOf(summary, err)
}

// outcomeOf is the error of an import as a whole.
func outcomeOf(s importer.Summary, err error) error {
	switch {
	case errors.Is(err, context.Canceled):
		return errors.New("the import was stopped; the same command goes on from here")
	case err != nil:
		return fmt.Errorf("the import stopped: %w\nThe same command goes on from here", err)
	case len(s.Refused) > 0:
		return fmt.Errorf("the API refused %d of the vendors", len(s.Refused))
	}
	return nil
}

// stateFile is the path of the journal: beside the stack file if there is one, otherwise in the user's cache. Each file,
// system and selection has its own.
func (a *app) stateFile(o importOptions, identity importer.Identity) (string, error) {
	if o.resume != "" {
		return o.resume, nil
	}
	folder := filepath.Dir(defaultStackFile)
	if a.options.stackFile != "" {
		folder = filepath.Dir(a.options.stackFile)
	}
	if info, err := os.Stat(folder); err != nil || !info.IsDir() {
		cache, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("finding a place for the state, which --resume can name: %w", err)
		}
		folder = filepath.Join(cache, "vendor-trials")
	}
	sum := sha256.Sum256(fmt.Append(nil, identity))
	name := strings.TrimSuffix(filepath.Base(o.csv), filepath.Ext(o.csv))
	return filepath.Join(folder, fmt.Sprintf("import-%s-%x.jsonl", name, sum[:4])), nil
}
