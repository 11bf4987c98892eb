package system

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/temporalproto"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"marketplace.example/trials/internal/domain/bulk"
)

// Record writes the history of every run of a workflow to the file that its
// number names, counted from 1, for the replay tests. A file that ends in .gz is
// compressed.
func Record(ctx context.Context, c client.Client, workflowID string, file func(run int) string) error {
	runs, err := c.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{Query: fmt.Sprintf("WorkflowId = '%s'", workflowID)})
	if err != nil {
		return fmt.Errorf("listing the runs of %s: %w", workflowID, err)
	}
	for i, run := range runs.GetExecutions() {
		number := len(runs.GetExecutions()) - i // the newest comes first
		if err := recordRun(ctx, c, workflowID, run.GetExecution().GetRunId(), file(number)); err != nil {
			return err
		}
	}
	return nil
}

// RecordBulk writes the histories of every bulk operation to the files that its place
// among them, the oldest first, and its run name, both counted from 1.
func RecordBulk(ctx context.Context, c client.Client, file func(operation, run int) string) error {
	runs, err := c.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{Query: fmt.Sprintf("WorkflowType = '%s'", bulk.WorkflowType)})
	if err != nil {
		return fmt.Errorf("listing the bulk operations: %w", err)
	}
	var ids []string
	for _, run := range runs.GetExecutions() {
		ids = append(ids, run.GetExecution().GetWorkflowId())
	}
	slices.Sort(ids) // an id begins with when it was asked for
	for i, id := range slices.Compact(ids) {
		if err := Record(ctx, c, id, func(run int) string { return file(i+1, run) }); err != nil {
			return err
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
	if strings.HasSuffix(file, ".gz") {
		raw = compressed(raw)
	}
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		return fmt.Errorf("writing the history of %s: %w", workflowID, err)
	}
	return nil
}

func compressed(raw []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write(raw) // into memory
	_ = w.Close()
	return out.Bytes()
}
