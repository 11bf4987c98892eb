package app

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// Whoever asks for many forecasts at once is told so, and keeps none of those waiting that wait already.
func TestFewWaitForAForecast(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, ctx := newForecasts[rollout.Forecast](), t.Context()
		made := func(context.Context) (rollout.Forecast, error) { return rollout.Forecast{Plan: "p"}, nil }
		f.turn <- struct{}{}
		waiting := make(chan error, mostWaiting)
		for n := range mostWaiting {
			go func() {
				_, err := f.of(ctx, n, made)
				waiting <- err
			}()
		}
		synctest.Wait()
		_, err := f.of(ctx, 100, made)
		require.Equal(t, trial.CodeUnavailable, trial.CodeOf(err))
		<-f.turn
		for range mostWaiting {
			require.NoError(t, <-waiting)
		}
		_, err = f.of(ctx, 100, made)
		require.NoError(t, err)
		f.turn <- struct{}{}
		ended, end := context.WithCancel(ctx)
		end()
		_, err = f.of(ended, 101, made)
		require.ErrorIs(t, err, context.Canceled)
		require.Empty(t, f.waiting)
	})
}

// Whoever goes while a forecast is made ends its work. Nothing of it is remembered, and the next one's is whole.
func TestAForecastEndsWithItsRequest(t *testing.T) {
	t.Parallel()
	f := newForecasts[rollout.Forecast]()
	gone, leave := context.WithCancel(t.Context())
	made := func(ctx context.Context) (rollout.Forecast, error) {
		leave()
		return rollout.NewForecast(rollout.DefaultPlan(), evidence.Times{Day: trial.RealDay, TrialDays: 17}, 30).WithRisk(ctx, rollout.DefaultPlan())
	}
	_, err := f.of(gone, 30, made)
	require.ErrorIs(t, err, context.Canceled)
	require.Empty(t, f.turn)
	whole, err := f.of(t.Context(), 30, made)
	require.NoError(t, err)
	require.Positive(t, whole.Runs)
}
