package activities

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"marketplace.example/trials/internal/domain/migration"
	"marketplace.example/trials/internal/domain/trial"
)

// moves remembers which trials were woken because their vendor has moved, so that each is woken once per move and a history does not
// grow, and the position in the pass over all trials. The zero value is ready to use.
type moves struct {
	mu sync.Mutex
	// after is the vendor id after which the next page begins, empty for the first page.
	after string
	// confirmed is the latest move of each vendor for which its trial was woken.
	confirmed map[string]move
}

// move is a new zone, and the number of the trial's latest event: a trial that has changed since is woken again.
type move struct {
	zone string
	seq  int
}

// rezone wakes trials whose vendors have moved to another time zone, so that they plan again; one page of running trials per sweep.
// A due step looks by itself, but the morning in the new zone may have passed by then. Only automated trials plan anything.
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
	backingOff := s.nowhere.backingOff(s.Now())
	each(ctx, s, elsewhere, func(ctx context.Context, w trial.Whereabouts) (*int64, error) {
		switch id := w.Trial.VendorID; {
		case w.Unknown && backingOff(id):
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

// isNew tells whether the trial was not woken for this move yet.
func (m *moves) isNew(w trial.Whereabouts) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.confirmed[w.Trial.VendorID] != move{w.Zone, w.Trial.Seq}
}

// note records that the trial was woken. A trial forgotten to make room is woken once more.
func (m *moves) note(w trial.Whereabouts) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.confirmed == nil {
		m.confirmed = map[string]move{}
	}
	for id := range m.confirmed {
		if len(m.confirmed) < mostRemembered {
			break
		}
		delete(m.confirmed, id)
	}
	m.confirmed[w.Trial.VendorID] = move{w.Zone, w.Trial.Seq}
}
