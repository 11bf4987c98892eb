package system

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"os"
	"strings"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/temporalproto"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
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
