package temporal

import (
	"context"
	"slices"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"

	"marketplace.example/trials/internal/domain/recovery"
)

// shownRuns is of how many runs of a schedule it is read what came of them.
const shownRuns = 5

// TakeBackup has a worker take a backup now, whether or not the schedule is paused, unless one is being taken.
func (c *Client) TakeBackup(ctx context.Context) error {
	return c.withSchedule(ctx, backupSchedule, func(ctx context.Context, handle client.ScheduleHandle, _ *client.ScheduleState) error {
		return handle.Trigger(ctx, client.ScheduleTriggerOptions{Overlap: enums.SCHEDULE_OVERLAP_POLICY_SKIP}) //nolint:wrapcheck // withSchedule does
	})
}

// BackupSchedule is the schedule of the backups, with what came of its last runs.
func (c *Client) BackupSchedule(ctx context.Context) (s recovery.BackupSchedule, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	described, err := c.SDK.ScheduleClient().GetHandle(ctx, backupSchedule).Describe(ctx)
	if missing(err) { // each worker makes it anew
		return recovery.BackupSchedule{}, nil
	}
	if err != nil {
		return s, unavailable("describing schedule "+backupSchedule, err)
	}
	s.Paused, s.Note = described.Schedule.State.Paused, described.Schedule.State.Note
	if next := described.Info.NextActionTimes; len(next) > 0 && !s.Paused {
		s.Next = next[0]
	}
	actions := described.Info.RecentActions
	actions = actions[max(0, len(actions)-shownRuns):]
	s.Runs = make([]recovery.BackupRun, len(actions))
	group, ctx := errgroup.WithContext(ctx)
	for i, action := range actions {
		s.Runs[i].At = action.ActualTime
		if started := action.StartWorkflowResult; started != nil {
			group.Go(func() error { return c.backupRun(ctx, started.WorkflowID, started.FirstExecutionRunID, &s.Runs[i]) })
		}
	}
	err = group.Wait()
	slices.Reverse(s.Runs)
	return s, err
}

// backupRun reads what came of a run.
func (c *Client) backupRun(ctx context.Context, workflowID, runID string, run *recovery.BackupRun) error {
	run.WorkflowID = workflowID
	described, err := c.SDK.DescribeWorkflowExecution(ctx, workflowID, runID)
	if missing(err) {
		run.Forgotten = true
		return nil
	}
	if err != nil {
		return unavailable("describing a run of schedule "+backupSchedule, err)
	}
	switch described.GetWorkflowExecutionInfo().GetStatus() {
	case enums.WORKFLOW_EXECUTION_STATUS_RUNNING:
		run.Running = true
		return nil
	case enums.WORKFLOW_EXECUTION_STATUS_COMPLETED:
	default:
		run.Failed = true
		return nil
	}
	var taken struct {
		ID        string `json:"id"`
		Kind      string `json:"kind"`
		Documents int    `json:"documents"`
		Bytes     int64  `json:"bytes"`
	}
	if err := c.SDK.GetWorkflow(ctx, workflowID, runID).Get(ctx, &taken); err != nil {
		return unavailable("reading what came of a backup", err)
	}
	run.ID, run.Kind, run.Documents, run.Bytes = taken.ID, taken.Kind, taken.Documents, taken.Bytes
	return nil
}
