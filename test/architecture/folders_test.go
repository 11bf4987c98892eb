package architecture_test

import (
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// Each folder of test/ has its line in the list of test/doc.go, in order, and no line is without its folder.
func TestTheFoldersOfTestAreListed(t *testing.T) {
	t.Parallel()
	entries, err := os.ReadDir("..")
	require.NoError(t, err)
	var folders []string
	for _, e := range entries {
		if e.IsDir() {
			folders = append(folders, e.Name())
		}
	}
	text, err := os.ReadFile("../doc.go")
	require.NoError(t, err)
	var listed []string
	for _, line := range regexp.MustCompile(`(?m)^// {3}- (\w+): \S`).FindAllStringSubmatch(string(text), -1) {
		listed = append(listed, line[1])
	}
	require.Equal(t, folders, listed)
}
