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

	"marketplace.example/trials/workflows"
)

const (
	reconcileSchedule = "reconcile"
	// ReconcileEvery is how often the reconciler sweeps. Held trials wake
	// within a minute of a flag's coming back, also where nobody triggers a sweep.
	ReconcileEvery = 30 * time.Second
)

// SetupSchedules makes the schedules, or leaves them as they are.
func (c *Client) SetupSchedules(ctx context.Context) error {
	_, err := c.SDK.ScheduleClient().Create(ctx, client.ScheduleOptions{
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
	})
	var exists *serviceerror.AlreadyExists
	if err != nil && !errors.Is(err, sdktemporal.ErrScheduleAlreadyRunning) && !errors.As(err, &exists) {
		return away("making the reconciler's schedule", err)
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
