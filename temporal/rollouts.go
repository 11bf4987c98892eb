package temporal

import (
	"context"
	"errors"
	"fmt"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/workflows"
)

// errNoRollout says that no rollout runs.
var errNoRollout = &trial.Error{Code: trial.CodeConflict, Field: "id", Message: "no rollout is running"}

// rolloutMemo is the key of a rollout's id in its workflow's memo.
const rolloutMemo = "rolloutId"

// StartRollout starts a rollout, unless it runs already. While another one runs, the error is a *trial.Error with
// CodeConflict.
func (c *Client) StartRollout(ctx context.Context, start rollout.Start) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	running, err := c.startRollout(ctx, start)
	if err != nil || running == "" || running == start.ID {
		return err
	}
	return &trial.Error{Code: trial.CodeConflict, Field: "id", Message: "a rollout is running already"}
}

// startRollout starts a rollout. running is the id of the one that runs already, if one does.
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

// rolloutOptions are the same for every start of a rollout. Temporal refuses the start while a rollout runs.
func (c *Client) rolloutOptions(id string) client.StartWorkflowOptions {
	return client.StartWorkflowOptions{
		ID: rollout.WorkflowID, TaskQueue: c.TaskQueue,
		WorkflowIDReusePolicy:                    enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		WorkflowIDConflictPolicy:                 enums.WORKFLOW_ID_CONFLICT_POLICY_FAIL,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
		Memo:                                     map[string]any{rolloutMemo: id},
		StaticSummary:                            "Rollout " + id,
		StaticDetails:                            "Puts trial automation in front of vendors step by step. Queries: `status`, `decisions`. Signals: `rollback`, `pause`, `resume`, `advance`, `set-percentage`, `tick`, `waive`.",
	}
}

// EnsureRolloutRunning starts the workflow of a stored rollout, unless it runs. gone says that it did not: somebody
// terminated it, or it was lost with Temporal's data. The new one goes on from what is stored.
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

// unnamed stands for a rollout that was started without an id.
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
		return unnamed, nil //nolint:nilerr // somebody started it by hand, not over the API
	}
	return id, nil
}

// Steer sends a person's request to the running rollout. If none runs, the error is a *trial.Error with CodeConflict.
func (c *Client) Steer(ctx context.Context, name string, r flags.Request) error {
	return c.signalRollout(ctx, name, r)
}

// Judged sends a judgement to the running rollout, if one runs.
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
	if missing(err) {
		return errNoRollout
	}
	if err != nil {
		return unavailable(fmt.Sprintf("sending the rollout %s", name), err)
	}
	return nil
}

// Adopt makes a running trial automated.
func (c *Client) Adopt(ctx context.Context, vendorID string, r trial.Request) error {
	return c.handOver(ctx, vendorID, trial.MessageAdopt, r)
}

// Release makes a running trial unautomated.
func (c *Client) Release(ctx context.Context, vendorID string, r trial.Request) error {
	return c.handOver(ctx, vendorID, trial.MessageRelease, r)
}

func (c *Client) handOver(ctx context.Context, vendorID, message string, r trial.Request) error {
	return within(ctx, fmt.Sprintf("telling trial %s to %s", vendorID, message), func(ctx context.Context) error {
		return unlessMissing(c.SDK.SignalWorkflow(ctx, trial.WorkflowID(vendorID), "", message, r))
	})
}
