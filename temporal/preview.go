package temporal

import (
	"context"
	"errors"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"marketplace.example/trials/internal/domain/notice"
	"marketplace.example/trials/workflows"
)

// StartPreview has a worker send one of the e-mails to vendors to a stakeholder. The same one again is left alone.
func (c *Client) StartPreview(ctx context.Context, p notice.Preview) error {
	return within(ctx, "starting preview "+p.ID, func(ctx context.Context) error {
		_, err := c.SDK.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
			ID: "preview-" + p.ID, TaskQueue: c.TaskQueue,
			WorkflowIDReusePolicy:    enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
			WorkflowIDConflictPolicy: enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
			StaticSummary:            "Preview of " + string(p.Kind) + " for a stakeholder",
		}, workflows.PreviewWorkflowType, p)
		if _, ended := errors.AsType[*serviceerror.WorkflowExecutionAlreadyStarted](err); ended {
			return nil
		}
		return err
	})
}
