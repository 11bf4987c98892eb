package workflows_test

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/converter"

	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/workflows"
)

// The decisions that a history tells of lead to what its workflow answered with in the end.
func TestHistoriesTellWhatWasDecided(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/histories/rollout-*.json.gz")
	require.NoError(t, err)
	recovered, compared := map[string][]rollout.Event{}, 0
	slices.Sort(files) // the runs of one rollout one after the other
	for _, file := range files {
		recorded := readCompressed(t, file)
		var read workflows.RolloutHistoryReader
		for _, e := range recorded.GetEvents() {
			require.NoError(t, read.Next(e))
			require.NotEmpty(t, read.ID)
		}
		for _, decision := range read.Decisions {
			require.Equal(t, len(recovered[read.ID])+1, decision.Seq, file)
			recovered[read.ID] = append(recovered[read.ID], decision)
		}
		last := recorded.GetEvents()[len(recorded.GetEvents())-1].GetWorkflowExecutionCompletedEventAttributes()
		if last == nil {
			continue
		}
		var want rollout.State
		require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(last.GetResult(), &want))
		got := rollout.Fold(recovered[read.ID])
		want.CheckedAt = got.CheckedAt // a look that found nothing new is no decision
		if want.DeployedAt == nil {
			got.DeployedAt = nil // the recording is older than the field
		}
		wantJSON, err := json.Marshal(want)
		require.NoError(t, err)
		gotJSON, err := json.Marshal(got)
		require.NoError(t, err)
		require.JSONEq(t, string(wantJSON), string(gotJSON), file)
		compared++
	}
	require.Positive(t, compared)
}

// What a trial is told of its vendor's wish is in the history, whatever else people send.
func TestHistoriesTellWhoWantsNoEMail(t *testing.T) {
	t.Parallel()
	signalled := func(name string, argument any) *history.HistoryEvent {
		input, err := converter.GetDefaultDataConverter().ToPayloads(argument)
		require.NoError(t, err)
		return signal(name, input)
	}
	var read workflows.TrialHistoryReader
	for _, e := range []*history.HistoryEvent{
		signalled(trial.SignalNoMail, trial.Request{Reason: "unsubscribed", By: "vendor", At: start}),
		signalled(trial.SignalNoMail, trial.Request{Reason: "a person's own words"}),
		signalled(trial.SignalNoMail, strings.Repeat("x", 3)),
		signal(trial.SignalNoMail, nil),
		signalled(trial.SignalWake, trial.Request{Reason: "unsubscribed"}),
	} {
		require.NoError(t, read.Next(e))
	}
	require.Empty(t, read.Events)
	require.Equal(t, []trial.Suppression{{Reason: trial.ReasonUnsubscribed, At: start}}, read.NoMail)
}

// A worker that took up a trial and did not say what came of it may have sent an e-mail.
func TestHistoriesTellWhetherAWorkerWasAtIt(t *testing.T) {
	t.Parallel()
	recorded := readHistory(t, "testdata/histories/ana-1.json")
	var read workflows.TrialHistoryReader
	started, unfinished := 0, 0
	for _, e := range recorded.GetEvents() {
		require.NoError(t, read.Next(e))
		if e.GetWorkflowTaskStartedEventAttributes() != nil {
			started++
		}
		if !read.AtWork.IsZero() {
			unfinished++
		}
	}
	require.Zero(t, read.AtWork)
	require.Positive(t, started)
	require.Equal(t, started, unfinished, "each is over with the next event")
}

func signal(name string, input *common.Payloads) *history.HistoryEvent {
	return &history.HistoryEvent{Attributes: &history.HistoryEvent_WorkflowExecutionSignaledEventAttributes{
		WorkflowExecutionSignaledEventAttributes: &history.WorkflowExecutionSignaledEventAttributes{SignalName: name, Input: input},
	}}
}
