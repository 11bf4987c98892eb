// The demo starts everything embedded, lives through trials and rollouts with
// days of two seconds, prints what happened, and checks it against mailbox and database.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"marketplace.example/trials/test/stack"
	"marketplace.example/trials/test/system"
)

const (
	day = 2 * time.Second
	// endLimit is how long after the last deed the trials may take to end.
	endLimit = 45 * time.Second
)

func main() {
	histories := flag.String("record", "", "also write every workflow's history into this `folder`, for the replay tests")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	err := run(ctx, *histories)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, histories string) (err error) {
	began := time.Now()
	logs, err := logDir()
	if err != nil {
		return err
	}
	embedded, err := stack.Start(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, embedded.Stop()) }()
	client, err := mongo.Connect(options.Client().ApplyURI(embedded.MongoDB))
	if err != nil {
		return fmt.Errorf("connecting to the database: %w", err)
	}
	defer func() { _ = client.Disconnect(context.WithoutCancel(ctx)) }()
	var rides []lived
	var ridden error
	var riding sync.WaitGroup
	vendorsOver := make(chan struct{})
	riding.Go(func() { rides, ridden = rideAll(ctx, vendorsOver, embedded, client, logs, os.Stdout) })
	err = vendors(ctx, embedded, client, logs, histories)
	close(vendorsOver)
	riding.Wait()
	err = errors.Join(err, ridden)
	if !reportRides(os.Stdout, rides) {
		err = errors.Join(err, fmt.Errorf("not every rollout is as it must be; the processes' logs are in %s", logs))
	}
	fmt.Printf("It took %s.\n", time.Since(began).Round(time.Second))
	return err
}

// vendors lives through the fates on a system of their own.
func vendors(ctx context.Context, embedded *stack.Stack, client *mongo.Client, logs, histories string) error {
	s, err := system.Start(ctx, system.Options{Stack: embedded, Day: day, LogDir: logs})
	if err != nil {
		return err
	}
	defer s.Stop()
	d := &demo{system: s, database: client.Database("marketplace"), day: day, out: os.Stdout}
	fmt.Printf("Everything runs: API %s, Web UI %s, inbox %s\n", s.API, embedded.TemporalUI, embedded.Mailbox)
	if err := d.live(ctx); err != nil {
		return err
	}
	awaited := d.await(ctx, endLimit)
	all, err := d.check(ctx)
	if all != nil && !d.report(all) {
		err = errors.Join(err, fmt.Errorf("not everything is as it must be; the processes' logs are in %s", logs))
	}
	if histories != "" {
		err = errors.Join(err, d.record(ctx, histories))
	}
	return errors.Join(awaited, err)
}

func logDir() (string, error) {
	root, err := system.Root()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(root, ".demo")
	if err := os.RemoveAll(dir); err != nil {
		return "", fmt.Errorf("clearing old logs: %w", err)
	}
	return dir, makeDir(dir)
}

func makeDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("making a place for logs: %w", err)
	}
	return nil
}
