package workflows

import (
	"time"

	sdktemporal "go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"marketplace.example/trials/activities"
)

// AlertsWorkflowType is the name under which Alerts is registered.
const AlertsWorkflowType = "Alerts"

// Alerts looks at the alerts once. A schedule runs it; what one look cannot do,
// the next one tries.
func Alerts(ctx workflow.Context) (activities.AlertsSeen, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 2 * time.Minute,
		HeartbeatTimeout:    heartbeatTimeout,
		RetryPolicy:         &sdktemporal.RetryPolicy{MaximumAttempts: 1},
		Summary:             "judge, tell",
	})
	var alerts *activities.Alerts
	var seen activities.AlertsSeen
	err := workflow.ExecuteActivity(ctx, alerts.EvaluateAlerts).Get(ctx, &seen)
	return seen, err
}
