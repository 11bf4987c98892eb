package workflows_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/failure/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/types/known/timestamppb"

	"marketplace.example/trials/activities"
	"marketplace.example/trials/internal/domain/recovery"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/workflows"
)

// The events that a history tells of lead to what its workflow answered with in the end. The files
// name-1, name-2 are the runs of one trial.
func TestHistoriesTellWhatHappened(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/histories/*.json")
	require.NoError(t, err)
	recovered, compared := map[string][]trial.Event{}, 0
	for _, file := range files { // in the order of their names
		name, _, _ := strings.Cut(filepath.Base(file), "-")
		recorded := readHistory(t, file)
		var read workflows.TrialHistoryReader
		for _, e := range recorded.GetEvents() {
			require.NoError(t, read.Next(e))
		}
		for _, event := range read.Events {
			require.Equal(t, len(recovered[name])+1, event.Seq, file)
			recovered[name] = append(recovered[name], event)
		}
		if want := outcome(t, recorded); want != nil {
			got := trial.Fold(recovered[name]).Overview()
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

// A step that the server was trying as the database was lost: its e-mail may have left, or has certainly not.
func TestHistoriesTellWhatMayHaveLeft(t *testing.T) {
	t.Parallel()
	step := trial.Step{Kind: trial.Reminder(3), Revision: 1, At: time.Date(2026, 3, 12, 9, 0, 0, 0, time.UTC)}
	refused := &failure.Failure{FailureInfo: &failure.Failure_ApplicationFailureInfo{ApplicationFailureInfo: &failure.ApplicationFailureInfo{Type: "later"}}}
	unsettled := &failure.Failure{FailureInfo: &failure.Failure_ApplicationFailureInfo{ApplicationFailureInfo: &failure.ApplicationFailureInfo{Type: activities.MayHaveLeft}}}
	timedOut := &failure.Failure{FailureInfo: &failure.Failure_TimeoutFailureInfo{TimeoutFailureInfo: &failure.TimeoutFailureInfo{}}}
	waiting := func(f *failure.Failure) *workflow.PendingActivityInfo {
		return &workflow.PendingActivityInfo{ActivityId: "5", State: enums.PENDING_ACTIVITY_STATE_SCHEDULED, LastFailure: f}
	}
	noted := waiting(refused)
	noted.HeartbeatDetails = &common.Payloads{}
	for name, c := range map[string]struct {
		local   *failure.Failure // of the first attempt
		pending *workflow.PendingActivityInfo
		over    bool
		want    bool
	}{
		"refused, and not tried since":        {local: refused, pending: waiting(nil)},
		"refused every time":                  {local: refused, pending: waiting(refused)},
		"unsettled at first":                  {local: unsettled, pending: waiting(refused), want: true},
		"cut off at first":                    {local: timedOut, pending: waiting(nil), want: true},
		"unsettled since":                     {local: refused, pending: waiting(unsettled), want: true},
		"a worker died over it":               {local: refused, pending: waiting(timedOut), want: true},
		"unsettled once, and refused since":   {local: refused, pending: noted, want: true},
		"a worker is at it":                   {local: refused, pending: &workflow.PendingActivityInfo{ActivityId: "5", State: enums.PENDING_ACTIVITY_STATE_STARTED}, want: true},
		"a worker is at something else":       {local: refused, pending: &workflow.PendingActivityInfo{ActivityId: "6", State: enums.PENDING_ACTIVITY_STATE_STARTED}},
		"unsettled at first, and known since": {local: unsettled, over: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var read workflows.TrialHistoryReader
			for _, e := range repeatedStep(t, step, c.local, c.over) {
				require.NoError(t, read.Next(e))
			}
			require.Equal(t, !c.over, read.Repeats())
			var want []trial.Step
			if c.want {
				want = []trial.Step{step}
			}
			read.Ask([]*workflow.PendingActivityInfo{c.pending})
			require.Equal(t, want, read.Unsettled)
		})
	}
}

// repeatedStep is a history's end: a step's first attempt failed, and the server tries it.
func repeatedStep(t *testing.T, step trial.Step, local *failure.Failure, over bool) []*history.HistoryEvent {
	t.Helper()
	data := converter.GetDefaultDataConverter()
	marker, err := data.ToPayloads(map[string]string{"ActivityType": "Perform"})
	require.NoError(t, err)
	due, err := data.ToPayloads(activities.Due{Step: step})
	require.NoError(t, err)
	result, err := data.ToPayloads(activities.Performed{})
	require.NoError(t, err)
	events := []*history.HistoryEvent{
		{EventId: 10, Attributes: &history.HistoryEvent_MarkerRecordedEventAttributes{MarkerRecordedEventAttributes: &history.MarkerRecordedEventAttributes{
			MarkerName: "LocalActivity", Details: map[string]*common.Payloads{"data": marker}, Failure: local,
		}}},
		{EventId: 11, Attributes: &history.HistoryEvent_ActivityTaskScheduledEventAttributes{ActivityTaskScheduledEventAttributes: &history.ActivityTaskScheduledEventAttributes{
			ActivityId: "5", ActivityType: &common.ActivityType{Name: "Perform"}, Input: due,
		}}},
	}
	if over {
		events = append(events, &history.HistoryEvent{EventId: 12, Attributes: &history.HistoryEvent_ActivityTaskCompletedEventAttributes{
			ActivityTaskCompletedEventAttributes: &history.ActivityTaskCompletedEventAttributes{ScheduledEventId: 11, Result: result},
		}})
	}
	return events
}

// A trial that followed its vendor to another zone outside of a step.
func TestHistoriesTellOfAMove(t *testing.T) {
	t.Parallel()
	data := converter.GetDefaultDataConverter()
	marker, err := data.ToPayloads(map[string]string{"ActivityType": "Rezone"})
	require.NoError(t, err)
	moved := trial.Event{Seq: 3, Type: trial.EventRezoned, At: time.Date(2026, 3, 12, 9, 0, 0, 0, time.UTC), Zone: "Asia/Tokyo"}
	for want, event := range []*trial.Event{nil, &moved} {
		result, err := data.ToPayloads(activities.Performed{Event: event})
		require.NoError(t, err)
		var read workflows.TrialHistoryReader
		err = read.Next(&history.HistoryEvent{Attributes: &history.HistoryEvent_MarkerRecordedEventAttributes{
			MarkerRecordedEventAttributes: &history.MarkerRecordedEventAttributes{
				MarkerName: "LocalActivity", Details: map[string]*common.Payloads{"data": marker, "result": result},
			},
		}})
		require.NoError(t, err)
		require.Equal(t, []trial.Event{moved}[:want], append([]trial.Event{}, read.Events...))
	}
}

// The first erasure counts, and so does every suppression; what somebody sent by hand counts for nothing.
func TestHistoriesTellWhoWasErased(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 12, 9, 0, 0, 0, time.UTC)
	var read workflows.TrialHistoryReader
	for i, reason := range []trial.Reason{trial.ReasonUnsubscribed, trial.ReasonErased, trial.ReasonErased, "by hand", trial.ReasonLifted} {
		input, err := converter.GetDefaultDataConverter().ToPayloads(trial.Request{Reason: string(reason), By: "admin", At: at.Add(time.Duration(i) * time.Hour)})
		require.NoError(t, err)
		err = read.Next(&history.HistoryEvent{EventTime: timestamppb.New(at.AddDate(0, 0, 1)), Attributes: &history.HistoryEvent_WorkflowExecutionSignaledEventAttributes{
			WorkflowExecutionSignaledEventAttributes: &history.WorkflowExecutionSignaledEventAttributes{SignalName: trial.SignalNoMail, Input: input},
		}})
		require.NoError(t, err)
	}
	require.Empty(t, read.Events)
	require.Equal(t, []trial.Suppression{{Reason: trial.ReasonUnsubscribed, At: at}}, read.NoMail)
	require.Equal(t, []recovery.Lift{{Of: at.Add(4 * time.Hour), At: at.AddDate(0, 0, 1)}}, read.Lifts)
	require.Equal(t, &trial.Erasure{At: at.Add(time.Hour), By: "admin", Reason: "erased before the database was restored"}, read.Erased)
}
