// Package wiring has what the API and the worker have in common as programs: how they start and stop, their connections
// and instruments, the notices to stakeholders, and the facts of the alerts that both can ask for.
package wiring

import (
	"context"
	"errors"
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

// Main is what the main function of a program does. It reads the arguments and the environment, runs until a signal, and returns
// the exit code: 0, 1 after an error, or 2 for arguments that it does not know.
func Main(process config.Process, args []string, run Run) (code int) {
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	healthcheck := flags.Bool("healthcheck", false, "check the health of the running "+string(process)+", and exit 0 or 1")
	showVersion := flags.Bool("version", false, "print the program's version, and exit")
	switch err := flags.Parse(args[1:]); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	case *showVersion:
		fmt.Fprintln(os.Stdout, process, version.Of())
		return 0
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := start(ctx, process, *healthcheck, run); err != nil {
		config.Fatal(process, err)
		return 1
	}
	return 0
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
