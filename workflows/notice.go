package workflows

import (
	"time"

	"go.temporal.io/api/enums/v1"
	sdktemporal "go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"marketplace.example/trials/activities"
	"marketplace.example/trials/internal/domain/notice"
)

// NoticeWorkflowType is the name under which Notice is registered.
const NoticeWorkflowType = "Notice"

// notifyFor is how long a notice tries to reach a recipient.
const notifyFor = 24 * time.Hour

// Notice sends one message to the stakeholders. It may outlive its rollout, so that a recipient who cannot be reached
// keeps no other rollout from starting.
func Notice(ctx workflow.Context, m notice.Message) error {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 2 * time.Minute, ScheduleToCloseTimeout: notifyFor, Summary: "tell: " + m.Subject,
		RetryPolicy: &sdktemporal.RetryPolicy{InitialInterval: firstRetry, BackoffCoefficient: 2, MaximumInterval: 10 * time.Minute},
	})
	return workflow.ExecuteActivity(ctx, (*activities.Notices)(nil).Notify, m).Get(ctx, nil)
}

// startNotice starts the workflow that sends m. The future is ready once that has started.
func startNotice(ctx workflow.Context, m notice.Message) workflow.Future {
	ctx = workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID: "notice-" + m.Key, StaticSummary: m.Subject,
		ParentClosePolicy: enums.PARENT_CLOSE_POLICY_ABANDON,
	})
	return workflow.ExecuteChildWorkflow(ctx, NoticeWorkflowType, m).GetChildWorkflowExecution()
}
