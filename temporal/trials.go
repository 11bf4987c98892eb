package temporal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/workflows"
)

// Start starts a trial's workflow. One that runs already is left alone, and started is false.
func (c *Client) Start(ctx context.Context, r trial.Registration) (started bool, err error) {
	return c.Restart(ctx, trial.NewState(r))
}

// Restart starts the workflow of a trial that is known, and stands so, again.
// One that runs is left alone, and started is false.
func (c *Client) Restart(ctx context.Context, s trial.State) (started bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	options := c.options(s.VendorID)
	options.TypedSearchAttributes = workflows.StartAttributes(s)
	options.WorkflowIDConflictPolicy = enums.WORKFLOW_ID_CONFLICT_POLICY_FAIL
	options.WorkflowExecutionErrorWhenAlreadyStarted = true
	_, err = c.SDK.ExecuteWorkflow(ctx, options, trial.WorkflowType, workflows.TrialInput{VendorID: s.VendorID})
	if _, runs := errors.AsType[*serviceerror.WorkflowExecutionAlreadyStarted](err); runs {
		return false, nil
	}
	if err != nil {
		return false, unavailable("starting trial "+s.VendorID, err)
	}
	return true, nil
}

// options are what every start of a trial has in common. A trial that is over
// may be started again: it then goes on from the database, and sets the search
// attributes that are not given here, for want of knowing them.
func (c *Client) options(vendorID string) client.StartWorkflowOptions {
	return client.StartWorkflowOptions{
		ID: trial.WorkflowID(vendorID), TaskQueue: c.TaskQueue,
		WorkflowIDReusePolicy: enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		StaticSummary:         "Trial of vendor " + vendorID,
		StaticDetails:         "One vendor's trial: welcome, reminders, expiry, grace. Queries: `status`, `schedule`. Messages: `convert`, `extend`, `shorten`, `cancel`, `revive`.",
	}
}

// Convert delivers billing's word. It needs no worker, and starts the trial's
// workflow where that is over, so that a late conversion is recorded too.
func (c *Client) Convert(ctx context.Context, vendorID string, r trial.Request) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	_, err := c.SDK.SignalWithStartWorkflow(ctx, trial.WorkflowID(vendorID), trial.MessageConvert, r,
		c.options(vendorID), trial.WorkflowType, workflows.TrialInput{VendorID: vendorID})
	if err != nil {
		return unavailable("delivering the conversion of "+vendorID, err)
	}
	return nil
}

// Wake tells a held trial to look at the flags again, and any other to look in which zone its vendor is. Neither is
// over, so one whose workflow is gone lost it, and is started again: nothing
// else would start a held one, since a trial that waits on purpose is never overdue.
func (c *Client) Wake(ctx context.Context, vendorID string) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	_, err := c.SDK.SignalWithStartWorkflow(ctx, trial.WorkflowID(vendorID), trial.SignalWake, trial.Request{},
		c.options(vendorID), trial.WorkflowType, workflows.TrialInput{VendorID: vendorID})
	if err != nil {
		return unavailable("waking trial "+vendorID, err)
	}
	return nil
}

// NoMail tells a trial that no e-mail may go to its vendor, for the reason that the request gives. Where
// the workflow is over it is started again, for its history to know.
func (c *Client) NoMail(ctx context.Context, vendorID string, r trial.Request) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	_, err := c.SDK.SignalWithStartWorkflow(ctx, trial.WorkflowID(vendorID), trial.SignalNoMail, r,
		c.options(vendorID), trial.WorkflowType, workflows.TrialInput{VendorID: vendorID})
	if err != nil {
		return unavailable("telling trial "+vendorID+" that its vendor gets no e-mail", err)
	}
	return nil
}

// Ask sends an update and waits for its answer, the trial's new status. The
// request's id makes it once. Where the trial's workflow is over it is
// started again, so that an expired trial can be revived. Errors are a
// *trial.Error: the trial's refusal, or unavailable when no worker answers.
func (c *Client) Ask(ctx context.Context, message, vendorID string, r trial.Request) (trial.Overview, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*callTimeout)
	defer cancel()
	options := c.options(vendorID)
	options.WorkflowIDConflictPolicy = enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING
	start := c.SDK.NewWithStartWorkflowOperation(options, trial.WorkflowType, workflows.TrialInput{VendorID: vendorID})
	handle, err := c.SDK.UpdateWithStartWorkflow(ctx, client.UpdateWithStartWorkflowOptions{
		StartWorkflowOperation: start,
		UpdateOptions: client.UpdateWorkflowOptions{
			UpdateID: updateID(message, r.ID), UpdateName: message, Args: []any{r}, WaitForStage: client.WorkflowUpdateStageCompleted,
		},
	})
	if err != nil {
		return trial.Overview{}, c.asked(message, vendorID, err)
	}
	var o trial.Overview
	if err := handle.Get(ctx, &o); err != nil {
		return trial.Overview{}, c.asked(message, vendorID, err)
	}
	return o, nil
}

// updateID keeps Temporal from taking another message under the same id for a
// repetition, and answering with the first one's outcome.
func updateID(message, requestID string) string {
	if requestID == "" {
		return "" // the SDK makes one
	}
	return message + "/" + requestID
}

// blameTimeout bounds how long it takes to find out who has not answered.
const blameTimeout = time.Second

// asked is what an error of Ask's means. A time-out is mostly a worker's: Temporal answers who polls then.
func (c *Client) asked(message, vendorID string, err error) error {
	if refused, ok := workflows.AsRefusal(err); ok {
		return refused
	}
	action := fmt.Sprintf("asking trial %s to %s", vendorID, message)
	if _, late := errors.AsType[*serviceerror.DeadlineExceeded](err); !late && !errors.Is(err, context.DeadlineExceeded) {
		return unavailable(action, err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), blameTimeout) // the caller's time is over
	defer cancel()
	queue, unknown := c.Queue(ctx)
	if unknown != nil {
		return unavailable(action, err)
	}
	return &unavailableError{action: action, cause: err, worker: monitoring.WorkerSilent(queue.Polled, time.Now())}
}
