package workflows_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"marketplace.example/trials/trial"
	"marketplace.example/trials/workflows"
)

// Histories of workflows that ran on a real server, a path a file; recorded by
// `go run ./test/demo -record workflows/testdata/histories`. A change of the
// workflow must replay those that are there; new paths are added, old ones stay.
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

var quiet = log.NewStructuredLogger(slog.New(slog.DiscardHandler))

func replayer() worker.WorkflowReplayer {
	r := worker.NewWorkflowReplayer()
	r.RegisterWorkflowWithOptions(workflows.Trial, workflow.RegisterOptions{Name: trial.WorkflowType})
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

// endLater puts off the end of the trial that the activity "begin" answered with.
func endLater(t *testing.T, recorded *history.History, by time.Duration) {
	t.Helper()
	for _, e := range recorded.GetEvents() {
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
