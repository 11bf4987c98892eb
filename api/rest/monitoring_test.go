package rest_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/api/rest"
	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

const dashboardPath = "/api/admin/monitoring/dashboard"

const metricsPath = "/api/admin/monitoring/trials/metrics"

func TestMetricsAreMadeFromCounters(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.store.counters = monitoring.Tally{
		{Period: monitoring.Current, Cohort: trial.Control, Name: monitoring.Running(trial.Grace)}:                            4,
		{Period: monitoring.DayOf(present, trial.RealDay), Cohort: trial.Automated, Name: monitoring.MailDelivered}:           19,
		{Period: monitoring.DayOf(present, trial.RealDay), Cohort: trial.Automated, Name: monitoring.MailBounced}:             1,
		{Period: monitoring.DayOf(present.AddDate(-1, 0, 0), trial.RealDay), Cohort: trial.Automated, Name: monitoring.Began}: 1000,
	}
	a.store.latencies = rollout.Calls{Took: map[int]int{rollout.TookBucket(100 * time.Millisecond): 50}}
	metrics := into[rest.TrialMetrics](a.get(metricsPath, adminToken), http.StatusOK)
	require.Equal(t, present, metrics.Report.At)
	require.Equal(t, 4, metrics.Report.Trials[trial.Control][trial.Grace])
	require.InDelta(t, .1, metrics.Report.Responses.P95, .01)
	require.Len(t, metrics.Report.Days, 31)
	require.Equal(t, 1, metrics.Report.Days[30].Mails.Bounced)
	require.Len(t, metrics.Definitions, 5)
	for _, f := range metrics.Report.Figures {
		if f.ID == monitoring.EmailDeliveryRate {
			require.Equal(t, 20, f.Denominator)
			require.InDelta(t, .95, *f.Value, 1e-9)
		}
	}
}

func TestTheDashboardHasAllOfIt(t *testing.T) {
	t.Parallel()
	a := running(t)
	all := into[rest.Dashboard](a.get(dashboardPath, adminToken), http.StatusOK)
	require.Empty(t, all.Missing)
	require.NotEmpty(t, all.Health.Parts)
	require.Len(t, all.Metrics.Report.Days, 31)
	require.NotEmpty(t, all.Alerts.Alerts)
	require.InDelta(t, 25, all.Rollout.Rollout.Percentage, 0)
	require.Len(t, all.Decisions, len(a.store.Store.Rollout))
}

// What is wrong is said, and the rest is told all the same.
func TestTheDashboardSaysWhatItLacks(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.store.Document.FeatureFlags.Monitoring.TrialMetrics = false
	all := into[rest.Dashboard](a.get(dashboardPath, adminToken), http.StatusOK)
	require.Nil(t, all.Metrics)
	require.Len(t, all.Missing, 1)
	require.Equal(t, rest.DashboardGapPartMetrics, all.Missing[0].Part)
	require.Contains(t, all.Missing[0].Reason, "monitoring.trialMetrics")
	require.Nil(t, all.Rollout, "there was none")
	require.NotNil(t, all.Alerts)

	a.store.Err = errors.New("the database is away")
	all = into[rest.Dashboard](a.get(dashboardPath, adminToken), http.StatusOK)
	require.NotNil(t, all.Health)
	require.GreaterOrEqual(t, len(all.Missing), 3)
	for _, gap := range all.Missing {
		require.NotContains(t, gap.Reason, "the database is away", "the log is for that")
	}
}

func TestMetricsAreForAdminsAndCanBeSwitchedOff(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	require.Equal(t, http.StatusForbidden, a.get(metricsPath, serviceToken).status)
	a.store.Document.FeatureFlags.Monitoring.TrialMetrics = false
	require.Equal(t, http.StatusConflict, a.get(metricsPath, adminToken).status)
}
