package temporal

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"golang.org/x/sync/errgroup"

	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// CheckNamespace fails where Temporal does not answer, or does not have our namespace. For the latter the error is a
// *trial.Error with CodeNotFound.
func (c *Client) CheckNamespace(ctx context.Context) error {
	_, err := c.SDK.WorkflowService().DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: c.Namespace})
	if _, missing := errors.AsType[*serviceerror.NamespaceNotFound](err); missing {
		return &trial.Error{Code: trial.CodeNotFound, Message: "Temporal does not have our namespace"}
	}
	if err != nil {
		return unavailable("asking for the namespace", err)
	}
	return nil
}

// Queue is the state of the task queue. Workers poll for workflow tasks and for activities. Polled is the older of both
// moments, so that only a worker that does both counts.
func (c *Client) Queue(ctx context.Context) (monitoring.TaskQueue, error) {
	kinds := []enums.TaskQueueType{enums.TASK_QUEUE_TYPE_WORKFLOW, enums.TASK_QUEUE_TYPE_ACTIVITY}
	found := make([]*workflowservice.DescribeTaskQueueResponse, len(kinds))
	group, ctx := errgroup.WithContext(ctx)
	for i, kind := range kinds {
		group.Go(func() error {
			var err error
			found[i], err = c.SDK.WorkflowService().DescribeTaskQueue(ctx, &workflowservice.DescribeTaskQueueRequest{
				Namespace: c.Namespace, TaskQueue: &taskqueue.TaskQueue{Name: c.TaskQueue}, TaskQueueType: kind, ReportStats: true,
			})
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return monitoring.TaskQueue{}, unavailable("describing the task queue", err)
	}
	queue := monitoring.TaskQueue{Polled: lastPoll(found[0])}
	if at := lastPoll(found[1]); at.Before(queue.Polled) {
		queue.Polled = at
	}
	for _, f := range found {
		queue.Waiting += f.GetStats().GetApproximateBacklogCount()
		queue.Oldest = max(queue.Oldest, f.GetStats().GetApproximateBacklogAge().AsDuration())
	}
	return queue, nil
}

// RolloutRun is the state of the rollout's workflow.
func (c *Client) RolloutRun(ctx context.Context) (monitoring.WorkflowRun, error) {
	described, err := c.SDK.DescribeWorkflowExecution(ctx, rollout.WorkflowID, "")
	if missing(err) {
		return monitoring.WorkflowRun{Gone: true}, nil
	}
	if err != nil {
		return monitoring.WorkflowRun{}, unavailable("describing the rollout's workflow", err)
	}
	return monitoring.WorkflowRun{
		Gone:     described.GetWorkflowExecutionInfo().GetStatus() != enums.WORKFLOW_EXECUTION_STATUS_RUNNING,
		Attempts: int(described.GetPendingWorkflowTask().GetAttempt()),
	}, nil
}

// lastPoll is the moment of the latest poll. It is zero where nobody polled in the five minutes that Temporal remembers.
func lastPoll(d *workflowservice.DescribeTaskQueueResponse) time.Time {
	var last time.Time
	for _, p := range d.GetPollers() {
		if at := p.GetLastAccessTime().AsTime(); at.After(last) {
			last = at
		}
	}
	return last
}
