package activities_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"pgregory.net/rapid"

	"marketplace.example/trials/activities"
	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/experiment"
	"marketplace.example/trials/internal/domain/feedback"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/notice"
	"marketplace.example/trials/internal/domain/report"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

const realDay = 24 * time.Hour

// reportFake is a database and the stakeholders, either of which may fail.
type reportFake struct {
	state      rollout.State
	answers    []feedback.Answer
	seen       []rollout.Outcome
	experiment experiment.Experiment // the latest one; none where it has no id
	reports    map[string]report.Report
	notified   map[string]bool
	// made counts what was stored, arrived what stakeholders got, by key.
	made    map[string]int
	arrived map[string]int
	// fails tells before each call whether it fails; nil for never.
	fails func(what string) bool
}

var errAway = errors.New("away")

func newReportFake() *reportFake {
	plan := rollout.DefaultPlan()
	return &reportFake{
		state: rollout.Fold([]rollout.Event{
			rollout.Begin(rollout.Start{ID: "r1", Plan: plan, Times: evidence.Times{Day: realDay, TrialDays: 17}, By: "owner"}, now.Add(-11*realDay)),
			{Seq: 2, Type: rollout.EventEntered, At: now, Stage: &rollout.Stage{Kind: rollout.Stability, Phase: len(plan.Phases) - 1}, Enabled: new(true), Percentage: new(100.0)},
		}),
		reports: map[string]report.Report{}, notified: map[string]bool{}, made: map[string]int{}, arrived: map[string]int{},
	}
}

func (d *reportFake) attempt(what string) error {
	if d.fails != nil && d.fails(what) {
		return errAway
	}
	return nil
}

func (d *reportFake) CurrentRollout(context.Context) (rollout.State, bool, error) {
	return d.state, d.state.ID != "", d.attempt("rollout")
}

func (d *reportFake) Flags(context.Context) (flags.Document, error) {
	return flags.Document{Dealing: &flags.Dealing{Experiment: "x"}}, d.attempt("flags")
}

func (d *reportFake) LatestExperiment(context.Context) (experiment.Experiment, bool, error) {
	return d.experiment, d.experiment.ID != "", d.attempt("experiment")
}

func (d *reportFake) Experiments(context.Context) ([]experiment.Experiment, error) { return nil, nil }

func (d *reportFake) ExperimentRows(context.Context, experiment.Experiment) ([]experiment.Row, error) {
	return []experiment.Row{{Day: 0, A: experiment.Count{Dealt: 12, Converted: 2}, B: experiment.Count{Dealt: 13, Converted: 4}}}, d.attempt("rows")
}

func (d *reportFake) Decisions(context.Context, string, int, int) ([]rollout.Event, error) {
	return nil, d.attempt("decisions")
}

func (d *reportFake) Observations(_ context.Context, from, to time.Time, _ time.Duration) (outcomes []rollout.Outcome, c rollout.Calls, err error) {
	for _, o := range d.seen {
		if !o.At.Before(from) && o.At.Before(to) {
			outcomes = append(outcomes, o)
		}
	}
	return outcomes, c, d.attempt("observations")
}

func (d *reportFake) CountFeedback(_ context.Context, f feedback.Filter) ([]feedback.Count, error) {
	counts := map[feedback.Group]feedback.Tally{}
	for _, a := range d.answers {
		if f.Takes(a) {
			g := feedback.Group{Cohort: a.Cohort}
			counts[g] = counts[g].Plus(feedback.TallyOf(a))
		}
	}
	return feedback.Sorted(counts), d.attempt("feedback")
}

func (d *reportFake) Report(_ context.Context, _, id string) (r report.Report, notified, found bool, err error) {
	r, found = d.reports[id]
	return r, d.notified[id], found, d.attempt("report")
}

// AddReport may have stored what it says it failed to.
func (d *reportFake) AddReport(_ context.Context, r report.Report) (report.Report, error) {
	if before, found := d.reports[r.ID]; found {
		return before, nil
	}
	d.reports[r.ID] = r
	d.made[r.ID]++
	return r, d.attempt("add")
}

func (d *reportFake) SetReportNotified(_ context.Context, _, id string) error {
	if err := d.attempt("told"); err != nil {
		return err
	}
	d.notified[id] = true
	return nil
}

// Notify gets each key to the stakeholders once, as the notices do.
func (d *reportFake) Notify(_ context.Context, m notice.Message) error {
	if err := d.attempt("tell"); err != nil {
		return err
	}
	if d.arrived[m.Key] == 0 {
		d.arrived[m.Key]++
	}
	return nil
}

func (d *reportFake) at(moment time.Time) *activities.Reports {
	return &activities.Reports{Store: d, Notifier: d, Day: realDay, Settled: time.Second, Now: func() time.Time { return moment }, Log: zap.NewNop()}
}

func TestReportsAreMadeOfTheirOwnTime(t *testing.T) {
	t.Parallel()
	d := newReportFake()
	for i, at := range []time.Duration{-time.Hour, 0, realDay - time.Millisecond, realDay} {
		id := string(rune('a' + i))
		d.seen = append(d.seen, rollout.Outcome{Kind: rollout.Admitted, VendorID: id, Key: id, At: now.Add(at)})
		d.answers = append(d.answers, feedback.Answer{Helpful: i%2 == 0, At: now.Add(at), Cohort: trial.Automated}, feedback.Answer{At: now.Add(at), Cohort: trial.Control})
	}
	done, err := d.at(now.Add(realDay + 500*time.Millisecond)).Report(t.Context())
	require.NoError(t, err)
	require.Empty(t, done.Made, "what became known last may not be stored yet")

	done, err = d.at(now.Add(realDay + time.Second)).Report(t.Context())
	require.NoError(t, err)
	require.Equal(t, activities.Reported{RolloutID: "r1", Made: []string{"daily-1"}, Notified: []string{"daily-1"}}, done)
	require.Equal(t, 2, d.reports["daily-1"].Total.Admitted)
	require.Equal(t, 1, d.reports["daily-1"].Before.Admitted)
	require.Equal(t, feedback.Tally{Answers: 2, Helpful: 1}, d.reports["daily-1"].Total.Feedback)
	require.Equal(t, feedback.Tally{Answers: 1, Helpful: 1}, d.reports["daily-1"].Before.Feedback)
	require.Contains(t, d.reports["daily-1"].Findings, "Vendors' feedback: 1 of 2 answers says that it helped (50 %, 95 % interval 9.5 % to 91 %); 1 answer before.")

	done, err = d.at(now.Add(14*realDay + time.Minute)).Report(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"daily-2", "daily-3", "daily-4", "daily-5", "daily-6", "daily-7", "weekly-2"}, done.Made, "what was missed is made up for")
	require.Equal(t, done.Made, done.Notified, "nobody is told of the first again")
	require.Len(t, d.reports["weekly-2"].Days, 7)
	require.Equal(t, 3, d.reports["weekly-2"].Before.Admitted)
	require.Nil(t, d.reports["weekly-2"].Experiment)
}

func TestAReportSaysHowTheExperimentStands(t *testing.T) {
	t.Parallel()
	d := newReportFake()
	d.experiment = experiment.Experiment{ID: "x", Name: "shorter", ArmA: "month", ArmB: "week", Difference: 0.05, HorizonDays: 10, Day: realDay,
		Expected: experiment.Expected{PerDay: 25, Conversion: 0.1}, StartedAt: now.Add(-realDay)}
	_, err := d.at(now.Add(14*realDay + time.Minute)).Report(t.Context())
	require.NoError(t, err)
	require.Nil(t, d.reports["daily-2"].Experiment, "a day changes little")
	shown := d.reports["weekly-2"].Experiment
	require.NotNil(t, shown)
	require.Equal(t, "shorter", shown.Name)
	require.Equal(t, 12, shown.A.Ripe)
	require.Equal(t, 4, shown.B.Converted)
	require.Contains(t, shown.Sentence, "Not yet")

	d.reports, d.notified = map[string]report.Report{}, map[string]bool{}
	d.experiment.Ended = &experiment.End{At: now.Add(-time.Hour)}
	_, err = d.at(now.Add(14*realDay + time.Minute)).Report(t.Context())
	require.NoError(t, err)
	require.Nil(t, d.reports["weekly-2"].Experiment, "it was over before the period")
}

func TestWithoutARolloutThereIsNothingToReport(t *testing.T) {
	t.Parallel()
	d := newReportFake()
	d.state = rollout.State{}
	done, err := d.at(now.Add(100 * realDay)).Report(t.Context())
	require.NoError(t, err)
	require.Empty(t, done.Made)
}

func TestAFailedReportNoticeDoesNotStopTheOtherReports(t *testing.T) {
	t.Parallel()
	d := newReportFake()
	d.fails = func(what string) bool { return what == "tell" }
	done, err := d.at(now.Add(3*realDay + time.Minute)).Report(t.Context())
	require.Error(t, err)
	require.Equal(t, []string{"daily-1", "daily-2", "daily-3"}, done.Made)
	require.Empty(t, done.Notified)
	done, err = d.at(now.Add(3*realDay + 2*time.Minute)).Report(t.Context())
	require.Error(t, err)
	require.Empty(t, done.Made, "they are made once")
	done, err = d.at(now.Add(4*realDay + time.Minute)).Report(t.Context())
	require.Error(t, err, "the fourth is new")
	require.Equal(t, []string{"daily-1", "daily-2", "daily-3"}, done.Notified, "given up after a day")
}

// Whatever times the schedule comes at, and whatever fails, no report is made or
// told of twice and none is lost.
func TestNoReportIsLostOrTwice(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := newReportFake()
		d.fails = func(what string) bool { return rapid.IntRange(0, 9).Draw(t, what) == 0 }
		moment := now
		for range rapid.IntRange(0, 30).Draw(t, "looks") {
			moment = moment.Add(time.Duration(rapid.Int64Range(0, int64(6*realDay)).Draw(t, "pause")))
			_, _ = d.at(moment).Report(t.Context()) // the next one does what this one could not
		}
		d.fails = nil
		end := now.Add(91 * realDay)
		if moment.After(end) {
			end = moment
		}
		_, err := d.at(end).Report(t.Context())
		require.NoError(t, err)
		require.Len(t, d.made, 13)
		for _, p := range d.state.Periods() {
			require.Equal(t, 1, d.made[p.ID()], p.ID())
			require.True(t, d.notified[p.ID()], p.ID())
			require.LessOrEqual(t, d.arrived["r1/report/"+p.ID()], 1)
		}
	})
}
