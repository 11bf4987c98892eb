package workflows_test

import (
	"cmp"
	"compress/gzip"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"marketplace.example/trials/activities"
	"marketplace.example/trials/internal/domain/bulk"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/workflows"
)

// Histories of workflows that ran on a real server, a path a file. docs/architecture.md says how they are recorded, when a
// change of a workflow records them anew, and when it has to replay those that are there.
func TestRecordedHistoriesReplay(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/histories/*.json")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(files), 15)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			require.NoError(t, replayer().ReplayWorkflowHistoryFromJSONFile(quiet, file))
		})
	}
}

// A full automated trial of the built-in policy costs 39 events. Each of the recorded ones has lost its worker once, which costs a
// task that timed out and its repetition, and was held once: the record of that, and the signal that woke it with its task.
func TestWhatAFullTrialCosts(t *testing.T) {
	t.Parallel()
	for _, vendor := range []string{"ana", "hugo", "kelly", "maria"} {
		file, err := os.Open("testdata/histories/" + vendor + "-1.json")
		require.NoError(t, err)
		recorded, err := client.HistoryFromJSON(file, client.HistoryJSONOptions{})
		require.NoError(t, err)
		require.NoError(t, file.Close())
		count := map[enums.EventType]int{}
		for _, e := range recorded.GetEvents() {
			count[e.GetEventType()]++
		}
		require.Equal(t, 5, count[enums.EVENT_TYPE_TIMER_FIRED], "%s: every step after the welcome", vendor)
		disturbed := 2*count[enums.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT] + 5*count[enums.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED]
		require.LessOrEqual(t, len(recorded.GetEvents())-disturbed, 39, vendor)
	}
}

func TestRecordedRolloutsReplay(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/histories/rollout-*.json.gz")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(files), 8)
	seen := map[string]bool{}
	for _, file := range files {
		recorded := readCompressed(t, file)
		for _, kind := range happened(t, recorded) {
			seen[kind] = true
		}
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			require.NoError(t, replayer().ReplayWorkflowHistory(quiet, recorded))
		})
	}
	for _, path := range []string{
		"started", "restarted", "preflight", "entered", "paused by admin", "resumed", "overridden", "waived", "ticked", "backfill",
		"rolled-back by hand", "rolled-back by email-delivery", "completed", "daily-update",
	} {
		require.True(t, seen[path], "no recorded rollout was %s", path)
	}
}

func TestRecordedBulkOperationsReplay(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/histories/bulk-*.json.gz")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		recorded := readCompressed(t, file)
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			require.Equal(t, bulk.WorkflowType, recorded.GetEvents()[0].GetWorkflowExecutionStartedEventAttributes().GetWorkflowType().GetName())
			require.NoError(t, replayer().ReplayWorkflowHistory(quiet, recorded))
		})
	}
}

func readCompressed(t *testing.T, name string) *history.History {
	t.Helper()
	file, err := os.Open(name)
	require.NoError(t, err)
	defer func() { require.NoError(t, file.Close()) }()
	raw, err := gzip.NewReader(file)
	require.NoError(t, err)
	recorded, err := client.HistoryFromJSON(raw, client.HistoryJSONOptions{})
	require.NoError(t, err)
	return recorded
}

// happened names what was decided in a recorded rollout.
func happened(t *testing.T, recorded *history.History) (kinds []string) {
	t.Helper()
	for _, e := range recorded.GetEvents() {
		scheduled := e.GetActivityTaskScheduledEventAttributes()
		if scheduled.GetActivityType().GetName() != "Enact" {
			continue
		}
		var input activities.EnactInput
		require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(scheduled.GetInput(), &input))
		kinds = append(kinds, wording(input.Event))
	}
	return kinds
}

func wording(e rollout.Event) string {
	switch {
	case e.Start != nil && e.Start.RestartOf != "":
		return "restarted"
	case e.Type == rollout.EventPaused:
		return fmt.Sprintf("paused by %s", e.Cause)
	case e.Type == rollout.EventRolledBack:
		return "rolled-back by " + cmp.Or(string(e.Trigger), "hand")
	}
	return string(e.Type)
}

var quiet = log.NewStructuredLogger(slog.New(slog.DiscardHandler))

func replayer() worker.WorkflowReplayer {
	r, err := worker.NewWorkflowReplayerWithOptions(worker.WorkflowReplayerOptions{Interceptors: workflows.Interceptors()})
	if err != nil {
		panic(err) // which the options alone decide
	}
	r.RegisterWorkflowWithOptions(workflows.Trial, workflow.RegisterOptions{Name: trial.WorkflowType})
	r.RegisterWorkflowWithOptions(workflows.Rollout, workflow.RegisterOptions{Name: rollout.WorkflowType})
	r.RegisterWorkflowWithOptions(workflows.BulkOperation, workflow.RegisterOptions{Name: bulk.WorkflowType})
	return r
}

// A zone whose rules have changed plans the same trial for other hours. Here the
// recorded trial began with another end, which does the same to its schedule.
func TestATrialThatIsPlannedForLaterReplays(t *testing.T) {
	t.Parallel()
	file, err := os.Open("testdata/histories/ana-1.json")
	require.NoError(t, err)
	defer func() { require.NoError(t, file.Close()) }()
	recorded, err := client.HistoryFromJSON(file, client.HistoryJSONOptions{})
	require.NoError(t, err)
	endLater(t, recorded, time.Second)
	require.NoError(t, replayer().ReplayWorkflowHistory(quiet, recorded))
}

// endLater puts off the end of the trial that the activity "begin" answered with, and that it was started with.
func endLater(t *testing.T, recorded *history.History, by time.Duration) {
	t.Helper()
	for _, e := range recorded.GetEvents() {
		if started := e.GetWorkflowExecutionStartedEventAttributes(); started != nil {
			attribute := started.GetSearchAttributes().GetIndexedFields()[trial.AttributeEndsAt]
			var end time.Time
			require.NoError(t, converter.GetDefaultDataConverter().FromPayload(attribute, &end))
			later, err := converter.GetDefaultDataConverter().ToPayload(end.Add(by))
			require.NoError(t, err)
			attribute.Data = later.GetData()
		}
		for _, payloads := range e.GetMarkerRecordedEventAttributes().GetDetails() {
			var state trial.State
			if converter.GetDefaultDataConverter().FromPayloads(payloads, &state) != nil || state.EndsAt.IsZero() {
				continue
			}
			state.EndsAt, state.GraceEndsAt = state.EndsAt.Add(by), state.GraceEndsAt.Add(by)
			later, err := converter.GetDefaultDataConverter().ToPayload(state)
			require.NoError(t, err)
			payloads.Payloads[0] = later
			return
		}
	}
	require.Fail(t, "the trial does not begin")
}
