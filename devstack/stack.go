package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"marketplace.example/trials/devstack/mailbox"
)

// options configure where the stack listens and where it keeps its data.
type options struct {
	dir          string // empty: no data outlives the process
	temporalPort int    // this and the other ports: 0 is a free one
	uiPort       int
	mongodbPort  int
	mailboxPort  int
	topicARN     string     // of the SNS topic that SES events are published to
	sesRate      float64    // mails a second that are accepted; 0: as many as come
	logLevel     slog.Level // of Temporal and FerretDB too
}

// addresses are the addresses of the parts.
type addresses struct {
	Temporal   string `json:"temporal"` // host:port
	TemporalUI string `json:"temporalUI"`
	MongoDB    string `json:"mongodb"`
	Mailbox    string `json:"mailbox"`
	TopicARN   string `json:"topicARN"`
}

// stack is the running stack.
type stack struct {
	addresses addresses
	parts     *parts
}

// start returns when every part answers. If one cannot be started, it stops
// the others.
func start(ctx context.Context, o options, logger *slog.Logger) (_ *stack, err error) {
	p := newParts()
	defer func() {
		if err != nil {
			err = errors.Join(err, p.stop())
		}
	}()
	s := &stack{parts: p, addresses: addresses{TopicARN: o.topicARN}}

	databaseDir, err := databaseDir(p, o.dir)
	if err != nil {
		return nil, err
	}
	s.addresses.MongoDB, err = startFerretDB(ctx, p, at(o.mongodbPort), databaseDir, o.dir != "", logger.With("part", "mongodb"))
	if err != nil {
		return nil, err
	}
	s.addresses.Mailbox, err = startMailbox(ctx, p, o, logger.With("part", "mailbox"))
	if err != nil {
		return nil, err
	}
	temporal, ui, err := startTemporal(ctx, p, temporalOptions{
		port: o.temporalPort, uiPort: o.uiPort, dir: o.dir, logLevel: o.logLevel,
	}, logger.With("part", "temporal"))
	if err != nil {
		return nil, err
	}
	s.addresses.Temporal, s.addresses.TemporalUI = temporal, "http://"+ui
	return s, nil
}

// stop stops every part, and returns when none runs any more.
func (s *stack) stop() error { return s.parts.stop() }

// failed receives an error when a part ends unexpectedly.
func (s *stack) failed() <-chan error { return s.parts.ended }

// databaseDir returns where FerretDB keeps its files: under dir, or else in a
// temporary directory that is removed at the end.
func databaseDir(p *parts, dir string) (string, error) {
	if dir != "" {
		return filepath.Join(dir, "mongodb"), nil
	}
	temporary, err := os.MkdirTemp("", "devstack-")
	if err != nil {
		return "", fmt.Errorf("make a temporary directory: %w", err)
	}
	p.onStop(func() error { return os.RemoveAll(temporary) })
	return temporary, nil
}

// startMailbox serves the SES mailbox and returns its URL.
func startMailbox(ctx context.Context, p *parts, o options, logger *slog.Logger) (string, error) {
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", at(o.mailboxPort))
	if err != nil {
		return "", fmt.Errorf("listen for the mailbox: %w", err)
	}
	url := "http://" + listener.Addr().String()
	config := mailbox.Config{URL: url, TopicARN: o.topicARN, SendRate: o.sesRate, Logger: logger}
	if o.dir != "" {
		config.Dir = filepath.Join(o.dir, "mailbox")
	}
	box, err := mailbox.New(config)
	if err != nil {
		_ = listener.Close()
		return "", err
	}
	p.run("mailbox", func(ctx context.Context) error { return box.Serve(ctx, listener) })
	return url, nil
}

// loopback is where everything listens. Temporal's services look for each other
// at this address, regardless of their configuration.
const loopback = "127.0.0.1"

// at returns the host:port of a port.
func at(port int) string { return net.JoinHostPort(loopback, strconv.Itoa(port)) }
