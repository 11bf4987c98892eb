package temporal

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"

	"marketplace.example/trials/trial"
	"marketplace.example/trials/workflows"
)

// TrialRun is one run of a trial's workflow.
type TrialRun struct {
	VendorID string
	RunID    string
}

// TrialRuns are all runs of trials that go on, or ended since a moment, in no certain order.
func (c *Client) TrialRuns(ctx context.Context, since time.Time) iter.Seq2[TrialRun, error] {
	query := fmt.Sprintf("WorkflowType = '%s' AND (ExecutionStatus = 'Running' OR CloseTime >= '%s')", trial.WorkflowType, since.UTC().Format(time.RFC3339))
	return func(yield func(TrialRun, error) bool) {
		var token []byte
		for {
			page, err := c.page(ctx, query, token)
			if err != nil {
				yield(TrialRun{}, err)
				return
			}
			for _, w := range page.GetExecutions() {
				vendor, _ := strings.CutPrefix(w.GetExecution().GetWorkflowId(), trial.WorkflowID(""))
				if !trial.ValidVendorID(vendor) {
					continue // started by hand, and refused by its first activity
				}
				if !yield(TrialRun{VendorID: vendor, RunID: w.GetExecution().GetRunId()}, nil) {
					return
				}
			}
			if token = page.GetNextPageToken(); len(token) == 0 {
				return
			}
		}
	}
}

func (c *Client) page(ctx context.Context, query string, token []byte) (*workflowservice.ListWorkflowExecutionsResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	page, err := c.SDK.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{Namespace: c.Namespace, Query: query, NextPageToken: token})
	if err != nil {
		return nil, away("listing the trials' workflows", err)
	}
	return page, nil
}

// TrialEvents are the trial's events that one run knows, in order. It needs no worker.
func (c *Client) TrialEvents(ctx context.Context, run TrialRun) ([]trial.Event, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*callTimeout)
	defer cancel()
	recorded := c.SDK.GetWorkflowHistory(ctx, trial.WorkflowID(run.VendorID), run.RunID, false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	var told workflows.Told
	var events []trial.Event
	for recorded.HasNext() {
		e, err := recorded.Next()
		if err != nil {
			return nil, away("reading the history of trial "+run.VendorID, err)
		}
		event, err := told.Next(e)
		if err != nil {
			return nil, fmt.Errorf("reading the history of trial %s, event %d: %w", run.VendorID, e.GetEventId(), err)
		}
		if event != nil {
			events = append(events, *event)
		}
	}
	return events, nil
}

// IsRunning tells whether a trial's workflow runs.
func (c *Client) IsRunning(ctx context.Context, vendorID string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	described, err := c.SDK.DescribeWorkflowExecution(ctx, trial.WorkflowID(vendorID), "")
	if _, missing := errors.AsType[*serviceerror.NotFound](err); missing {
		return false, nil
	}
	if err != nil {
		return false, away("asking for trial "+vendorID, err)
	}
	return described.GetWorkflowExecutionInfo().GetStatus() == enums.WORKFLOW_EXECUTION_STATUS_RUNNING, nil
}
