package workflows_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"marketplace.example/trials/trial"
	"marketplace.example/trials/workflows"
)

// The events that a history tells of lead to what its workflow answered with in the end. The files
// name-1, name-2 are the runs of one trial.
func TestHistoriesTellWhatHappened(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/histories/*.json")
	require.NoError(t, err)
	told, compared := map[string][]trial.Event{}, 0
	for _, file := range files { // in the order of their names
		name, _, _ := strings.Cut(filepath.Base(file), "-")
		recorded := readHistory(t, file)
		var read workflows.Told
		for _, e := range recorded.GetEvents() {
			event, err := read.Next(e)
			require.NoError(t, err)
			if event == nil {
				continue
			}
			require.Equal(t, len(told[name])+1, event.Seq, file)
			told[name] = append(told[name], *event)
		}
		if want := outcome(t, recorded); want != nil {
			got := trial.Fold(told[name]).Overview()
			wantJSON, err := json.Marshal(want)
			require.NoError(t, err)
			gotJSON, err := json.Marshal(got)
			require.NoError(t, err)
			require.JSONEq(t, string(wantJSON), string(gotJSON), file)
			compared++
		}
	}
	require.Greater(t, compared, 10)
}

func readHistory(t *testing.T, path string) *history.History {
	t.Helper()
	file, err := os.Open(path)
	require.NoError(t, err)
	defer func() { require.NoError(t, file.Close()) }()
	recorded, err := client.HistoryFromJSON(file, client.HistoryJSONOptions{})
	require.NoError(t, err)
	return recorded
}

// outcome is what the workflow answered with; nil where it did not end.
func outcome(t *testing.T, h *history.History) *trial.Overview {
	t.Helper()
	last := h.GetEvents()[len(h.GetEvents())-1].GetWorkflowExecutionCompletedEventAttributes()
	if last == nil {
		return nil
	}
	var o trial.Overview
	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(last.GetResult(), &o))
	return &o
}
