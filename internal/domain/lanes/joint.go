package lanes

import (
	"context"
	"sync"
)

// Joint merges the calls of many callers: a caller that arrives during a run shares the next run,
// so that each run begins after its callers have asked. The zero value is ready, and safe for concurrent use.
type Joint struct {
	mu sync.Mutex
	// working is closed when nothing runs; nil before the first run.
	working chan struct{}
	next    *joined
}

// joined is one run for all callers that asked before it began.
type joined struct {
	done chan struct{}
	err  error
}

// Do runs fn, or waits for a run that begins from now on. The run has the context of its first
// caller, whose end ends it for all.
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
