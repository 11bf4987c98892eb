// Package lanes lets a few callers work at a time and queues the others, urgent ones first.
package lanes

import (
	"context"
	"errors"
	"slices"
	"sync"
)

// ErrFull says that too many callers wait already.
var ErrFull = errors.New("too many wait already")

// Lanes admits a few callers at a time. It is safe for concurrent use.
type Lanes struct {
	mu   sync.Mutex
	free int
	// most bounds each queue.
	most int
	// urgent and ordinary are the queues, the first to come first.
	urgent, ordinary []chan struct{}
}

// New returns lanes for atOnce callers at a time, and most waiting ones in each queue.
func New(atOnce, most int) *Lanes { return &Lanes{free: atOnce, most: most} }

// Enter waits for a turn. leave ends it, and must be called once. The error is the context's if it
// ends first, or ErrFull.
func (l *Lanes) Enter(ctx context.Context) (leave func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l.mu.Lock()
	if l.free > 0 {
		l.free--
		l.mu.Unlock()
		return l.leave, nil
	}
	queue := l.queue(ctx)
	if len(*queue) >= l.most {
		l.mu.Unlock()
		return nil, ErrFull
	}
	turn := make(chan struct{})
	*queue = append(*queue, turn)
	l.mu.Unlock()
	select {
	case <-turn:
		return l.leave, nil
	case <-ctx.Done():
		l.giveUp(queue, turn)
		return nil, ctx.Err()
	}
}

func (l *Lanes) queue(ctx context.Context) *[]chan struct{} {
	if IsUrgent(ctx) {
		return &l.urgent
	}
	return &l.ordinary
}

// giveUp leaves the queue, and passes on a turn that has come meanwhile.
func (l *Lanes) giveUp(queue *[]chan struct{}, turn chan struct{}) {
	l.mu.Lock()
	at := slices.Index(*queue, turn)
	if at >= 0 {
		*queue = slices.Delete(*queue, at, at+1)
	}
	l.mu.Unlock()
	if at < 0 {
		l.leave()
	}
}

// leave passes the turn to the next caller.
func (l *Lanes) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, queue := range []*[]chan struct{}{&l.urgent, &l.ordinary} {
		if len(*queue) > 0 {
			close((*queue)[0])
			*queue = slices.Delete(*queue, 0, 1)
			return
		}
	}
	l.free++
}

type urgentKey struct{}

// Urgent returns a context whose work precedes all other work, such as stopping something.
func Urgent(ctx context.Context) context.Context { return context.WithValue(ctx, urgentKey{}, true) }

// IsUrgent reports whether a context's work is urgent.
func IsUrgent(ctx context.Context) bool {
	urgent, _ := ctx.Value(urgentKey{}).(bool)
	return urgent
}
