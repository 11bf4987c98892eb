package workflows

import (
	"time"

	sdktemporal "go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"marketplace.example/trials/activities"
	"marketplace.example/trials/internal/domain/monitoring"
)

// RecountWorkflowType is the name under which Recount is registered.
const RecountWorkflowType = "Recount"

// Recount compares the counters with the truth once, and sets them right. A
// schedule runs it.
func Recount(ctx workflow.Context) (monitoring.Recount, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: time.Hour,
		HeartbeatTimeout:    heartbeatTimeout,
		RetryPolicy:         &sdktemporal.RetryPolicy{MaximumAttempts: 3},
		Summary:             "recount",
	})
	var recount *activities.Recount
	var result monitoring.Recount
	err := workflow.ExecuteActivity(ctx, recount.Recount).Get(ctx, &result)
	return result, err
}
