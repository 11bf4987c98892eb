package temporal

import (
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/mocks"

	"marketplace.example/trials/activities"
	"marketplace.example/trials/internal/domain/recovery"
	"marketplace.example/trials/internal/domain/trial"
)

// What came of the last runs is read from their workflows, as the worker's activity answered.
func TestTheScheduleOfTheBackups(t *testing.T) {
	t.Parallel()
	began := time.Date(2026, 3, 14, 4, 0, 0, 0, time.UTC)
	statuses := []enums.WorkflowExecutionStatus{
		enums.WORKFLOW_EXECUTION_STATUS_COMPLETED, enums.WORKFLOW_EXECUTION_STATUS_COMPLETED, enums.WORKFLOW_EXECUTION_STATUS_FAILED,
		enums.WORKFLOW_EXECUTION_STATUS_UNSPECIFIED, enums.WORKFLOW_EXECUTION_STATUS_COMPLETED, enums.WORKFLOW_EXECUTION_STATUS_RUNNING,
	}
	described := &client.ScheduleDescription{
		Schedule: client.Schedule{State: &client.ScheduleState{Note: "a rollout runs"}}, Info: client.ScheduleInfo{NextActionTimes: []time.Time{began.Add(24 * time.Hour)}},
	}
	sdk, all, handle := mocks.NewClient(t), mocks.NewScheduleClient(t), mocks.NewScheduleHandle(t)
	sdk.On("ScheduleClient").Return(all)
	all.On("GetHandle", mock.Anything, backupSchedule).Return(handle)
	handle.On("Describe", mock.Anything).Return(described, nil)
	for i, status := range statuses {
		id := "back-up-" + string(rune('a'+i))
		described.Info.RecentActions = append(described.Info.RecentActions, client.ScheduleActionResult{
			ActualTime: began.Add(time.Duration(i) * time.Hour), StartWorkflowResult: &client.ScheduleWorkflowExecution{WorkflowID: id, FirstExecutionRunID: "run"},
		})
		if status == enums.WORKFLOW_EXECUTION_STATUS_UNSPECIFIED {
			sdk.On("DescribeWorkflowExecution", mock.Anything, id, "run").Return(nil, serviceerror.NewNotFound("forgotten")).Maybe()
			continue
		}
		sdk.On("DescribeWorkflowExecution", mock.Anything, id, "run").Return(&workflowservice.DescribeWorkflowExecutionResponse{
			WorkflowExecutionInfo: &workflow.WorkflowExecutionInfo{Status: status},
		}, nil).Maybe()
		taken := activities.BackedUp{}
		if i == 4 {
			taken = activities.BackedUp{ID: "20260314T080000.000Z-full", Kind: "full", Documents: 12, Bytes: 3456}
		}
		run := mocks.NewWorkflowRun(t)
		run.On("Get", mock.Anything, mock.Anything).Maybe().Run(func(args mock.Arguments) {
			answered, err := converter.GetDefaultDataConverter().ToPayloads(taken)
			require.NoError(t, err)
			require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(answered, args.Get(1)))
		}).Return(nil)
		sdk.On("GetWorkflow", mock.Anything, id, "run").Return(run).Maybe()
	}
	c := &Client{SDK: sdk}
	s, err := c.BackupSchedule(t.Context())
	require.NoError(t, err)
	at := func(i int) time.Time { return began.Add(time.Duration(i) * time.Hour) }
	require.Equal(t, recovery.BackupSchedule{Note: "a rollout runs", Next: began.Add(24 * time.Hour), Runs: []recovery.BackupRun{
		{WorkflowID: "back-up-f", At: at(5), Running: true},
		{WorkflowID: "back-up-e", At: at(4), ID: "20260314T080000.000Z-full", Kind: "full", Documents: 12, Bytes: 3456},
		{WorkflowID: "back-up-d", At: at(3), Forgotten: true},
		{WorkflowID: "back-up-c", At: at(2), Failed: true},
		{WorkflowID: "back-up-b", At: at(1)},
	}}, s)

	described.Schedule.State.Paused = true
	s, err = c.BackupSchedule(t.Context())
	require.NoError(t, err)
	require.True(t, s.Paused && s.Next.IsZero(), "a schedule that is paused starts none")
}

func TestTheScheduleOfTheBackupsIsMissingOrAway(t *testing.T) {
	t.Parallel()
	s := &scheduler{state: map[string]*client.ScheduleState{}}
	none, err := s.client(t).BackupSchedule(t.Context())
	require.NoError(t, err)
	require.Zero(t, none)

	sdk, all, handle := mocks.NewClient(t), mocks.NewScheduleClient(t), mocks.NewScheduleHandle(t)
	sdk.On("ScheduleClient").Return(all)
	all.On("GetHandle", mock.Anything, backupSchedule).Return(handle)
	handle.On("Describe", mock.Anything).Return(nil, serviceerror.NewUnavailable("away"))
	_, err = (&Client{SDK: sdk}).BackupSchedule(t.Context())
	require.Equal(t, trial.CodeUnavailable, trial.CodeOf(err))
}
