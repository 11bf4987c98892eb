package workflows

import (
	"time"

	sdktemporal "go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"marketplace.example/trials/activities"
)

// ReportWorkflowType is the name under which Report is registered.
const ReportWorkflowType = "Report"

// Report makes the reports of the latest rollout that are due, and tells of them.
// A schedule runs it; what one look cannot do, the next one tries.
func Report(ctx workflow.Context) (activities.Reported, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 10 * time.Minute, // a month is 8,640 reads
		HeartbeatTimeout:    heartbeatTimeout,
		RetryPolicy:         &sdktemporal.RetryPolicy{MaximumAttempts: 1},
		Summary:             "reports due",
	})
	var reports *activities.Reports
	var reported activities.Reported
	err := workflow.ExecuteActivity(ctx, reports.Report).Get(ctx, &reported)
	return reported, err
}
