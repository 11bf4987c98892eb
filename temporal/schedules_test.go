package temporal

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"marketplace.example/trials/workflows"
)

func TestHowOftenSchedulesCome(t *testing.T) {
	t.Parallel()
	for id, every := range map[string]map[time.Duration]time.Duration{
		reconcileSchedule: {24 * time.Hour: 30 * time.Second, 2 * time.Second: 30 * time.Second},
		watchSchedule:     {24 * time.Hour: 10 * time.Minute, 2 * time.Second: time.Second},
		alertsSchedule:    {24 * time.Hour: time.Minute, 2 * time.Second: 5 * time.Second},
		recountSchedule:   {24 * time.Hour: 24 * time.Hour, 2 * time.Second: time.Hour},
		reportSchedule:    {24 * time.Hour: time.Hour, 2 * time.Second: 5 * time.Second},
		backupSchedule:    {24 * time.Hour: 4 * time.Hour, 2 * time.Second: 2 * time.Minute},
		canarySchedule:    {24 * time.Hour: 30 * time.Minute, 2 * time.Second: 2 * time.Minute},
	} {
		for day, want := range every {
			o := scheduled(t, id, day)
			require.Equal(t, []client.ScheduleIntervalSpec{{Every: want}}, o.Spec.Intervals, "%s, a day of %s", id, day)
			require.GreaterOrEqual(t, o.CatchupWindow, leastCatchup, "%s: the server takes no less", id)
			require.LessOrEqual(t, o.CatchupWindow, max(want, leastCatchup), "%s: what was missed is not made up for", id)
		}
	}
	require.Len(t, schedules(24*time.Hour), 7)
}

func scheduled(t *testing.T, id string, day time.Duration) client.ScheduleOptions {
	t.Helper()
	for _, s := range schedules(day) {
		if s.id == id {
			return s.options("queue")
		}
	}
	require.Fail(t, "there is no such schedule", id)
	return client.ScheduleOptions{}
}

// The reconciler alone does what it is asked for while it runs; the watch, the
// backups and the canary alone wait for a rollout.
func TestWhatSchedulesStart(t *testing.T) {
	t.Parallel()
	for _, s := range schedules(24 * time.Hour) {
		o := s.options("queue")
		buffers := o.Overlap == enums.SCHEDULE_OVERLAP_POLICY_BUFFER_ONE
		require.Equal(t, o.ID == reconcileSchedule, buffers, o.ID)
		require.True(t, buffers || o.Overlap == enums.SCHEDULE_OVERLAP_POLICY_SKIP, o.ID)
		require.Equal(t, o.ID == watchSchedule || o.ID == backupSchedule || o.ID == canarySchedule, o.Paused, o.ID)
		action, ok := o.Action.(*client.ScheduleWorkflowAction)
		require.True(t, ok, o.ID)
		require.Equal(t, o.ID, action.ID)
		require.Equal(t, "queue", action.TaskQueue)
		require.Positive(t, action.WorkflowExecutionTimeout, o.ID)
		require.NotEmpty(t, action.StaticSummary, o.ID)
	}
	watch, ok := scheduled(t, watchSchedule, time.Second).Action.(*client.ScheduleWorkflowAction)
	require.True(t, ok)
	require.Equal(t, workflows.WatchWorkflowType, watch.Workflow)
}
