package workflows

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"

	"marketplace.example/trials/internal/domain/bulk"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// sent is a message as somebody sends it by hand; without a payload it carries none.
func sent(name string, payloads ...string) message {
	m := message{name: name, payload: &common.Payloads{}, id: "arrived-1"}
	for _, p := range payloads {
		m.payload.Payloads = append(m.payload.Payloads, &common.Payload{
			Metadata: map[string][]byte{converter.MetadataEncoding: []byte(converter.MetadataEncodingJSON)}, Data: []byte(p),
		})
	}
	return m
}

// asSent is a message as our own programs send it.
func asSent(t *testing.T, name string, payload any) message {
	t.Helper()
	data, err := json.Marshal(payload)
	require.NoError(t, err)
	return sent(name, string(data))
}

// misread are payloads of no message, for each of which something could be read.
var misread = map[string]string{
	"null":                  `null`,
	"a list":                `[{"reason":"x"}]`,
	"a text":                `"x"`,
	"nothing":               ``,
	"something behind":      `{"reason":"x"} {}`,
	"garbage behind":        `{"reason":"x"}]`,
	"not closed":            `{"reason":"x"`,
	"a list for the reason": `{"reason":["x"]}`,
	"a number":              `{"reason":7}`,
	"the reason is null":    `{"reason":null}`,
	"no reason":             `{}`,
	"twice":                 `{"reason":"x","reason":"y"}`,
	"in other letters":      `{"Reason":"x"}`,
	"unknown":               `{"reason":"x","why":"y"}`,
	"unknown and null":      `{"reason":"x","why":null}`,
	"of another message":    `{"reason":"x","subject":"backup","days":3}`,
}

func TestARolloutsMessageIsTakenExactly(t *testing.T) {
	t.Parallel()
	for name, payload := range misread {
		for signal := range rolloutShapes {
			_, err := readRolloutRequest(sent(signal, payload))
			require.Error(t, err, "%s: %s", signal, name)
		}
	}
	for _, bad := range [][2]string{
		{rollout.SignalRollback, `{"reason":"x","percent":10}`},
		{rollout.SignalRollback, `{"reason":"x"}`},
		{rollout.SignalRollback, `{"reason":"x","percentage":null}`},
		{rollout.SignalRollback, `{"reason":"x","percentage":"10"}`},
		{rollout.SignalRollback, `{"reason":"x","Percentage":10}`},
		{rollout.SignalRollback, `{"reason":"x","percentage":10,"Percentage":0}`},
		{rollout.SignalRollback, `{"reason":"x","percentage":1e999}`},
		{rollout.SignalRollback, `{"reason":"x","percentage":NaN}`},
		{rollout.SignalRollback, `{"reason":"x","percentage":10,"met":true}`},
		{rollout.SignalSetPercentage, `{"percent":15,"reason":"x"}`},
		{rollout.SignalSetPercentage, `{"reason":"x"}`},
		{rollout.SignalSetPercentage, `{"percentage":15,"reason":"x","inFlight":"release"}`},
		{rollout.SignalTick, `{"subject":"feedback-positive","reason":"x"}`},
		{rollout.SignalTick, `{"subject":"feedback-positive","met":null,"reason":"x"}`},
		{rollout.SignalTick, `{"subject":"feedback-positive","met":"yes","reason":"x"}`},
		{rollout.SignalTick, `{"met":true,"reason":"x"}`},
		{rollout.SignalWaive, `{"reason":"x"}`},
		{rollout.SignalAdvance, `{"reason":"x","percentage":50}`},
		{rollout.SignalPause, `{"reason":"x","id":"` + longID + `"}`},
		{"rolback", `{"reason":"x","percentage":10}`},
	} {
		_, err := readRolloutRequest(sent(bad[0], bad[1]))
		require.Error(t, err, bad)
	}
	_, err := readRolloutRequest(sent(rollout.SignalPause))
	require.Error(t, err, "without a payload there is no reason")
	_, err = readRolloutRequest(sent(rollout.SignalPause, `{"reason":"x"}`, `{"reason":"y"}`))
	require.Error(t, err, "two payloads")
	binary := sent(rollout.SignalPause, `{"reason":"x"}`)
	binary.payload.Payloads[0].Metadata[converter.MetadataEncoding] = []byte("binary/plain")
	_, err = readRolloutRequest(binary)
	require.Error(t, err, "not JSON")

	r, err := readRolloutRequest(sent(rollout.SignalRollback, ` {"percentage": 10, "reason": "x"} `))
	require.NoError(t, err)
	require.Equal(t, flags.Request{ID: "arrived-1", Percentage: 10, Reason: "x"}, r)
	for signal := range rolloutShapes {
		want := flags.Request{ID: "k-1", By: "admin", Reason: "x"}
		got, err := readRolloutRequest(asSent(t, signal, want))
		if signal == rollout.SignalTick || signal == rollout.SignalWaive {
			want.Subject = "backup"
			got, err = readRolloutRequest(asSent(t, signal, want))
		}
		require.NoError(t, err, signal)
		require.Equal(t, want, got)
	}
}

var longID = strings.Repeat("k", maxRequestID+1)

// The watch of a later version may know more than the workflow.
func TestAJudgementIsTakenWithWhatIsNotKnownOfIt(t *testing.T) {
	t.Parallel()
	want := rollout.Judgement{Formula: "1", At: time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC), Snapshot: 3}
	j, err := decode[rollout.Judgement](asSent(t, rollout.SignalJudged, want), judgementShape)
	require.NoError(t, err)
	require.Equal(t, want, j)
	_, err = decode[rollout.Judgement](sent(rollout.SignalJudged, `{"formula":"1","at":"2026-03-02T12:00:00Z","snapshot":3,"position":{},"mood":"good"}`), judgementShape)
	require.NoError(t, err)
	for _, bad := range []string{`{}`, `null`, `{"formula":"1","at":"2026-03-02T12:00:00Z","snapshot":3}`, `{"formula":"1","at":"soon","snapshot":3,"position":{}}`} {
		_, err = decode[rollout.Judgement](sent(rollout.SignalJudged, bad), judgementShape)
		require.Error(t, err, bad)
	}
}

func TestABulkOperationsMessageIsTakenExactlyUnlessItHolds(t *testing.T) {
	t.Parallel()
	for name, payload := range misread {
		for _, control := range []string{bulk.ControlStart, bulk.ControlResume} {
			_, err := readControl(sent(control, payload))
			require.Error(t, err, "%s: %s", control, name)
		}
		for _, control := range []string{bulk.ControlPause, bulk.ControlStop} {
			c, err := readControl(sent(control, payload))
			require.NoError(t, err, "%s: %s", control, name)
			require.Equal(t, bulk.Control{ID: "arrived-1", Name: control, Reason: "no reason could be read", By: "signal"}, c)
		}
	}
	_, err := readControl(sent(bulk.ControlResume))
	require.Error(t, err)
	_, err = readControl(sent(bulk.ControlResume, `{"name":"stop","reason":"x"}`))
	require.Error(t, err)
	_, err = readControl(sent("halt", `{"reason":"x"}`))
	require.Error(t, err)
	c, err := readControl(asSent(t, bulk.ControlStart, bulk.Control{Name: bulk.ControlStart, Reason: "x", By: "admin"}))
	require.NoError(t, err)
	require.Equal(t, bulk.Control{ID: "arrived-1", Name: bulk.ControlStart, Reason: "x", By: "admin"}, c)
}

func TestATrialsMessageIsTakenExactlyUnlessItConverts(t *testing.T) {
	t.Parallel()
	for name, payload := range misread {
		for _, message := range []string{trial.MessageExtend, trial.MessageShorten, trial.MessageRevive, trial.MessageCancel, trial.MessagePolicy} {
			_, err := readSignal(sent(message, payload))
			require.Error(t, err, "%s: %s", message, name)
			_, err = readUpdate(message, converter.NewRawValue(sent(message, payload).payload.GetPayloads()[0]))
			require.Error(t, err, "%s: %s", message, name)
		}
	}
	for _, bad := range [][2]string{
		{trial.MessageExtend, `{"day":7,"days":1,"reason":"x"}`},
		{trial.MessageExtend, `{"days":7,"Days":1,"reason":"x"}`},
		{trial.MessageCancel, `{"days":7,"reason":"x"}`},
		{trial.MessagePolicy, `{"days":7,"policy":{"name":"month"},"reason":"x"}`},
		{trial.MessagePolicy, `{"policy":"month","reason":"x"}`},
		{trial.MessageExtend, `{"days":7,"policy":{"name":"month"},"reason":"x"}`},
		{trial.MessageRelease, `{"days":7}`},
		{"conversion", `{}`},
	} {
		_, err := readSignal(sent(bad[0], bad[1]))
		require.Error(t, err, bad)
	}
	for message := range trialShapes {
		want := trial.Request{ID: "k-1", Reason: "x", By: "admin"}
		if message == trial.MessagePolicy {
			want.Policy = new(trial.DefaultPolicy())
		}
		r, err := readSignal(asSent(t, message, want))
		require.NoError(t, err, message)
		require.Equal(t, want, r)
	}
	r, err := readSignal(sent(trial.MessageConvert, `{"at":"2026-03-02T12:00:00Z","amount":12,"reason":["x"]}`))
	require.Error(t, err, "which is not asked about")
	require.Equal(t, time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC), r.At)
	for _, name := range []string{trial.SignalWake, trial.SignalNoMail, trial.MessageConvert, trial.MessageRelease} {
		_, err = readSignal(sent(name))
		require.NoError(t, err, name)
	}
}
