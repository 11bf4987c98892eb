package lanes

import (
	"context"
	"sync"
)

// Joint does something for many callers together: who asks while it is being done shares the next time,
// so that for each it begins after they asked. It is ready as it is, and safe for concurrent use.
type Joint struct {
	mu sync.Mutex
	// working is done when nothing is being done; nil before the first time.
	working chan struct{}
	next    *joined
}

// joined is one time for all who asked before it began.
type joined struct {
	done chan struct{}
	err  error
}

// Do has something done that begins from now on. It is done in the context of the first who asked for
// that time, whose end is everybody's.
func (j *Joint) Do(ctx context.Context, fn func(context.Context) error) error {
	j.mu.Lock()
	if mine := j.next; mine != nil {
		j.mu.Unlock()
		select {
		case <-mine.done:
			return mine.err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	mine, before := &joined{done: make(chan struct{})}, j.working
	j.next = mine
	j.mu.Unlock()
	defer close(mine.done)
	if before != nil {
		select {
		case <-before:
		case <-ctx.Done():
			mine.err = ctx.Err()
		}
	}
	j.mu.Lock()
	j.next = nil
	if mine.err == nil {
		j.working = mine.done
	}
	j.mu.Unlock()
	if mine.err == nil {
		mine.err = fn(ctx)
	}
	return mine.err
}
