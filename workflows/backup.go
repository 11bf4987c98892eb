package workflows

import (
	"time"

	sdktemporal "go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"marketplace.example/trials/activities"
)

// BackupWorkflowType is the name under which Backup is registered.
const BackupWorkflowType = "Backup"

// Backup takes one backup. A schedule runs it while a rollout does.
func Backup(ctx workflow.Context) (activities.BackedUp, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 4 * time.Hour,
		HeartbeatTimeout:    heartbeatTimeout,
		RetryPolicy:         &sdktemporal.RetryPolicy{InitialInterval: time.Minute, MaximumAttempts: 3},
		Summary:             "back up",
	})
	var backups *activities.Backups
	var taken activities.BackedUp
	err := workflow.ExecuteActivity(ctx, backups.BackUp).Get(ctx, &taken)
	return taken, err
}
