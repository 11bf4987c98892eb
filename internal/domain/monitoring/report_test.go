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
		f := figure(t, r, monitoring.EmailDeliveryRate, trial.Automated)
		require.Equal(t, c.want, f.Level, c)
		require.Equal(t, 7, f.Pending)
	}
}

// Six adopted vendors are seen as what they are in every figure, and in no other cohort's.
func TestAdoptedTrialsAreACohortOfTheirOwn(t *testing.T) {
	t.Parallel()
	none := report(monitoring.Tally{counter("day/20574", trial.Automated, monitoring.StepsDone): 1}, rollout.Calls{})
	for _, f := range none.Figures {
		require.NotEqual(t, trial.Adopted, f.Cohort, "nobody was adopted")
	}
	a := trial.Adopted
	r := report(monitoring.Tally{
		counter("standing", a, monitoring.Running(trial.Active)): 6,
		counter("day/20574", a, monitoring.StepsDone):            29, counter("day/20574", a, monitoring.StepsFailed): 1,
		counter("day/20574", a, monitoring.MailDelivered): 30, counter("day/20574", a, monitoring.MailBounced): 6,
		counter("day/20574", trial.Automated, monitoring.MailDelivered): 4, counter("day/20574", a, monitoring.MailUnknown): 2,
		counter("day/20550", a, monitoring.Began): 30, counter("day/20550", a, monitoring.BeganConverted): 3,
	}, rollout.Calls{})
	require.Equal(t, 6, r.Trials[a][trial.Active])
	require.Equal(t, []int{34, 6, 2}, []int{r.Mails.Arrived(), r.Mails.Failed(), r.Mails.Unknown}, "of all e-mails")
	require.Equal(t, []int{30, 6, 2}, []int{r.AdoptedMails.Arrived(), r.AdoptedMails.Failed(), r.AdoptedMails.Unknown})
	today := r.Days[len(r.Days)-1]
	require.Equal(t, 29, today.Cohorts[a].StepsDone)
	require.Equal(t, 36, today.AdoptedMails.Arrived()+today.AdoptedMails.Failed())
	require.Zero(t, today.Cohorts[trial.Control])
	for id, want := range map[monitoring.FigureID]int{monitoring.ConversionRate: 3, monitoring.EmailDeliveryRate: 30, monitoring.AutomationSuccess: 29} {
		require.Equal(t, want, figure(t, r, id, a).Numerator, id)
	}
	require.Equal(t, 4, figure(t, r, monitoring.EmailDeliveryRate, trial.Automated).Denominator)
	require.Zero(t, figure(t, r, monitoring.AutomationSuccess, trial.Automated).Denominator)
}

// A backfill takes those away that have not converted: what is left of the control cohort would look better than it was.
func TestTheControlCohortCountsNoDaysThatABackfillReached(t *testing.T) {
	t.Parallel()
	c := trial.Control
	tally := monitoring.Tally{
		counter("day/20530", c, monitoring.Began): 40, counter("day/20530", c, monitoring.BeganConverted): 10, counter("day/20530", c, monitoring.BeganExpired): 30,
		counter("day/20540", c, monitoring.Began): 10, counter("day/20540", c, monitoring.BeganConverted): 10, // the other 30 were adopted
		counter("day/20556", c, monitoring.Began): 40, counter("day/20556", c, monitoring.BeganConverted): 10, counter("day/20556", c, monitoring.BeganExpired): 30,
	}
	require.Equal(t, 90, figure(t, report(tally, rollout.Calls{}), monitoring.ConversionRate, c).Denominator)
	tally[counter("day/20549", trial.Adopted, monitoring.Adopted)] = 30
	f := figure(t, report(tally, rollout.Calls{}), monitoring.ConversionRate, c)
	require.Equal(t, []int{20, 80}, []int{f.Numerator, f.Denominator}, "those that were over, and those that began later")
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
