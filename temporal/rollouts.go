package temporal

import (
	"context"
	"errors"
	"fmt"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/workflows"
)

// errNoRollout says that there is nothing to steer.
var errNoRollout = &trial.Error{Code: trial.CodeConflict, Field: "id", Message: "no rollout is running"}

// rolloutMemo is under what a workflow's memo says which rollout it is.
const rolloutMemo = "rolloutId"

// StartRollout starts a rollout; one that runs already is left alone. While
// another runs it is a *trial.Error with CodeConflict.
func (c *Client) StartRollout(ctx context.Context, start rollout.Start) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	running, err := c.startRollout(ctx, start)
	if err != nil || running == "" || running == start.ID {
		return err
	}
	return &trial.Error{Code: trial.CodeConflict, Field: "id", Message: "a rollout is running already"}
}

// startRollout answers with the id of the rollout that runs already, if one does.
func (c *Client) startRollout(ctx context.Context, start rollout.Start) (running string, err error) {
	options := c.rolloutOptions(start.ID)
	options.StaticSummary += ", plan " + start.Plan.Name
	_, err = c.SDK.ExecuteWorkflow(ctx, options, rollout.WorkflowType, workflows.RolloutInput{Start: &start})
	if _, runs := errors.AsType[*serviceerror.WorkflowExecutionAlreadyStarted](err); runs {
		return c.runningRollout(ctx)
	}
	if err != nil {
		return "", unavailable("starting rollout "+start.ID, err)
	}
	return "", nil
}

// rolloutOptions are what every start of a rollout has in common. It is refused while one runs.
func (c *Client) rolloutOptions(id string) client.StartWorkflowOptions {
	return client.StartWorkflowOptions{
		ID: rollout.WorkflowID, TaskQueue: c.TaskQueue,
		WorkflowIDReusePolicy:                    enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		WorkflowIDConflictPolicy:                 enums.WORKFLOW_ID_CONFLICT_POLICY_FAIL,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
		Memo:                                     map[string]any{rolloutMemo: id},
		StaticSummary:                            "Rollout " + id,
		StaticDetails:                            "Puts trial automation in front of vendors step by step. Queries: `status`, `decisions`. Signals: `rollback`, `pause`, `resume`, `advance`, `set-percentage`.",
	}
}

// EnsureRolloutRunning starts the workflow of a rollout that is stored, and tells whether it was gone: terminated by somebody, or
// lost with Temporal's data. It goes on from what is stored. One that runs is left alone.
func (c *Client) EnsureRolloutRunning(ctx context.Context, id string) (gone bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	_, err = c.SDK.ExecuteWorkflow(ctx, c.rolloutOptions(id), rollout.WorkflowType, workflows.RolloutInput{Lost: id})
	if _, runs := errors.AsType[*serviceerror.WorkflowExecutionAlreadyStarted](err); runs {
		return false, nil
	}
	if err != nil {
		return false, unavailable("starting rollout "+id+" again", err)
	}
	return true, nil
}

// unnamed stands for a rollout that was started without saying which it is.
const unnamed = "unnamed"

// runningRollout is the id of the rollout that runs.
func (c *Client) runningRollout(ctx context.Context) (string, error) {
	described, err := c.SDK.DescribeWorkflowExecution(ctx, rollout.WorkflowID, "")
	if err != nil {
		return "", unavailable("asking which rollout runs", err)
	}
	var id string
	memo := described.GetWorkflowExecutionInfo().GetMemo().GetFields()[rolloutMemo]
	if err := converter.GetDefaultDataConverter().FromPayload(memo, &id); err != nil {
		return unnamed, nil //nolint:nilerr // started by hand, past the API
	}
	return id, nil
}

// Steer sends a person's request to the running rollout. Without one it is a
// *trial.Error with CodeConflict.
func (c *Client) Steer(ctx context.Context, name string, r rollout.Request) error {
	return c.signalRollout(ctx, name, r)
}

// Judged delivers a judgement to the running rollout; where none runs, nothing
// happens.
func (c *Client) Judged(ctx context.Context, j rollout.Judgement) error {
	err := c.signalRollout(ctx, rollout.SignalJudged, j)
	if errors.Is(err, errNoRollout) {
		return nil
	}
	return err
}

func (c *Client) signalRollout(ctx context.Context, name string, payload any) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	err := c.SDK.SignalWorkflow(ctx, rollout.WorkflowID, "", name, payload)
	if _, gone := errors.AsType[*serviceerror.NotFound](err); gone {
		return errNoRollout
	}
	if err != nil {
		return unavailable(fmt.Sprintf("sending the rollout %s", name), err)
	}
	return nil
}

// Adopt has a running trial go on automated.
func (c *Client) Adopt(ctx context.Context, vendorID string, r trial.Request) error {
	return c.handOver(ctx, vendorID, trial.MessageAdopt, r)
}

// Release has a running trial go on unautomated.
func (c *Client) Release(ctx context.Context, vendorID string, r trial.Request) error {
	return c.handOver(ctx, vendorID, trial.MessageRelease, r)
}

func (c *Client) handOver(ctx context.Context, vendorID, message string, r trial.Request) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	err := c.SDK.SignalWorkflow(ctx, trial.WorkflowID(vendorID), "", message, r)
	var gone *serviceerror.NotFound
	if err != nil && !errors.As(err, &gone) {
		return unavailable(fmt.Sprintf("telling trial %s to %s", vendorID, message), err)
	}
	return nil
}
