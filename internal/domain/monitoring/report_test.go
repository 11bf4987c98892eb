package monitoring_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// now is 1 May 2026, day 20,574. Trials of 14 days and 3 of grace that began on
// day 20,556 or before are over.
var now = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

func counter(period string, c trial.Cohort, name monitoring.Name) monitoring.Counter {
	return monitoring.Counter{Period: monitoring.Period(period), Cohort: c, Name: name}
}

func report(t monitoring.Tally, calls rollout.Calls) monitoring.Report {
	return monitoring.Make(monitoring.ReportFacts{Now: now, Day: day, Policy: trial.DefaultPolicy(), Tally: t, Calls: calls})
}

func figure(t *testing.T, r monitoring.Report, id monitoring.FigureID, c trial.Cohort) monitoring.Figure {
	t.Helper()
	for _, f := range r.Figures {
		if f.ID == id && f.Cohort == c {
			return f
		}
	}
	t.Fatalf("the report has no figure %s %s", id, c)
	return monitoring.Figure{}
}

// Only trials that had time to convert count, whatever is registered today.
func TestConversionCountsTrialsThatAreOver(t *testing.T) {
	t.Parallel()
	a := trial.Automated
	r := report(monitoring.Tally{
		counter("day/20526", a, monitoring.Began): 9, counter("day/20526", a, monitoring.BeganConverted): 9, // a day too old
		counter("day/20527", a, monitoring.Began): 20, counter("day/20527", a, monitoring.BeganConverted): 6,
		counter("day/20527", a, monitoring.BeganExpired): 10, counter("day/20527", a, monitoring.BeganCancelled): 3,
		counter("day/20556", a, monitoring.Began): 20, counter("day/20556", a, monitoring.BeganConverted): 4,
		counter("day/20556", a, monitoring.BeganUntracked): 1, counter("day/20556", a, monitoring.BeganExpired): 16,
		counter("day/20557", a, monitoring.Began): 50, counter("day/20557", a, monitoring.BeganConverted): 1, // not over yet
	}, rollout.Calls{})
	f := figure(t, r, monitoring.ConversionRate, a)
	require.Equal(t, 9, f.Numerator)
	require.Equal(t, 36, f.Denominator)
	require.Equal(t, 1, f.Pending, "one of day 20,527 still runs, and had its time")
	require.InDelta(t, 9./36, *f.Value, 1e-9)
	require.Equal(t, monitoring.BelowTarget, f.Level)
	require.Equal(t, time.Date(2026, 3, 15, 0, 0, 0, 0, time.UTC), f.From)
	require.Equal(t, time.Date(2026, 4, 14, 0, 0, 0, 0, time.UTC), f.To)
	require.Equal(t, monitoring.TooFew, figure(t, r, monitoring.ConversionRate, trial.Control).Level)
	require.Nil(t, figure(t, r, monitoring.ConversionRate, trial.Control).Value)
}

// A conversion ends a trial at once, and an expiry that is held ends none.
func TestARateHasNoValueBeforeEnoughCouldHaveEnded(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		began int
		want  *float64
	}{{29, nil}, {30, new(1. / 10)}} {
		f := figure(t, report(monitoring.Tally{
			counter("day/20550", trial.Automated, monitoring.Began):          c.began,
			counter("day/20550", trial.Automated, monitoring.BeganConverted): 3,
		}, rollout.Calls{}), monitoring.ConversionRate, trial.Automated)
		require.Equal(t, c.want, f.Value)
		require.Equal(t, c.want == nil, f.Low == nil && f.High == nil)
		require.Equal(t, []int{3, c.began, c.began - 3}, []int{f.Numerator, f.Denominator, f.Pending})
	}
	calls := report(nil, rollout.Calls{Took: map[int]int{rollout.TookBucket(time.Second): 19}})
	require.Nil(t, figure(t, calls, monitoring.ErrorRate, "").Value)
	require.Nil(t, figure(t, calls, monitoring.ResponseTime, "").Value)
}

func TestTheConversionRateOfBothCohortsTogether(t *testing.T) {
	t.Parallel()
	facts := monitoring.ReportFacts{Now: now, Day: day, Policy: trial.DefaultPolicy(), Tally: monitoring.Tally{
		counter("day/20550", trial.Automated, monitoring.Began): 10, counter("day/20550", trial.Control, monitoring.Began): 20,
		counter("day/20550", trial.Automated, monitoring.BeganConverted): 3, counter("day/20550", trial.Control, monitoring.BeganConverted): 4,
		counter("day/20550", trial.Automated, monitoring.BeganUntracked): 1, counter("day/20550", trial.Control, monitoring.BeganCancelled): 5,
		counter("day/20574", trial.Control, monitoring.Began): 100, // too young
	}}
	converted, trials := facts.Converted()
	require.Equal(t, []int{6, 24}, []int{converted, trials})
}

// Every counter that the figures use is one that Periods has read.
func TestPeriodsReachAsFarAsTheFigures(t *testing.T) {
	t.Parallel()
	periods := monitoring.Periods(now, day, trial.DefaultPolicy())
	require.Equal(t, monitoring.Current, periods[0])
	require.Equal(t, monitoring.Period("day/20574"), periods[len(periods)-1])
	require.Contains(t, periods, monitoring.Period("day/20527"))
	require.Len(t, periods, 50)
}

func TestLevelsChangeAtTheTargetAndTheFloor(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		delivered, bounced int
		want               monitoring.Level
	}{
		{19, 0, monitoring.TooFew},
		{19, 1, monitoring.OnTarget}, // .95
		{94, 6, monitoring.BelowTarget},
		{90, 10, monitoring.BelowTarget},
		{89, 11, monitoring.PastFloor},
	} {
		r := report(monitoring.Tally{
			counter("day/20574", trial.Automated, monitoring.MailDelivered): c.delivered,
			counter("day/20544", trial.Automated, monitoring.MailBounced):   c.bounced,
			counter("day/20543", trial.Automated, monitoring.MailBounced):   500, // too old
			counter("day/20574", trial.Automated, monitoring.MailAccepted):  7,
		}, rollout.Calls{})
		f := figure(t, r, monitoring.EmailDeliveryRate, "")
		require.Equal(t, c.want, f.Level, c)
		require.Equal(t, 7, f.Pending)
	}
}

func TestFiguresOfTheAPI(t *testing.T) {
	t.Parallel()
	fast, slow := rollout.TookBucket(100*time.Millisecond), rollout.TookBucket(2500*time.Millisecond)
	r := report(nil, rollout.Calls{Failed: 5, Took: map[int]int{fast: 94, slow: 6}})
	require.Equal(t, monitoring.OnTarget, figure(t, r, monitoring.ErrorRate, "").Level, "5 of 100 is the limit itself")
	f := figure(t, r, monitoring.ResponseTime, "")
	require.Equal(t, monitoring.BelowTarget, f.Level, "between 2 and 3 seconds")
	require.InDelta(t, 2.5, *f.Value, .25)
	require.InDelta(t, .1, r.Responses.P50, .01)
	none := report(nil, rollout.Calls{})
	require.Nil(t, figure(t, none, monitoring.ErrorRate, "").Value)
	require.Nil(t, figure(t, none, monitoring.ResponseTime, "").Value)
}

// Known values; the middle one by hand.
func TestWilson(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		seen, n   int
		low, high float64
	}{{0, 0, 0, 1}, {0, 10, 0, .2775}, {10, 10, .7225, 1}, {5, 10, .2366, .7634}} {
		low, high := monitoring.Wilson(c.seen, c.n)
		require.InDelta(t, c.low, low, 1e-4)
		require.InDelta(t, c.high, high, 1e-4)
	}
}

func TestARecountLeavesWhatMoves(t *testing.T) {
	t.Parallel()
	still, moving := counter("day/1", trial.Control, monitoring.Began), counter("day/2", trial.Control, monitoring.Began)
	gone := counter("day/1", trial.Control, monitoring.Extended)
	before := monitoring.Counted{Tally: monitoring.Tally{still: 3, moving: 3, gone: 1}, Changes: map[monitoring.Period]int{"day/1": 4, "day/2": 4}}
	after := monitoring.Counted{Tally: before.Tally, Changes: map[monitoring.Period]int{"day/1": 4, "day/2": 6}}
	corrections, r := monitoring.Compare(before, after, monitoring.Tally{still: 5, moving: 9})
	require.Equal(t, monitoring.Tally{still: 2, gone: -1}, corrections)
	require.Equal(t, monitoring.Recount{
		Counters: 1, Wrong: 2, Moving: []monitoring.Period{"day/2"},
		Differences: []monitoring.Difference{
			{Period: "day/1", Counter: "control.began", Counted: 3, True: 5}, {Period: "day/1", Counter: "control.extended", Counted: 1, True: 0},
		},
	}, r)
}
