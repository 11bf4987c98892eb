package rest_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

func TestCallsAreObservedByTheCohortOfTheirVendor(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	observed := func() (automated, control rollout.CallCount) {
		return a.store.rollouts.calls.Automated, a.store.rollouts.calls.Control
	}
	a.get("/api/vendors/nobody", serviceToken)
	a.get(flagsPath, adminToken)
	counted := a.store.rollouts.calls.Count()
	a.post("/api/admin/rollouts/forecast", adminToken, `{"registrationsPerDay":10}`)
	require.Equal(t, counted, a.store.rollouts.calls.Count(), "a forecast that has to wait is no failure")
	automated, control := observed()
	require.Zero(t, automated.Seen+control.Seen)
	for id, cohort := range map[string]trial.Cohort{"v1": trial.Automated, "v2": trial.Control} {
		a.post("/api/vendors", serviceToken, `{"id": "`+id+`", "email": "a@example.com", "name": "A"}`)
		a.store.Lock()
		a.store.VendorsByID[id].Automation.Cohort = cohort
		a.store.Unlock()
		before := a.store.rollouts.calls
		a.get("/api/vendors/"+id, serviceToken)
		a.post("/api/vendors/"+id+"/conversion", serviceToken, `{}`)
		automated, control = observed()
		about := map[trial.Cohort]int{trial.Automated: automated.Seen - before.Automated.Seen, trial.Control: control.Seen - before.Control.Seen}
		require.Equal(t, map[trial.Cohort]int{trial.Automated: 0, trial.Control: 0, cohort: 2}, about)
	}

	a.store.Err = errUnavailable
	a.get("/api/vendors/v1", serviceToken)
	_, after := observed()
	require.Equal(t, rollout.CallCount{Seen: control.Seen + 1, Failed: 1}, after, "it failed before its vendor was known")
}
