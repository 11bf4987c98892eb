package config_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/platform/config"
)

func TestEachSettingSaysItsValueAndWhereItComesFrom(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(file, []byte("zq-a-token-in-a-file"), 0o600))
	variables := with(without(complete(), "SERVICE_TOKEN"), "SERVICE_TOKEN_FILE", file)
	variables["TRIAL_DAY"], variables["DASHBOARD_URLS"], variables["METRICS_ADDR"] = "2s", "http://a.example/x, http://b.example/y", ""
	c, err := config.Parse(variables, config.API)
	require.NoError(t, err)
	all := map[string]monitoring.Setting{}
	for i, s := range c.SettingsFrom(variables) {
		require.Equal(t, config.Variables()[i].Name, s.Name)
		all[s.Name] = s
	}
	require.Len(t, all, len(config.Variables()))
	for _, want := range []monitoring.Setting{
		{Name: "TRIAL_DAY", Value: "2s", Source: monitoring.FromEnvironment},
		{Name: "DASHBOARD_URLS", Value: "http://a.example/x,http://b.example/y", Source: monitoring.FromEnvironment},
		{Name: "RATE_LIMIT", Value: "500", Source: monitoring.FromDefault},
		{Name: "BEHIND_PROXY", Value: "false", Source: monitoring.FromDefault},
		{Name: "METRICS_ADDR", Source: monitoring.NotSet},
		{Name: "ADMIN_TOKEN", Secret: true, Source: monitoring.FromEnvironment},
		{Name: "SERVICE_TOKEN", Secret: true, Source: monitoring.FromFile, File: file},
	} {
		require.Equal(t, want, all[want.Name])
	}
	for _, s := range all {
		require.True(t, !s.Secret || s.Value == "", s.Name)
	}
}
