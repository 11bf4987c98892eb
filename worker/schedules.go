package main

import (
	"context"
	"time"

	"go.uber.org/zap"

	"marketplace.example/trials/internal/wiring"
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
	wiring.Every(ctx, ensureEvery, log, "ensuring that every schedule exists", s.EnsureSchedules)
}
