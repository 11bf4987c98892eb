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

// Start starts a trial's workflow. started is false where it runs already.
func (c *Client) Start(ctx context.Context, r trial.Registration) (started bool, err error) {
	return c.Restart(ctx, trial.NewState(r))
}

// Restart starts the workflow of a trial whose state is known. started is false where it runs already.
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

// options are the same for every start of a trial. A trial that has ended may be started again: its workflow goes on from
// the database, and sets the search attributes that are not given here, because the caller does not know them.
func (c *Client) options(vendorID string) client.StartWorkflowOptions {
	return client.StartWorkflowOptions{
		ID: trial.WorkflowID(vendorID), TaskQueue: c.TaskQueue,
		WorkflowIDReusePolicy: enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		StaticSummary:         "Trial of vendor " + vendorID,
		StaticDetails:         "One vendor's trial: welcome, reminders, expiry, grace. Queries: `status`, `schedule`. Messages: `convert`, `extend`, `shorten`, `cancel`, `revive`, `policy`.",
	}
}

// Convert delivers billing's conversion. It needs no worker, and starts a workflow that has ended, so that a late
// conversion is recorded too.
func (c *Client) Convert(ctx context.Context, vendorID string, r trial.Request) error {
	return c.signal(ctx, vendorID, trial.MessageConvert, r, "delivering the conversion of "+vendorID)
}

// Wake has a held trial read the flags again, and any other trial look up its vendor's time zone. Neither has ended, so a
// workflow that is gone was lost, and is started again. Nothing else would start a held trial's workflow: a trial that
// waits on purpose is never overdue.
func (c *Client) Wake(ctx context.Context, vendorID string) error {
	return c.signal(ctx, vendorID, trial.SignalWake, trial.Request{}, "waking trial "+vendorID)
}

// NoMail records in a trial's history that no e-mail may go to its vendor, with the request's reason. It starts a
// workflow that has ended, so that the history has the record.
func (c *Client) NoMail(ctx context.Context, vendorID string, r trial.Request) error {
	return c.signal(ctx, vendorID, trial.SignalNoMail, r, "telling trial "+vendorID+" that its vendor gets no e-mail")
}

// Terminate ends a trial's workflow at once, whatever it does. One that does not run is left alone. It is for canaries.
func (c *Client) Terminate(ctx context.Context, vendorID string) error {
	return within(ctx, "ending trial "+vendorID, func(ctx context.Context) error {
		return unlessMissing(c.SDK.TerminateWorkflow(ctx, trial.WorkflowID(vendorID), "", "the canary has ended"))
	})
}

// signal sends a signal to a trial's workflow, which it starts where it does not run. action is for the error.
func (c *Client) signal(ctx context.Context, vendorID, name string, r trial.Request, action string) error {
	return within(ctx, action, func(ctx context.Context) error {
		_, err := c.SDK.SignalWithStartWorkflow(ctx, trial.WorkflowID(vendorID), name, r,
			c.options(vendorID), trial.WorkflowType, workflows.TrialInput{VendorID: vendorID})
		return err
	})
}

// Ask sends an update and waits for its answer, the trial's new status. The request's id makes it count once. It starts a
// workflow that has ended, so that an expired trial can be revived. The error is a *trial.Error: the trial's refusal, or
// CodeUnavailable when no worker answers.
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

// updateID is the id of an update. It names the message too: Temporal would take another message with the same request id
// for a repetition, and answer with the first one's result.
func updateID(message, requestID string) string {
	if requestID == "" {
		return "" // the SDK makes one
	}
	return message + "/" + requestID
}

// blameTimeout bounds the search for the part that did not answer.
const blameTimeout = time.Second

// asked translates an error of Ask. A time-out is mostly the worker's: Temporal then answers who polls.
func (c *Client) asked(message, vendorID string, err error) error {
	if refused, ok := workflows.AsRefusal(err); ok {
		return refused
	}
	action := fmt.Sprintf("asking trial %s to %s", vendorID, message)
	if _, late := errors.AsType[*serviceerror.DeadlineExceeded](err); !late && !errors.Is(err, context.DeadlineExceeded) {
		return unavailable(action, err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), blameTimeout) // the caller's has ended
	defer cancel()
	queue, unknown := c.Queue(ctx)
	if unknown != nil {
		return unavailable(action, err)
	}
	return &unavailableError{action: action, cause: err, worker: monitoring.WorkerSilent(queue.Polled, time.Now())}
}
