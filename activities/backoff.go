package activities

import (
	"context"
	"errors"
	"sync"
	"time"

	"marketplace.example/trials/internal/domain/trial"
)

const (
	// firstDelay and longestDelay bound the pause after a failure with a vendor. It doubles each time.
	firstDelay   = time.Minute
	longestDelay = time.Hour
	// mostRemembered bounds the vendors remembered, many times as many as one sweep reads. A forgotten one is retried sooner.
	mostRemembered = 20 * sweepBatch
)

// backoff remembers recent failures with vendors, so that a few of them at the front do not use up every sweep. The zero value
// is ready to use.
type backoff struct {
	mu  sync.Mutex
	all map[string]failures
}

type failures struct {
	delay time.Duration
	next  time.Time
}

// backingOff tells which vendors to skip now.
func (s *backoff) backingOff(now time.Time) func(id string) bool {
	return func(id string) bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return now.Before(s.all[id].next)
	}
}

// note records the result for a vendor. An unavailable part says nothing about the vendor, who is retried as soon as the part is
// back.
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
	if !known && len(s.all) >= mostRemembered {
		s.forget()
	}
	if s.all == nil {
		s.all = map[string]failures{}
	}
	delay := min(max(2*before.delay, firstDelay), longestDelay)
	s.all[id] = failures{delay: delay, next: now.Add(delay)}
}

// forget drops any one vendor.
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
