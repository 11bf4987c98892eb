package config_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/platform/config"
)

// A process that runs is well, whatever somebody is doing to the files that it has read.
func TestAHealthCheckNeedsTheAddressAlone(t *testing.T) {
	gone := filepath.Join(t.TempDir(), "gone")
	for name, value := range map[string]string{
		"API_ADDR": "127.0.0.1:1234", "WORKER_ADDR": ":99", "TLS_CERT_FILE": gone, "STAKEHOLDERS": gone, "ALERTS_CONFIG": gone, "ADMIN_TOKEN_FILE": gone,
		"ADMIN_TOKEN": "", "MONGODB_URI": "none",
	} {
		t.Setenv(name, value)
	}
	c, err := config.LoadProbe()
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1:1234", c.APIAddr)
	require.Equal(t, ":99", c.WorkerAddr)
	require.NotEmpty(t, c.TLSCertFile, "it speaks TLS")

	_, err = config.Load(config.API)
	require.ErrorContains(t, err, gone, "it would not start")
	t.Setenv("API_ADDR", "nowhere")
	_, err = config.LoadProbe()
	require.ErrorContains(t, err, "API_ADDR")
}
