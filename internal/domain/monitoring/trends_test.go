package monitoring_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/feedback"
	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// trendsOf is that of some days before a Wednesday, with counters by how many days before it they count.
func trendsOf(back int, counted map[int]map[monitoring.Name]int, c trial.Cohort) monitoring.Trends {
	wednesday := time.Date(2026, 3, 11, 10, 0, 0, 0, time.UTC)
	f := monitoring.TrendFacts{ReportFacts: monitoring.ReportFacts{Now: wednesday, Day: trial.RealDay, Policy: trial.DefaultPolicy(), Tally: monitoring.Tally{}}, Range: back}
	for ago, names := range counted {
		for name, n := range names {
			f.Tally[monitoring.Counter{Period: monitoring.DayOf(wednesday.Add(-time.Duration(ago)*trial.RealDay), trial.RealDay), Cohort: c, Name: name}] = n
		}
	}
	return monitoring.MakeTrends(f)
}

func TestTheDaysOfTrends(t *testing.T) {
	t.Parallel()
	h := trendsOf(7, map[int]map[monitoring.Name]int{
		0: {monitoring.Began: 4, monitoring.StepsDone: 2}, 7: {monitoring.Began: 9}, 8: {monitoring.Began: 100},
	}, trial.Automated)
	require.Len(t, h.Days, 8, "the range and today")
	require.Equal(t, time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC), h.Days[0].From)
	require.Equal(t, 9, h.Days[0].Cohorts[trial.Automated].Registered)
	require.Equal(t, 4, h.Days[7].Cohorts[trial.Automated].Registered)
	require.Equal(t, 2, h.Days[7].Cohorts[trial.Automated].StepsDone)
}

// A week begins on a Monday, and is read whole also where the range begins in its middle.
func TestAWeekOfRegistrationIsWholeAndOver(t *testing.T) {
	t.Parallel()
	began := map[int]map[monitoring.Name]int{ // the week of Monday, 16 February: 23 to 17 days ago
		24: {monitoring.Began: 1000},
		23: {monitoring.Began: 6, monitoring.BeganConverted: 2, monitoring.BeganExpired: 4},
		17: {monitoring.Began: 5, monitoring.BeganConverted: 1, monitoring.BeganExpired: 2, monitoring.BeganCancelled: 1},
		16: {monitoring.Began: 10, monitoring.BeganConverted: 10},
	}
	h := trendsOf(20, began, trial.Automated)
	require.Equal(t, time.Date(2026, 2, 16, 0, 0, 0, 0, time.UTC), h.Weeks[0].From)
	require.Len(t, h.Weeks, 4)
	first := h.Weeks[0].Cohorts[trial.Automated]
	require.Equal(t, 10, first.Trials, "the cancelled one is left out, the day before is another week's")
	require.InDelta(t, .3, first.Share, 1e-9)
	require.Less(t, first.Low, first.Share)
	require.Greater(t, first.High, first.Share)
	require.Equal(t, 1, first.Running)
	require.NotContains(t, h.Weeks[0].Cohorts, trial.Control, "nobody began")
	require.InDelta(t, 1, h.Weeks[1].Cohorts[trial.Automated].Share, 1e-9)

	// Trials of 14 and 3 days are over on the day after: the week's last day must be 18 days ago.
	for _, w := range h.Weeks {
		require.False(t, w.Over, w.From)
	}
	older := trendsOf(30, began, trial.Automated)
	require.Equal(t, time.Date(2026, 2, 9, 0, 0, 0, 0, time.UTC), older.Weeks[0].From)
	require.True(t, older.Weeks[0].Over)
	require.False(t, older.Weeks[1].Over)
}

func TestTheHoursAndTheFeedbackOfTrends(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 11, 10, 0, 0, 0, time.UTC)
	calls := func(n int) (c rollout.Calls) {
		for range n {
			c.Observe(rollout.Call{Took: 20 * time.Millisecond})
		}
		return c
	}
	h := monitoring.MakeTrends(monitoring.TrendFacts{
		ReportFacts: monitoring.ReportFacts{Now: now, Day: trial.RealDay, Policy: trial.DefaultPolicy()},
		Hours:       []rollout.Calls{calls(3), {}},
		Feedback: []feedback.Count{
			{Group: feedback.Group{Cohort: trial.Control}, Tally: feedback.Tally{Answers: 2, Helpful: 1}},
			{Group: feedback.Group{Cohort: trial.Control, Phase: feedback.Phase{Phase: 2}}, Tally: feedback.Tally{Answers: 3, Helpful: 3}},
		},
	})
	require.Len(t, h.Hours, 2)
	require.Equal(t, now.Add(-2*time.Hour), h.Hours[0].From)
	require.Equal(t, 3, h.Hours[0].Calls)
	require.Zero(t, h.Hours[1].Calls)
	require.Equal(t, map[trial.Cohort]feedback.Tally{trial.Control: {Answers: 5, Helpful: 4}}, h.Feedback)
}

func TestTheCountersThatTrendsNeeds(t *testing.T) {
	t.Parallel()
	wednesday := time.Date(2026, 3, 11, 10, 0, 0, 0, time.UTC)
	periods := monitoring.TrendPeriods(wednesday, trial.RealDay, 7)
	require.Equal(t, monitoring.DayOf(wednesday.Add(-9*trial.RealDay), trial.RealDay), periods[0], "the Monday before the range begins")
	require.Len(t, periods, 10)
	require.Equal(t, time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC), monitoring.TrendsFrom(wednesday, trial.RealDay, 7))
	require.Equal(t, []monitoring.Period{monitoring.DayOf(time.Unix(0, 0).Add(-3*trial.RealDay), trial.RealDay)},
		monitoring.TrendPeriods(time.Unix(0, 0).Add(-3*trial.RealDay), trial.RealDay, 0), "a Monday, also before 1970")
}
