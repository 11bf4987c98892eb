package workflows

import (
	"time"

	sdktemporal "go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"marketplace.example/trials/activities"
)

// WatchWorkflowType is the name under which Watch is registered.
const WatchWorkflowType = "Watch"

// Watch takes one snapshot of the running rollout and judges it. A schedule
// runs it; what one watch cannot do, the next one tries.
func Watch(ctx workflow.Context) (activities.Watched, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 2 * time.Minute,
		HeartbeatTimeout:    heartbeatTimeout,
		RetryPolicy:         &sdktemporal.RetryPolicy{MaximumAttempts: 1},
		Summary:             "snapshot, judge",
	})
	var watch *activities.Watch
	var watched activities.Watched
	err := workflow.ExecuteActivity(ctx, watch.Watch).Get(ctx, &watched)
	return watched, err
}
