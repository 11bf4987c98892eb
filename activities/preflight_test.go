package activities

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"
	"go.uber.org/zap"

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

func (f preflightFake) Ledger(context.Context, string) (l rollout.Ledger, j *rollout.Judgement, found bool, err error) {
	return l, nil, false, nil
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

func TestThePreflightKnowsTheConversionRateOfTheLastWeeks(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	began := monitoring.DayOf(now.Add(-30*trial.RealDay), trial.RealDay)
	fake := preflightFake{metrics: true, tally: monitoring.Tally{
		{Period: began, Cohort: trial.Control, Name: monitoring.Began}: 40, {Period: began, Cohort: trial.Control, Name: monitoring.BeganConverted}: 2,
	}}
	conversion := func() rollout.Check {
		var suite testsuite.WorkflowTestSuite
		env := suite.NewTestActivityEnvironment()
		env.RegisterActivity(&Rollouts{
			Store: fake, Account: fake, Dashboards: fake, Policy: trial.DefaultPolicy(), Day: trial.RealDay, Now: func() time.Time { return now }, Log: zap.NewNop(),
		})
		var none *Rollouts
		value, err := env.ExecuteActivity(none.Preflight, rollout.State{Plan: rollout.DefaultPlan()})
		require.NoError(t, err)
		var checks []rollout.Check
		require.NoError(t, value.Get(&checks))
		return checks[len(checks)-1]
	}
	require.Equal(t, rollout.CheckConversion, conversion().ID)
	require.Equal(t, rollout.Fail, conversion().Verdict)
	require.Contains(t, conversion().Reason, "5.0 % of the 40 trials of the last weeks")
	fake.metrics = false
	require.Equal(t, rollout.Pass, conversion().Verdict, "what is not counted is not known")
}
