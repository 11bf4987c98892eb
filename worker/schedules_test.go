package main

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
)

// deleted counts how often somebody sees to the schedules.
type deleted struct{ seen int }

func (d *deleted) EnsureSchedules(context.Context) error {
	d.seen++
	return errors.New("Temporal is away")
}

func TestAWorkerSeesToTheSchedulesAgainAndAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		d := &deleted{}
		go keepSchedules(ctx, d, zap.NewNop())
		time.Sleep(3*ensureEvery + time.Second) //nolint:forbidigo // in a bubble
		synctest.Wait()
		require.Equal(t, 3, d.seen)
		stop()
		synctest.Wait()
	})
}
