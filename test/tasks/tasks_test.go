// Package tasks holds what the Makefile and .ci promise to those who type it.
package tasks

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// root is the repository, as tests run in their package's folder.
const root = "../.."

// project writes a small one into a folder of its own, with our runner of tests in it.
func project(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	runner, err := os.ReadFile(filepath.Join(root, ".ci", "test"))
	require.NoError(t, err)
	files[".ci/test"] = string(runner)
	files["go.mod"] = "module example.test/product\n\ngo 1.26\n"
	for name, content := range files {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(content), 0o700))
	}
	return dir
}

func runTests(t *testing.T, dir string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "bash", filepath.Join(dir, ".ci", "test")) // a script that was just written may be busy
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func testFile(pkg, body string) string {
	return "package " + pkg + "\n\nimport \"testing\"\n\nfunc TestIt(t *testing.T) {" + body + "}\n"
}

func TestAllTestsAreRunAndAllFailuresAreNamedAtTheEnd(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{
		"a/a_test.go":           testFile("a", `t.Run("part", func(t *testing.T) { t.Fatal("no") })`),
		"b/b_test.go":           testFile("b", `t.Log("well")`),
		"c/c_test.go":           testFile("c", `missing()`),
		"other/go.mod":          "module example.test/other\n\ngo 1.26\n",
		"other/o_test.go":       testFile("other", `t.Fatal("no")`),
		"tools/bare/go.mod":     "module example.test/bare\n\ngo 1.26\n",
		"test/scenario_test.go": testFile("test", `t.Fatal("no")`),
		"test/part/p_test.go":   testFile("part", ``),
	})
	out, err := runTests(t, dir)
	require.Error(t, err)
	ran, summary, found := strings.Cut(out, "=== failed:\n")
	require.True(t, found, out)
	for _, ok := range []string{"example.test/product/b", "example.test/product/test/part"} {
		require.Regexp(t, `(?m)^ok\s+`+ok+`\s`, ran)
	}
	var named []string
	for line := range strings.Lines(summary) {
		named = append(named, strings.Fields(strings.TrimPrefix(line, "FAIL"))[0])
	}
	require.ElementsMatch(t, []string{
		"example.test/product/a", "TestIt", "TestIt/part", "example.test/product/c", "example.test/other", "TestIt", "example.test/product/test", "TestIt",
	}, named)
}

func TestAllTestsPassedIsTheLastWord(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"a/a_test.go": testFile("a", ""), "test/scenario_test.go": testFile("test", "")})
	out, err := runTests(t, dir)
	require.NoError(t, err, out)
	require.True(t, strings.HasSuffix(out, "\n=== all tests passed\n"), out)
}

// Guides print programs' names as they stand in the project's folder; scripts give whole paths.
func TestProgramsAreBuiltByEitherPath(t *testing.T) {
	t.Parallel()
	whole, err := filepath.Abs(root)
	require.NoError(t, err)
	for _, program := range []string{"tctl", "temporal", "devstack", "golangci-lint", "workflowcheck", "ses.stamp", "axe.stamp", "maillint.stamp", "oidc.stamp"} {
		for _, dir := range []string{".build", filepath.Join(whole, ".build")} {
			out, err := exec.CommandContext(t.Context(), "make", "--dry-run", "-C", root, filepath.Join(dir, program)).CombinedOutput()
			require.NoError(t, err, string(out))
		}
	}
}
