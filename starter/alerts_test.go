package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/trial"
)

// fire has an alert fire in a world.
func fire(t *testing.T, w *world, id monitoring.RuleID, ago time.Duration, value float64, text string) {
	t.Helper()
	for _, rule := range monitoring.Rules() {
		if rule.ID == id {
			alert, e := monitoring.Decide(rule, monitoring.NewAlert(id), monitoring.Observation{Value: &value, Seen: 25, Text: text},
				monitoring.Evaluation{At: present.Add(-ago), Day: trial.RealDay, Alerting: true})
			w.SetAlert(alert, e)
		}
	}
}

func TestAlertCommands(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.run(t, "alerts", "list")
	require.Zero(t, r.code, r.err)
	require.Contains(t, r.out, "THE ALERTS WERE NEVER EVALUATED")

	fire(t, w, monitoring.EmailDeliveryRateLow, 25*time.Minute, 88, "88.0 %: 22 of 25 e-mails of the last day with a known outcome were delivered")
	acked := w.run(t, "alerts", "ack", "emailDeliveryRateLow", "--reason", "a template")
	require.Equal(t, result{0, "emailDeliveryRateLow: firing.\nAcknowledged 2026-03-10 12:00:00 UTC, now: nobody is notified again that it fires, until it has cleared.\n", ""}, acked)
	silenced := w.run(t, "alerts", "silence", "backupLate", "--minutes", "90", "--reason", "the vault moves")
	require.Equal(t, result{0, "backupLate: ok.\nNobody is notified of it until 2026-03-10 13:30:00 UTC, in 1h 30m.\n", ""}, silenced)
	require.Zero(t, w.run(t, "alerts", "silence", "sesPaused", "--until", "2026-03-11T12:00:00+02:00", "--reason", "known").code)
	require.Zero(t, w.run(t, "alerts", "unsilence", "sesPaused", "--reason", "mended").code)
	golden(t, "alerts-list", w.run(t, "alerts", "list").out)
	golden(t, "alerts-history", w.run(t, "alerts", "history", "emailDeliveryRateLow").out)
	require.Equal(t, "Nothing has happened to it yet.\n", w.run(t, "alerts", "history", "unknownSends").out)

	var bodies []string
	for _, c := range w.Calls() {
		bodies = append(bodies, c.Path+" "+c.Body)
	}
	require.Equal(t, []string{
		`/api/admin/monitoring/alerts/emailDeliveryRateLow/acknowledge {"reason":"a template"}`,
		`/api/admin/monitoring/alerts/backupLate/silence {"minutes":90,"reason":"the vault moves"}`,
		`/api/admin/monitoring/alerts/sesPaused/silence {"reason":"known","until":"2026-03-11T12:00:00+02:00"}`,
		`/api/admin/monitoring/alerts/sesPaused/unsilence {"reason":"mended"}`,
	}, bodies)
	require.Equal(t, w.ask(t, "/api/admin/monitoring/alerts")+"\n", w.run(t, "alerts", "list", "--json").out)
}

func TestTheListSaysWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fire(t, w, monitoring.SESPaused, 5*time.Minute, 1, "paused")
	for flag, remark := range map[string]string{
		"monitoring.enabled=false":      "The alerts are not evaluated: the flag monitoring.enabled is off.",
		"monitoring.trialMetrics=false": "Alerts about trials and e-mails are not evaluated",
		"monitoring.alerting=false":     "Nobody is notified of alerts",
	} {
		w := newWorld(t)
		require.Zero(t, w.run(t, "flags", "set", flag).code)
		require.Contains(t, w.run(t, "alerts", "list").out, remark)
	}
	require.Contains(t, w.run(t, "alerts", "list").out, "THIS IS OLD: the alerts were evaluated last 2026-03-10 11:55:00 UTC, 5m ago.")
}

func TestWrongUseOfAlertCommands(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for message, args := range map[string][]string{
		`"sesPause" is not an alert; the alerts are [conversionRateDropped`: {"ack", "sesPause", "--reason", "r"},
		"needs one alert's name, got 0 arguments":                           {"history"},
		"--limit: must be 1 to 200, is 0":                                   {"history", "sesPaused", "--limit", "0"},
		`--until: "soon" is not a moment like`:                              {"silence", "sesPaused", "--until", "soon", "--reason", "r"},
		"at least one of the flags in the group [minutes until]":            {"silence", "sesPaused", "--reason", "r"},
		"none of the others can be":                                         {"silence", "sesPaused", "--reason", "r", "--minutes", "5", "--until", "2026-03-11T12:00:00Z"},
		`required flag(s) "reason" not set`:                                 {"unsilence", "sesPaused"},
	} {
		r := w.run(t, append([]string{"alerts"}, args...)...)
		require.Equal(t, exitUsage, r.code, args)
		require.Contains(t, r.err, message)
	}
	require.Empty(t, w.Calls())
	r := w.run(t, "alerts", "ack", "sesPaused", "--reason", "r")
	require.Equal(t, exitFailure, r.code)
	require.Contains(t, r.err, "sesPaused does not fire, so there is nothing to acknowledge")
}
