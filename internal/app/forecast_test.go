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
		f, ctx := newForecasts(), t.Context()
		made := func(_ context.Context, p rollout.Plan, _ float64) (rollout.Forecast, error) {
			return rollout.Forecast{Plan: p.Name}, nil
		}
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

// Whoever goes while a forecast is made ends its work. Nothing of it is remembered, and the next one's is whole.
func TestAForecastEndsWithItsRequest(t *testing.T) {
	t.Parallel()
	f := newForecasts()
	gone, leave := context.WithCancel(t.Context())
	made := func(ctx context.Context, p rollout.Plan, perDay float64) (rollout.Forecast, error) {
		leave()
		return rollout.NewForecast(p, evidence.Times{Day: trial.RealDay, TrialDays: 17}, perDay).WithRisk(ctx, p)
	}
	_, err := f.at(gone, rollout.DefaultPlan(), made, 30)
	require.ErrorIs(t, err, context.Canceled)
	require.Empty(t, f.turn)
	whole, err := f.at(t.Context(), rollout.DefaultPlan(), made, 30)
	require.NoError(t, err)
	require.Positive(t, whole.Runs)
}
