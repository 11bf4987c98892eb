package temporal

import (
	"context"
	"fmt"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"marketplace.example/trials/internal/domain/bulk"
	"marketplace.example/trials/workflows"
)

// StartBulk starts the workflow of a stored operation, unless it runs already.
func (c *Client) StartBulk(ctx context.Context, o bulk.Operation) error {
	return within(ctx, "starting bulk operation "+o.ID, func(ctx context.Context) error {
		_, err := c.SDK.ExecuteWorkflow(ctx, c.bulkOptions(o), bulk.WorkflowType, workflows.BulkInput{ID: o.ID})
		return err
	})
}

// SteerBulk sends an admin's control to an operation. It starts a workflow that has ended or was lost, which goes on from
// the database.
func (c *Client) SteerBulk(ctx context.Context, o bulk.Operation, control bulk.Control) error {
	return within(ctx, fmt.Sprintf("sending bulk operation %s %s", o.ID, control.Name), func(ctx context.Context) error {
		_, err := c.SDK.SignalWithStartWorkflow(ctx, o.ID, control.Name, control, c.bulkOptions(o), bulk.WorkflowType, workflows.BulkInput{ID: o.ID})
		return err
	})
}

func (c *Client) bulkOptions(o bulk.Operation) client.StartWorkflowOptions {
	return client.StartWorkflowOptions{
		ID: o.ID, TaskQueue: c.TaskQueue,
		WorkflowIDReusePolicy:    enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		WorkflowIDConflictPolicy: enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		StaticSummary:            "Bulk operation: " + o.Title(),
		StaticDetails:            "Changes many trials, page by page. Query: `status`. Signals: `start`, `pause`, `resume`, `stop`.",
	}
}
