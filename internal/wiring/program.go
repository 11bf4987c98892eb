// Package wiring has what the API and the worker have in common as programs: how they start and stop, their connections
// and instruments, the notices to stakeholders, and the facts of the alerts that both can ask for.
package wiring

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"go.uber.org/zap"

	"marketplace.example/trials/internal/platform/config"
	"marketplace.example/trials/internal/platform/httpserver"
	"marketplace.example/trials/internal/platform/version"
)

// Run is what a program does until its context ends. It prints on out where it listens.
type Run func(ctx context.Context, cfg config.Config, log *zap.Logger, out io.Writer) error

// Main is the main function of a program. It reads the flags and the environment, runs until a signal, and exits with 1
// after an error.
func Main(process config.Process, run Run) {
	healthcheck := flag.Bool("healthcheck", false, "check the health of the running "+string(process)+", and exit 0 or 1")
	showVersion := flag.Bool("version", false, "print the program's version, and exit")
	flag.Parse()
	if *showVersion {
		fmt.Fprintln(os.Stdout, process, version.Of())
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := start(ctx, process, *healthcheck, run)
	stop()
	if err != nil {
		config.Fatal(process, err)
		os.Exit(1)
	}
}

func start(ctx context.Context, process config.Process, healthcheck bool, run Run) error {
	if healthcheck {
		cfg, err := config.LoadProbe()
		switch {
		case err != nil:
			return err
		case process == config.Worker:
			return httpserver.AskHealth(ctx, cfg.WorkerAddr, false)
		}
		return httpserver.AskHealth(ctx, cfg.APIAddr, cfg.TLSCertFile != "")
	}
	cfg, err := config.Load(process)
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
