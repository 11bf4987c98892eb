package workflows

import (
	"time"

	sdktemporal "go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"marketplace.example/trials/activities"
	"marketplace.example/trials/internal/domain/notice"
)

// PreviewWorkflowType is the name under which Preview is registered.
const PreviewWorkflowType = "Preview"

// previewFor is how long a preview tries to leave: whoever asked for it asks again by then.
const previewFor = time.Hour

// Preview sends one of the e-mails to vendors to a stakeholder who wants to look at it.
func Preview(ctx workflow.Context, p notice.Preview) error {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 2 * time.Minute, ScheduleToCloseTimeout: previewFor, Summary: "preview: " + string(p.Kind),
		RetryPolicy: &sdktemporal.RetryPolicy{InitialInterval: firstRetry, BackoffCoefficient: 2, MaximumInterval: 10 * time.Minute},
	})
	return workflow.ExecuteActivity(ctx, (*activities.Notices)(nil).SendPreview, p).Get(ctx, nil)
}
