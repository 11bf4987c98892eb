package rest_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/api/rest"
	"marketplace.example/trials/monitoring"
	"marketplace.example/trials/rollout"
	"marketplace.example/trials/trial"
)

const metricsPath = "/api/admin/monitoring/trials/metrics"

func TestMetricsAreMadeFromCounters(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.store.counters = monitoring.Tally{
		{Period: monitoring.Standing, Cohort: trial.Control, Name: monitoring.Running(trial.Grace)}:                           4,
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

func TestMetricsAreForAdminsAndCanBeSwitchedOff(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	require.Equal(t, http.StatusForbidden, a.get(metricsPath, serviceToken).status)
	a.store.flags.FeatureFlags.Monitoring.TrialMetrics = false
	require.Equal(t, http.StatusConflict, a.get(metricsPath, adminToken).status)
}
