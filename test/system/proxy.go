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
	// Addr is where the proxy listens, host:port of the loopback.
	Addr string

	target string
	// there and back are what each direction is held up by, in nanoseconds.
	there, back atomic.Int64

	mu          sync.Mutex
	listener    net.Listener // nil while the proxy is shut
	connections map[net.Conn]struct{}
}

// NewProxy makes an open proxy before the server at target, host:port.
func NewProxy(ctx context.Context, target string) (*Proxy, error) {
	p := &Proxy{Addr: "127.0.0.1:0", target: target, connections: map[net.Conn]struct{}{}}
	err := p.Open(ctx)
	return p, err
}

// Open lets connections through, at the address that the proxy has had from the start.
func (p *Proxy) Open(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener != nil {
		return nil
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", p.Addr)
	if err != nil {
		return fmt.Errorf("opening the proxy to %s: %w", p.target, err)
	}
	p.listener, p.Addr = l, l.Addr().String()
	go p.accept(l)
	return nil
}

// Shut drops every connection and refuses new ones. It may be called again.
func (p *Proxy) Shut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener == nil {
		return
	}
	_ = p.listener.Close()
	p.listener = nil
	for c := range p.connections {
		_ = c.Close()
	}
}

// Delay holds up what goes to the server and what comes back from it from now
// on, open connections included.
func (p *Proxy) Delay(there, back time.Duration) {
	p.there.Store(int64(there))
	p.back.Store(int64(back))
}

func (p *Proxy) accept(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return // the proxy was shut
		}
		go p.forward(l, c)
	}
}

// forward carries bytes both ways until one side hangs up.
func (p *Proxy) forward(l net.Listener, client net.Conn) {
	defer p.drop(client)
	server, err := net.Dial("tcp", p.target)
	if err != nil {
		return
	}
	defer p.drop(server)
	if !p.keep(l, client, server) {
		return
	}
	var both sync.WaitGroup
	carry := func(to, from net.Conn, delay *atomic.Int64) {
		_, _ = io.Copy(held{to, delay}, from)
		_, _ = to.Close(), from.Close()
	}
	both.Go(func() { carry(server, client, &p.there) })
	both.Go(func() { carry(client, server, &p.back) })
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
		return n, fmt.Errorf("passing the proxy: %w", err)
	}
	return n, nil
}

// keep notes connections, so that Shut finds them; false where the proxy has
// been shut since they came.
func (p *Proxy) keep(l net.Listener, conns ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener != l {
		return false
	}
	for _, c := range conns {
		p.connections[c] = struct{}{}
	}
	return true
}

func (p *Proxy) drop(c net.Conn) {
	_ = c.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.connections, c)
}
