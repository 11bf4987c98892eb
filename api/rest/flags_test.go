package rest_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/api/rest"
	"marketplace.example/trials/internal/domain/flags"
)

const (
	flagsPath   = "/api/admin/feature-flags"
	rolloutPath = "/api/admin/feature-flags/trial-automation/rollout"
)

// The flags are shaped as the deployment strategy writes them.
func TestFlagsShape(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.store.Document.FeatureFlags = flags.Initial()
	answer := into[map[string]json.RawMessage](a.get(flagsPath, adminToken), http.StatusOK)
	require.JSONEq(t, `{
		"trialAutomation": {"enabled": true, "emailReminders": true, "autoExpiration": true, "conversionTracking": true, "rolloutPercentage": 0},
		"monitoring": {"enabled": true, "trialMetrics": true, "alerting": true},
		"adminTools": {"enabled": true, "trialExtension": true, "bulkOperations": true}
	}`, string(answer["featureFlags"]))
	require.JSONEq(t, `1`, string(answer["version"]))
	require.Contains(t, answer, "updatedAt")
	require.Contains(t, answer, "updatedBy")
	require.NotContains(t, answer, "salt")
}

// The requests of the deployment strategy, in its order.
func TestRolloutRequests(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	for i, c := range []struct {
		body       string
		enabled    bool
		percentage float64
	}{
		{`{"enabled": true, "rolloutPercentage": 10}`, true, 10},
		{`{"enabled": true, "rolloutPercentage": 25}`, true, 25},
		{`{"enabled": true, "rolloutPercentage": 100}`, true, 100},
		{`{"enabled": false, "rolloutPercentage": 0}`, false, 0},
		{`{"enabled": true, "rolloutPercentage": 33.33}`, true, 33.33},
	} {
		d := into[rest.FeatureFlagDocument](a.post(rolloutPath, adminToken, c.body), http.StatusOK)
		require.Equal(t, c.enabled, d.FeatureFlags.TrialAutomation.Enabled)
		require.InDelta(t, c.percentage, d.FeatureFlags.TrialAutomation.RolloutPercentage, 1e-9)
		require.True(t, d.FeatureFlags.TrialAutomation.EmailReminders, "other flags stay")
		require.Equal(t, i+2, d.Version)
		require.Equal(t, "admin", d.UpdatedBy)
		require.Equal(t, i+1, a.workflows.woken)
	}
}

func TestPatchMerges(t *testing.T) {
	t.Parallel()
	// One patch for each flag there is, and what it changes.
	for _, c := range []struct {
		patch string
		set   func(*flags.Flags)
	}{
		{`{"trialAutomation":{"enabled":false}}`, func(f *flags.Flags) { f.TrialAutomation.Enabled = false }},
		{`{"trialAutomation":{"emailReminders":false}}`, func(f *flags.Flags) { f.TrialAutomation.EmailReminders = false }},
		{`{"trialAutomation":{"autoExpiration":false}}`, func(f *flags.Flags) { f.TrialAutomation.AutoExpiration = false }},
		{`{"trialAutomation":{"conversionTracking":false}}`, func(f *flags.Flags) { f.TrialAutomation.ConversionTracking = false }},
		{`{"trialAutomation":{"rolloutPercentage":0}}`, func(f *flags.Flags) { f.TrialAutomation.RolloutPercentage = 0 }},
		{`{"monitoring":{"enabled":false}}`, func(f *flags.Flags) { f.Monitoring.Enabled = false }},
		{`{"monitoring":{"trialMetrics":false}}`, func(f *flags.Flags) { f.Monitoring.TrialMetrics = false }},
		{`{"monitoring":{"alerting":false}}`, func(f *flags.Flags) { f.Monitoring.Alerting = false }},
		{`{"adminTools":{"enabled":false}}`, func(f *flags.Flags) { f.AdminTools.Enabled = false }},
		{`{"adminTools":{"trialExtension":false}}`, func(f *flags.Flags) { f.AdminTools.TrialExtension = false }},
		{`{"adminTools":{"bulkOperations":false}}`, func(f *flags.Flags) { f.AdminTools.BulkOperations = false }},
		{`{"monitoring":{"alerting":false},"adminTools":{"enabled":false}}`, func(f *flags.Flags) {
			f.Monitoring.Alerting, f.AdminTools.Enabled = false, false
		}},
	} {
		a := newAPI(t)
		want := a.store.Document.FeatureFlags
		c.set(&want)
		answer := a.call(request{method: http.MethodPatch, path: flagsPath, token: adminToken, body: `{"featureFlags":` + c.patch + `}`})
		require.Equal(t, want, into[rest.FeatureFlagDocument](answer, http.StatusOK).FeatureFlags, c.patch)
		require.Equal(t, want, a.store.Document.FeatureFlags, c.patch)
		require.Equal(t, 1, a.workflows.woken)
	}
}

// It may be pressed while a rollout is about to switch the automation on.
func TestSwitchingOffCountsWhereItIsOffAlready(t *testing.T) {
	t.Parallel()
	for name, press := range map[string]func(*api) answered{
		"the rollout's flags": func(a *api) answered {
			return a.post(rolloutPath, adminToken, `{"enabled":false,"rolloutPercentage":0}`)
		},
		"a patch": func(a *api) answered {
			return a.call(request{method: http.MethodPatch, path: flagsPath, token: adminToken, body: `{"featureFlags":{"trialAutomation":{"enabled":false}}}`})
		},
	} {
		a := newAPI(t)
		a.store.Document.FeatureFlags.TrialAutomation.Enabled, a.store.Document.FeatureFlags.TrialAutomation.RolloutPercentage = false, 0
		a.store.Document.Version = 7
		for version := 8; version < 10; version++ {
			require.Equal(t, version, into[rest.FeatureFlagDocument](press(a), http.StatusOK).Version, name)
			require.Equal(t, version, a.store.Document.DisabledVersion, name)
		}
	}
}

// The kill switch works with Temporal down.
func TestFlagsWithoutTemporal(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.workflows.unavailable = errUnavailable
	d := into[rest.FeatureFlagDocument](a.post(rolloutPath, adminToken, `{"enabled":false,"rolloutPercentage":0}`), http.StatusOK)
	require.False(t, d.FeatureFlags.TrialAutomation.Enabled)
	require.False(t, a.store.Document.FeatureFlags.TrialAutomation.Enabled)
	require.Equal(t, 1, a.logs.FilterMessage("trials not told of the flags yet").Len())
}
