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
	// Trials of 14 and 3 days are over on the day after: a week's last day must be 18 days ago. Four such weeks are there, whatever the range.
	h := trendsOf(7, began, trial.Automated)
	require.Equal(t, time.Date(2026, 1, 19, 0, 0, 0, 0, time.UTC), h.Weeks[0].From)
	require.Len(t, h.Weeks, 8)
	for i, w := range h.Weeks {
		require.Equal(t, i < 4, w.Over, w.From)
	}
	sixteenth := h.Weeks[4]
	require.Equal(t, time.Date(2026, 2, 16, 0, 0, 0, 0, time.UTC), sixteenth.From)
	first := sixteenth.Cohorts[trial.Automated]
	require.Equal(t, 10, first.Trials, "the cancelled one is left out, the day before is another week's")
	require.InDelta(t, .3, first.Share, 1e-9)
	require.Less(t, first.Low, first.Share)
	require.Greater(t, first.High, first.Share)
	require.Equal(t, 1, first.Running)
	require.NotContains(t, sixteenth.Cohorts, trial.Control, "nobody began")
	require.InDelta(t, 1, h.Weeks[5].Cohorts[trial.Automated].Share, 1e-9)
}

// A backfill takes those out of the control cohort that have not converted: what it may have reached is left out, and that is said.
func TestAWeekThatABackfillReachedIsLeftOutOfTheControl(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 11, 10, 0, 0, 0, time.UTC)
	on := func(ago int, c trial.Cohort, name monitoring.Name) monitoring.Counter {
		return monitoring.Counter{Period: monitoring.DayOf(now.Add(-time.Duration(ago)*trial.RealDay), trial.RealDay), Cohort: c, Name: name}
	}
	h := monitoring.MakeTrends(monitoring.TrendFacts{ReportFacts: monitoring.ReportFacts{
		Now: now, Day: trial.RealDay, Policy: trial.DefaultPolicy(),
		Tally: monitoring.Tally{on(9, trial.Control, monitoring.Began): 5, on(44, trial.Control, monitoring.Began): 7, on(2, trial.Adopted, monitoring.Adopted): 1},
	}, Range: 7})
	require.Equal(t, 7, h.Weeks[1].Cohorts[trial.Control].Trials)
	require.False(t, h.Weeks[1].LeftOut)
	require.Equal(t, time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC), h.Weeks[6].From)
	require.NotContains(t, h.Weeks[6].Cohorts, trial.Control)
	require.True(t, h.Weeks[6].LeftOut)
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
		Hours:       []rollout.Calls{calls(3), {}}, HoursEnd: now,
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
	periods := monitoring.TrendPeriods(wednesday, trial.RealDay, trial.DefaultPolicy(), 60)
	require.Equal(t, monitoring.DayOf(wednesday.Add(-65*trial.RealDay), trial.RealDay), periods[0], "the Monday before the range begins")
	require.Len(t, periods, 66)
	require.Equal(t, time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC), monitoring.TrendsFrom(wednesday, trial.RealDay, 7))
	require.Equal(t, monitoring.DayOf(time.Unix(0, 0).Add(-52*trial.RealDay), trial.RealDay),
		monitoring.TrendPeriods(time.Unix(0, 0).Add(-3*trial.RealDay), trial.RealDay, trial.DefaultPolicy(), 0)[0], "a Monday, also before 1970")
}
