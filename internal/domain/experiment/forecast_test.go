package experiment_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAForecastSaysWhatTrafficIsWorth(t *testing.T) {
	t.Parallel()
	r := request()
	f := r.Forecast(17)
	require.Equal(t, f, r.Forecast(17), "the same request, the same forecast")
	t.Logf("5 points at 30 a day: %d to %d days; none: %d to %d", *f.Difference.Median, *f.Difference.Ninety, *f.None.Median, *f.None.Ninety)
	require.InDelta(t, 66, *f.Difference.Median, 10)
	require.InDelta(t, 100, *f.Difference.Ninety, 25)
	require.InDelta(t, 1, f.Difference.Found, 0.05)

	faster := r
	faster.Expected.PerDay = 3000
	f = faster.Forecast(17)
	require.Equal(t, 18, *f.Difference.Median, "a day's vendors, and their trial")
	require.LessOrEqual(t, *f.None.Ninety, 19)

	slow := r
	slow.Expected.PerDay, slow.Difference = 2, 0.01
	f = slow.Forecast(17)
	require.Nil(t, f.Difference.Median)
	require.Nil(t, f.None.Ninety)
	require.Less(t, f.Difference.Found, 0.1)

	most := r
	most.Expected.Conversion, most.Difference = 0.98, 0.05
	require.NotNil(t, most.Forecast(17).Difference.Median, "where no arm can be so much better, one is as much worse")
}
