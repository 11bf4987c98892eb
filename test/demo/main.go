// The demo starts everything embedded, lives through trials and rollouts with
// days of seconds, prints what happened, and checks it against mailbox and database.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"marketplace.example/trials/test/harness"
	"marketplace.example/trials/test/stack"
	"marketplace.example/trials/test/system"
)

const (
	day = 2 * time.Second
	// endLimit is how long after the last change the trials may take to end.
	endLimit = 45 * time.Second
)

func main() {
	histories := flag.String("record", "", "also write every trial's history into this `folder`, for the replay tests")
	harness.Main("demo", func(ctx context.Context, out io.Writer) error {
		root, err := stack.Root()
		if err != nil {
			return err
		}
		logs := filepath.Join(root, ".demo")
		if err := os.RemoveAll(logs); err != nil {
			return fmt.Errorf("clearing old logs: %w", err)
		}
		return harness.WithStackIn(ctx, logs, func(env *harness.Env) error { return run(ctx, out, env, *histories) })
	})
}

func run(ctx context.Context, out io.Writer, env *harness.Env, histories string) error {
	began := time.Now()
	var results []result
	var rolloutErr error
	var running sync.WaitGroup
	vendorsOver := make(chan struct{})
	running.Go(func() { results, rolloutErr = runRollouts(ctx, vendorsOver, env, out) })
	err := vendors(ctx, out, env, histories)
	close(vendorsOver)
	running.Wait()
	err = errors.Join(err, rolloutErr)
	if !reportRollouts(out, results) {
		err = errors.Join(err, fmt.Errorf("not every rollout is as it must be; the processes' logs are in %s", env.Dir))
	}
	fmt.Fprintf(out, "It took %s.\n", time.Since(began).Round(time.Second))
	return err
}

// vendors lives through the cases on a system of their own.
func vendors(ctx context.Context, out io.Writer, env *harness.Env, histories string) error {
	s, err := env.System(ctx, "", system.Options{Day: day})
	if err != nil {
		return err
	}
	defer s.Stop()
	d := &demo{system: s, database: env.Mongo.Database("marketplace"), day: day, out: out}
	fmt.Fprintf(out, "Everything runs: API %s, Web UI %s, inbox %s\n", s.API, env.Stack.TemporalUI, env.Stack.Mailbox)
	if err := d.live(ctx); err != nil {
		return err
	}
	awaited := d.await(ctx, endLimit)
	all, err := d.check(ctx)
	if all != nil && !d.report(all) {
		err = errors.Join(err, fmt.Errorf("not everything is as it must be; the processes' logs are in %s", env.Dir))
	}
	if histories != "" {
		err = errors.Join(err, d.record(ctx, histories))
	}
	return errors.Join(awaited, err)
}
