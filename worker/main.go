// The worker runs the trial workflows and their activities.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
	_ "time/tzdata" // the image has no zones of its own

	"go.uber.org/zap"

	"marketplace.example/trials/internal/platform/config"
	"marketplace.example/trials/internal/platform/version"
)

func main() {
	healthcheck := flag.Bool("healthcheck", false, "check the health of the running worker, and exit 0 or 1")
	showVersion := flag.Bool("version", false, "print the program's version, and exit")
	flag.Parse()
	if *showVersion {
		fmt.Fprintln(os.Stdout, "worker", version.Of())
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := start(ctx, *healthcheck); err != nil {
		config.Fatal(config.Worker, err)
		os.Exit(1) //nolint:gocritic // nothing is left for the deferred stop to do
	}
}

func start(ctx context.Context, healthcheck bool) error {
	if healthcheck {
		cfg, err := config.LoadProbe()
		if err != nil {
			return err
		}
		return askHealth(ctx, cfg.WorkerAddr)
	}
	cfg, err := config.LoadWorker()
	if err != nil {
		return err
	}
	log, err := cfg.Logger()
	if err != nil {
		return err
	}
	config.TakeOver(log)
	defer func() { _ = log.Sync() }() // stderr may refuse to be synced
	return run(ctx, cfg, log, os.Stdout)
}

func run(ctx context.Context, cfg config.Config, log *zap.Logger, stdout io.Writer) error {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	w, err := assemble(ctx, cfg, log, end)
	if err != nil {
		return err
	}
	defer w.close() //nolint:contextcheck // ctx is over by then; closing has a time limit of its own
	if err := w.worker.Start(); err != nil {
		return fmt.Errorf("starting the worker: %w", err)
	}
	defer w.worker.Stop()
	go w.instruments.sampler.Run(ctx)
	go keepSchedules(ctx, w.client, log)
	health, err := serveHealth(ctx, cfg.WorkerAddr, w)
	if err != nil {
		return err
	}
	said := map[string]string{"worker": "http://" + health.addr}
	if cfg.MetricsAddr != "" {
		metrics, err := w.instruments.Serve(ctx, cfg.MetricsAddr, log)
		if err != nil {
			return err
		}
		defer metrics.Close()
		said["metrics"] = metrics.URL
	}
	if err := json.NewEncoder(stdout).Encode(said); err != nil { // a closed stdout is no reason to end
		log.Warn("the worker's address could not be printed", zap.Error(err))
	}
	log.Info("worker is running", zap.String("health", health.addr), zap.Duration("day", cfg.TrialDay), zap.String("taskQueue", cfg.TaskQueue))
	fault := await(ctx)
	log.Info("worker stops", zap.Error(fault))
	stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return errors.Join(fault, health.stop(stopCtx))
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
