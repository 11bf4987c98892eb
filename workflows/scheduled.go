package workflows

import (
	"time"

	sdktemporal "go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"marketplace.example/trials/activities"
	"marketplace.example/trials/internal/domain/monitoring"
)

// The names under which the workflows of the schedules are registered.
const (
	AlertsWorkflowType    = "Alerts"
	BackupWorkflowType    = "Backup"
	ReconcileWorkflowType = "Reconcile"
	RecountWorkflowType   = "Recount"
	ReportWorkflowType    = "Report"
	WatchWorkflowType     = "Watch"
)

// once leaves what an activity could not do to the next run of its schedule.
var once = sdktemporal.RetryPolicy{MaximumAttempts: 1}

// Alerts evaluates every alert.
func Alerts(ctx workflow.Context) (activities.AlertsSeen, error) {
	return scheduled[activities.AlertsSeen](ctx, "judge, tell", 2*time.Minute, once, (*activities.Alerts)(nil).EvaluateAlerts)
}

// Backup takes one backup. Its schedule is paused unless a rollout runs.
func Backup(ctx workflow.Context) (activities.BackedUp, error) {
	retry := sdktemporal.RetryPolicy{InitialInterval: time.Minute, MaximumAttempts: 3}
	return scheduled[activities.BackedUp](ctx, "back up", 4*time.Hour, retry, (*activities.Backups)(nil).BackUp)
}

// Reconcile sweeps once: it starts missing trials, delivers lost conversions, and wakes trials that may go on.
func Reconcile(ctx workflow.Context) (activities.Swept, error) {
	return scheduled[activities.Swept](ctx, "start, deliver, wake", 5*time.Minute, once, (*activities.Sweep)(nil).Sweep)
}

// Recount compares the counters with the trials' events, and corrects them.
func Recount(ctx workflow.Context) (monitoring.Recount, error) {
	retry := sdktemporal.RetryPolicy{MaximumAttempts: 3}
	return scheduled[monitoring.Recount](ctx, "recount", time.Hour, retry, (*activities.Recount)(nil).Recount)
}

// Report makes the reports of the latest rollout that are due, and sends them. A month's report takes 8,640 reads.
func Report(ctx workflow.Context) (activities.Reported, error) {
	return scheduled[activities.Reported](ctx, "reports due", 10*time.Minute, once, (*activities.Reports)(nil).Report)
}

// Watch takes one snapshot of the running rollout and judges it.
func Watch(ctx workflow.Context) (activities.Watched, error) {
	return scheduled[activities.Watched](ctx, "snapshot, judge", 2*time.Minute, once, (*activities.Watch)(nil).Watch)
}

// scheduled runs the one activity of a schedule's workflow. One attempt takes at most limit.
func scheduled[R any](ctx workflow.Context, summary string, limit time.Duration, retry sdktemporal.RetryPolicy, activity any) (result R, err error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: limit, HeartbeatTimeout: heartbeatTimeout, RetryPolicy: &retry, Summary: summary,
	})
	err = workflow.ExecuteActivity(ctx, activity).Get(ctx, &result)
	return result, err
}
