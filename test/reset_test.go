package test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"

	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/test/system"
)

// Somebody cancels the rollout's workflow in the Web UI, and resets it, to its last task and to its first.
func TestARolloutOutlivesCancelAndReset(t *testing.T) {
	s := begin(t, system.Options{})
	plan := shortPlan()
	plan.Phases[0].SoakDays = 60
	s.startRollout(plan)
	s.pass()
	s.awaitRollout(soon, stands(rollout.Running))
	s.awaitRollout(soon, preflightPassed)
	s.control("pause", map[string]any{})
	s.awaitRollout(soon, stands(rollout.Paused))

	require.NoError(t, s.temporal.CancelWorkflow(s.ctx, rollout.WorkflowID, ""))
	s.control("resume", map[string]any{})
	s.awaitRollout(soon, stands(rollout.Running))
	s.control("pause", map[string]any{})
	s.awaitRollout(soon, stands(rollout.Paused))

	for _, last := range []bool{true, false, true} {
		known := len(s.decisions())
		s.reset(last)
		s.control("resume", map[string]any{})
		s.awaitRollout(soon, stands(rollout.Running))
		s.control("pause", map[string]any{})
		s.awaitRollout(soon, stands(rollout.Paused))
		for i, e := range s.decisions() {
			require.Equal(t, i+1, e.Seq)
			require.True(t, i == 0 || e.Type != rollout.EventStarted, "it was begun anew")
			require.True(t, i < known || e.Type == rollout.EventResumed || e.Type == rollout.EventPaused || e.Type == rollout.EventUpdate, "%s was decided once more", e.Type)
		}
	}
	s.control("rollback", map[string]any{"percentage": 0})
	s.awaitRollout(soon, stands(rollout.RolledBack))
}

// preflightPassed: one that has not is made again and again, which is no repeat.
func preflightPassed(v rollout.View) error {
	for _, c := range v.Rollout.Checks {
		if c.Verdict != rollout.Pass && c.WaivedBy == "" {
			return fmt.Errorf("preflight check %s is %s: %s", c.ID, c.Verdict, c.Reason)
		}
	}
	return nil
}

// reset has the rollout's workflow begin again behind its last task, or its first.
func (s *scenario) reset(last bool) {
	s.t.Helper()
	var task int64
	events := s.temporal.GetWorkflowHistory(s.ctx, rollout.WorkflowID, "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() && (last || task == 0) {
		e, err := events.Next()
		require.NoError(s.t, err)
		if e.GetEventType() == enums.EVENT_TYPE_WORKFLOW_TASK_COMPLETED {
			task = e.GetEventId()
		}
	}
	_, err := s.temporal.ResetWorkflowExecution(s.ctx, &workflowservice.ResetWorkflowExecutionRequest{
		Namespace: s.Namespace, WorkflowExecution: &common.WorkflowExecution{WorkflowId: rollout.WorkflowID},
		Reason: "the scenario wants it", WorkflowTaskFinishEventId: task, RequestId: fmt.Sprintf("reset-%d-%t", task, last),
	})
	require.NoError(s.t, err)
}
