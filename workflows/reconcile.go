package workflows

import (
	"time"

	sdktemporal "go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"marketplace.example/trials/activities"
)

// ReconcileWorkflowType is the name under which Reconcile is registered.
const ReconcileWorkflowType = "Reconcile"

// Reconcile sweeps once: it starts trials that are missing, delivers
// conversions that did not arrive and wakes trials that may go on. A schedule
// runs it; what one sweep cannot do, the next one tries.
func Reconcile(ctx workflow.Context) (activities.Swept, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 5 * time.Minute,
		HeartbeatTimeout:    heartbeatTimeout,
		RetryPolicy:         &sdktemporal.RetryPolicy{MaximumAttempts: 1},
		Summary:             "start, deliver, wake",
	})
	var sweep *activities.Sweep
	var swept activities.Swept
	err := workflow.ExecuteActivity(ctx, sweep.Sweep).Get(ctx, &swept)
	return swept, err
}
