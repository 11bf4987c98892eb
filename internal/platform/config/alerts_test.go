package config_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/platform/config"
)

const alertsFile = "../../../deploy/alerts.json"

func TestTheAlertsToCopyAreTheBuiltInOnes(t *testing.T) {
	t.Parallel()
	rules, err := config.ReadAlerts(strings.NewReader(content(t, alertsFile)))
	require.NoError(t, err)
	require.Equal(t, monitoring.Rules(), rules)
	var file struct {
		Alerts map[monitoring.RuleID]struct{ Threshold, Severity, Cooldown any } `json:"alerts"`
	}
	require.NoError(t, json.Unmarshal([]byte(content(t, alertsFile)), &file))
	for _, r := range monitoring.Rules() { // the file says all that can be said
		require.NotNil(t, file.Alerts[r.ID].Threshold, r.ID)
		require.NotNil(t, file.Alerts[r.ID].Severity, r.ID)
		require.NotNil(t, file.Alerts[r.ID].Cooldown, r.ID)
	}
	rules, err = config.Config{}.AlertRules()
	require.NoError(t, err)
	require.Equal(t, monitoring.Rules(), rules)
	rules, err = config.Config{AlertsConfig: alertsFile}.AlertRules()
	require.NoError(t, err)
	require.Equal(t, monitoring.Rules(), rules)
}

// The requirements' file, letter by letter.
func TestTheRequirementsAlertsAreTaken(t *testing.T) {
	t.Parallel()
	rules, err := config.ReadAlerts(strings.NewReader(`{
  "alerts": {
    "conversionRateDropped": {
      "threshold": 10,
      "severity": "high",
      "cooldown": 30
    },
    "emailDeliveryFailed": {
      "threshold": 20,
      "severity": "medium",
      "cooldown": 15
    },
    "massTrialExpiration": {
      "threshold": 50,
      "severity": "medium",
      "cooldown": 60
    }
  }
}`))
	require.NoError(t, err)
	require.Equal(t, monitoring.Rules(), rules)
}

func TestAlertsHaveDefaults(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"alerts:\n  emailDeliveryFailed: {threshold: 7}\n  sesPaused:\n    severity: critical\n    cooldown: 5\n",
		"{\"alerts\": {\n\t\"emailDeliveryFailed\": {\"threshold\": 7},\n\t\"sesPaused\": {\"severity\": \"critical\", \"cooldown\": 5}\n}}",
	} {
		rules, err := config.ReadAlerts(strings.NewReader(text))
		require.NoError(t, err)
		want := monitoring.Rules()
		for i := range want {
			switch want[i].ID {
			case monitoring.EmailDeliveryFailed:
				want[i].Threshold = 7
			case monitoring.SESPaused:
				want[i].Severity, want[i].Cooldown = monitoring.Critical, 5
			default:
			}
		}
		require.Equal(t, want, rules)
	}
}

func TestWrongAlertsAreNamed(t *testing.T) {
	t.Parallel()
	for text, problem := range map[string]string{
		`{}`:                                    "alerts: is missing",
		``:                                      "has no fields",
		`[]`:                                    "has no fields",
		`{"alerts": {`:                          "line 1: ",
		`{"alerts": {}, "more": 1}`:             "line 1: more: is not a field here",
		"alerts:\n  conversionRateDroped: {}\n": "line 2: alerts.conversionRateDroped: is not an alert; the alerts are [conversionRateDropped",
		"alerts:\n  sesPaused:\n    treshold: 3\n":                "line 3: alerts.sesPaused.treshold: is not a field here",
		"alerts:\n  sesPaused:\n    threshold: many\n":            "line 3: alerts.sesPaused.threshold: must be a number",
		"alerts:\n  sesPaused:\n    threshold: 1.5\n":             "line 3: alerts.sesPaused.threshold: is a count: must be a whole number",
		"alerts:\n  sesPaused:\n    threshold: .nan\n":            "line 3: alerts.sesPaused.threshold: is a count",
		"alerts:\n  conversionRateDropped:\n    threshold: 110\n": "line 3: alerts.conversionRateDropped.threshold: is in per cent",
		"alerts:\n  sesPaused:\n    severity: bad\n":              "line 3: alerts.sesPaused.severity: must be one of [low medium high critical]",
		"alerts:\n  sesPaused:\n    severity: [high]\n":           "line 3: alerts.sesPaused",
		"alerts:\n  sesPaused:\n    cooldown: 0\n":                "line 3: alerts.sesPaused.cooldown: is in minutes: must be 1 to 10080",
		"alerts:\n  sesPaused:\n    cooldown: 1.5\n":              "line 3: alerts.sesPaused.cooldown: must be a whole number",
		"alerts:\n  sesPaused:\n    cooldown: soon\n":             "line 3: alerts.sesPaused.cooldown: must be a whole number",
		"alerts:\n  sesPaused: 7\n":                               "line 2: alerts.sesPaused: must be fields with values",
		"alerts: 7\n":                                             "line 1: alerts: must be fields with values",
	} {
		rules, err := config.ReadAlerts(strings.NewReader(text))
		require.ErrorContains(t, err, problem, text)
		require.Nil(t, rules)
	}
	file := filepath.Join(t.TempDir(), "alerts.json")
	require.NoError(t, os.WriteFile(file, []byte(`{"alerts": {"sesPaused": {"cooldown": 0}}}`), 0o600))
	_, err := config.Parse(map[string]string{"ALERTS_CONFIG": file}, config.Client)
	require.ErrorContains(t, err, "ALERTS_CONFIG: "+file+": line 1: alerts.sesPaused.cooldown: is in minutes")
}
