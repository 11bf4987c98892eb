package temporal

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheVariableAtFaultIsNamed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "temporal.toml")
	require.NoError(t, os.WriteFile(file, []byte("[profile.default]\naddress = \"h:1\"\n"), 0o600))
	broken := filepath.Join(dir, "broken")
	require.NoError(t, os.WriteFile(broken, []byte("[profile"), 0o600))
	for name, c := range map[string]struct {
		env  variables
		want string
	}{
		"a file that is not there": {variables{"TEMPORAL_TLS_SERVER_CA_CERT_PATH": filepath.Join(dir, "none")}, "TEMPORAL_TLS_SERVER_CA_CERT_PATH: "},
		"one of a pair is not there": {variables{"TEMPORAL_TLS_CLIENT_CERT_PATH": filepath.Join(dir, "none"), "TEMPORAL_TLS_CLIENT_KEY_PATH": broken},
			"TEMPORAL_TLS_CLIENT_CERT_PATH: "},
		"no certificate":       {variables{"TEMPORAL_TLS_SERVER_CA_CERT_DATA": "zq"}, "TEMPORAL_TLS_SERVER_CA_CERT_DATA: "},
		"a key alone":          {variables{"TEMPORAL_TLS_CLIENT_KEY_DATA": "zq"}, "TEMPORAL_TLS_CLIENT_KEY_DATA: "},
		"path and data":        {variables{"TEMPORAL_TLS_SERVER_CA_CERT_PATH": broken, "TEMPORAL_TLS_SERVER_CA_CERT_DATA": "zq"}, "the variables TEMPORAL_*: "},
		"a profile":            {variables{"TEMPORAL_CONFIG_FILE": file, "TEMPORAL_PROFILE": "prod"}, "TEMPORAL_PROFILE: "},
		"a file that is wrong": {variables{"TEMPORAL_CONFIG_FILE": broken}, "TEMPORAL_CONFIG_FILE: "},
		"empty, as Compose has it where it is not set": {variables{"TEMPORAL_TLS": "", "TEMPORAL_TLS_CLIENT_KEY_DATA": "zq"}, "TEMPORAL_TLS_CLIENT_KEY_DATA: "},
		"neither yes nor no":                           {variables{"TEMPORAL_TLS": "perhaps"}, "TEMPORAL_TLS: must be true or false"},
		"two are wrong":                                {variables{"TEMPORAL_TLS_SERVER_CA_CERT_DATA": "zq", "TEMPORAL_TLS_CLIENT_KEY_DATA": "zq"}, "the variables TEMPORAL_*: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.env["TEMPORAL_ADDRESS"] = "h:7233"
			if _, set := c.env["TEMPORAL_CONFIG_FILE"]; !set {
				c.env["TEMPORAL_CONFIG_FILE"] = file // none of whoever runs this
			}
			_, err := settings(c.env)
			require.Error(t, err)
			require.Equal(t, c.want, err.Error()[:min(len(c.want), len(err.Error()))])
			require.NotContains(t, err.Error(), "zq")
		})
	}
	options, err := settings(variables{"TEMPORAL_ADDRESS": "h:7233", "TEMPORAL_CONFIG_FILE": file, "TEMPORAL_TLS": "TRUE"})
	require.NoError(t, err)
	require.Equal(t, "h:7233", options.HostPort)
}
