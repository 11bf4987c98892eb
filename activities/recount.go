package activities

import (
	"context"

	"go.uber.org/zap"

	"marketplace.example/trials/internal/domain/monitoring"
)

// RecountStore is what the recount needs of the database.
type RecountStore interface {
	// Recount compares the counters with the trials, and corrects wrong ones unless checkOnly.
	Recount(ctx context.Context, checkOnly bool, progress func(trials int)) (monitoring.Recount, error)
}

// Recount corrects the counters after a process was killed.
type Recount struct {
	Store RecountStore
	Log   *zap.Logger
}

// Recount recounts once. It reads every trial.
func (r *Recount) Recount(ctx context.Context) (monitoring.Recount, error) {
	defer heartbeat(ctx)()
	result, err := r.Store.Recount(ctx, false, func(int) {})
	if err != nil {
		return result, failed("recounting", err)
	}
	if result.Wrong > 0 {
		r.Log.Warn("counters were wrong and are set right", zap.Int("wrong", result.Wrong), zap.Int("counters", result.Counters))
	}
	return result, nil
}
