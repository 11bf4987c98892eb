package test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/test/system"
)

// As after a loss of Temporal's data, the workflow is gone and the schedules are as `starter setup` makes them.
func TestARolloutOutlivesItsWorkflow(t *testing.T) {
	s := begin(t, system.Options{})
	plan := shortPlan()
	plan.Phases[0].SoakDays = 28 // it is still there when the reconciler comes
	s.startRollout(plan)
	s.pass()
	before := s.awaitRollout(soon, stands(rollout.Running))
	watch := s.temporal.ScheduleClient().GetHandle(s.ctx, "watch-rollout")
	require.NoError(t, watch.Pause(s.ctx, client.SchedulePauseOptions{Note: "the scenario wants it"}))
	paused := func(want bool) func() error {
		return func() error {
			described, err := watch.Describe(s.ctx)
			if err == nil && described.Schedule.State.Paused != want {
				err = fmt.Errorf("the watch is paused: %t", !want)
			}
			return err
		}
	}
	eventually(t, soon, paused(true)) // a rollout that is taken up before that leaves the watch as it is
	require.NoError(t, s.temporal.TerminateWorkflow(s.ctx, rollout.WorkflowID, "", "the scenario wants it"))

	eventually(t, aSweep, paused(false))
	var now rollout.State
	eventually(t, soon, func() error { // until it has read what is stored, it says so
		value, err := s.temporal.QueryWorkflow(s.ctx, rollout.WorkflowID, "", rollout.QueryStatus)
		if err != nil {
			return err
		}
		return value.Get(&now)
	})
	require.Equal(t, before.Rollout.ID, now.ID)

	s.control("pause", map[string]any{})
	s.awaitRollout(soon, stands(rollout.Paused))
	s.control("rollback", map[string]any{"percentage": 0})
	s.awaitRollout(soon, stands(rollout.RolledBack))
	for i, e := range s.decisions() {
		require.Equal(t, i+1, e.Seq)
		require.True(t, i == 0 || e.Type != rollout.EventStarted, "it was begun anew")
	}
}

// stands wants a rollout of that status.
func stands(status rollout.Status) func(rollout.View) error {
	return func(v rollout.View) error {
		if v.Rollout.Status != status {
			return fmt.Errorf("it is %s", v.Rollout.Status)
		}
		return nil
	}
}
