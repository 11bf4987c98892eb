// Command devstack runs every external service that the trials need in one
// process: Temporal with its Web UI, a database with MongoDB's protocol,
// and a mailbox with the API of Amazon SES. It is for development and
// tests, and listens on the loopback interface only.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"syscall"
)

// gcPercent trades memory, of which a server in one process needs
// little, for a tenth of the processor's time.
const gcPercent = 400

// silent is above every log level.
const silent = slog.LevelError + 1

func main() {
	debug.SetGCPercent(gcPercent)
	if err := run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "devstack:", err)
		os.Exit(1)
	}
}

// run starts the stack, prints its addresses as one line of JSON, and waits
// for the end.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) (err error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	o, stopWithStdin, err := parse(args, stderr)
	if errors.Is(err, errVersion) {
		_, err = fmt.Fprintln(stdout, "devstack", builtFrom())
		return err
	}
	if err != nil {
		return err
	}
	if stopWithStdin {
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(ctx)
		defer cancel()
		go func() {
			_, _ = io.Copy(io.Discard, stdin)
			cancel()
		}()
	}
	var level slog.LevelVar
	level.Set(o.logLevel)
	logger := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: &level}))
	slog.SetDefault(logger) // the embedded servers log to it as well

	s, err := start(ctx, o, logger)
	if err != nil {
		if ctx.Err() != nil {
			return nil // stopped before it was ready
		}
		return err
	}
	defer func() {
		// Temporal's services complain when others stop. Errors of the
		// stopping itself are returned.
		level.Set(silent)
		err = errors.Join(err, s.stop())
	}()
	if err := json.NewEncoder(stdout).Encode(s.addresses); err != nil {
		return fmt.Errorf("print the addresses: %w", err)
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-s.failed():
		return err
	}
}

// errVersion says that only the version was requested.
var errVersion = errors.New("the version was requested")

// builtFrom is the commit that the program was built from, if known.
func builtFrom() string {
	info, _ := debug.ReadBuildInfo()
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value[:min(12, len(s.Value))]
		}
	}
	return "unknown"
}

// parse reads the command line. Wrong usage is explained on stderr.
func parse(args []string, stderr io.Writer) (o options, stopWithStdin bool, err error) {
	flags := flag.NewFlagSet("devstack", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.dir, "dir", "", "keep all data in this `directory` (default: in memory, gone at the end)")
	flags.IntVar(&o.temporalPort, "temporal-port", 0, "`port` of Temporal, 0 for a free one")
	flags.IntVar(&o.uiPort, "ui-port", 0, "`port` of Temporal's Web UI, 0 for a free one")
	flags.IntVar(&o.mongodbPort, "mongodb-port", 0, "`port` of MongoDB's protocol, 0 for a free one")
	flags.IntVar(&o.mailboxPort, "mailbox-port", 0, "`port` of the mailbox, 0 for a free one")
	flags.StringVar(&o.topicARN, "topic-arn", "arn:aws:sns:us-east-1:000000000000:ses-events", "`ARN` of the SNS topic that SES events come from")
	flags.Float64Var(&o.sesRate, "ses-rate", 0, "accept at most this many mails a second (default: report 1000, accept all)")
	flags.TextVar(&o.logLevel, "log-level", slog.LevelWarn, "log from this `level` on: debug, info, warn, error")
	flags.Bool("version", false, "print the commit that the program was built from, and exit")
	flags.BoolVar(&stopWithStdin, "stop-with-stdin", false, "stop when the standard input ends, and so with the parent process")
	if slices.Contains(args, "--version") || slices.Contains(args, "-version") {
		return o, false, errVersion
	}
	if err := flags.Parse(args); err != nil {
		return o, false, err
	}
	if flags.NArg() > 0 {
		return o, false, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	for name, port := range map[string]int{
		"temporal-port": o.temporalPort, "ui-port": o.uiPort, "mongodb-port": o.mongodbPort, "mailbox-port": o.mailboxPort,
	} {
		if port < 0 || port > 65535 {
			return o, false, fmt.Errorf("--%s %d: not a port", name, port)
		}
	}
	if o.sesRate < 0 {
		return o, false, fmt.Errorf("--ses-rate %v: must not be negative", o.sesRate)
	}
	if o.dir != "" {
		if err := os.MkdirAll(o.dir, 0o700); err != nil {
			return o, false, fmt.Errorf("--dir: %w", err)
		}
	}
	return o, stopWithStdin, nil
}
