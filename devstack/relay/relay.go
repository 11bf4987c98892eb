// Package relay passes MongoDB connections on to a server whose writes are not
// atomic, and makes them so: over all connections, one writing command
// runs at a time. Reading commands pass freely.
package relay

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"sync"
	"time"
)

// Relay accepts connections and joins each to a server connection of its own.
type Relay struct {
	listener net.Listener
	target   string
	logger   *slog.Logger

	// OnNewCollection, if set before Serve, is called after the first writing
	// command for each collection, before the next writing command on any connection.
	OnNewCollection func(ctx context.Context, database string)

	// known are the collections that were written to; owned by the holder of the
	// turn.
	known map[namespace]bool

	// turn holds one token while a writing command runs.
	turn chan struct{}

	conns sync.WaitGroup
}

// Listen opens address for clients of the server at target; both are TCP
// host:port. It accepts nothing before Serve; ctx bounds the opening only.
func Listen(ctx context.Context, address, target string, logger *slog.Logger) (*Relay, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen for MongoDB clients: %w", err)
	}
	return &Relay{listener: listener, target: target, logger: logger, turn: make(chan struct{}, 1), known: map[namespace]bool{}}, nil
}

// Addr returns the host:port that clients connect to.
func (r *Relay) Addr() string { return r.listener.Addr().String() }

// Serve relays until ctx ends. When it returns, the listener and every
// connection are closed.
func (r *Relay) Serve(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer r.conns.Wait()
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = r.listener.Close() })
	defer stop()

	for {
		client, err := r.listener.Accept()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				_ = client.Close()
			}
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("accept a MongoDB client: %w", err)
		case err != nil: // out of file descriptors, most likely: others will close theirs
			r.logger.Warn("a MongoDB client was not accepted", "error", err)
			pause(ctx, 50*time.Millisecond)
			continue
		}
		r.conns.Go(func() {
			if err := r.join(ctx, client); err != nil && ctx.Err() == nil {
				r.logger.Warn("a MongoDB connection broke", "client", client.RemoteAddr().String(), "error", err)
			}
		})
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// join carries a client's messages to a server connection of its own until
// either side closes or ctx ends, and closes both.
func (r *Relay) join(ctx context.Context, client net.Conn) error {
	defer func() { _ = client.Close() }()
	var dialer net.Dialer
	server, err := dialer.DialContext(ctx, "tcp", r.target)
	if err != nil {
		return fmt.Errorf("reach the server: %w", err)
	}
	defer func() { _ = server.Close() }()
	stop := context.AfterFunc(ctx, func() {
		_ = client.Close()
		_ = server.Close()
	})
	defer stop()

	l := link{relay: r, client: client, server: server,
		requests: bufio.NewReader(client), replies: bufio.NewReader(server)}
	for {
		err := l.exchange(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// link is one client's connection together with the server's.
type link struct {
	relay          *Relay
	client, server net.Conn
	requests       *bufio.Reader
	replies        *bufio.Reader
	request, reply []byte // reused from one exchange to the next
}

// exchange carries one request and its replies. It returns io.EOF when the
// client has closed between two requests.
func (l *link) exchange(ctx context.Context) error {
	request, err := readMessage(l.requests, l.request)
	if err != nil {
		return err
	}
	l.request = request
	writes, err := request.writes()
	if err != nil {
		return err
	}
	if writes {
		if err := l.relay.take(ctx); err != nil {
			return err
		}
		defer l.relay.give()
		if target, ok := request.target(); ok {
			defer l.relay.wrote(ctx, target)
		}
	}

	// The server must answer even if the client wants no answer: only that
	// shows that a write is over.
	swallow := request.unanswered()
	if swallow {
		request = request.answered()
	}
	if _, err := l.server.Write(request); err != nil {
		return fmt.Errorf("pass a request on: %w", err)
	}
	return l.answer(swallow)
}

// answer carries the replies to one request back: one, or several if the
// server announces more.
func (l *link) answer(swallow bool) error {
	for {
		reply, err := readMessage(l.replies, l.reply)
		if err != nil {
			return fmt.Errorf("read a reply: %w", noEOF(err))
		}
		l.reply = reply
		if !swallow {
			if _, err := l.client.Write(reply); err != nil {
				return fmt.Errorf("pass a reply back: %w", err)
			}
		}
		if !reply.unanswered() {
			return nil
		}
	}
}

// noEOF distinguishes a server that hangs up from a client that is done.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// take waits for the writers' turn.
func (r *Relay) take(ctx context.Context) error {
	select {
	case r.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (r *Relay) give() { <-r.turn }

// wrote records a finished writing command. It is called by the holder of the turn.
func (r *Relay) wrote(ctx context.Context, target writeTarget) {
	if target.drops {
		maps.DeleteFunc(r.known, func(n namespace, _ bool) bool { return n.database == target.database })
		return
	}
	if r.OnNewCollection == nil || r.known[target.namespace] {
		return
	}
	r.known[target.namespace] = true
	r.OnNewCollection(ctx, target.database)
}
