package mongodb

import (
	"context"
	"sync"
	"time"
)

// batchWriter keeps changes in memory for a while and writes them together, so
// that they cost no write each. A process that is killed loses what it has
// gathered.
type batchWriter[T any] struct {
	every time.Duration
	empty func() T
	// write stores changes. What it cannot store it notes again.
	write func(context.Context, T)

	writing sync.Mutex // held by the one flush at a time

	mu      sync.Mutex
	pending T
	// some says that there is something to write.
	some bool
	// flushing says that a flush is under way or will be: there is one at a time.
	flushing bool
	// closed says that nothing more is written.
	closed bool
}

func newBatchWriter[T any](every time.Duration, empty func() T, write func(context.Context, T)) *batchWriter[T] {
	return &batchWriter[T]{every: every, empty: empty, write: write, pending: empty()}
}

// note has what is gathered changed, and written soon.
func (g *batchWriter[T]) note(change func(T)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	change(g.pending)
	g.some = true
	g.flushSoon()
}

// flushSoon has what is pending written soon; the lock is held.
func (g *batchWriter[T]) flushSoon() {
	if g.flushing || g.closed || !g.some {
		return
	}
	g.flushing = true
	time.AfterFunc(g.every, func() {
		ctx, cancel := context.WithTimeout(context.Background(), operationLimit)
		defer cancel()
		g.flush(ctx)
		g.mu.Lock()
		defer g.mu.Unlock()
		g.flushing = false
		g.flushSoon()
	})
}

// flush writes what was gathered.
func (g *batchWriter[T]) flush(ctx context.Context) {
	g.writing.Lock()
	defer g.writing.Unlock()
	g.mu.Lock()
	pending, some := g.pending, g.some
	g.pending, g.some = g.empty(), false
	g.mu.Unlock()
	if some {
		g.write(ctx, pending)
	}
}

// close writes what is left, and no more after that.
func (g *batchWriter[T]) close(ctx context.Context) {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	g.flush(ctx)
}
