package health

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/trial"
)

// ask sends a question to a part. The returned function waits for the answer
// until the context ends, and passes it to keep; if there is none in time, it
// drops the answer.
func ask[T any](ctx context.Context, c *Checker, part string, question func(context.Context) (T, error), keep func(T, monitoring.Reply)) func() {
	type answer struct {
		value T
		err   error
		took  time.Duration
	}
	began := time.Now()
	answered := make(chan answer, 1)
	go func() {
		value, err := question(ctx)
		answered <- answer{value, err, time.Since(began)}
	}()
	return func() {
		select {
		case a := <-answered:
			if a.err != nil {
				c.Log.Warn("health: error from a part", zap.String("part", part), zap.Error(a.err))
			}
			keep(a.value, monitoring.Reply{Took: a.took, Failure: failure(a.err)})
		case <-ctx.Done():
			c.Log.Warn("health: no answer in time", zap.String("part", part))
			var nothing T
			keep(nothing, monitoring.Reply{Took: time.Since(began), Failure: monitoring.NoAnswer})
		}
	}
}

// checkOnly makes a question of a check whose answer is merely no error.
func checkOnly(check func(context.Context) error) func(context.Context) (struct{}, error) {
	return func(ctx context.Context) (struct{}, error) { return struct{}{}, check(ctx) }
}

// failure classifies an error of the part that was asked.
func failure(err error) monitoring.Failure {
	if err == nil {
		return ""
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return monitoring.NoAnswer
	}
	if e, ok := errors.AsType[*trial.Error](err); ok {
		switch e.Code {
		case trial.CodeUnavailable:
			return monitoring.NoAnswer
		case trial.CodeNotFound:
			return monitoring.NotThere
		default:
		}
	}
	return monitoring.Broken
}
