package app

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// Whoever asks for many forecasts at once is told so, and keeps none of those waiting that wait already.
func TestFewWaitForAForecast(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, ctx := newForecasts(), t.Context()
		made := func(p rollout.Plan, _ float64) rollout.Forecast { return rollout.Forecast{Plan: p.Name} }
		f.turn <- struct{}{}
		waiting := make(chan error, mostWaiting)
		for n := range mostWaiting {
			go func() {
				_, err := f.at(ctx, rollout.DefaultPlan(), made, float64(n))
				waiting <- err
			}()
		}
		synctest.Wait()
		_, err := f.at(ctx, rollout.DefaultPlan(), made, 100)
		require.Equal(t, trial.CodeUnavailable, trial.CodeOf(err))
		<-f.turn
		for range mostWaiting {
			require.NoError(t, <-waiting)
		}
		_, err = f.at(ctx, rollout.DefaultPlan(), made, 100)
		require.NoError(t, err)
		f.turn <- struct{}{}
		ended, end := context.WithCancel(ctx)
		end()
		_, err = f.at(ended, rollout.DefaultPlan(), made, 101)
		require.ErrorIs(t, err, context.Canceled)
		require.Empty(t, f.waiting)
	})
}
