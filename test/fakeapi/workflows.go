package fakeapi

import (
	"context"
	"time"

	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// Start begins a trial.
func (b *backend) Start(ctx context.Context, r trial.Registration) (started bool, err error) {
	err = b.Do(ctx, func() error {
		if _, running := b.States[r.VendorID]; !running {
			started = true
			b.AddEvent(trial.Start(r, b.api.now()), trial.State{})
		}
		return nil
	})
	return started, err
}

// Ask has a trial do what is asked of it.
func (b *backend) Ask(ctx context.Context, message, id string, r trial.Request) (o trial.Overview, err error) {
	err = b.Do(ctx, func() error {
		state := b.States[id]
		event, err := state.Request(message, r, b.api.now())
		if err != nil {
			return err
		}
		if event != nil {
			state = b.AddEvent(*event, state)
		}
		o = state.Overview()
		return nil
	})
	return o, err
}

// StartRollout begins a rollout, unless one runs.
func (b *backend) StartRollout(ctx context.Context, start rollout.Start) error {
	return b.Do(ctx, func() error {
		if state := rollout.Fold(b.Store.Rollout); state.ID != "" && !state.Status.Final() {
			return &trial.Error{Code: trial.CodeConflict, Message: "a rollout is running already"}
		}
		b.Store.Rollout = []rollout.Event{rollout.Begin(start, b.api.now())}
		return nil
	})
}

// Steer has the rollout do what is asked of it.
func (b *backend) Steer(ctx context.Context, name string, r flags.Request) error {
	return b.Do(ctx, func() error {
		e, err := rollout.Fold(b.Store.Rollout).Request(name, r, b.Judged, b.api.now())
		if err == nil && e != nil {
			b.Store.Rollout = append(b.Store.Rollout, *e)
		}
		return err
	})
}

// What else the API has workflows and monitors know changes nothing here.

func (b *backend) Convert(context.Context, string, trial.Request) error { return nil }

func (b *backend) NoMail(context.Context, string, trial.Request) error { return nil }

func (b *backend) FlagsChanged(context.Context) error { return nil }

func (b *backend) Check(context.Context) error { return nil }

func (b *backend) Called(string, string, int, time.Duration) {}

func (b *backend) Stranger() {}
