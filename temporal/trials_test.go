package temporal

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/mocks"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/workflows"
)

const vendorID = "v1"

func newTestClient(t *testing.T) (*Client, *mocks.Client) {
	t.Helper()
	sdk := &mocks.Client{}
	sdk.Test(t)
	t.Cleanup(func() { sdk.AssertExpectations(t) })
	return &Client{SDK: sdk, TaskQueue: "trials"}, sdk
}

func TestWakingStartsAHeldTrialThatLostItsWorkflow(t *testing.T) {
	t.Parallel()
	c, sdk := newTestClient(t)
	gone := serviceerror.NewNotFound("workflow not found")
	sdk.On("SignalWorkflow", mock.Anything, mock.Anything, mock.Anything, mock.Anything, mock.Anything).Return(gone).Maybe()
	startable := mock.MatchedBy(func(o client.StartWorkflowOptions) bool { return o.ID == "trial-v1" && o.TaskQueue == "trials" })
	sdk.On("SignalWithStartWorkflow", mock.Anything, "trial-v1", trial.SignalWake, trial.Request{}, startable,
		trial.WorkflowType, workflows.TrialInput{VendorID: vendorID}).Return(nil, nil).Once()
	require.NoError(t, c.Wake(t.Context(), vendorID))
}

func TestAnUpdateIsKnownByItsMessageAndItsRequest(t *testing.T) {
	t.Parallel()
	for requestID, want := range map[string]string{"k1": "extend/k1", "": ""} {
		c, sdk := newTestClient(t)
		sdk.On("NewWithStartWorkflowOperation", mock.Anything, mock.Anything, mock.Anything).Return(nil)
		handle := &mocks.WorkflowUpdateHandle{}
		handle.On("Get", mock.Anything, mock.Anything).Return(nil)
		named := mock.MatchedBy(func(o client.UpdateWithStartWorkflowOptions) bool {
			return o.UpdateOptions.UpdateID == want && o.UpdateOptions.UpdateName == trial.MessageExtend
		})
		sdk.On("UpdateWithStartWorkflow", mock.Anything, named).Return(handle, nil).Once()
		_, err := c.Ask(t.Context(), trial.MessageExtend, vendorID, trial.Request{ID: requestID, Days: 3, Reason: "asked for"})
		require.NoError(t, err)
	}
}

// aQueue answers who polls, or not at all.
type aQueue struct {
	workflowservice.WorkflowServiceClient
	polled time.Time
	err    error
}

func (q aQueue) DescribeTaskQueue(context.Context, *workflowservice.DescribeTaskQueueRequest, ...grpc.CallOption) (*workflowservice.DescribeTaskQueueResponse, error) {
	return &workflowservice.DescribeTaskQueueResponse{Pollers: []*taskqueue.PollerInfo{{LastAccessTime: timestamppb.New(q.polled)}}}, q.err
}

func TestAnAnswerThatDoesNotComeIsTheWorkersWhereTemporalAnswers(t *testing.T) {
	t.Parallel()
	late := serviceerror.NewDeadlineExceeded("context deadline exceeded")
	for name, c := range map[string]struct {
		err   error
		queue aQueue
		says  string
	}{
		"no worker":         {late, aQueue{polled: time.Now().Add(-4 * time.Minute)}, "no worker answers"},
		"the SDK's own":     {client.NewWorkflowUpdateServiceTimeoutOrCanceledError(context.DeadlineExceeded), aQueue{polled: time.Now().Add(-4 * time.Minute)}, "no worker answers"},
		"a busy worker":     {late, aQueue{polled: time.Now()}, "the worker has not answered in time"},
		"Temporal is slow":  {late, aQueue{err: errors.New("away")}, "the workflow service does not answer; try again"},
		"Temporal is away":  {serviceerror.NewUnavailable("connection refused"), aQueue{}, "the workflow service does not answer; try again"},
		"Temporal is laden": {serviceerror.NewResourceExhausted(0, "busy"), aQueue{}, "the workflow service does not answer; try again"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k, sdk := newTestClient(t)
			sdk.On("NewWithStartWorkflowOperation", mock.Anything, mock.Anything, mock.Anything).Return(nil)
			sdk.On("UpdateWithStartWorkflow", mock.Anything, mock.Anything).Return(nil, c.err).Once()
			sdk.On("WorkflowService").Return(c.queue).Maybe()
			_, err := k.Ask(t.Context(), trial.MessageExtend, vendorID, trial.Request{ID: "k1", Days: 3, Reason: "asked for"})
			e, ok := errors.AsType[*trial.Error](err)
			require.True(t, ok, err)
			require.Equal(t, trial.CodeUnavailable, e.Code)
			require.Contains(t, e.Message, c.says)
		})
	}
}

func TestATrialThatRunsIsLeftAloneAndCalledSo(t *testing.T) {
	t.Parallel()
	c, sdk := newTestClient(t)
	sdk.On("ExecuteWorkflow", mock.Anything, mock.Anything, trial.WorkflowType, mock.Anything).
		Return(nil, serviceerror.NewWorkflowExecutionAlreadyStarted("runs", "", "")).Once()
	started, err := c.Start(t.Context(), trial.Registration{VendorID: vendorID, Policy: trial.DefaultPolicy(), Day: trial.RealDay, At: time.Now()})
	require.NoError(t, err)
	require.False(t, started)
}

func TestATrialIsRestartedAsItStands(t *testing.T) {
	t.Parallel()
	c, sdk := newTestClient(t)
	s := trial.NewState(trial.Registration{VendorID: vendorID, Cohort: trial.Automated, Policy: trial.DefaultPolicy(), Day: trial.RealDay, At: time.Now()})
	s.Status, s.EndsAt = trial.Grace, s.EndsAt.Add(time.Hour)
	standing := mock.MatchedBy(func(o client.StartWorkflowOptions) bool {
		return assert.ObjectsAreEqual(workflows.StartAttributes(s), o.TypedSearchAttributes)
	})
	sdk.On("ExecuteWorkflow", mock.Anything, standing, trial.WorkflowType, workflows.TrialInput{VendorID: vendorID}).Return(nil, nil).Once()
	started, err := c.Restart(t.Context(), s)
	require.NoError(t, err)
	require.True(t, started)
}
