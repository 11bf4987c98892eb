package activities

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"marketplace.example/trials/internal/domain/migration"
	"marketplace.example/trials/internal/domain/trial"
)

// moves remember which trials were told that their vendor has moved, so that each is told once a change and its
// history does not grow while it cannot follow, and how far the look at all of them has come. The zero value is ready.
type moves struct {
	mu sync.Mutex
	// after is the vendor id to go on after; empty from the start.
	after string
	// confirmed is the move that a trial was told of last, by vendor.
	confirmed map[string]move
}

// move is a new zone, and the state of the trial that it is new to: one that has changed since is told again.
type move struct {
	zone string
	seq  int
}

// rezone tells trials whose vendors have moved to another time zone to plan anew, a page of running trials a sweep.
// A step that falls due looks by itself, but the morning there may have passed by then. Only automated trials have
// anything to plan.
func (s *Sweep) rezone(ctx context.Context, swept *Swept) error {
	after := s.moves.position()
	elsewhere, err := throttled(&s.zones, s.Now, func() ([]trial.Whereabouts, error) {
		found, next, err := s.Store.TrialsElsewhere(ctx, after, sweepBatch)
		if err == nil {
			s.moves.goOn(next)
		}
		return found, err
	})
	if err != nil {
		return fmt.Errorf("looking for vendors who have moved: %w", err)
	}
	resting := s.nowhere.resting(s.Now())
	each(ctx, s, elsewhere, func(ctx context.Context, w trial.Whereabouts) (*int64, error) {
		switch id := w.Trial.VendorID; {
		case w.Unknown && resting(id):
			return nil, nil
		case w.Unknown:
			err := fmt.Errorf("vendor %s: its trial stays in the zone that it is planned in, %s: mend timezone in its document", id, migration.ZoneUnknown)
			s.nowhere.note(id, err, s.Now())
			atomic.AddInt64(&swept.LeftAlone, 1)
			return nil, err
		case !w.Trial.Automated || w.Trial.Rezone(w.Zone, s.Now()) == nil || !s.moves.isNew(w):
			return nil, nil
		}
		err := s.Starter.Wake(ctx, w.Trial.VendorID)
		if err == nil {
			s.moves.note(w)
		}
		return &swept.Moved, err
	})
	return nil
}

func (m *moves) position() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.after
}

func (m *moves) goOn(after string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.after = after
}

// isNew tells whether the trial was not told of this move yet.
func (m *moves) isNew(w trial.Whereabouts) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.confirmed[w.Trial.VendorID] != move{w.Zone, w.Trial.Seq}
}

// note keeps that the trial was told. What has to be forgotten to make room is told once more.
func (m *moves) note(w trial.Whereabouts) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.confirmed == nil {
		m.confirmed = map[string]move{}
	}
	for id := range m.confirmed {
		if len(m.confirmed) < mostResting {
			break
		}
		delete(m.confirmed, id)
	}
	m.confirmed[w.Trial.VendorID] = move{w.Zone, w.Trial.Seq}
}
