package main

import (
	"context"
	"time"

	"go.uber.org/zap"
)

// ensureEvery is how often a worker checks that the schedules exist.
const ensureEvery = time.Minute

// scheduler creates missing schedules.
type scheduler interface {
	EnsureSchedules(ctx context.Context) error
}

// keepSchedules creates schedules that somebody has deleted, until ctx is over. Without the reconciler's schedule nothing else
// would be repaired either.
func keepSchedules(ctx context.Context, s scheduler, log *zap.Logger) {
	ticker := time.NewTicker(ensureEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if err := s.EnsureSchedules(ctx); err != nil && ctx.Err() == nil {
				log.Warn("not every schedule exists", zap.Error(err))
			}
		}
	}
}
