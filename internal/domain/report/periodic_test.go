package report_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/feedback"
	"marketplace.example/trials/internal/domain/notice"
	"marketplace.example/trials/internal/domain/report"
	"marketplace.example/trials/internal/domain/rollout"
)

// happened are so many outcomes of a kind, each of a vendor of its own.
func happened(n int, kind rollout.OutcomeKind) []rollout.Outcome {
	var all []rollout.Outcome
	for i := range n {
		id := fmt.Sprintf("v%d", i)
		all = append(all, rollout.Outcome{Kind: kind, VendorID: id, Key: fmt.Sprintf("%s/%s", id, kind), At: noon})
	}
	return all
}

func facts(parts ...[]rollout.Outcome) report.Facts {
	var f report.Facts
	for _, p := range parts {
		f.Outcomes = append(f.Outcomes, p...)
	}
	return f
}

func TestATallyCountsEachOutcomeOnce(t *testing.T) {
	t.Parallel()
	first := facts(happened(3, rollout.Admitted), happened(2, rollout.MailDelivered), happened(1, rollout.Extended))
	first.Calls = calls(100*time.Millisecond, 3*time.Second)
	first.Calls.Failed = 1
	second := facts(happened(4, rollout.Admitted), happened(1, rollout.MailFailed), happened(2, rollout.Expired))
	second.Calls = calls(100*time.Millisecond, 100*time.Millisecond)
	got := report.TallyOf(first, second)
	require.Equal(t, report.Tally{
		CohortTally: report.CohortTally{Admitted: 4, Expired: 2, MailDelivered: 2, MailFailed: 1}, Extended: 1,
		Calls: 4, CallsFailed: 1, CallsSlow: 1, MedianMS: got.MedianMS, P95MS: got.P95MS,
	}, got)
	require.InDelta(t, 100, got.MedianMS, 10)
	require.InDelta(t, 3000, got.P95MS, 300)
	require.Equal(t, report.Tally{}, report.TallyOf())
}

// adopted are outcomes of vendors that a backfill automated.
func adopted(outcomes []rollout.Outcome) []rollout.Outcome {
	for i := range outcomes {
		outcomes[i].VendorID, outcomes[i].Key, outcomes[i].Adopted = "a"+outcomes[i].VendorID, "a"+outcomes[i].Key, true
	}
	return outcomes
}

// Six adopted vendors and their 36 e-mails are seen, and not taken for those of vendors that registration admitted.
func TestAdoptedVendorsAreReportedByThemselves(t *testing.T) {
	t.Parallel()
	now := facts(happened(2, rollout.Admitted), happened(2, rollout.MailDelivered), adopted(happened(6, rollout.Adopted)), adopted(happened(36, rollout.MailSent)),
		adopted(happened(30, rollout.MailDelivered)), adopted(happened(35, rollout.MailFailed)), adopted(happened(33, rollout.StepDone)),
		adopted(happened(3, rollout.StepFailed)), adopted(happened(4, rollout.Expired)), adopted(happened(1, rollout.Converted)), adopted(happened(2, rollout.Extended)))
	// One e-mail bounced after its delivery was reported, another without a reason.
	at := func(kind rollout.OutcomeKind, key string) rollout.Outcome {
		return rollout.Outcome{Kind: kind, Key: key, At: noon, Adopted: true}
	}
	now.Outcomes = append(now.Outcomes, at(rollout.MailDelivered, "late"), at(rollout.MailFailed, "late"), at(rollout.MailGeneralBounce, "unclear"))
	r := newReport(now, facts())
	require.Equal(t, report.Tally{CohortTally: report.CohortTally{Admitted: 2, MailDelivered: 2}, Extended: 2, Adopted: report.CohortTally{
		Admitted: 6, Converted: 1, Expired: 4, MailSent: 36, MailDelivered: 30, MailFailed: 37, StepsDone: 33, StepsFailed: 3,
	}}, r.Total)
	require.Equal(t, "Day 3 at 100 % of new vendors: 2 vendors admitted, 100 % of the e-mails were delivered, no trial ended. "+
		"By the backfill: 6 vendors adopted, 45 % of the e-mails were delivered, 1 conversion and 4 expiries.", r.Summary)
	require.Contains(t, r.Findings, "Vendors adopted by the backfill: 6, more than before (0).")
	require.Contains(t, r.Findings, "Adopted vendors: Automated steps that succeeded: 92 % (33 of 36), with nothing before to compare with.")
	seen := map[string]int{}
	for _, f := range r.Message(deployed()).Figures {
		seen[f.Name] = f.Seen
	}
	require.Equal(t, 2, seen["E-mails delivered"])
	require.Equal(t, 67, seen["E-mails delivered, adopted vendors"])
	require.Equal(t, 36, seen["Automated steps that succeeded, adopted vendors"])
	require.Contains(t, newReport(facts(), now).Findings, "Vendors adopted by the backfill: 0, fewer than before (6).")
	require.NotContains(t, strings.Join(newReport(facts(), facts()).Findings, ""), "dopted", "nobody was adopted")
}

// newReport is the first week's third day, with what was seen on it and before.
func newReport(now, before report.Facts, decisions ...rollout.Event) report.Report {
	s := deployed()
	return report.Make(s, s.Periods()[2], []report.Facts{now}, before, decisions, noon.Add(3*day+time.Hour))
}

func TestAReportSaysHowItStandsAgainstTheTimeBefore(t *testing.T) {
	t.Parallel()
	many := calls()
	many.Took[rollout.TookBucket(100*time.Millisecond)] = 200
	slow := calls()
	slow.Took[rollout.TookBucket(300*time.Millisecond)] = 200
	withCalls := func(f report.Facts, c rollout.Calls) report.Facts { f.Calls = c; return f }
	for name, c := range map[string]struct {
		now, before report.Facts
		want        string
	}{
		"about as many":     {facts(happened(30, rollout.Admitted)), facts(happened(25, rollout.Admitted)), "Vendors admitted: 30, about as before (25)."},
		"more":              {facts(happened(60, rollout.Admitted)), facts(happened(25, rollout.Admitted)), "Vendors admitted: 60, more than before (25)."},
		"fewer":             {facts(happened(5, rollout.Converted)), facts(happened(30, rollout.Converted)), "Conversions: 5, fewer than before (30)."},
		"a worse share":     {facts(happened(50, rollout.MailDelivered), happened(50, rollout.MailFailed)), facts(happened(95, rollout.MailDelivered), happened(5, rollout.MailFailed)), "E-mails delivered: 50 % (50 of 100), worse than before (95 %)."},
		"a better share":    {facts(happened(95, rollout.StepDone), happened(5, rollout.StepFailed)), facts(happened(50, rollout.StepDone), happened(50, rollout.StepFailed)), "Automated steps that succeeded: 95 % (95 of 100), better than before (50 %)."},
		"chance":            {facts(happened(9, rollout.MailDelivered), happened(1, rollout.MailFailed)), facts(happened(10, rollout.MailDelivered)), "E-mails delivered: 90 % (9 of 10), about as before (100 %)."},
		"answers":           {report.Facts{Feedback: feedback.Tally{Answers: 12, Helpful: 9}}, report.Facts{Feedback: feedback.Tally{Answers: 1}}, "Vendors' feedback: 9 of 12 answers say that it helped (75 %, 95 % interval 47 % to 91 %); 1 answer before."},
		"no answers":        {facts(), facts(), "Vendors' feedback: no vendor has answered; 0 answers before."},
		"nothing seen":      {facts(), facts(happened(3, rollout.MailDelivered)), "E-mails delivered: none in this period."},
		"nothing before":    {facts(happened(3, rollout.MailDelivered)), facts(), "E-mails delivered: 100 % (3 of 3), with nothing before to compare with."},
		"more that is bad":  {withCalls(facts(), rollout.Calls{Failed: 100, Took: many.Took}), withCalls(facts(), many), "API calls that failed: 50 % (100 of 200), worse than before (0 %)."},
		"slower":            {withCalls(facts(), slow), withCalls(facts(), many), "slower than before"},
		"faster":            {withCalls(facts(), many), withCalls(facts(), slow), "faster than before"},
		"too few to tell":   {withCalls(facts(), calls(time.Second)), withCalls(facts(), many), "too few to compare with before"},
		"ended and no more": {facts(happened(1, rollout.Converted), happened(3, rollout.Expired)), facts(), "Trials that expired: 3, about as before (0)."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := 0
			for _, finding := range newReport(c.now, c.before).Findings {
				if strings.Contains(finding, c.want) {
					found++
				}
			}
			require.Equal(t, 1, found, "%q", newReport(c.now, c.before).Findings)
		})
	}
}

func TestAReportTellsWhatPeopleDidInItsTime(t *testing.T) {
	t.Parallel()
	by := func(who string, kind rollout.EventType, after time.Duration) rollout.Event {
		return rollout.Event{Type: kind, At: noon.Add(after), By: who}
	}
	r := newReport(facts(happened(2, rollout.Extended)), facts(happened(5, rollout.Revived)),
		by("admin", rollout.EventPaused, 2*day-1), by("admin", rollout.EventPaused, 2*day), by("flags", rollout.EventOverridden, 2*day+time.Hour),
		by("rollout", rollout.EventUpdate, 2*day+time.Hour), by("admin", rollout.EventTicked, 3*day-1), by("admin", rollout.EventTicked, 3*day))
	require.Equal(t, []report.Use{
		{What: "rollout paused", Times: 1}, {What: "percentage set by hand", Times: 1}, {What: "criterion or task ticked", Times: 1}, {What: "trial extended", Times: 2},
	}, r.Use)
}

func TestAReportIsToldWithItsFiguresAndTasks(t *testing.T) {
	t.Parallel()
	r := newReport(facts(happened(12, rollout.Admitted), happened(9, rollout.MailDelivered), happened(1, rollout.MailFailed), happened(1, rollout.StepDone)), facts())
	require.Equal(t, "daily-3", r.ID)
	require.Equal(t, []string{"daily-monitoring-review", "performance-optimization"}, r.Tasks)
	m := r.Message(deployed())
	require.Equal(t, "r1/report/daily-3", m.Key)
	require.Equal(t, notice.NoticeDailyReport, m.Kind)
	require.Equal(t, "Day 3 at 100 % of new vendors: 12 vendors admitted, 90 % of the e-mails were delivered, no trial ended.", m.Lead)
	require.Contains(t, m.Flat(), "Tasks that this report supports: Daily monitoring review: open: tick it off as daily-monitoring-review when it is done")
	verdicts := map[string]rollout.Verdict{}
	for _, f := range m.Figures {
		require.Equal(t, notice.ToReview, f.Use)
		verdicts[f.Name] = f.Verdict
	}
	require.Equal(t, map[string]rollout.Verdict{
		"E-mails delivered": rollout.Fail, "Automated steps that succeeded": rollout.Pass, "API calls over 2 s": rollout.Insufficient,
		"API calls that failed": rollout.Insufficient, "Ended trials that converted": rollout.Insufficient,
	}, verdicts)
	for _, kind := range []notice.Kind{notice.NoticeDailyReport, notice.NoticeWeeklyReport, notice.NoticeMonthlyReport} {
		require.NotEmpty(t, kind.Roles())
	}
}

// However the facts of a period fall on its days, its total is the same.
func TestATotalDoesNotDependOnTheDays(t *testing.T) {
	t.Parallel()
	kinds := []rollout.OutcomeKind{rollout.Admitted, rollout.Converted, rollout.Expired, rollout.MailSent, rollout.MailDelivered, rollout.StepDone, rollout.Revived}
	rapid.Check(t, func(t *rapid.T) {
		all, split := report.Facts{}, make([]report.Facts, 7)
		for i := range rapid.IntRange(0, 60).Draw(t, "outcomes") {
			id := fmt.Sprintf("v%d", i)
			o := rollout.Outcome{Kind: rapid.SampledFrom(kinds).Draw(t, "kind"), VendorID: id, Key: id}
			all.Outcomes = append(all.Outcomes, o)
			d := rapid.IntRange(0, 6).Draw(t, "day")
			split[d].Outcomes = append(split[d].Outcomes, o)
			c := calls(time.Duration(rapid.Int64Range(0, int64(5*time.Second)).Draw(t, "took")))
			all.Calls.Add(c)
			split[d].Calls.Add(c)
		}
		require.Equal(t, report.TallyOf(all), report.TallyOf(split...))
	})
}

// noon is the time that tests count from.
var noon = time.Date(2026, time.March, 2, 12, 0, 0, 0, time.UTC)

const day = 24 * time.Hour

func calls(took ...time.Duration) rollout.Calls {
	c := rollout.Calls{Took: map[int]int{}}
	for _, d := range took {
		c.Took[rollout.TookBucket(d)]++
	}
	return c
}

// deployed is a rollout that has reached its stability at noon.
func deployed() rollout.State {
	last := len(rollout.DefaultPlan().Phases) - 1
	return rollout.Fold([]rollout.Event{
		rollout.Begin(rollout.Start{ID: "r1", Plan: rollout.DefaultPlan(), Times: inDays, By: "owner"}, noon.Add(-11*day)),
		{Seq: 2, Type: rollout.EventEntered, At: noon, By: "rollout", Enabled: new(true), Percentage: new(100.0),
			Stage: &rollout.Stage{Kind: rollout.Stability, Phase: last}},
	})
}

var inDays = evidence.Times{Day: day, TrialDays: 17}
