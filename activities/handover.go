package activities

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// handingOver is how far waking the held trials is that a rollback has handed over. However many there are, it
// keeps only whether all of them were woken: one that has looked again is held no more, and is not woken again.
// The zero value is ready.
type handingOver struct {
	mu sync.Mutex
	// rollback is the rollback that the rest is about.
	rollback string
	done     bool
	// delay is how long nobody is woken after a pass that reached some and failed for others, and next when it is over.
	delay time.Duration
	next  time.Time
}

// due tells whether to wake those that a rollback has handed over now.
func (h *handingOver) due(rollback string, now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.rollback != rollback {
		h.rollback, h.done, h.delay, h.next = rollback, false, 0, time.Time{}
	}
	return !h.done && !now.Before(h.next)
}

// passed notes what a pass came to. Where some were reached and others not, the next pass waits, longer each time:
// it may come to some once more, who have not looked yet, and each time is an event in their histories. Where nobody
// was reached, Temporal is away, and the next sweep tries again.
func (h *handingOver) passed(woken, failed int64, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.done = failed == 0
	if woken > 0 && failed > 0 {
		h.delay = min(max(2*h.delay, firstRest), longestRest)
		h.next = now.Add(h.delay)
	}
}

// release wakes the held trials that the latest rollback has handed over: a step that looks again finds that. The
// rollout itself tells those that it finds; it may have been terminated in the middle.
func (s *Sweep) release(ctx context.Context, swept *Swept) error {
	state, found, err := s.Store.CurrentRollout(ctx)
	if err != nil {
		return fmt.Errorf("looking for the latest rollout: %w", err)
	}
	if !found || state.ReleasedBefore == 0 || !s.handover.due(fmt.Sprintf("%s/%d", state.ID, state.ReleasedBefore), s.Now()) {
		return nil
	}
	woken, failed, err := s.wakeHandedOver(ctx, state)
	if err != nil {
		failed++
	}
	swept.Woken += woken
	s.handover.passed(woken, failed, s.Now())
	return err
}

// wakeHandedOver wakes the held trials that came to be automated before a rollback handed them over. It ends early
// where nobody of a page can be reached.
func (s *Sweep) wakeHandedOver(ctx context.Context, state rollout.State) (woken, failed int64, err error) {
	for after := ""; ; {
		held, err := s.Store.HeldTrials(ctx, []trial.Reason{trial.ReasonAutomationDisabled, trial.ReasonExpirationOff}, after, sweepBatch)
		if err != nil {
			return woken, failed, fmt.Errorf("looking for held trials to hand over: %w", err)
		}
		var reached int64
		each(ctx, s, held, func(ctx context.Context, t trial.State) (*int64, error) {
			if t.AutomatedUnder >= state.ReleasedBefore {
				return nil, nil //nolint:nilnil // it is held like everybody, and nothing is done
			}
			if err := s.Starter.Wake(ctx, t.VendorID); err != nil {
				atomic.AddInt64(&failed, 1)
				return nil, err
			}
			return &reached, nil
		})
		woken += reached
		if len(held) < sweepBatch || reached == 0 && failed > 0 {
			return woken, failed, nil
		}
		after = held[len(held)-1].VendorID
	}
}
