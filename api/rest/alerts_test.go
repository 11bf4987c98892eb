package rest_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/api/rest"
	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/trial"
)

const alertsPath = "/api/admin/monitoring/alerts"

// fire has an alert fire so long ago.
func (a *api) fire(id monitoring.RuleID, ago time.Duration) {
	a.t.Helper()
	for _, rule := range monitoring.Rules() {
		if rule.ID != id {
			continue
		}
		value := rule.Threshold
		alert, e := monitoring.Decide(rule, a.store.AlertOf(id), monitoring.Observation{Value: &value, Seen: 3, Text: "seen"},
			monitoring.Evaluation{At: present.Add(-ago), Day: trial.RealDay, Alerting: true})
		require.NotNil(a.t, e)
		a.store.SetAlert(alert, e)
	}
}

func (a *api) change(id monitoring.RuleID, what, body string) answered {
	a.t.Helper()
	return a.post(alertsPath+"/"+string(id)+"/"+what, adminToken, body)
}

func TestAlertsAreListed(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	all := into[rest.Alerts](a.get(alertsPath, adminToken), http.StatusOK)
	require.Len(t, all.Alerts, len(monitoring.Rules()))
	require.True(t, all.Enabled && all.Alerting && all.TrialMetrics)
	require.True(t, all.Late, "nobody has looked")
	require.Nil(t, all.EvaluatedAt)
	first := all.Alerts[0]
	require.Equal(t, monitoring.Rules()[0], first.Rule)
	require.Equal(t, "fires below 10 %", first.Limit)
	require.Equal(t, monitoring.AlertOK, first.Status)
	require.Equal(t, "not evaluated yet", first.Text)

	a.fire(monitoring.SESPaused, time.Minute)
	a.store.Document.FeatureFlags.Monitoring.Alerting = false
	all = into[rest.Alerts](a.get(alertsPath, adminToken), http.StatusOK)
	require.False(t, all.Late || all.Alerting)
	require.Equal(t, present.Add(-time.Minute), all.EvaluatedAt.UTC())
	for _, alert := range all.Alerts {
		fires := alert.Rule.ID == monitoring.SESPaused
		require.Equal(t, fires, alert.Status == monitoring.AlertFiring)
		if fires {
			require.InDelta(t, 1, *alert.Value, 0)
			require.Equal(t, present.Add(-time.Minute), alert.Since.UTC())
			require.Equal(t, 1, alert.Events)
		}
	}
}

func TestAnAlertIsAcknowledgedSilencedAndHeardAgain(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.fire(monitoring.SESPaused, time.Minute)
	alert := into[rest.Alert](a.change(monitoring.SESPaused, "acknowledge", `{"reason":"asked SES"}`), http.StatusOK)
	require.Equal(t, "admin", alert.Acknowledgement.By)
	require.Equal(t, "asked SES", alert.Acknowledgement.Reason)
	writes, _ := a.store.written()
	again := into[rest.Alert](a.change(monitoring.SESPaused, "acknowledge", `{"reason":"me too"}`), http.StatusOK)
	require.Equal(t, "asked SES", again.Acknowledgement.Reason, "the first counts")
	now, _ := a.store.written()
	require.Equal(t, writes, now)

	alert = into[rest.Alert](a.change(monitoring.BackupLate, "silence", `{"minutes":60,"reason":"known"}`), http.StatusOK)
	require.Equal(t, present.Add(time.Hour), alert.Silence.Until.UTC())
	alert = into[rest.Alert](a.change(monitoring.BackupLate, "silence", `{"until":"2026-03-17T12:00:00Z","reason":"for longer"}`), http.StatusOK)
	require.Equal(t, present.AddDate(0, 0, 7), alert.Silence.Until.UTC())
	alert = into[rest.Alert](a.change(monitoring.BackupLate, "unsilence", `{"reason":"mended"}`), http.StatusOK)
	require.Nil(t, alert.Silence)
	into[rest.Alert](a.change(monitoring.BackupLate, "unsilence", `{"reason":"again"}`), http.StatusOK)

	history := func(query string) []string {
		var types []string
		for _, e := range into[rest.AlertHistory](a.get(alertsPath+"/backupLate/history"+query, adminToken), http.StatusOK).Events {
			types = append(types, string(e.Type)+" "+e.Note)
		}
		return types
	}
	require.Equal(t, []string{"silenced known", "silenced for longer", "unsilenced mended"}, history(""))
	require.Equal(t, []string{"silenced for longer", "unsilenced mended"}, history("?limit=2"), "the last ones")
	require.Equal(t, []string{"silenced for longer"}, history("?after=1&limit=1"))
	require.Empty(t, history("?after=3"))
}

func TestBadRequestsAboutAlertsChangeNothing(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.fire(monitoring.SESPaused, time.Minute)
	before := len(a.store.AlertHistory[monitoring.SESPaused])
	for name, c := range map[string]struct {
		path, body, field string
		status            int
	}{
		"no such alert":           {"/sesPause/acknowledge", `{"reason":"r"}`, "alert", http.StatusNotFound},
		"no alert's name":         {"/ses_1/acknowledge", `{"reason":"r"}`, "alert", http.StatusBadRequest},
		"nothing to acknowledge":  {"/backupLate/acknowledge", `{"reason":"r"}`, "alert", http.StatusConflict},
		"no reason":               {"/sesPaused/acknowledge", `{}`, "reason", http.StatusBadRequest},
		"an empty reason":         {"/sesPaused/acknowledge", `{"reason":"  "}`, "reason", http.StatusBadRequest},
		"a long reason":           {"/sesPaused/acknowledge", `{"reason":"` + strings.Repeat("r", 501) + `"}`, "reason", http.StatusBadRequest},
		"somebody else":           {"/sesPaused/acknowledge", `{"reason":"r","by":"eve"}`, "by", http.StatusBadRequest},
		"no body":                 {"/sesPaused/acknowledge", ``, "body", http.StatusBadRequest},
		"silence without an end":  {"/sesPaused/silence", `{"reason":"r"}`, "minutes", http.StatusBadRequest},
		"silence with two ends":   {"/sesPaused/silence", `{"reason":"r","minutes":5,"until":"2026-03-10T13:00:00Z"}`, "until", http.StatusBadRequest},
		"silence for no time":     {"/sesPaused/silence", `{"reason":"r","minutes":0}`, "minutes", http.StatusBadRequest},
		"silence for too long":    {"/sesPaused/silence", `{"reason":"r","minutes":10081}`, "minutes", http.StatusBadRequest},
		"silence for half":        {"/sesPaused/silence", `{"reason":"r","minutes":1.5}`, "minutes", http.StatusBadRequest},
		"silence until the past":  {"/sesPaused/silence", `{"reason":"r","until":"2026-03-10T12:00:00Z"}`, "until", http.StatusBadRequest},
		"silence until too late":  {"/sesPaused/silence", `{"reason":"r","until":"2026-03-17T12:00:01Z"}`, "until", http.StatusBadRequest},
		"silence until sometime":  {"/sesPaused/silence", `{"reason":"r","until":"soon"}`, "until", http.StatusBadRequest},
		"silence without reason":  {"/sesPaused/silence", `{"minutes":5}`, "reason", http.StatusBadRequest},
		"silence of no alert":     {"/other/silence", `{"minutes":5,"reason":"r"}`, "alert", http.StatusNotFound},
		"hear nothing again":      {"/other/unsilence", `{"reason":"r"}`, "alert", http.StatusNotFound},
		"hear without reason":     {"/sesPaused/unsilence", `{}`, "reason", http.StatusBadRequest},
		"history of no alert":     {"/other/history", "", "alert", http.StatusNotFound},
		"history of a bad page":   {"/sesPaused/history?limit=0", "", "limit", http.StatusBadRequest},
		"history from the future": {"/sesPaused/history?after=-1", "", "after", http.StatusBadRequest},
	} {
		r := request{method: http.MethodPost, path: alertsPath + c.path, token: adminToken, body: c.body}
		if strings.Contains(c.path, "history") {
			r.method = http.MethodGet
		}
		p := a.call(r).problem(c.status)
		require.NotNil(t, p.Field, name)
		require.Equal(t, c.field, *p.Field, name)
		require.Len(t, a.store.AlertHistory, 1, name)
		require.Len(t, a.store.AlertHistory[monitoring.SESPaused], before, name)
	}
	a.store.Err = errUnavailable
	a.get(alertsPath, adminToken).problem(http.StatusServiceUnavailable)
	a.change(monitoring.SESPaused, "acknowledge", `{"reason":"r"}`).problem(http.StatusServiceUnavailable)
}
