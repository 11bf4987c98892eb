package activities

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"
	"go.uber.org/zap"

	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/trial"
)

// archive is a database of trials; nothing else is asked of it.
type archive struct {
	RolloutStore
	trials []trial.State
	pages  int
}

func (a *archive) Trials(_ context.Context, f trial.Filter, after string, limit int) ([]trial.State, string, error) {
	a.pages++
	if f != (trial.Filter{}) {
		return nil, "", fmt.Errorf("both cohorts, of every status, not %+v", f)
	}
	from := 0
	for from < len(a.trials) && a.trials[from].VendorID <= after {
		from++
	}
	to := min(from+limit, len(a.trials))
	next := ""
	if to < len(a.trials) {
		next = a.trials[to-1].VendorID
	}
	return a.trials[from:to], next, nil
}

var learnedAt = time.Date(2026, time.March, 2, 12, 0, 0, 0, time.UTC)

func learn(t *testing.T, trials []trial.State) (evidence.Times, int) {
	t.Helper()
	store := &archive{trials: trials}
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	env.RegisterActivity(&Rollouts{Store: store, Now: func() time.Time { return learnedAt }, Log: zap.NewNop()})
	var none *Rollouts
	value, err := env.ExecuteActivity(none.Learn, evidence.Times{Day: trial.RealDay, TrialDays: 17})
	require.NoError(t, err)
	var times evidence.Times
	require.NoError(t, value.Get(&times))
	return times, store.pages
}

func TestARolloutLearnsFromAllTrialsBeforeIt(t *testing.T) {
	t.Parallel()
	var trials []trial.State
	for i := range 1200 {
		initial := learnedAt.AddDate(0, 0, -60)
		s := trial.State{VendorID: fmt.Sprintf("v%04d", i), Day: trial.RealDay, Cohort: trial.Control, StartedAt: initial, Status: trial.Expired, ExpiredAt: new(initial.AddDate(0, 0, 17))}
		if i%10 == 0 {
			s.Status, s.ExpiredAt, s.ConvertedAt = trial.Converted, nil, new(initial.AddDate(0, 0, 1+i%8))
		}
		if i%20 == 0 {
			s.Cohort = trial.Automated
		}
		trials = append(trials, s)
	}
	times, pages := learn(t, trials)
	require.Equal(t, 3, pages)
	require.Equal(t, &evidence.History{Trials: 1200, Converted: 120, Later: 4.25}, times.History)
	require.InDelta(t, 5.25, times.Curve[0].Age, 0.02)
	require.Equal(t, 17.0, times.TrialDays) //nolint:testifylint // handed through

	for i := range trials {
		trials[i].StartedAt = learnedAt.Add(time.Hour)
	}
	times, _ = learn(t, trials)
	require.Equal(t, &evidence.History{}, times.History, "none had begun")
	require.Empty(t, times.Curve)
}

func TestLifetime(t *testing.T) {
	t.Parallel()
	ago := func(days float64) time.Time {
		return learnedAt.Add(-time.Duration(days * float64(time.Minute)))
	}
	tests := map[string]struct {
		state trial.State
		want  evidence.Lifetime
	}{
		"running":                      {trial.State{Status: trial.Active, StartedAt: ago(5)}, evidence.Lifetime{Age: 5}},
		"in grace":                     {trial.State{Status: trial.Grace, StartedAt: ago(16)}, evidence.Lifetime{Age: 16}},
		"converted":                    {trial.State{Status: trial.Converted, StartedAt: ago(20), ConvertedAt: new(ago(13))}, evidence.Lifetime{Age: 7, Converted: true, Whole: true}},
		"converted, young":             {trial.State{Status: trial.Converted, StartedAt: ago(16), ConvertedAt: new(ago(13))}, evidence.Lifetime{Age: 3, Converted: true}},
		"converted before it began":    {trial.State{Status: trial.Converted, StartedAt: ago(20), ConvertedAt: new(ago(21))}, evidence.Lifetime{Converted: true, Whole: true}},
		"expired":                      {trial.State{Status: trial.Expired, StartedAt: ago(40), ExpiredAt: new(ago(23))}, evidence.Lifetime{Age: 17, Whole: true}},
		"converted after it was over":  {trial.State{Status: trial.Expired, StartedAt: ago(40), ExpiredAt: new(ago(23)), ConvertedAt: new(ago(3)), ConvertedLate: true}, evidence.Lifetime{Age: 17, Whole: true}},
		"cancelled":                    {trial.State{Status: trial.Cancelled, StartedAt: ago(40), CancelledAt: new(ago(38))}, evidence.Lifetime{Age: 2, Whole: true}},
		"extended, converted when old": {trial.State{Status: trial.Converted, StartedAt: ago(40), ConvertedAt: new(ago(10))}, evidence.Lifetime{Age: 30, Converted: true, Whole: true}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.state.Day = time.Minute
			life, began := lifetime(tt.state, 17, learnedAt)
			require.True(t, began)
			require.InDelta(t, tt.want.Age, life.Age, 1e-9)
			life.Age, tt.want.Age = 0, 0
			require.Equal(t, tt.want, life)
		})
	}
	_, began := lifetime(trial.State{StartedAt: ago(-1), Day: time.Minute}, 17, learnedAt)
	require.False(t, began)
	_, began = lifetime(trial.State{StartedAt: ago(1)}, 17, learnedAt)
	require.False(t, began, "a trial whose days are not known")
}
