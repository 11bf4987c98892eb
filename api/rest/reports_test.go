package rest_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/api/rest"
	"marketplace.example/trials/internal/domain/report"
	"marketplace.example/trials/internal/domain/rollout"
)

// deployed is an API with a rollout that reached its last percentage just now.
func deployed(t *testing.T) *api {
	t.Helper()
	a := running(t)
	a.store.Store.Rollout = append(a.store.Store.Rollout, rollout.Event{Seq: 5, Type: rollout.EventEntered, At: present,
		Stage: &rollout.Stage{Kind: rollout.Stability, Phase: 5}, Enabled: new(true), Percentage: new(100.0)})
	return a
}

func (a *api) task(id string) rollout.TaskView {
	a.t.Helper()
	for _, task := range a.view().Tasks {
		if task.ID == id {
			return task
		}
	}
	a.t.Fatalf("no task %s", id)
	return rollout.TaskView{}
}

func TestReportsAreListedAndRead(t *testing.T) {
	t.Parallel()
	a := running(t)
	path := rolloutsPath + "/current/reports"
	require.Empty(t, into[rest.RolloutReports](a.get(path, adminToken), http.StatusOK).Reports, "no phase is through")

	a = deployed(t)
	state := rollout.Fold(a.store.Store.Rollout)
	made := report.Make(state, state.Periods()[0], []report.Facts{{}}, report.Facts{}, nil, present.AddDate(0, 0, 1))
	a.store.Reports = map[string]report.Report{made.ID: made}
	all := into[rest.RolloutReports](a.get(path, adminToken), http.StatusOK)
	require.Equal(t, state.ID, all.RolloutId)
	require.Len(t, all.Reports, 13)
	require.Equal(t, report.EntryOf(state.Periods()[0], &made), all.Reports[0])
	require.Nil(t, all.Reports[1].At)
	require.Equal(t, made, into[report.Report](a.get(path+"/daily-1", adminToken), http.StatusOK))
	require.Equal(t, http.StatusOK, a.get(rolloutsPath+"/"+state.ID+"/reports/daily-1", adminToken).status)

	require.Equal(t, http.StatusNotFound, a.get(path+"/daily-2", adminToken).status, "to come")
	require.Equal(t, http.StatusBadRequest, a.get(path+"/hourly-1", adminToken).status)
	require.Equal(t, http.StatusNotFound, a.get(rolloutsPath+"/other/reports", adminToken).status)
	require.Equal(t, http.StatusNotFound, a.get(rolloutsPath+"/other/reports/daily-1", adminToken).status)
	for _, token := range []string{"", serviceToken} {
		require.Contains(t, []int{http.StatusUnauthorized, http.StatusForbidden}, a.get(path, token).status)
		require.Contains(t, []int{http.StatusUnauthorized, http.StatusForbidden}, a.get(path+"/daily-1", token).status)
	}
}

func TestTasksAreTickedWhileTheRolloutRunsAndAfterIt(t *testing.T) {
	t.Parallel()
	const review, tick = "daily-monitoring-review", `{"met": true, "reason": "read all seven"}`
	early := running(t)
	require.Equal(t, http.StatusConflict, early.steer("criteria/"+review, "k1", tick).status, "stability has not begun")
	require.Equal(t, rollout.TaskToCome, early.task(review).Status)

	a := deployed(t)
	require.Equal(t, rollout.TaskOpen, a.task(review).Status)
	require.Equal(t, http.StatusAccepted, a.steer("criteria/"+review, "k1", tick).status)
	require.Equal(t, rollout.TaskDone, a.task(review).Status)

	a.store.Store.Rollout = append(a.store.Store.Rollout, rollout.Event{Seq: 7, Type: rollout.EventCompleted, At: present, By: "rollout"})
	a.workflows.unavailable = errUnavailable // it has ended, and is not needed
	a.store.rollouts.overtake = &rollout.Event{Seq: 8, Type: rollout.EventTicked, At: present, By: "admin", Subject: "system-optimizations", Tick: &rollout.Tick{Met: true}}
	const planning = "next-feature-planning"
	require.Equal(t, http.StatusAccepted, a.steer("criteria/"+planning, "k2", tick).status)
	require.Equal(t, rollout.TaskDone, a.task(planning).Status)
	require.Equal(t, rollout.TaskDone, a.task("system-optimizations").Status, "who was faster is not lost")
	require.Len(t, a.store.Store.Rollout, 9)
	require.Equal(t, http.StatusAccepted, a.steer("criteria/"+planning, "k2", tick).status)
	require.Len(t, a.store.Store.Rollout, 9, "the same key is the same request")
	require.Equal(t, rollout.Completed, a.view().Rollout.Status)
	require.Equal(t, http.StatusConflict, a.steer("criteria/feedback-positive", "k3", tick).status, "criteria are the rollout's own")
	require.Equal(t, http.StatusBadRequest, a.steer("criteria/"+planning, "k4", `{"met": true, "reason": " "}`).status)
	require.Len(t, a.store.Store.Rollout, 9)
}
