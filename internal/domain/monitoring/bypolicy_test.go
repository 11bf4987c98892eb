package monitoring_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/trial"
)

// Each policy is judged when its own trials are over; what is left of the totals is that of former ones.
func TestFiguresByPolicy(t *testing.T) {
	t.Parallel()
	a, c := trial.Automated, trial.Control
	tally := monitoring.Tally{
		counter("standing", a, monitoring.Running(trial.Active)): 50, counter("standing", c, monitoring.Running(trial.Active)): 20,
		counter("standing", a, monitoring.Running(trial.Grace)): 5, counter("standing", a, monitoring.Running(trial.Expired)): 900,
		counter("standing", a, monitoring.StillRunning.Under("week")): 30, counter("standing", c, monitoring.StillRunning.Under("week")): 20,
		counter("standing", a, monitoring.StillRunning.Under("month")): 15,
		// Day 20,566 is over for trials of a week, day 20,540 for those of a month and its five days of grace, too.
		counter("day/20565", a, monitoring.Began):                         60,
		counter("day/20565", a, monitoring.Began.Under("week")):           60,
		counter("day/20565", a, monitoring.BeganConverted):                24,
		counter("day/20565", a, monitoring.BeganConverted.Under("week")):  24,
		counter("day/20530", a, monitoring.Began):                         100,
		counter("day/20530", a, monitoring.Began.Under("month")):          50,
		counter("day/20530", a, monitoring.BeganConverted):                30,
		counter("day/20530", a, monitoring.BeganConverted.Under("month")): 10,
		counter("day/20530", a, monitoring.BeganCancelled):                4,
		counter("day/20530", a, monitoring.BeganCancelled.Under("month")): 2,
		counter("day/20530", a, monitoring.BeganExpired):                  66,
		counter("day/20530", a, monitoring.BeganExpired.Under("month")):   37,
	}
	week, month := trial.Policy{Name: "week", LengthDays: 7}, trial.Policy{Name: "month", LengthDays: 30, GraceDays: 5}
	r := monitoring.Make(monitoring.ReportFacts{Now: now, Day: day, Policy: month, Offered: []trial.Policy{week, month}, Tally: tally})
	require.Len(t, r.Policies, 3)
	for i, want := range []struct {
		name                             string
		running, converted, trials, open int
	}{{"week", 50, 24, 60, 36}, {"month", 15, 10, 48, 1}, {"", 10, 20, 48, -1}} {
		got := r.Policies[i]
		require.Equal(t, want.name, got.Policy)
		require.Equal(t, want.running, got.Running, want.name)
		require.Equal(t, want.converted, got.Conversion.Numerator, want.name)
		require.Equal(t, want.trials, got.Conversion.Denominator, want.name)
		if want.open >= 0 {
			require.Equal(t, want.open, got.Conversion.Pending, want.name)
		}
		require.Less(t, *got.Conversion.Low, *got.Conversion.Value)
	}
	require.Equal(t, time.Date(2026, 4, 24, 0, 0, 0, 0, time.UTC), r.Policies[0].Conversion.To)

	all := monitoring.Make(monitoring.ReportFacts{Now: now, Day: day, Policy: month, Offered: []trial.Policy{week}, Tally: monitoring.Tally{
		counter("day/20565", a, monitoring.Began): 60, counter("day/20565", a, monitoring.Began.Under("week")): 60,
	}})
	require.Len(t, all.Policies, 1, "no row for former policies that have no trial")
	require.Empty(t, monitoring.Make(monitoring.ReportFacts{Now: now, Day: day, Policy: month, Tally: tally}).Policies, "no policy is known")
}
