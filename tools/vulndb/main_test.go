package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
	"golang.org/x/vuln/scan"
)

// Two holes in functions of the standard library that are none, open in every version of Go.
var madeUp = fstest.MapFS{
	"GO-2000-0001.json": {Data: []byte(`{
		"id": "GO-2000-0001", "modified": "2000-01-02T00:00:00Z", "aliases": ["CVE-2000-1"],
		"database_specific": {"url": "https://a.example/GO-2000-0001"},
		"affected": [{
			"package": {"name": "stdlib", "ecosystem": "Go"},
			"ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}]}],
			"ecosystem_specific": {"imports": [{"path": "strings", "symbols": ["ToUpper"]}]}
		}]}`)},
	"GO-2000-0002.json": {Data: []byte(`{
		"id": "GO-2000-0002", "modified": "2000-01-01T00:00:00Z",
		"database_specific": {"url": "https://a.example/GO-2000-0002"},
		"affected": [{
			"package": {"name": "stdlib", "ecosystem": "Go"},
			"ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "1.0.0"}]}],
			"ecosystem_specific": {"imports": [{"path": "strings", "symbols": ["ToLower"]}]}
		}, {
			"package": {"name": "stdlib", "ecosystem": "Go"},
			"ranges": [{"type": "SEMVER", "events": [{"introduced": "1.1.0"}, {"fixed": "1.2.0"}]}]
		}, {
			"package": {"name": "a.example/module", "ecosystem": "Go"},
			"ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}]}]
		}]}`)},
}

func TestTheIndexesNameEveryEntryOfEveryModule(t *testing.T) {
	t.Parallel()
	db := filepath.Join(t.TempDir(), "db")

	require.NoError(t, layOut(madeUp, db))
	require.NoError(t, layOut(madeUp, db), "it replaces what an earlier run has left")

	for name, want := range map[string]string{
		"index/db.json": `{"modified": "2000-01-02T00:00:00Z"}`,
		"index/vulns.json": `[
			{"id": "GO-2000-0001", "modified": "2000-01-02T00:00:00Z", "aliases": ["CVE-2000-1"]},
			{"id": "GO-2000-0002", "modified": "2000-01-01T00:00:00Z"}]`,
		"index/modules.json": `[
			{"path": "a.example/module", "vulns": [{"id": "GO-2000-0002", "modified": "2000-01-01T00:00:00Z"}]},
			{"path": "stdlib", "vulns": [
				{"id": "GO-2000-0001", "modified": "2000-01-02T00:00:00Z"},
				{"id": "GO-2000-0002", "modified": "2000-01-01T00:00:00Z"}]}]`,
		"ID/GO-2000-0001.json": string(madeUp["GO-2000-0001.json"].Data),
	} {
		got, err := os.ReadFile(filepath.Join(db, name))
		require.NoError(t, err)
		require.JSONEq(t, want, string(got), name)
	}
}

func TestADatabaseOfNothingIsRefused(t *testing.T) {
	t.Parallel()

	require.ErrorContains(t, layOut(fstest.MapFS{}, t.TempDir()), "no entries")
	require.ErrorContains(t, layOut(fstest.MapFS{"GO-1.json": {Data: []byte("{")}}, t.TempDir()), "GO-1.json")
	require.ErrorContains(t, layOut(fstest.MapFS{"GO-1.json": {Data: []byte(`{"id": "GO-2"}`)}}, t.TempDir()), `GO-1.json is the entry of "GO-2"`)
}

func TestGovulncheckFailsOnWhatIsCalled(t *testing.T) {
	t.Parallel()
	db := t.TempDir()
	require.NoError(t, layOut(madeUp, db))

	for called, fails := range map[string]bool{"ToUpper": true, "ToTitle": false, "ToLower": false} {
		t.Run(called, func(t *testing.T) {
			t.Parallel()
			program := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(program, "go.mod"), []byte("module program\n"), 0o600))
			require.NoError(t, os.WriteFile(filepath.Join(program, "main.go"), []byte(
				"package main\n\nimport \"strings\"\n\nfunc main() { println(strings."+called+"(\"a\")) }\n"), 0o600))
			var out bytes.Buffer
			command := scan.Command(t.Context(), "-C", program, "-db", "file://"+filepath.ToSlash(db), "./...")
			command.Stdout, command.Stderr = &out, &out
			require.NoError(t, command.Start())

			err := command.Wait()

			if fails {
				require.Error(t, err, out.String())
				require.Contains(t, out.String(), "strings.ToUpper")
			} else {
				require.NoError(t, err, out.String())
			}
		})
	}
}
