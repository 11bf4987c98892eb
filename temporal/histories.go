package temporal

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflowservice/v1"

	"marketplace.example/trials/internal/domain/bulk"
	"marketplace.example/trials/internal/domain/recovery"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/workflows"
)

// TrialRun is one run of a trial's workflow.
type TrialRun struct {
	VendorID string
	RunID    string
}

// ErrUnreadable says that a history holds something this program cannot read. A retry does not help.
var ErrUnreadable = errors.New("its history cannot be read")

// TrialRuns are all runs of vendors' trials that are open, or closed since a moment, in no particular order.
func (c *Client) TrialRuns(ctx context.Context, since time.Time) iter.Seq2[TrialRun, error] {
	return func(yield func(TrialRun, error) bool) {
		for run, err := range c.runs(ctx, trial.WorkflowType, since) {
			vendor, _ := strings.CutPrefix(run.GetWorkflowId(), trial.WorkflowID(""))
			if err == nil && (trial.IsCanary(vendor) || !trial.ValidVendorID(vendor)) {
				continue // nothing is left of a canary; the others somebody started by hand, and their first activity refused it
			}
			if !yield(TrialRun{VendorID: vendor, RunID: run.GetRunId()}, err) {
				return
			}
		}
	}
}

// runs are all runs of a workflow type that are open, or closed since a moment. An error comes last.
func (c *Client) runs(ctx context.Context, workflowType string, since time.Time) iter.Seq2[*common.WorkflowExecution, error] {
	query := fmt.Sprintf("WorkflowType = '%s' AND (ExecutionStatus = 'Running' OR CloseTime >= '%s')", workflowType, since.UTC().Format(time.RFC3339))
	return func(yield func(*common.WorkflowExecution, error) bool) {
		var token []byte
		for {
			page, err := c.page(ctx, query, token)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, w := range page.GetExecutions() {
				if !yield(w.GetExecution(), nil) {
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
		return nil, unavailable("listing workflows", err)
	}
	return page, nil
}

// RecoveredTrial reads what one run of a trial's workflow knows. It needs no worker. The error wraps
// ErrUnreadable where the history is not one of ours.
func (c *Client) RecoveredTrial(ctx context.Context, run TrialRun) (recovery.Trial, error) {
	var read workflows.TrialHistoryReader
	if err := c.read(ctx, trial.WorkflowID(run.VendorID), run.RunID, read.Next); err != nil || !read.Repeats() {
		return read.Trial, err
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	described, err := c.SDK.DescribeWorkflowExecution(ctx, trial.WorkflowID(run.VendorID), run.RunID)
	if err != nil {
		return read.Trial, unavailable("asking for trial "+run.VendorID, err)
	}
	read.Ask(described.GetPendingActivities())
	return read.Trial, nil
}

// BulkUnderWay are the ids of the bulk operations whose workflows are open.
func (c *Client) BulkUnderWay(ctx context.Context) ([]string, error) {
	var ids []string
	for run, err := range c.runs(ctx, bulk.WorkflowType, time.Now().Add(time.Hour)) { // none that has ended, though clocks differ
		if err != nil {
			return nil, err
		}
		ids = append(ids, run.GetWorkflowId())
	}
	return ids, nil
}

// RecoveredRollouts reads what the runs of rollouts know that go on, or ended since a moment, each by itself and
// in no certain order. It needs no worker.
func (c *Client) RecoveredRollouts(ctx context.Context, since time.Time) ([]recovery.Rollout, error) {
	var all []recovery.Rollout
	for run, err := range c.runs(ctx, rollout.WorkflowType, since) {
		if err != nil {
			return nil, err
		}
		var read workflows.RolloutHistoryReader
		if err := c.read(ctx, run.GetWorkflowId(), run.GetRunId(), read.Next); err != nil {
			return nil, err
		}
		all = append(all, read.Rollout)
	}
	return all, nil
}

// read calls each with every event of a run's history, in order.
func (c *Client) read(ctx context.Context, workflowID, runID string, each func(*history.HistoryEvent) error) error {
	ctx, cancel := context.WithTimeout(ctx, 2*callTimeout)
	defer cancel()
	recorded := c.SDK.GetWorkflowHistory(ctx, workflowID, runID, false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for recorded.HasNext() {
		e, err := recorded.Next()
		if err != nil {
			return unavailable("reading the history of "+workflowID, err)
		}
		if err := each(e); err != nil {
			return fmt.Errorf("%s, event %d: %w: %w", workflowID, e.GetEventId(), ErrUnreadable, err)
		}
	}
	return nil
}
