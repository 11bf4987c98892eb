package workflows

import (
	"time"

	"go.temporal.io/api/enums/v1"
	sdktemporal "go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"marketplace.example/trials/activities"
	"marketplace.example/trials/internal/domain/rollout"
)

// NoticeWorkflowType is the name under which Notice is registered.
const NoticeWorkflowType = "Notice"

// notifyFor is how long it is tried to reach a recipient.
const notifyFor = 24 * time.Hour

// Notice tells stakeholders one thing. It outlives the rollout that it is about,
// so that a recipient who cannot be reached keeps no other rollout from starting.
func Notice(ctx workflow.Context, m rollout.Message) error {
	var notices *activities.Notices
	return workflow.ExecuteActivity(notifyContext(ctx, m), notices.Notify, m).Get(ctx, nil)
}

// notifyContext are the options of the activity that tells m.
func notifyContext(ctx workflow.Context, m rollout.Message) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 2 * time.Minute, ScheduleToCloseTimeout: notifyFor, Summary: "tell: " + m.Subject,
		RetryPolicy: &sdktemporal.RetryPolicy{InitialInterval: firstRetry, BackoffCoefficient: 2, MaximumInterval: 10 * time.Minute},
	})
}

// startNotice has a workflow of its own tell m; the future is ready once that has begun.
func startNotice(ctx workflow.Context, m rollout.Message) workflow.Future {
	ctx = workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID: "notice-" + m.Key, StaticSummary: m.Subject,
		ParentClosePolicy: enums.PARENT_CLOSE_POLICY_ABANDON,
	})
	return workflow.ExecuteChildWorkflow(ctx, NoticeWorkflowType, m).GetChildWorkflowExecution()
}
