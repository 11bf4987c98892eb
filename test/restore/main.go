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
	"path/filepath"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo"

	"marketplace.example/trials/test/harness"
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
	harness.Main("restore", func(ctx context.Context, out io.Writer) error {
		if o.csv == "" {
			return errors.New("say with -csv which vendors to live through")
		}
		return harness.WithStack(ctx, "restore", func(env *harness.Env) error { return run(ctx, out, env, o) })
	})
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

func run(ctx context.Context, out io.Writer, env *harness.Env, o settings) error {
	s, err := env.System(ctx, "", system.Options{Day: o.day})
	if err != nil {
		return err
	}
	defer s.Stop()
	r := &trialRun{
		settings: o, System: s, out: out, database: env.Mongo.Database("marketplace"), folder: filepath.Join(env.Dir, "backups"),
		random: rand.New(rand.NewPCG(o.seed, 0)),
	}
	r.printf("seed %d, a day lasts %s, work in %s", o.seed, o.day, env.Dir)
	if err := r.liveAndRestore(ctx); err != nil {
		return err
	}
	for _, c := range r.complaints {
		r.printf("WRONG: %s", c)
	}
	if len(r.complaints) > 0 {
		return fmt.Errorf("%d things are not as they must be", len(r.complaints))
	}
	return nil
}

func (r *trialRun) liveAndRestore(ctx context.Context) error {
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
