package flags_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/trial"
)

// initialState is the requirements', to the letter.
const initialState = `{
  "featureFlags": {
    "trialAutomation": {
      "enabled": true,
      "emailReminders": true,
      "autoExpiration": true,
      "conversionTracking": true,
      "rolloutPercentage": 0
    },
    "monitoring": {
      "enabled": true,
      "trialMetrics": true,
      "alerting": true
    },
    "adminTools": {
      "enabled": true,
      "trialExtension": true,
      "bulkOperations": true
    }
  }
}`

func TestInitialFlagsAreTheRequirements(t *testing.T) {
	t.Parallel()
	got, err := json.MarshalIndent(struct {
		FeatureFlags flags.Flags `json:"featureFlags"`
	}{flags.Initial()}, "", "  ")
	require.NoError(t, err)
	require.JSONEq(t, initialState, string(got))

	var d flags.Document
	require.NoError(t, json.Unmarshal([]byte(initialState), &d))
	require.Equal(t, flags.Document{FeatureFlags: flags.Initial()}, d)
}

func TestEveryFlagHasItsName(t *testing.T) {
	t.Parallel()
	raw, err := json.Marshal(flags.Initial())
	require.NoError(t, err)
	var document map[string]map[string]any
	require.NoError(t, json.Unmarshal(raw, &document))
	named := map[string]map[string]any{}
	for _, f := range flags.Initial().Named() {
		group, name, _ := strings.Cut(f.Name, ".")
		if named[group] == nil {
			named[group] = map[string]any{}
		}
		named[group][name] = f.Value
	}
	require.Equal(t, document, named)
}

func TestDeviations(t *testing.T) {
	t.Parallel()
	require.Empty(t, flags.Initial().Deviations(flags.Initial()))
	off := flags.Flags{TrialAutomation: flags.TrialAutomation{Enabled: true, ConversionTracking: true, RolloutPercentage: 10}}
	off.AdminTools = flags.Initial().AdminTools
	require.Equal(t, []string{
		"trialAutomation.emailReminders is false, must be true", "trialAutomation.autoExpiration is false, must be true",
		"trialAutomation.rolloutPercentage is 10, must be 0",
		"monitoring.enabled is false, must be true", "monitoring.trialMetrics is false, must be true", "monitoring.alerting is false, must be true",
	}, off.Deviations(flags.Initial()))
}

func TestValidPercentage(t *testing.T) {
	t.Parallel()
	for _, p := range []float64{0, 0.01, 0.07, 0.1, 0.29, 1.1, 10, 25, 33.33, 50, 57.29, 75, 99.99, 100} {
		require.NoError(t, flags.ValidPercentage(p), "%v", p)
	}
	for hundredths := range 100_01 {
		require.NoError(t, flags.ValidPercentage(float64(hundredths)/100), "%d hundredths", hundredths)
	}
	for p, message := range map[float64]string{
		-0.01:        "must be 0 to 100, is -0.01",
		-25:          "must be 0 to 100, is -25",
		100.01:       "must be 0 to 100, is 100.01",
		100.0001:     "must be 0 to 100, is 100.0001",
		1e300:        "must be 0 to 100, is 1e+300",
		math.NaN():   "must be 0 to 100, is NaN",
		math.Inf(1):  "must be 0 to 100, is +Inf",
		math.Inf(-1): "must be 0 to 100, is -Inf",
		33.333:       "must be a multiple of 0.01, is 33.333",
		0.001:        "must be a multiple of 0.01, is 0.001",
		99.999:       "must be a multiple of 0.01, is 99.999",
		1e-7:         "must be a multiple of 0.01, is 1e-07",
	} {
		err := flags.ValidPercentage(p)
		var field *trial.Error
		require.ErrorAs(t, err, &field)
		require.Equal(t, trial.Error{Code: trial.CodeInvalid, Field: "rolloutPercentage", Message: message}, *field)
		require.EqualError(t, err, "rolloutPercentage: "+message)
	}
}
