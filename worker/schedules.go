package main

import (
	"context"
	"time"

	"go.uber.org/zap"
)

// ensureEvery is how often a worker sees to it that the schedules are there.
const ensureEvery = time.Minute

// scheduler makes the schedules that are missing.
type scheduler interface {
	EnsureSchedules(ctx context.Context) error
}

// keepSchedules makes schedules that somebody has deleted, until ctx is over. Without the reconciler's nothing else
// would be mended either.
func keepSchedules(ctx context.Context, s scheduler, log *zap.Logger) {
	ticker := time.NewTicker(ensureEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if err := s.EnsureSchedules(ctx); err != nil && ctx.Err() == nil {
				log.Warn("not every schedule is there", zap.Error(err))
			}
		}
	}
}
