package temporal

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/mocks"

	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/rollout"
)

func TestHowTheRolloutsWorkflowStands(t *testing.T) {
	t.Parallel()
	described := func(status enums.WorkflowExecutionStatus, attempt int32) *workflowservice.DescribeWorkflowExecutionResponse {
		return &workflowservice.DescribeWorkflowExecutionResponse{
			WorkflowExecutionInfo: &workflow.WorkflowExecutionInfo{Status: status},
			PendingWorkflowTask:   &workflow.PendingWorkflowTaskInfo{Attempt: attempt},
		}
	}
	for name, c := range map[string]struct {
		answer *workflowservice.DescribeWorkflowExecutionResponse
		err    error
		want   monitoring.WorkflowRun
		fails  bool
	}{
		"runs":                  {described(enums.WORKFLOW_EXECUTION_STATUS_RUNNING, 1), nil, monitoring.WorkflowRun{Attempts: 1}, false},
		"runs, and has no task": {&workflowservice.DescribeWorkflowExecutionResponse{WorkflowExecutionInfo: &workflow.WorkflowExecutionInfo{Status: enums.WORKFLOW_EXECUTION_STATUS_RUNNING}}, nil, monitoring.WorkflowRun{}, false},
		"fails its tasks":       {described(enums.WORKFLOW_EXECUTION_STATUS_RUNNING, 7), nil, monitoring.WorkflowRun{Attempts: 7}, false},
		"terminated":            {described(enums.WORKFLOW_EXECUTION_STATUS_TERMINATED, 0), nil, monitoring.WorkflowRun{Gone: true}, false},
		"timed out":             {described(enums.WORKFLOW_EXECUTION_STATUS_TIMED_OUT, 0), nil, monitoring.WorkflowRun{Gone: true}, false},
		"never there, or lost":  {nil, serviceerror.NewNotFound("no such workflow"), monitoring.WorkflowRun{Gone: true}, false},
		"Temporal is away":      {nil, errors.New("connection refused"), monitoring.WorkflowRun{}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sdk := mocks.NewClient(t)
			sdk.On("DescribeWorkflowExecution", mock.Anything, rollout.WorkflowID, "").Return(c.answer, c.err)
			got, err := (&Client{SDK: sdk}).RolloutRun(t.Context())
			require.Equal(t, c.fails, err != nil)
			require.Equal(t, c.want, got)
		})
	}
}
