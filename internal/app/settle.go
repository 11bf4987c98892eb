package app

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.uber.org/zap"

	"marketplace.example/trials/internal/domain/audit"
)

const (
	// SettleTimeout bounds one attempt to write down what became of a change.
	SettleTimeout = 5 * time.Second
	// settleEvery is how long to wait before the next.
	settleEvery = time.Second
	// mostOwed bounds how many outcomes wait to be written down; what is beyond is settled by the sweep of the record, as
	// unknown.
	mostOwed = 10_000
)

// settler writes down outcomes that could not be written at once, until it can.
type settler struct {
	store AuditStore
	log   *zap.Logger

	// working is held by who writes: closing may come while an attempt is under way.
	working chan struct{}

	mu     sync.Mutex
	owed   []audit.Entry
	busy   bool
	closed chan struct{} // ends with the API
}

func newSettler(store AuditStore, log *zap.Logger) *settler {
	return &settler{store: store, log: log, working: make(chan struct{}, 1), closed: make(chan struct{})}
}

// owe has an outcome written down later.
func (s *settler) owe(settled audit.Entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.owed) >= mostOwed {
		return
	}
	s.owed = append(s.owed, settled)
	if !s.busy {
		s.busy = true
		go s.run()
	}
}

// run goes on until nothing is owed, or the API ends.
func (s *settler) run() {
	for {
		select {
		case <-s.closed:
			return
		case <-time.After(settleEvery):
		}
		if s.settle(context.Background()) {
			return
		}
	}
}

// settle writes down all that is owed, as far as that is possible now, and tells whether it was.
func (s *settler) settle(ctx context.Context) (all bool) {
	s.working <- struct{}{}
	defer func() { <-s.working }()
	for {
		s.mu.Lock()
		if len(s.owed) == 0 {
			s.busy = false
			s.mu.Unlock()
			return true
		}
		next := s.owed[0]
		s.mu.Unlock()
		if err := s.try(ctx, next); err != nil {
			s.log.Warn("outcome not on the audit record yet", zap.String("requestId", next.RequestID), zap.Int("entry", next.Settles), zap.Error(err))
			return false
		}
		s.mu.Lock()
		s.owed = s.owed[1:]
		s.mu.Unlock()
	}
}

func (s *settler) try(ctx context.Context, settled audit.Entry) error {
	ctx, cancel := context.WithTimeout(ctx, SettleTimeout)
	defer cancel()
	return s.store.SettleAudit(ctx, settled)
}

// close tries once more to write down what is owed. It is called once, when no request is under way.
func (s *settler) close(ctx context.Context) error {
	close(s.closed)
	if !s.settle(ctx) {
		return errors.New("outcomes are missing on the audit record; the next sweep calls them unknown")
	}
	return nil
}
