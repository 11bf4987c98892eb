package rest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/trial"
)

// The pages do with an alert what the routes do.
func TestThePagesControlAlerts(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.fire(monitoring.SESPaused, time.Minute)
	until := present.Add(time.Hour)
	for _, r := range []monitoring.AlertRequest{
		{Control: monitoring.ControlAcknowledge, Reason: "asked SES"},
		{Control: monitoring.ControlSilence, Reason: "known", Until: until.Add(time.Microsecond)},
		{Control: monitoring.ControlUnsilence, Reason: "mended"},
	} {
		require.NoError(t, a.app.ChangeAlertRecorded(access.With(t.Context(), access.FirstAdmin()), monitoring.SESPaused, r))
	}
	events := a.store.AlertHistory[monitoring.SESPaused][1:]
	require.Equal(t, []monitoring.AlertEvent{
		{Rule: monitoring.SESPaused, Seq: 2, Type: monitoring.AlertAcknowledged, Note: "asked SES"},
		{Rule: monitoring.SESPaused, Seq: 3, Type: monitoring.AlertSilenced, Note: "known", Until: &until},
		{Rule: monitoring.SESPaused, Seq: 4, Type: monitoring.AlertUnsilenced, Note: "mended"},
	}, byHand(t, events))
}

// byHand is what persons did, without what was seen; all were the admin, at present.
func byHand(t *testing.T, events []monitoring.AlertEvent) (all []monitoring.AlertEvent) {
	t.Helper()
	for _, e := range events {
		require.Equal(t, "admin", e.By)
		require.Equal(t, present, e.At)
		require.Equal(t, monitoring.ReasonByHand, e.Reason)
		all = append(all, monitoring.AlertEvent{Rule: e.Rule, Seq: e.Seq, Type: e.Type, Note: e.Note, Until: e.Until})
	}
	return all
}

func TestControlsOfAlertsThatDoNotApply(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	for name, c := range map[string]struct {
		id   monitoring.RuleID
		r    monitoring.AlertRequest
		code trial.Code
	}{
		"no such alert":   {"other", monitoring.AlertRequest{Control: monitoring.ControlUnsilence, Reason: "r"}, trial.CodeNotFound},
		"no such control": {monitoring.SESPaused, monitoring.AlertRequest{Control: "other", Reason: "r"}, trial.CodeInvalid},
		"nothing fires":   {monitoring.SESPaused, monitoring.AlertRequest{Control: monitoring.ControlAcknowledge, Reason: "r"}, trial.CodeConflict},
		"no reason":       {monitoring.SESPaused, monitoring.AlertRequest{Control: monitoring.ControlSilence, Until: present.Add(time.Hour)}, trial.CodeInvalid},
		"a long reason":   {monitoring.SESPaused, monitoring.AlertRequest{Control: monitoring.ControlUnsilence, Reason: strings.Repeat("r", 501)}, trial.CodeInvalid},
		"no end":          {monitoring.SESPaused, monitoring.AlertRequest{Control: monitoring.ControlSilence, Reason: "r"}, trial.CodeInvalid},
		"an end too far":  {monitoring.SESPaused, monitoring.AlertRequest{Control: monitoring.ControlSilence, Reason: "r", Until: present.AddDate(0, 0, 8)}, trial.CodeInvalid},
		"an end gone by":  {monitoring.SESPaused, monitoring.AlertRequest{Control: monitoring.ControlSilence, Reason: "r", Until: present}, trial.CodeInvalid},
	} {
		var e *trial.Error
		require.ErrorAs(t, a.app.ChangeAlertRecorded(t.Context(), c.id, c.r), &e, name)
		require.Equal(t, c.code, e.Code, name)
		require.Empty(t, a.store.AlertHistory, name)
	}
}
