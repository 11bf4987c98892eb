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

// releasing is the progress of waking the held trials that a rollback has released. However many there are, it keeps only
// whether all are done: a trial that was woken is not held any more, and not woken again. The zero value is ready to use.
type releasing struct {
	mu sync.Mutex
	// rollback identifies the rollback.
	rollback string
	done     bool
	// delay is the pause after a pass that failed for some trials, and next is its end.
	delay time.Duration
	next  time.Time
}

// due tells whether to wake the trials of a rollback now.
func (r *releasing) due(rollback string, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.rollback != rollback {
		r.rollback, r.done, r.delay, r.next = rollback, false, 0, time.Time{}
	}
	return !r.done && !now.Before(r.next)
}

// passed notes the result of a pass. If it reached some trials and not others, the next pass waits, longer each time: it may wake
// some again that have not reacted yet, and each time costs an event in their histories. If it reached none, Temporal is
// unavailable, and the next sweep retries.
func (r *releasing) passed(woken, failed int64, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.done = failed == 0
	if woken > 0 && failed > 0 {
		r.delay = min(max(2*r.delay, firstDelay), longestDelay)
		r.next = now.Add(r.delay)
	}
}

// release wakes the held trials that the latest rollback has released: their due steps then notice it. The rollout's workflow
// releases running trials itself, but may have been terminated before it was done.
func (s *Sweep) release(ctx context.Context, swept *Swept) error {
	state, found, err := s.Store.CurrentRollout(ctx)
	if err != nil {
		return fmt.Errorf("looking for the latest rollout: %w", err)
	}
	if !found || state.ReleasedBefore == 0 || !s.releasing.due(fmt.Sprintf("%s/%d", state.ID, state.ReleasedBefore), s.Now()) {
		return nil
	}
	woken, failed, err := s.wakeReleased(ctx, state)
	if err != nil {
		failed++
	}
	swept.Woken += woken
	s.releasing.passed(woken, failed, s.Now())
	return err
}

// wakeReleased wakes the held trials that were automated before a rollback released them. It stops early if it can reach nobody
// of a page.
func (s *Sweep) wakeReleased(ctx context.Context, state rollout.State) (woken, failed int64, err error) {
	for after := ""; ; {
		held, err := s.Store.HeldTrials(ctx, []trial.Reason{trial.ReasonAutomationDisabled, trial.ReasonExpirationOff}, after, sweepBatch)
		if err != nil {
			return woken, failed, fmt.Errorf("looking for held trials that are released: %w", err)
		}
		var reached int64
		each(ctx, s, held, func(ctx context.Context, t trial.State) (*int64, error) {
			if t.AutomatedUnder >= state.ReleasedBefore {
				return nil, nil //nolint:nilnil // the rollback does not concern it
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
