package app

import (
	"context"
	"time"

	"go.uber.org/zap"

	"marketplace.example/trials/internal/domain/lanes"
)

const (
	// SignalTimeout bounds letting the workflows know of what is on record already.
	SignalTimeout = 1500 * time.Millisecond
	// startTimeout is how long a trial's start is tried, also behind the answer: starts that come late or twice do no harm, and a
	// welcome that waits for the reconciler is half a minute late.
	startTimeout = 5 * time.Second
	// flagPatience is how long the answer to a change of the flags, which decide, waits for that; and that to whatever else stops
	// something.
	flagPatience = 200 * time.Millisecond
)

// signal lets the workflows know of something that is on record. If that fails it is
// logged: the reconciler repeats it for trials, the watch for rollouts.
func (a *App) signal(ctx context.Context, failing string, about zap.Field, fn func(context.Context) error) {
	patience := SignalTimeout
	if lanes.IsUrgent(ctx) {
		patience = flagPatience
	}
	a.signalWithin(ctx, patience, SignalTimeout, failing, about, fn)
}

// signalWithin goes on telling, for so long altogether, where that takes longer than the answer waits.
func (a *App) signalWithin(ctx context.Context, patience, timeout time.Duration, failing string, about zap.Field, fn func(context.Context) error) {
	telling, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	done := make(chan struct{})
	go func() { // ends with its context
		defer cancel()
		defer close(done)
		if err := fn(telling); err != nil {
			a.Log.Warn(failing, zap.String("requestId", requestID(ctx)), about, zap.Error(err))
		}
	}()
	select {
	case <-done:
	case <-time.After(patience):
	}
}
