package rest_test

import (
	"context"
	"fmt"
	"time"

	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// rollouts keeps one rollout, as database and workflow would between them.
type rollouts struct {
	events []rollout.Event
	judged *rollout.Judgement
	calls  int
	failed int
	// reports are those made, by id.
	reports map[string]rollout.Report
	// overtake is written before the next decision that the API writes, as somebody
	// else who was faster.
	overtake *rollout.Event
	// steered are the flags' versions that requests were made on, in order.
	steered []int
}

func (s *store) Rollout(_ context.Context, id string) (state rollout.State, err error) {
	err = s.guarded(func() error {
		state = rollout.Fold(s.rollouts.events)
		if state.ID == "" || state.ID != id {
			return &trial.Error{Code: trial.CodeNotFound, Field: "id", Message: fmt.Sprintf("there is no rollout %q", id)}
		}
		return nil
	})
	return state, err
}

func (s *store) CurrentRollout(context.Context) (state rollout.State, found bool, err error) {
	err = s.guarded(func() error {
		state, found = rollout.Fold(s.rollouts.events), len(s.rollouts.events) > 0
		return nil
	})
	return state, found, err
}

func (s *store) Decisions(_ context.Context, _ string, fromSeq, limit int) (events []rollout.Event, err error) {
	err = s.guarded(func() error {
		from := min(fromSeq-1, len(s.rollouts.events))
		events = s.rollouts.events[from:min(from+limit, len(s.rollouts.events))]
		return nil
	})
	return events, err
}

func (s *store) AppendDecision(_ context.Context, e rollout.Event, _ rollout.State) (existing *rollout.Event, err error) {
	err = s.guarded(func() error {
		if o := s.rollouts.overtake; o != nil {
			s.rollouts.events, s.rollouts.overtake = append(s.rollouts.events, *o), nil
		}
		if e.Seq <= len(s.rollouts.events) {
			existing = &s.rollouts.events[e.Seq-1]
			return nil
		}
		s.rollouts.events = append(s.rollouts.events, e)
		return nil
	})
	return existing, err
}

func (s *store) Report(_ context.Context, _, id string) (r rollout.Report, notified, found bool, err error) {
	err = s.guarded(func() error {
		r, found = s.rollouts.reports[id]
		return nil
	})
	return r, found, found, err
}

func (s *store) Ledger(context.Context, string) (l rollout.Ledger, j *rollout.Judgement, found bool, err error) {
	err = s.guarded(func() error {
		j, found = s.rollouts.judged, s.rollouts.judged != nil
		return nil
	})
	return l, j, found, err
}

func (s *store) ObserveCall(_ time.Duration, failed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rollouts.calls++
	if failed {
		s.rollouts.failed++
	}
}

func (w *workflows) StartRollout(_ context.Context, start rollout.Start) error {
	return w.guarded(func() error {
		if state := rollout.Fold(w.store.rollouts.events); state.ID != "" && !state.Status.Final() {
			if state.ID == start.ID {
				return nil
			}
			return &trial.Error{Code: trial.CodeConflict, Field: "id", Message: "a rollout is running already"}
		}
		w.store.rollouts.events = []rollout.Event{rollout.Begin(start, w.now())}
		return nil
	})
}

func (w *workflows) Steer(_ context.Context, name string, r rollout.Request) error {
	return w.guarded(func() error {
		state := rollout.Fold(w.store.rollouts.events)
		e, err := state.Request(name, r, nil, w.now())
		if err != nil || e == nil {
			return err
		}
		w.store.rollouts.events = append(w.store.rollouts.events, *e)
		w.store.rollouts.steered = append(w.store.rollouts.steered, r.FlagsVersion)
		return nil
	})
}
