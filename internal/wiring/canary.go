package wiring

import (
	"context"
	"time"

	"marketplace.example/trials/internal/adapters/mongodb"
	"marketplace.example/trials/internal/domain/canary"
	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/temporal"
)

// Canaries knows what canaries have shown, and starts another one.
type Canaries struct {
	*mongodb.Store
	*temporal.Client
}

// Canaries reaches the canaries, whether or not some are to come.
func (b *Base) Canaries() Canaries { return Canaries{b.Store, b.Client} }

// Reach is whether Temporal answers, and whether a worker polls. Where the database does not answer, the polls alone decide.
func (c Canaries) Reach(ctx context.Context, now time.Time) canary.Reach {
	polls, err := c.Polls(ctx)
	answers := err == nil
	if !answers {
		return canary.Reach{Temporal: &answers}
	}
	processes, _ := c.Processes(ctx)
	here, _ := monitoring.CountWorkers(polls, processes, now)
	works := here > 0
	return canary.Reach{Temporal: &answers, Worker: &works}
}
