package wiring

import (
	"context"
	"time"

	"go.uber.org/zap"
)

// Every calls work once per interval, the first time after one, until the context ends. It logs errors; action names what failed.
func Every(ctx context.Context, interval time.Duration, log *zap.Logger, action string, work func(context.Context) error) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if err := work(ctx); err != nil && ctx.Err() == nil {
				log.Warn(action, zap.Error(err))
			}
		}
	}
}
