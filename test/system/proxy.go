package system

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Proxy stands between a program and a server that it talks to. It slows their
// talk down when told to, or cuts them off: what is under way breaks, and
// whoever knocks is refused.
type Proxy struct {
	// Addr is where the gate listens, host:port of the loopback.
	Addr string

	target string
	// there and back are what each direction is held up by, in nanoseconds.
	there, back atomic.Int64

	mu          sync.Mutex
	listener    net.Listener // nil while the gate is shut
	connections map[net.Conn]struct{}
}

// NewProxy makes an open gate before the server at target, host:port.
func NewProxy(ctx context.Context, target string) (*Proxy, error) {
	g := &Proxy{Addr: "127.0.0.1:0", target: target, connections: map[net.Conn]struct{}{}}
	err := g.Open(ctx)
	return g, err
}

// Open lets connections through, at the address that the gate has had from the start.
func (g *Proxy) Open(ctx context.Context) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.listener != nil {
		return nil
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", g.Addr)
	if err != nil {
		return fmt.Errorf("opening the gate to %s: %w", g.target, err)
	}
	g.listener, g.Addr = l, l.Addr().String()
	go g.accept(l)
	return nil
}

// Shut drops every connection and refuses new ones. It may be called again.
func (g *Proxy) Shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.listener == nil {
		return
	}
	_ = g.listener.Close()
	g.listener = nil
	for c := range g.connections {
		_ = c.Close()
	}
}

// Delay holds up what goes to the server and what comes back from it from now
// on, open connections included.
func (g *Proxy) Delay(there, back time.Duration) {
	g.there.Store(int64(there))
	g.back.Store(int64(back))
}

func (g *Proxy) accept(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return // the gate was shut
		}
		go g.forward(l, c)
	}
}

// forward carries bytes both ways until one side hangs up.
func (g *Proxy) forward(l net.Listener, client net.Conn) {
	defer g.drop(client)
	server, err := net.Dial("tcp", g.target)
	if err != nil {
		return
	}
	defer g.drop(server)
	if !g.keep(l, client, server) {
		return
	}
	var both sync.WaitGroup
	carry := func(to, from net.Conn, delay *atomic.Int64) {
		_, _ = io.Copy(held{to, delay}, from)
		_, _ = to.Close(), from.Close()
	}
	both.Go(func() { carry(server, client, &g.there) })
	both.Go(func() { carry(client, server, &g.back) })
	both.Wait()
}

// held writes late.
type held struct {
	io.Writer
	delay *atomic.Int64
}

func (h held) Write(p []byte) (int, error) {
	time.Sleep(time.Duration(h.delay.Load())) //nolint:forbidigo // nothing is awaited: being late is what it is for
	n, err := h.Writer.Write(p)
	if err != nil {
		return n, fmt.Errorf("passing the gate: %w", err)
	}
	return n, nil
}

// keep notes connections, so that Shut finds them; false where the gate has
// been shut since they came.
func (g *Proxy) keep(l net.Listener, conns ...net.Conn) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.listener != l {
		return false
	}
	for _, c := range conns {
		g.connections[c] = struct{}{}
	}
	return true
}

func (g *Proxy) drop(c net.Conn) {
	_ = c.Close()
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.connections, c)
}
