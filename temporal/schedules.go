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

	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/workflows"
)

// The schedules, each named as the workflow that it starts.
const (
	reconcileSchedule = "reconcile"
	watchSchedule     = "watch-rollout"
	alertsSchedule    = "watch-alerts"
	recountSchedule   = "recount-counters"
	reportSchedule    = "report-rollout"
	backupSchedule    = "back-up"
)

const (
	// ReconcileEvery is how often the reconciler sweeps. Held trials wake
	// within a minute of a flag's coming back, also where nobody triggers a sweep.
	ReconcileEvery = 30 * time.Second
	// leastRecount is how often counters are recounted at most, where days are short.
	leastRecount = time.Hour
	// leastCatchup is the least that the server takes.
	leastCatchup = 10 * time.Second
)

// schedule says what is started again and again.
type schedule struct {
	// id is the schedule's, and that of the workflow that it starts.
	id       string
	workflow string
	summary  string
	every    time.Duration
	// limit is how long one run may take.
	limit time.Duration
	// bufferOne has what is asked for during a run done right after it; otherwise it
	// is left out.
	bufferOne bool
	// catchup is how late one may be started that was missed while Temporal was
	// down; 0 stands for every.
	catchup time.Duration
	// paused says that it begins only when somebody has it come.
	paused bool
}

// schedules are all there are, where a day of the trials lasts so long. Two runs
// at once, or one made up for, would find nothing more: each takes in all that has
// become known, or come to be due, since the one before it.
func schedules(day time.Duration) []schedule {
	return []schedule{
		{
			id: reconcileSchedule, workflow: workflows.ReconcileWorkflowType, summary: "Starts trials that are missing, wakes trials that may go on",
			every: ReconcileEvery, limit: 10 * time.Minute,
			bufferOne: true, // what the running sweep has passed by already would otherwise wait
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
			catchup: leastCatchup, // it reads everything, which is not for the moment at which all else begins again
		},
		{
			// Not paused while no rollout runs: reports go on for months after it.
			id: reportSchedule, workflow: workflows.ReportWorkflowType, summary: "Makes the reports that are due on the time after the rollout",
			every: rollout.ReportEvery(day), limit: 15 * time.Minute,
		},
		{
			id: backupSchedule, workflow: workflows.BackupWorkflowType, summary: "Takes a backup of the database",
			every: rollout.BackupEvery(day), limit: 8 * time.Hour,
			catchup: leastCatchup, // each has all that is different from the last full one
			paused:  true,         // until a rollout runs
		},
	}
}

// options are the schedule as the server takes it.
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

// SetupSchedules makes the schedules, or gives them their intervals anew. day
// is how long a day of the trials lasts.
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
				schedule.Spec = &options.Spec // a day may last longer or shorter than before
				return &client.ScheduleUpdate{Schedule: &schedule}, nil
			},
		})
	}
	if err != nil {
		return unavailable("making schedule "+options.ID, err)
	}
	return nil
}

// errNoSchedule says that a schedule is missing and cannot be made here.
var errNoSchedule = errors.New("it is missing; `starter setup` makes it")

// makeSchedule makes a schedule that somebody has deleted.
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

// EnsureSchedules makes the schedules that are missing, and leaves the others as they are.
func (c *Client) EnsureSchedules(ctx context.Context) error {
	var errs []error
	for _, s := range schedules(c.Day) {
		errs = append(errs, c.withSchedule(ctx, s.id, func(context.Context, client.ScheduleHandle, *client.ScheduleState) error { return nil }))
	}
	return errors.Join(errs...)
}

// withSchedule does something with a schedule, which is made before where it is missing, and with its state.
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
		return unavailable("seeing to schedule "+id, err)
	}
	return nil
}

func missing(err error) bool {
	_, notFound := errors.AsType[*serviceerror.NotFound](err)
	return notFound
}

// notePaused is what a schedule says that was paused with the end of a rollout.
const notePaused = "no rollout runs"

// Watching has the watch come, and backups be taken, or neither.
func (c *Client) Watching(ctx context.Context, on bool) error {
	return errors.Join(c.scheduled(ctx, watchSchedule, on), c.scheduled(ctx, backupSchedule, on))
}

func (c *Client) scheduled(ctx context.Context, id string, on bool) error {
	return c.withSchedule(ctx, id, func(ctx context.Context, handle client.ScheduleHandle, s *client.ScheduleState) error {
		switch {
		case s.Paused == !on:
			return nil
		case on:
			return handle.Unpause(ctx, client.ScheduleUnpauseOptions{Note: "a rollout runs"}) //nolint:wrapcheck // withSchedule does
		}
		return handle.Pause(ctx, client.SchedulePauseOptions{Note: notePaused}) //nolint:wrapcheck // withSchedule does
	})
}

// KeepWatching has the watch come, and backups be taken, where nobody has paused them on purpose.
func (c *Client) KeepWatching(ctx context.Context) error {
	var errs []error
	for _, id := range []string{watchSchedule, backupSchedule} {
		errs = append(errs, c.withSchedule(ctx, id, func(ctx context.Context, handle client.ScheduleHandle, s *client.ScheduleState) error {
			if !s.Paused || s.Note != "" && s.Note != notePaused {
				return nil
			}
			return handle.Unpause(ctx, client.ScheduleUnpauseOptions{Note: "a rollout runs"}) //nolint:wrapcheck // withSchedule does
		}))
	}
	return errors.Join(errs...)
}

// FlagsChanged asks for a sweep now, so that held trials go on at once.
func (c *Client) FlagsChanged(ctx context.Context) error {
	return c.withSchedule(ctx, reconcileSchedule, func(ctx context.Context, handle client.ScheduleHandle, _ *client.ScheduleState) error {
		return handle.Trigger(ctx, client.ScheduleTriggerOptions{Overlap: enums.SCHEDULE_OVERLAP_POLICY_BUFFER_ONE}) //nolint:wrapcheck // withSchedule does
	})
}
