package config_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/platform/config"
)

func TestNoSecretHasADefault(t *testing.T) {
	t.Parallel()

	for _, v := range config.Variables() {
		if v.Secret {
			assert.Empty(t, v.Default, v.Name)
		}
	}
}

func TestSecretsComeFromFiles(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	inFile := func(name, content string) string {
		path := filepath.Join(folder, name)
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		return path
	}

	got, err := config.Parse(map[string]string{
		"ADMIN_TOKEN_FILE":   inFile("admin_token", adminToken+"\n"),
		"SERVICE_TOKEN_FILE": inFile("service_token", serviceToken+"\r\n"),
		"LINK_SECRET_FILE":   inFile("link_secret", linkSecret+"-new,\n"+linkSecret+"\n"),
		"MONGODB_URI_FILE":   inFile("mongodb_uri", mongoDBURI),
		"SNS_TOPIC_ARN":      topic,
	}, config.API)

	require.NoError(t, err)
	require.Equal(t, adminToken, got.AdminToken)
	require.Equal(t, serviceToken, got.ServiceToken)
	require.Equal(t, []string{linkSecret + "-new", linkSecret}, got.LinkSecret)
	require.Equal(t, mongoDBURI, got.MongoDBURI)
}

func TestFilesThatHoldNoSecretAreNamed(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	empty := filepath.Join(folder, "empty")
	require.NoError(t, os.WriteFile(empty, []byte(" \n"), 0o600))
	huge := filepath.Join(folder, "huge")
	require.NoError(t, os.WriteFile(huge, []byte(strings.Repeat("a", 1<<20)), 0o600))

	for problem, path := range map[string]string{
		"no such file":   filepath.Join(folder, "missing"),
		"is empty":       empty,
		"is larger than": huge,
		"is a directory": folder,
	} {
		t.Run(problem, func(t *testing.T) {
			t.Parallel()

			_, err := config.Parse(map[string]string{"ADMIN_TOKEN_FILE": path}, config.Client)

			require.ErrorContains(t, err, "ADMIN_TOKEN_FILE: ")
			require.ErrorContains(t, err, problem)
		})
	}
}

func TestASecretGivenTwiceIsRefused(t *testing.T) {
	t.Parallel()

	_, err := config.Parse(with(complete(), "ADMIN_TOKEN_FILE", "admin_token"), config.API)

	require.ErrorContains(t, err, "ADMIN_TOKEN and ADMIN_TOKEN_FILE are both set")
}

func TestOnlySecretsComeFromFiles(t *testing.T) {
	t.Parallel()

	got, err := config.Parse(map[string]string{"LOG_LEVEL_FILE": "config.go"}, config.Client)

	require.NoError(t, err)
	require.Equal(t, "info", got.LogLevel)
}

func TestSecretsStayOutOfLogsAndErrors(t *testing.T) {
	t.Parallel()

	parsed, err := config.Parse(complete(), config.API)
	require.NoError(t, err)
	encoded, err := json.Marshal(parsed)
	require.NoError(t, err)
	_, wrong := config.Parse(map[string]string{
		"MONGODB_URI": "http://trials:database-password@mongodb",
		"ADMIN_TOKEN": "zq8", "SERVICE_TOKEN": "zq9", "LINK_SECRET": "zq7",
	}, config.API)
	require.Error(t, wrong)

	for _, shown := range []string{
		parsed.String(), fmt.Sprintf("%v %+v %#v %s", parsed, &parsed, parsed, parsed),
		string(encoded), wrong.Error(),
	} {
		for _, secret := range []string{adminToken, serviceToken, linkSecret, "database-password", "zq7", "zq8", "zq9"} {
			assert.NotContains(t, shown, secret)
		}
	}
	require.Contains(t, parsed.String(), "https://trials.marketplace.example")
	require.Equal(t, adminToken, parsed.AdminToken, "showing a configuration must not change it")
}

// However a secret is given, what no secret looks like is refused by the variable's name and never repeated.
func TestSecretsThatAreNotOneLineAreNamed(t *testing.T) {
	t.Parallel()
	for _, v := range config.Variables() {
		if !v.Secret {
			continue
		}
		for _, junk := range []string{
			"zq-one-secret-of-thirty-two-letters\nzq-two-secret-of-thirty-two-letters", "\ufeffzq-one-secret-of-thirty-two-letters",
			"zq-one-secret-of-thirty\r-two-letters", "zq-one-secret-of-thirty\x00-two-letters", "zq-one-secret-\xff-of-thirty-two-letters",
		} {
			_, err := config.Parse(with(without(complete(), v.Name), v.Name, junk), config.API)
			require.ErrorContains(t, err, v.Name+": ")
			require.NotContains(t, err.Error(), "zq-")
			path := filepath.Join(t.TempDir(), "secret")
			require.NoError(t, os.WriteFile(path, []byte(junk), 0o600))
			_, err = config.Parse(with(without(complete(), v.Name), v.FileName(), path), config.API)
			require.ErrorContains(t, err, v.FileName()+": ")
			require.NotContains(t, err.Error(), "zq-")
		}
	}
}
