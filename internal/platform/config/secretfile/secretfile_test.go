package secretfile_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/platform/config/secretfile"
)

func TestASecretIsOneLineOfText(t *testing.T) {
	t.Parallel()
	const secret = "zq-secret-of-thirty-two-characters"
	for content, problem := range map[string]string{
		secret:                      "",
		secret + "\n":               "",
		secret + "\r\n":             "",
		" " + secret + "\t\n\n":     "",
		secret + "\n" + secret:      "more than one line",
		secret + "\r" + secret:      "more than one line",
		secret + "\r\nold\n":        "more than one line",
		"\ufeff" + secret:           "byte-order mark",
		secret[:5] + "\ufeff" + "x": "byte-order mark",
		"\xff\xfez\x00q\x00":        "byte-order mark",
		"\xfe\xff\x00z\x00q":        "byte-order mark",
		secret + "\x00":             "is not a text file",
		secret + "\x1b[0m":          "control or invalid characters",
		"zq\xff":                    "is not a text file",
		"":                          "is empty",
		" \r\n\t\n":                 "is empty", //nolint:gocritic // nothing but space is what is tested
		strings.Repeat("z", 70000):  "is larger than",
	} {
		path := filepath.Join(t.TempDir(), "file")
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		got, err := secretfile.Line(path)
		if problem == "" {
			require.NoError(t, err)
			require.Equal(t, secret, got)
			continue
		}
		require.ErrorContains(t, err, problem, "%q", content)
		require.ErrorContains(t, err, path)
		require.NotContains(t, err.Error(), "zq")
	}
	list := filepath.Join(t.TempDir(), "list")
	require.NoError(t, os.WriteFile(list, []byte(secret+",\r\n"+secret+"\n"), 0o600))
	got, err := secretfile.List(list)
	require.NoError(t, err)
	require.Equal(t, secret+",\r\n"+secret, got)
	require.NoError(t, os.WriteFile(list, []byte(secret+"\n"+secret), 0o600))
	_, err = secretfile.List(list)
	require.ErrorContains(t, err, "more than one line")
	_, err = secretfile.Line(filepath.Join(t.TempDir(), "gone"))
	require.ErrorContains(t, err, "no such file")
	_, err = secretfile.Line(t.TempDir())
	require.ErrorContains(t, err, "is a directory")
}
