package rest_test

import (
	"context"
	"fmt"

	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// rollouts is what happens to the one rollout that there is.
type rollouts struct {
	calls rollout.Calls
	// overtake is written before the next decision that the API writes, as somebody
	// else who was faster.
	overtake *rollout.Event
	// ends is how the rollout ends right before it is next asked for by its id.
	ends *rollout.Event
	// steered are the flags' versions that requests were made on, in order.
	steered []int
}

func (s *store) Rollout(_ context.Context, id string) (state rollout.State, err error) {
	err = s.guarded(func() error {
		if e := s.rollouts.ends; e != nil {
			s.Store.Rollout, s.rollouts.ends = append(s.Store.Rollout, *e), nil
		}
		state = rollout.Fold(s.Store.Rollout)
		if state.ID == "" || state.ID != id {
			return &trial.Error{Code: trial.CodeNotFound, Field: "id", Message: fmt.Sprintf("there is no rollout %q", id)}
		}
		return nil
	})
	return state, err
}

func (s *store) AppendDecision(_ context.Context, e rollout.Event, _ rollout.State) (existing *rollout.Event, err error) {
	err = s.guarded(func() error {
		if o := s.rollouts.overtake; o != nil {
			s.Store.Rollout, s.rollouts.overtake = append(s.Store.Rollout, *o), nil
		}
		if e.Seq <= len(s.Store.Rollout) {
			existing = &s.Store.Rollout[e.Seq-1]
			return nil
		}
		s.Store.Rollout = append(s.Store.Rollout, e)
		return nil
	})
	return existing, err
}

func (s *store) ObserveCall(c rollout.Call) {
	s.Lock()
	defer s.Unlock()
	s.rollouts.calls.Observe(c)
}

func (w *workflows) StartRollout(_ context.Context, start rollout.Start) error {
	return w.guarded(func() error {
		if state := rollout.Fold(w.store.Store.Rollout); state.ID != "" && !state.Status.Final() {
			if state.ID == start.ID {
				return nil
			}
			return &trial.Error{Code: trial.CodeConflict, Field: "id", Message: "a rollout is running already"}
		}
		w.store.Store.Rollout = []rollout.Event{rollout.Begin(start, w.now())}
		return nil
	})
}

func (w *workflows) Steer(_ context.Context, name string, r flags.Request) error {
	return w.guarded(func() error {
		state := rollout.Fold(w.store.Store.Rollout)
		e, err := state.Request(name, r, nil, w.now())
		if err != nil || e == nil {
			return err
		}
		w.store.Store.Rollout = append(w.store.Store.Rollout, *e)
		w.store.rollouts.steered = append(w.store.rollouts.steered, r.FlagsVersion)
		return nil
	})
}
