package activities

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"
	"go.uber.org/zap"

	"marketplace.example/trials/internal/domain/canary"
	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// preflightFake is a database and a mail account in order, with these counters.
type preflightFake struct {
	RolloutStore
	tally   monitoring.Tally
	metrics bool
}

func (f preflightFake) VendorsWithoutStart(context.Context) (int64, error) { return 0, nil }

func (f preflightFake) Flags(context.Context) (flags.Document, error) {
	doc := flags.Document{FeatureFlags: flags.Initial()}
	doc.FeatureFlags.Monitoring.TrialMetrics = f.metrics
	return doc, nil
}

func (f preflightFake) LatestJudgement(context.Context, string) (*rollout.Judgement, error) {
	return nil, nil //nolint:nilnil // as the port has it
}

func (f preflightFake) Counters(_ context.Context, periods []monitoring.Period) (monitoring.Tally, error) {
	read := monitoring.Tally{}
	for _, p := range periods {
		for c, n := range f.tally {
			if c.Period == p {
				read[c] = n
			}
		}
	}
	return read, nil
}

func (f preflightFake) SendingEnabled(context.Context) (bool, error) { return true, nil }

func (f preflightFake) Ask(context.Context) []rollout.DashboardAnswer { return nil }

func (f preflightFake) AllRefused(time.Time) time.Time { return time.Time{} }

// preflight makes the checks of a rollout.
func (f preflightFake) preflight(t *testing.T, now time.Time, canaries CanaryControl, s rollout.State) (checks []rollout.Check) {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	env.RegisterActivity(&Rollouts{
		Store: f, Account: f, Dashboards: f, Canaries: canaries, Policy: trial.DefaultPolicy(), Day: trial.RealDay, Now: func() time.Time { return now },
		Log: zap.NewNop(),
	})
	var none *Rollouts
	value, err := env.ExecuteActivity(none.Preflight, s)
	require.NoError(t, err)
	require.NoError(t, value.Get(&checks))
	return checks
}

func TestThePreflightKnowsTheConversionRateOfTheLastWeeks(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	began := monitoring.DayOf(now.Add(-30*trial.RealDay), trial.RealDay)
	fake := preflightFake{metrics: true, tally: monitoring.Tally{
		{Period: began, Cohort: trial.Control, Name: monitoring.Began}: 40, {Period: began, Cohort: trial.Control, Name: monitoring.BeganConverted}: 2,
	}}
	conversion := func() rollout.Check {
		checks := fake.preflight(t, now, nil, rollout.State{Plan: rollout.DefaultPlan()})
		return checks[len(checks)-1]
	}
	require.Equal(t, rollout.CheckConversion, conversion().ID)
	require.Equal(t, rollout.Fail, conversion().Verdict)
	require.Contains(t, conversion().Reason, "5.0 % of the 40 trials of the last weeks")
	fake.metrics = false
	require.Equal(t, rollout.Pass, conversion().Verdict, "what is not counted is not known")
}

// birds has canaries, and counts those that are started.
type birds struct {
	latest  *canary.Result
	started int
}

func (b *birds) LatestCanary(context.Context) (*canary.Result, time.Time, error) {
	return b.latest, time.Time{}, nil
}

func (b *birds) StartCanary(context.Context) error {
	b.started++
	return nil
}

func TestThePreflightStartsACanaryUnlessItsCheckIsWaived(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	began := rollout.State{Plan: rollout.DefaultPlan(), StartedAt: now.Add(-time.Hour), Times: evidence.Times{Day: trial.RealDay, TrialDays: 17}}
	waived := began
	waived.Checks = []rollout.Check{{ID: rollout.CheckCanary, WaivedBy: "owner"}}
	for name, c := range map[string]struct {
		state  rollout.State
		latest *canary.Result
		want   int
	}{
		"none has come":   {began, nil, 1},
		"one is broken":   {began, &canary.Result{EndedAt: now, Fault: canary.MailRefused}, 1},
		"one is well":     {began, &canary.Result{EndedAt: now}, 0},
		"it was waived":   {waived, nil, 0},
		"waived, and bad": {waived, &canary.Result{EndedAt: now, Fault: canary.MailRefused}, 0},
	} {
		b := &birds{latest: c.latest}
		preflightFake{}.preflight(t, now, b, c.state)
		require.Equal(t, c.want, b.started, name)
	}
}
