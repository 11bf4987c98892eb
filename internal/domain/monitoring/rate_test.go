package monitoring_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/trial"
)

func TestTheRateOfFourWeeks(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	now := time.Date(2026, time.March, 29, 15, 0, 0, 0, time.UTC)
	periods := monitoring.RatePeriods(now, day)
	require.Len(t, periods, 28)
	began := func(ago int, c trial.Cohort) monitoring.Counter {
		return monitoring.Counter{Period: monitoring.DayOf(now.Add(-time.Duration(ago)*day), day), Cohort: c, Name: monitoring.Began}
	}
	tests := []struct {
		name  string
		tally monitoring.Tally
		want  float64
	}{
		{"nobody", monitoring.Tally{}, 0},
		{"both cohorts, all four weeks", monitoring.Tally{began(28, trial.Control): 20, began(1, trial.Automated): 36}, 2},
		{"a young installation", monitoring.Tally{began(4, trial.Control): 30, began(2, trial.Control): 10}, 10},
		{"today is not over", monitoring.Tally{began(0, trial.Control): 100, began(2, trial.Control): 4}, 2},
		{"longer ago", monitoring.Tally{began(29, trial.Control): 100}, 0},
	}
	for _, tt := range tests {
		require.InDelta(t, tt.want, tt.tally.RegistrationsPerDay(periods), 1e-12, tt.name)
	}
}
