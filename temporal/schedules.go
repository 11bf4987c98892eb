package temporal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	sdktemporal "go.temporal.io/sdk/temporal"

	"marketplace.example/trials/internal/domain/canary"
	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/workflows"
)

// The ids of the schedules, which are also the ids of the workflows that they start.
const (
	reconcileSchedule = "reconcile"
	watchSchedule     = "watch-rollout"
	alertsSchedule    = "watch-alerts"
	recountSchedule   = "recount-counters"
	reportSchedule    = "report-rollout"
	backupSchedule    = "back-up"
	canarySchedule    = "canary"
)

const (
	// ReconcileEvery is the interval of the reconciler's sweeps. Held trials wake within a minute of a flag's change, even
	// if nobody triggers a sweep.
	ReconcileEvery = 30 * time.Second
	// leastRecount is the shortest interval between recounts, for short days.
	leastRecount = time.Hour
	// leastCatchup is the shortest catch-up window that the server accepts.
	leastCatchup = 10 * time.Second
)

// schedule describes one schedule.
type schedule struct {
	// id is the id of the schedule and of the workflow that it starts.
	id       string
	workflow string
	summary  string
	every    time.Duration
	// limit bounds one run.
	limit time.Duration
	// bufferOne runs a request that comes during a run right after it. Otherwise the request is dropped.
	bufferOne bool
	// catchup is how late a run may start that was missed while Temporal was down; 0 means every.
	catchup time.Duration
	// paused creates the schedule paused.
	paused bool
}

// schedules are all schedules, for trials whose day has this length. None needs two runs at once, nor a missed run: each
// run processes everything since the previous one.
func schedules(day time.Duration) []schedule {
	return []schedule{
		{
			id: reconcileSchedule, workflow: workflows.ReconcileWorkflowType, summary: "Starts trials that are missing, wakes trials that may go on",
			every: ReconcileEvery, limit: 10 * time.Minute,
			bufferOne: true, // the running sweep may have passed what the next one is asked for
		},
		{
			id: watchSchedule, workflow: workflows.WatchWorkflowType, summary: "Takes a snapshot of the rollout, and judges it",
			every: rollout.WatchEvery(day), limit: 5 * time.Minute,
			paused: true, // until a rollout runs
		},
		{
			id: alertsSchedule, workflow: workflows.AlertsWorkflowType, summary: "Looks at the alerts, and tells those whom they concern",
			every: monitoring.EvaluateEvery(day), limit: 5 * time.Minute,
		},
		{
			id: recountSchedule, workflow: workflows.RecountWorkflowType, summary: "Compares the counters behind the figures with the trials, and sets them right",
			every: max(day, leastRecount), limit: 4 * time.Hour,
			catchup: leastCatchup, // it reads everything, which would slow down a recovery
		},
		{
			// Not paused while no rollout runs: reports are due for months after one.
			id: reportSchedule, workflow: workflows.ReportWorkflowType, summary: "Makes the reports that are due on the time after the rollout",
			every: rollout.ReportEvery(day), limit: 15 * time.Minute,
		},
		{
			id: backupSchedule, workflow: workflows.BackupWorkflowType, summary: "Takes a backup of the database",
			every: rollout.BackupEvery(day), limit: 8 * time.Hour,
			catchup: leastCatchup, // each contains everything since the last full one
			paused:  true,         // until a rollout runs
		},
		{
			id: canarySchedule, workflow: workflows.CanaryWorkflowType, summary: "Lets a synthetic vendor live through a whole trial, and removes it",
			every: canary.Every(day), limit: workflows.CanaryLimit,
			catchup: leastCatchup, // one shows what the next shows
			paused:  true,         // until a rollout runs
		},
	}
}

// options are the schedule in the form that the server takes.
func (s schedule) options(taskQueue string) client.ScheduleOptions {
	overlap := enums.SCHEDULE_OVERLAP_POLICY_SKIP
	if s.bufferOne {
		overlap = enums.SCHEDULE_OVERLAP_POLICY_BUFFER_ONE
	}
	return client.ScheduleOptions{
		ID:            s.id,
		Spec:          client.ScheduleSpec{Intervals: []client.ScheduleIntervalSpec{{Every: s.every}}},
		Overlap:       overlap,
		CatchupWindow: max(cmp.Or(s.catchup, s.every), leastCatchup),
		Paused:        s.paused,
		Action: &client.ScheduleWorkflowAction{
			ID: s.id, Workflow: s.workflow, TaskQueue: taskQueue, WorkflowExecutionTimeout: s.limit, StaticSummary: s.summary,
		},
	}
}

// SetupSchedules creates the schedules, and updates the intervals of those that exist. day is the length of a trial's day.
func (c *Client) SetupSchedules(ctx context.Context, day time.Duration) error {
	var errs []error
	for _, s := range schedules(day) {
		errs = append(errs, c.setupSchedule(ctx, s.options(c.TaskQueue)))
	}
	return errors.Join(errs...)
}

func (c *Client) setupSchedule(ctx context.Context, options client.ScheduleOptions) error {
	_, err := c.SDK.ScheduleClient().Create(ctx, options)
	var exists *serviceerror.AlreadyExists
	if errors.Is(err, sdktemporal.ErrScheduleAlreadyRunning) || errors.As(err, &exists) {
		err = c.SDK.ScheduleClient().GetHandle(ctx, options.ID).Update(ctx, client.ScheduleUpdateOptions{
			DoUpdate: func(input client.ScheduleUpdateInput) (*client.ScheduleUpdate, error) {
				schedule := input.Description.Schedule
				schedule.Spec = &options.Spec // the length of a day may have changed
				return &client.ScheduleUpdate{Schedule: &schedule}, nil
			},
		})
	}
	if err != nil {
		return unavailable("creating schedule "+options.ID, err)
	}
	return nil
}

// errNoSchedule says that a schedule is missing and cannot be created here.
var errNoSchedule = errors.New("it is missing; `starter setup` makes it")

// makeSchedule creates a schedule that somebody has deleted.
func (c *Client) makeSchedule(ctx context.Context, id string) error {
	if c.Day <= 0 {
		return fmt.Errorf("schedule %s: %w", id, errNoSchedule)
	}
	for _, s := range schedules(c.Day) {
		if s.id == id {
			return c.setupSchedule(ctx, s.options(c.TaskQueue))
		}
	}
	return fmt.Errorf("schedule %s: %w", id, errNoSchedule)
}

// EnsureSchedules creates the schedules that are missing, and does not change the others.
func (c *Client) EnsureSchedules(ctx context.Context) error {
	var errs []error
	for _, s := range schedules(c.Day) {
		errs = append(errs, c.withSchedule(ctx, s.id, func(context.Context, client.ScheduleHandle, *client.ScheduleState) error { return nil }))
	}
	return errors.Join(errs...)
}

// withSchedule calls fn with a schedule and its state. It creates a missing schedule first.
func (c *Client) withSchedule(ctx context.Context, id string, fn func(context.Context, client.ScheduleHandle, *client.ScheduleState) error) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	handle := c.SDK.ScheduleClient().GetHandle(ctx, id)
	described, err := handle.Describe(ctx)
	if missing(err) {
		if err := c.makeSchedule(ctx, id); err != nil {
			return err
		}
		described, err = handle.Describe(ctx)
	}
	if err == nil {
		err = fn(ctx, handle, described.Schedule.State)
	}
	if err != nil {
		return unavailable("changing schedule "+id, err)
	}
	return nil
}

func missing(err error) bool {
	_, notFound := errors.AsType[*serviceerror.NotFound](err)
	return notFound
}

// The notes of schedules that were paused by the product: because a rollout ended, and because no canaries are to come.
const (
	notePaused = "no rollout runs"
	noteOff    = "CANARY_ADDRESS is off"
)

// Watching resumes the schedules of the watch, of the backups and of the canary, or pauses them. Without canaries that one is paused.
func (c *Client) Watching(ctx context.Context, on bool) error {
	note := notePaused
	if on {
		note = noteOff
	}
	return errors.Join(
		c.scheduled(ctx, watchSchedule, on, notePaused),
		c.scheduled(ctx, backupSchedule, on, notePaused),
		c.scheduled(ctx, canarySchedule, on && c.WithCanaries, note),
	)
}

// StartCanary starts a canary now, unless one is under way.
func (c *Client) StartCanary(ctx context.Context) error {
	return c.withSchedule(ctx, canarySchedule, func(ctx context.Context, handle client.ScheduleHandle, _ *client.ScheduleState) error {
		return handle.Trigger(ctx, client.ScheduleTriggerOptions{Overlap: enums.SCHEDULE_OVERLAP_POLICY_SKIP}) //nolint:wrapcheck // withSchedule does
	})
}

// scheduled resumes a schedule, or pauses it with a note.
func (c *Client) scheduled(ctx context.Context, id string, on bool, note string) error {
	return c.withSchedule(ctx, id, func(ctx context.Context, handle client.ScheduleHandle, s *client.ScheduleState) error {
		switch {
		case s.Paused == !on:
			return nil
		case on:
			return resume(ctx, handle)
		}
		return handle.Pause(ctx, client.SchedulePauseOptions{Note: note}) //nolint:wrapcheck // withSchedule does
	})
}

func resume(ctx context.Context, handle client.ScheduleHandle) error {
	return handle.Unpause(ctx, client.ScheduleUnpauseOptions{Note: "a rollout runs"}) //nolint:wrapcheck // withSchedule does
}

// KeepWatching resumes the schedules that Watching does, unless somebody paused them on purpose.
func (c *Client) KeepWatching(ctx context.Context) error {
	errs := []error{c.keepScheduled(ctx, watchSchedule), c.keepScheduled(ctx, backupSchedule)}
	if c.WithCanaries {
		return errors.Join(append(errs, c.keepScheduled(ctx, canarySchedule))...)
	}
	return errors.Join(append(errs, c.scheduled(ctx, canarySchedule, false, noteOff))...)
}

func (c *Client) keepScheduled(ctx context.Context, id string) error {
	return c.withSchedule(ctx, id, func(ctx context.Context, handle client.ScheduleHandle, s *client.ScheduleState) error {
		if !s.Paused || s.Note != "" && s.Note != notePaused && s.Note != noteOff {
			return nil
		}
		return resume(ctx, handle)
	})
}

// FlagsChanged triggers a sweep, so that held trials go on at once.
func (c *Client) FlagsChanged(ctx context.Context) error {
	return c.withSchedule(ctx, reconcileSchedule, func(ctx context.Context, handle client.ScheduleHandle, _ *client.ScheduleState) error {
		return handle.Trigger(ctx, client.ScheduleTriggerOptions{Overlap: enums.SCHEDULE_OVERLAP_POLICY_BUFFER_ONE}) //nolint:wrapcheck // withSchedule does
	})
}
