package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/temporalproto"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"marketplace.example/trials/trial"
)

// record writes the history of every run of every fate to a folder, one file a
// run, for the replay tests: these are the paths through the workflow.
func (d *demo) record(ctx context.Context, dir string) error {
	c, err := client.Dial(client.Options{HostPort: d.system.Stack.Temporal})
	if err != nil {
		return fmt.Errorf("connecting to Temporal: %w", err)
	}
	defer c.Close()
	for _, f := range d.fates {
		runs, err := c.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{Query: fmt.Sprintf("WorkflowId = '%s'", trial.WorkflowID(f.id))})
		if err != nil {
			return fmt.Errorf("listing the runs of %s: %w", f.id, err)
		}
		for i, run := range runs.GetExecutions() {
			number := len(runs.GetExecutions()) - i // the newest comes first
			name := filepath.Join(dir, fmt.Sprintf("%s-%d.json", f.id, number))
			if err := recordRun(ctx, c, run.GetExecution().GetWorkflowId(), run.GetExecution().GetRunId(), name); err != nil {
				return err
			}
		}
	}
	return nil
}

func recordRun(ctx context.Context, c client.Client, workflowID, runID, file string) error {
	var h history.History
	for events := c.GetWorkflowHistory(ctx, workflowID, runID, false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT); events.HasNext(); {
		event, err := events.Next()
		if err != nil {
			return fmt.Errorf("reading the history of %s: %w", workflowID, err)
		}
		h.Events = append(h.Events, event)
	}
	raw, err := temporalproto.CustomJSONMarshalOptions{Indent: " "}.Marshal(&h)
	if err != nil {
		return fmt.Errorf("writing the history of %s: %w", workflowID, err)
	}
	// Workers' identities and sticky queues name the machine; that is nobody's business.
	if host, err := os.Hostname(); err == nil {
		raw = bytes.ReplaceAll(raw, []byte("@"+host), []byte("@host"))
		raw = bytes.ReplaceAll(raw, []byte(`"`+host+":"), []byte(`"host:`))
	}
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		return fmt.Errorf("writing the history of %s: %w", workflowID, err)
	}
	return nil
}
