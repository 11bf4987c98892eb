// The worker runs the trial workflows and their activities.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
	_ "time/tzdata" // the image has no zones of its own

	"go.uber.org/zap"

	"marketplace.example/trials/internal/platform/config"
	"marketplace.example/trials/internal/wiring"
)

// stopTimeout bounds answering the last questions for health, and closing the connections.
const stopTimeout = 5 * time.Second

func main() { os.Exit(wiring.Main(config.Worker, os.Args, run)) }

func run(ctx context.Context, cfg config.Config, log *zap.Logger, out io.Writer) error {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	w, err := assemble(ctx, cfg, log, end)
	if err != nil {
		return err
	}
	defer w.close(ctx)
	if err := w.worker.Start(); err != nil {
		return fmt.Errorf("starting the worker: %w", err)
	}
	defer w.worker.Stop()
	go w.base.Sampler.Run(ctx)
	go wiring.Every(ctx, wiring.TemplatesEvery, log, "the e-mails' templates were not read", w.templates.Reload)
	go keepSchedules(ctx, w.base.Client, log)
	health, err := listenHealth(ctx, w.base)
	if err != nil {
		return err
	}
	if err := w.base.Announce(ctx, "worker", health.URL(), out); err != nil {
		return err
	}
	log.Info("worker is running", zap.String("health", health.URL()), zap.Duration("day", cfg.TrialDay), zap.String("taskQueue", cfg.TaskQueue))
	unserved := health.Serve(ctx, stopTimeout)
	if ctx.Err() == nil {
		log.Error("nobody can ask for the worker's health any more", zap.Error(unserved))
	}
	fault := await(ctx)
	log.Info("worker stops", zap.Error(fault))
	return errors.Join(fault, unserved)
}

// fatalError is an error that ends the worker.
type fatalError struct{ cause error }

func (e *fatalError) Error() string { return "polling Temporal: " + e.cause.Error() }
func (e *fatalError) Unwrap() error { return e.cause }

// await waits for the end, and returns its cause unless a signal requested it.
func await(ctx context.Context) error {
	<-ctx.Done()
	if fatal, ok := errors.AsType[*fatalError](context.Cause(ctx)); ok {
		return fatal
	}
	return nil // a signal
}
