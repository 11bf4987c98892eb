package activities

import (
	"context"
	"errors"
	"sync"
	"time"

	"marketplace.example/trials/internal/domain/trial"
)

const (
	// firstRest and longestRest bound how long a vendor is passed by after it could
	// not be helped; the rest doubles each time.
	firstRest   = time.Minute
	longestRest = time.Hour
	// mostResting bounds what is remembered. It is many times what one sweep
	// looks at; what it forgets is tried again sooner.
	mostResting = 20 * sweepBatch
)

// backoff remember who could not be helped lately, so that those few, if they
// come first, do not use up every sweep and starve the rest. The zero value is ready.
type backoff struct {
	mu  sync.Mutex
	all map[string]failures
}

type failures struct {
	delay time.Duration
	next  time.Time
}

// resting tells who is to be passed by now.
func (s *backoff) resting(now time.Time) func(id string) bool {
	return func(id string) bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return now.Before(s.all[id].next)
	}
}

// note keeps what became of helping one. Where a part is away it says nothing
// about that one, who is to be helped as soon as the part is back.
func (s *backoff) note(id string, err error, now time.Time) {
	if unavailable(err) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	before, known := s.all[id]
	if err == nil {
		delete(s.all, id)
		return
	}
	if !known && len(s.all) >= mostResting {
		s.forget()
	}
	if s.all == nil {
		s.all = map[string]failures{}
	}
	delay := min(max(2*before.delay, firstRest), longestRest)
	s.all[id] = failures{delay: delay, next: now.Add(delay)}
}

// forget makes room for one by dropping any.
func (s *backoff) forget() {
	for id := range s.all {
		delete(s.all, id)
		return
	}
}

func unavailable(err error) bool {
	e, ok := errors.AsType[*trial.Error](err)
	return ok && e.Code == trial.CodeUnavailable || errors.Is(err, context.Canceled)
}
