// Restore lives through some hundred recorded vendors while backups are taken, notes what the system knows at
// random moments, and then restores three of these and compares, trial by trial. After that it deletes
// the database, restores it, and sees every trial to its end: none may be lost, and no e-mail leave twice.
// What it expects is read from the running system's database, not computed with the product's code.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"marketplace.example/trials/test/stack"
	"marketplace.example/trials/test/system"
)

// settings are how to run it.
type settings struct {
	csv, from    string
	vendors, run int
	moments      int
	day          time.Duration
	seed         uint64
}

func main() {
	var o settings
	flag.StringVar(&o.csv, "csv", "", "the `file` of recorded vendors, as for starter import")
	flag.StringVar(&o.from, "from", "2018-01-01", "the first `date` of registration")
	flag.IntVar(&o.vendors, "vendors", 300, "how many vendors")
	flag.IntVar(&o.run, "days", 22, "how many days to live through before the database is deleted")
	flag.IntVar(&o.moments, "moments", 3, "how many moments to restore")
	flag.DurationVar(&o.day, "day", 4*time.Second, "how long a day lasts")
	flag.Uint64Var(&o.seed, "seed", uint64(time.Now().UnixNano()), "what the moments are drawn from")
	flag.Parse()
	if o.csv == "" {
		fmt.Fprintln(os.Stderr, "restore: say with -csv which vendors to live through")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Stdout, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "restore:", err)
		os.Exit(1)
	}
}

// trialRun is one run of it.
type trialRun struct {
	settings
	*system.System
	out      io.Writer
	database *mongo.Database
	folder   string // of the backups
	random   *rand.Rand
	// complaints are what is not as it must be.
	complaints []string
}

func run(ctx context.Context, out io.Writer, o settings) (err error) {
	work, err := os.MkdirTemp("", "trials-restore-")
	if err != nil {
		return fmt.Errorf("making a place for backups and logs: %w", err)
	}
	embedded, err := stack.Start(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, embedded.Stop()) }()
	s, err := system.Start(ctx, system.Options{Stack: embedded, Day: o.day, LogDir: work})
	if err != nil {
		return err
	}
	defer s.Stop()
	client, err := mongo.Connect(options.Client().ApplyURI(embedded.MongoDB))
	if err != nil {
		return fmt.Errorf("connecting to the database: %w", err)
	}
	defer func() { _ = client.Disconnect(context.WithoutCancel(ctx)) }()
	r := &trialRun{
		settings: o, System: s, out: out, database: client.Database("marketplace"), folder: filepath.Join(work, "backups"),
		random: rand.New(rand.NewPCG(o.seed, 0)),
	}
	r.printf("seed %d, a day lasts %s, work in %s", o.seed, o.day, work)
	if err := r.tell(ctx); err != nil {
		return err
	}
	for _, c := range r.complaints {
		r.printf("WRONG: %s", c)
	}
	if len(r.complaints) > 0 {
		return fmt.Errorf("%d things are not as they must be; backups and logs are in %s", len(r.complaints), work)
	}
	return os.RemoveAll(work) //nolint:wrapcheck // it says what it was about
}

// tell lives, and then restores.
func (r *trialRun) tell(ctx context.Context) error {
	if err := r.starter(ctx, "flags", "set", "trialAutomation.enabled=true", "trialAutomation.rolloutPercentage=75"); err != nil {
		return err
	}
	notes, err := r.live(ctx)
	if err != nil {
		return err
	}
	for i, n := range drawn(notes, r.moments, r.random) {
		if err := r.restoreMoment(ctx, i, n); err != nil {
			return err
		}
	}
	return r.deleteAndRestore(ctx)
}

func (r *trialRun) starter(ctx context.Context, args ...string) error {
	out, err := r.Starter(ctx, args...)
	if err != nil {
		return err
	}
	if args[0] == "restore" {
		r.printf("%s", out)
	}
	return nil
}

func (r *trialRun) printf(format string, args ...any) {
	_, _ = fmt.Fprintf(r.out, format+"\n", args...)
}

func (r *trialRun) complain(format string, args ...any) {
	r.complaints = append(r.complaints, fmt.Sprintf(format, args...))
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
