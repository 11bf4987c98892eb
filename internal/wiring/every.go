package wiring

import (
	"context"
	"time"

	"go.uber.org/zap"
)

// Every calls do once per interval, the first time after one, until the context ends. It logs errors; doing names what failed.
func Every(ctx context.Context, interval time.Duration, log *zap.Logger, doing string, do func(context.Context) error) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if err := do(ctx); err != nil && ctx.Err() == nil {
				log.Warn(doing, zap.Error(err))
			}
		}
	}
}
