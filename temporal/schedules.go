package temporal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	sdktemporal "go.temporal.io/sdk/temporal"

	"marketplace.example/trials/monitoring"
	"marketplace.example/trials/rollout"
	"marketplace.example/trials/workflows"
)

const (
	reconcileSchedule = "reconcile"
	watchSchedule     = "watch-rollout"
	alertsSchedule    = "watch-alerts"
	recountSchedule   = "recount-counters"
	backupSchedule    = "back-up"
	// leastRecount is how often counters are recounted at most, where days are short.
	leastRecount   = time.Hour
	reportSchedule = "report-rollout"
	// ReconcileEvery is how often the reconciler sweeps. Held trials wake
	// within a minute of a flag's coming back, also where nobody triggers a sweep.
	ReconcileEvery = 30 * time.Second
)

// SetupSchedules makes the schedules, or gives them their intervals anew. day
// is how long a day of the trials lasts: the rollout is watched every ten minutes of it, the
// alerts are looked at every minute, and reports are looked for every hour.
func (c *Client) SetupSchedules(ctx context.Context, day time.Duration) error {
	reconcile := client.ScheduleOptions{
		ID:   reconcileSchedule,
		Spec: client.ScheduleSpec{Intervals: []client.ScheduleIntervalSpec{{Every: ReconcileEvery}}},
		// A sweep asked for while one runs is done right after it: what the
		// running one has passed by already would otherwise wait.
		Overlap: enums.SCHEDULE_OVERLAP_POLICY_BUFFER_ONE,
		// Sweeps missed while Temporal was down are not made up for: the next does it all.
		CatchupWindow: ReconcileEvery,
		Action: &client.ScheduleWorkflowAction{
			ID: "reconcile", Workflow: workflows.ReconcileWorkflowType, TaskQueue: c.TaskQueue,
			WorkflowExecutionTimeout: 10 * time.Minute, StaticSummary: "Starts trials that are missing, wakes trials that may go on",
		},
	}
	every := rollout.WatchEvery(day)
	watch := client.ScheduleOptions{
		ID:   watchSchedule,
		Spec: client.ScheduleSpec{Intervals: []client.ScheduleIntervalSpec{{Every: every}}},
		// A watch takes in all that has become known since the one before it, so
		// two at once, or one made up for, would find nothing more.
		Overlap:       enums.SCHEDULE_OVERLAP_POLICY_SKIP,
		CatchupWindow: max(every, leastCatchup),
		Paused:        true, // until a rollout runs
		Action: &client.ScheduleWorkflowAction{
			ID: "watch-rollout", Workflow: workflows.WatchWorkflowType, TaskQueue: c.TaskQueue,
			WorkflowExecutionTimeout: 5 * time.Minute, StaticSummary: "Takes a snapshot of the rollout, and judges it",
		},
	}
	recount := client.ScheduleOptions{
		ID:   recountSchedule,
		Spec: client.ScheduleSpec{Intervals: []client.ScheduleIntervalSpec{{Every: max(day, leastRecount)}}},
		// Each reads everything: two at once, or one made up for, would find nothing more.
		Overlap:       enums.SCHEDULE_OVERLAP_POLICY_SKIP,
		CatchupWindow: leastCatchup,
		Action: &client.ScheduleWorkflowAction{
			ID: recountSchedule, Workflow: workflows.RecountWorkflowType, TaskQueue: c.TaskQueue,
			WorkflowExecutionTimeout: 4 * time.Hour, StaticSummary: "Compares the counters behind the figures with the trials, and sets them right",
		},
	}
	every = rollout.ReportEvery(day)
	report := client.ScheduleOptions{
		ID:   reportSchedule,
		Spec: client.ScheduleSpec{Intervals: []client.ScheduleIntervalSpec{{Every: every}}},
		// A look finds every report that is due and not made yet, so two at once, or
		// one made up for, would find nothing more. It is not paused while no rollout
		// runs: reports go on for months after it.
		Overlap:       enums.SCHEDULE_OVERLAP_POLICY_SKIP,
		CatchupWindow: max(every, leastCatchup),
		Action: &client.ScheduleWorkflowAction{
			ID: "report-rollout", Workflow: workflows.ReportWorkflowType, TaskQueue: c.TaskQueue,
			WorkflowExecutionTimeout: 15 * time.Minute, StaticSummary: "Makes the reports that are due on the time after the rollout",
		},
	}
	backUp := client.ScheduleOptions{
		ID:   backupSchedule,
		Spec: client.ScheduleSpec{Intervals: []client.ScheduleIntervalSpec{{Every: rollout.BackupEvery(day)}}},
		// Each has all that is different from the last full one, so a missed one is not made up for.
		Overlap:       enums.SCHEDULE_OVERLAP_POLICY_SKIP,
		CatchupWindow: leastCatchup,
		Paused:        true, // until a rollout runs
		Action: &client.ScheduleWorkflowAction{
			ID: backupSchedule, Workflow: workflows.BackupWorkflowType, TaskQueue: c.TaskQueue,
			WorkflowExecutionTimeout: 8 * time.Hour, StaticSummary: "Takes a backup of the database",
		},
	}
	return errors.Join(
		c.setupSchedule(ctx, reconcile), c.setupSchedule(ctx, watch), c.setupSchedule(ctx, recount), c.setupSchedule(ctx, report),
		c.setupSchedule(ctx, c.alerts(day)), c.setupSchedule(ctx, backUp),
	)
}

// alerts is the schedule by which the alerts are looked at.
func (c *Client) alerts(day time.Duration) client.ScheduleOptions {
	every := monitoring.LookEvery(day)
	return client.ScheduleOptions{
		ID:   alertsSchedule,
		Spec: client.ScheduleSpec{Intervals: []client.ScheduleIntervalSpec{{Every: every}}},
		// A look judges what has happened since the one before it, so two at once,
		// or one made up for, would find nothing more.
		Overlap:       enums.SCHEDULE_OVERLAP_POLICY_SKIP,
		CatchupWindow: max(every, leastCatchup),
		Action: &client.ScheduleWorkflowAction{
			ID: "watch-alerts", Workflow: workflows.AlertsWorkflowType, TaskQueue: c.TaskQueue,
			WorkflowExecutionTimeout: 5 * time.Minute, StaticSummary: "Looks at the alerts, and tells those whom they concern",
		},
	}
}

// leastCatchup is the least that the server takes.
const leastCatchup = 10 * time.Second

func (c *Client) setupSchedule(ctx context.Context, options client.ScheduleOptions) error {
	_, err := c.SDK.ScheduleClient().Create(ctx, options)
	var exists *serviceerror.AlreadyExists
	if errors.Is(err, sdktemporal.ErrScheduleAlreadyRunning) || errors.As(err, &exists) {
		err = c.SDK.ScheduleClient().GetHandle(ctx, options.ID).Update(ctx, client.ScheduleUpdateOptions{
			DoUpdate: func(input client.ScheduleUpdateInput) (*client.ScheduleUpdate, error) {
				schedule := input.Description.Schedule
				schedule.Spec = &options.Spec // a day may last longer or shorter than before
				return &client.ScheduleUpdate{Schedule: &schedule}, nil
			},
		})
	}
	if err != nil {
		return away("making schedule "+options.ID, err)
	}
	return nil
}

// Watching has the watch come, and backups be taken, or neither.
func (c *Client) Watching(ctx context.Context, on bool) error {
	return errors.Join(c.scheduled(ctx, watchSchedule, on), c.scheduled(ctx, backupSchedule, on))
}

func (c *Client) scheduled(ctx context.Context, schedule string, on bool) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	handle := c.SDK.ScheduleClient().GetHandle(ctx, schedule)
	var err error
	if on {
		err = handle.Unpause(ctx, client.ScheduleUnpauseOptions{Note: "a rollout runs"})
	} else {
		err = handle.Pause(ctx, client.SchedulePauseOptions{Note: "no rollout runs"})
	}
	if err != nil {
		return away("pausing or resuming schedule "+schedule, err)
	}
	return nil
}

// FlagsChanged asks for a sweep now, so that held trials go on at once.
func (c *Client) FlagsChanged(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	handle := c.SDK.ScheduleClient().GetHandle(ctx, reconcileSchedule)
	if err := handle.Trigger(ctx, client.ScheduleTriggerOptions{Overlap: enums.SCHEDULE_OVERLAP_POLICY_BUFFER_ONE}); err != nil {
		return away(fmt.Sprintf("triggering schedule %s", reconcileSchedule), err)
	}
	return nil
}
