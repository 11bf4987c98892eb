package test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/converter"

	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/test/stack"
	"marketplace.example/trials/test/system"
)

// historyLimit is what a full automated trial may cost, in history events.
const historyLimit = 45

func TestATrialLivesToItsEnd(t *testing.T) {
	s := begin(t, system.Options{Day: 2 * day})
	id := s.vendor("ana")
	s.register(id)
	s.awaitMail(soon, id, "welcome/0")
	s.askedByCommandLine(id, trial.Active)
	s.awaitStatus(wholeLife, id, trial.Expired)

	require.Equal(t, whole, s.mails(id), "each e-mail once, in order")
	for _, m := range s.messages(id + "/") {
		require.Equal(t, []string{email(id)}, m.To)
	}
	s.toldByAPI(id)
	s.askedByCommandLine(id, trial.Expired)
	s.listedByAttributes(id)
	events := s.history(id)
	t.Log(table(events))
	require.LessOrEqual(t, len(events), historyLimit)
	s.hasSummaries(id, events)
}

// toldByAPI checks that everybody who asks over HTTP hears of the end.
func (s *scenario) toldByAPI(id string) {
	s.t.Helper()
	a, err := s.Service(s.ctx, http.MethodGet, "/api/vendors/"+id, nil)
	s.answered(http.StatusOK, a, err)
	var vendor struct {
		Vendor struct{ ID, Email string }
		Cohort trial.Cohort
		Trial  trial.Overview
	}
	require.NoError(s.t, a.Into(&vendor))
	require.Equal(s.t, id, vendor.Vendor.ID)
	require.Equal(s.t, trial.Automated, vendor.Cohort)
	require.Equal(s.t, trial.Expired, vendor.Trial.Status)

	k := s.known(id)
	require.Equal(s.t, trial.Expired, k.Trial.Status)
	require.Len(s.t, k.Events, 1+len(whole), "the start, and each step")
	for _, r := range k.Trial.Steps {
		require.Equal(s.t, trial.ReasonDue, r.Reason)
		require.True(s.t, r.Mailed)
	}

	out, err := s.Starter(s.ctx, "trial", "status", id, "--json")
	require.NoError(s.t, err)
	var printed known
	require.NoError(s.t, json.Unmarshal([]byte(out), &printed))
	require.Equal(s.t, trial.Expired, printed.Trial.Status)
	require.Equal(s.t, id, printed.Trial.VendorID)
}

// askedByCommandLine asks as the requirements do, and with the command line of today.
func (s *scenario) askedByCommandLine(id string, status trial.Status) {
	s.t.Helper()
	root, err := stack.Root()
	require.NoError(s.t, err)
	for _, line := range [][]string{
		{"tctl", "--address", embedded.Temporal, "--namespace", s.Namespace, "workflow", "query", "--workflow_id", "trial-" + id, "--query_type", "status"},
		{"temporal", "workflow", "query", "--address", embedded.Temporal, "--namespace", s.Namespace, "--workflow-id", "trial-" + id, "--type", "status"},
	} {
		ctx, cancel := context.WithTimeout(s.ctx, soon)
		out, err := exec.CommandContext(ctx, filepath.Join(root, ".build", line[0]), line[1:]...).CombinedOutput()
		cancel()
		require.NoError(s.t, err, "%s: %s", line[0], out)
		flat := strings.NewReplacer(" ", "", "\\", "", "\n", "").Replace(string(out))
		require.Contains(s.t, flat, `"status":"`+string(status)+`"`, line[0])
		require.Contains(s.t, flat, `"vendorId":"`+id+`"`, line[0])
	}
}

// listedByAttributes finds the trial by what operators search for.
func (s *scenario) listedByAttributes(id string) {
	s.t.Helper()
	query := fmt.Sprintf("TrialStatus = 'expired' AND TrialCohort = 'automated' AND TrialPolicy = 'standard-14d' AND TrialEndsAt > '%s'",
		s.known(id).Trial.StartedAt.Format("2006-01-02T15:04:05Z"))
	eventually(s.t, soon, func() error {
		found, err := s.temporal.ListWorkflow(s.ctx, &workflowservice.ListWorkflowExecutionsRequest{Query: query})
		if err != nil {
			return err
		}
		if n := len(found.GetExecutions()); n != 1 || found.GetExecutions()[0].GetExecution().GetWorkflowId() != "trial-"+id {
			return fmt.Errorf("%d workflows answer to %s", n, query)
		}
		return nil
	})
}

func (s *scenario) history(id string) []*history.HistoryEvent {
	s.t.Helper()
	var events []*history.HistoryEvent
	for all := s.temporal.GetWorkflowHistory(s.ctx, trial.WorkflowID(id), "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT); all.HasNext(); {
		e, err := all.Next()
		require.NoError(s.t, err)
		events = append(events, e)
	}
	return events
}

// hasSummaries checks that the Web UI has a summary of the workflow,
// and of every timer and activity.
func (s *scenario) hasSummaries(id string, events []*history.HistoryEvent) {
	s.t.Helper()
	d, err := s.temporal.DescribeWorkflowExecution(s.ctx, trial.WorkflowID(id), "")
	require.NoError(s.t, err)
	var summary string
	require.NoError(s.t, converter.GetDefaultDataConverter().FromPayload(d.GetExecutionConfig().GetUserMetadata().GetSummary(), &summary))
	require.Contains(s.t, summary, id)
	said := map[string]int{}
	for _, e := range events {
		switch e.GetEventType() {
		case enums.EVENT_TYPE_TIMER_STARTED, enums.EVENT_TYPE_MARKER_RECORDED, enums.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
			said[summaryOf(e)]++
		default:
		}
	}
	require.NotContains(s.t, said, "", "an event without a summary")
	for _, kind := range []string{"welcome", "reminder-7d", "reminder-3d", "reminder-1d", "expiry", "grace-end"} {
		require.Contains(s.t, said, kind)
	}
}

func summaryOf(e *history.HistoryEvent) string {
	var said string
	if p := e.GetUserMetadata().GetSummary(); p != nil {
		_ = converter.GetDefaultDataConverter().FromPayload(p, &said) // what is no text says nothing
	}
	return said
}

// table is where the history's events go.
func table(events []*history.HistoryEvent) string {
	var b bytes.Buffer
	fmt.Fprintf(&b, "the whole trial is %d events:\n", len(events))
	for _, e := range events {
		fmt.Fprintf(&b, "%3d  %-36s %s\n", e.GetEventId(), e.GetEventType(), summaryOf(e))
	}
	return b.String()
}
