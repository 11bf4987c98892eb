package activities

import (
	"context"

	"go.uber.org/zap"

	"marketplace.example/trials/internal/domain/monitoring"
)

// RecountStore is what the recount needs of the database.
type RecountStore interface {
	// Recount compares the counters with the truth, and sets right those that are
	// wrong unless checkOnly.
	Recount(ctx context.Context, checkOnly bool, progress func(trials int)) (monitoring.Recount, error)
}

// Recount sets right the counters that a killed process left wrong.
type Recount struct {
	Store RecountStore
	Log   *zap.Logger
}

// Recount counts once. It reads every trial.
func (r *Recount) Recount(ctx context.Context) (monitoring.Recount, error) {
	stop := heartbeat(ctx)
	defer stop()
	result, err := r.Store.Recount(ctx, false, func(int) {})
	if err != nil {
		return result, failed("recounting", err)
	}
	if result.Wrong > 0 {
		r.Log.Warn("counters were wrong and are set right", zap.Int("wrong", result.Wrong), zap.Int("counters", result.Counters))
	}
	return result, nil
}
