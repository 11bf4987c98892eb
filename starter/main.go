// Command starter is the product's command line: it registers vendors, steers trials, flags and rollouts, sets up, backs up
// and restores the database, and replays a file of recorded vendors.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/term"
)

func main() { os.Exit(start()) }

// start runs the command in the arguments until it ends or is interrupted. A second interrupt ends the process at once.
func start() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	a := app{
		out: os.Stdout, err: os.Stderr, getenv: os.Getenv, environ: os.Environ, now: time.Now, pause: pause,
		terminal: func() bool { return term.IsTerminal(int(os.Stderr.Fd())) },
		in:       os.Stdin, interactive: func() bool { return term.IsTerminal(int(os.Stdin.Fd())) && term.IsTerminal(int(os.Stderr.Fd())) },
	}
	return a.run(ctx, os.Args[1:])
}

// pause waits for a duration, or until the context ends.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
