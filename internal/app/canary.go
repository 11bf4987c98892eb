package app

import (
	"context"
	"time"

	"marketplace.example/trials/internal/domain/audit"
	"marketplace.example/trials/internal/domain/canary"
	"marketplace.example/trials/internal/domain/trial"
)

// Canaries reaches the canaries.
type Canaries interface {
	// Canaries are what the latest canaries have shown, the latest first.
	Canaries(ctx context.Context) ([]canary.Result, error)
	// LatestCanary is the first of them, nil for none, and since when canaries are due; zero for never.
	LatestCanary(ctx context.Context) (latest *canary.Result, since time.Time, err error)
	// Reach is whether what a canary needs to come can be reached.
	Reach(ctx context.Context, now time.Time) canary.Reach
	// StartCanary starts a canary, unless one is under way.
	StartCanary(ctx context.Context) error
}

// CanaryView is what canaries have shown.
func (a *App) CanaryView(ctx context.Context) (canary.View, error) {
	if a.Canaries == nil {
		return canary.View{Results: []canary.Result{}}, nil
	}
	results, err := a.Canaries.Canaries(ctx)
	if err != nil {
		return canary.View{}, err
	}
	latest, since, err := a.Canaries.LatestCanary(ctx)
	if err != nil {
		return canary.View{}, err
	}
	now := a.Present()
	health := canary.Assess(latest, since, now, a.Day, a.Canaries.Reach(ctx, now))
	return canary.View{
		Configured: true, EverySeconds: canary.Every(a.Day).Seconds(), Fault: health.Fault, Reason: health.Reason,
		Results: append([]canary.Result{}, results...),
	}, nil
}

// StartCanaryRecorded is StartCanary on record.
func (a *App) StartCanaryRecorded(ctx context.Context) error {
	return a.Record(ctx, audit.Entry{Action: "startCanary", Subject: "monitoring/canary"}, nil, a.StartCanary)
}

// StartCanary starts a canary, unless one is under way.
func (a *App) StartCanary(ctx context.Context) error {
	if a.Canaries == nil {
		return &trial.Error{Code: trial.CodeConflict, Message: "canaries are switched off: CANARY_ADDRESS is off"}
	}
	return a.Canaries.StartCanary(ctx)
}
