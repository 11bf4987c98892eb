package production

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSecretsAreMadeOnce(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	makeSecrets(t, folder)
	before := contents(t, folder)
	require.NoError(t, os.Remove(filepath.Join(folder, "admin_token")))

	makeSecrets(t, folder)

	after := contents(t, folder)
	require.Len(t, after["admin_token"], 64, "what is missing is made")
	require.NotEqual(t, before["admin_token"], after["admin_token"])
	delete(before, "admin_token")
	delete(after, "admin_token")
	require.Equal(t, before, after, "what is there is kept")
}

func TestSecretsAreAllDifferent(t *testing.T) {
	t.Parallel()
	first, second := t.TempDir(), t.TempDir()
	makeSecrets(t, first)
	makeSecrets(t, second)

	seen := map[string]string{}
	for _, folder := range []string{first, second} {
		for name, value := range contents(t, folder) {
			if name == "aws_credentials" || name == "stakeholders" || name == "backup_age_identity" {
				continue // a form to fill in
			}
			assert.Empty(t, seen[value], "%s has the value of %s", name, seen[value])
			seen[value] = name
		}
	}
}

func TestSecretsAreForTheirOwner(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "secrets")
	makeSecrets(t, folder)

	info, err := os.Stat(folder)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), info.Mode().Perm())
}

func contents(t *testing.T, folder string) map[string]string {
	t.Helper()
	files, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.NotEmpty(t, files)
	all := map[string]string{}
	for _, file := range files {
		content, err := os.ReadFile(filepath.Join(folder, file.Name()))
		require.NoError(t, err)
		all[file.Name()] = string(content)
	}
	return all
}
