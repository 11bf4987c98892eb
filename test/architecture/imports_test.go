// Package architecture holds the tree to what docs/architecture.md says of it.
package architecture_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	root   = "../.."
	module = "marketplace.example/trials/"
)

// row is one folder of the table: what it may import of the module, each a folder with all below it.
type row struct {
	folder     string
	may        []string
	everything bool
}

var quoted = regexp.MustCompile("`([^`]+)/`")

// table reads the rows below the heading "Who may import whom".
func table(t *testing.T) []row {
	t.Helper()
	text, err := os.ReadFile(root + "/docs/architecture.md")
	require.NoError(t, err)
	_, section, found := strings.Cut(string(text), "\n## Who may import whom\n")
	require.True(t, found)
	section, _, _ = strings.Cut(section, "\n## ")
	var rows []row
	for line := range strings.Lines(section) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) != 5 || !strings.HasPrefix(cells[1], " `") {
			continue
		}
		r := row{folder: quoted.FindStringSubmatch(cells[1])[1], everything: strings.TrimSpace(cells[3]) == "anything"}
		for _, m := range quoted.FindAllStringSubmatch(cells[3], -1) {
			r.may = append(r.may, m[1])
		}
		rows = append(rows, r)
	}
	require.NotEmpty(t, rows)
	return rows
}

// imports are the module's packages, tests left out, each with those of the module that it imports. The files are read
// here, so that go test knows when it must look again.
func imports(t *testing.T) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	require.NoError(t, filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name != root && elsewhere(name):
			return filepath.SkipDir
		case entry.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		folder, err := filepath.Rel(root, filepath.Dir(name))
		if err != nil {
			return err
		}
		imported := all[folder]
		for _, i := range file.Imports {
			if inner, ours := strings.CutPrefix(strings.Trim(i.Path.Value, `"`), module); ours {
				imported = append(imported, inner)
			}
		}
		all[folder] = imported
		return nil
	}))
	return all
}

// elsewhere says whether a folder is hidden or a module of its own.
func elsewhere(folder string) bool {
	_, err := os.Stat(filepath.Join(folder, "go.mod"))
	return err == nil || strings.HasPrefix(filepath.Base(folder), ".") || filepath.Base(folder) == "node_modules"
}

// within says whether a folder is another, or lies in it.
func within(folder, other string) bool {
	return folder == other || strings.HasPrefix(folder, other+"/")
}

// Each package has a row of its own, but those in test/; it imports what that allows, and nothing is allowed that it makes
// no use of.
func TestPackagesImportWhatTheArchitectureSays(t *testing.T) {
	t.Parallel()
	rows, packages := table(t), imports(t)
	used := map[[2]string]bool{}
	for name, imported := range packages {
		i := slices.IndexFunc(rows, func(r row) bool { return r.folder == name || r.folder == "test" && within(name, "test") })
		if !assert.GreaterOrEqual(t, i, 0, "docs/architecture.md does not name %s", name) {
			continue
		}
		r := rows[i]
		used[[2]string{r.folder}] = true
		for _, other := range imported {
			if r.everything {
				continue
			}
			i := slices.IndexFunc(r.may, func(folder string) bool { return within(other, folder) })
			if assert.GreaterOrEqual(t, i, 0, "%s imports %s, which docs/architecture.md does not allow", name, other) {
				used[[2]string{r.folder, r.may[i]}] = true
			}
		}
	}
	for _, r := range rows {
		assert.True(t, used[[2]string{r.folder}], "no package is %s", r.folder)
		for _, folder := range r.may {
			assert.True(t, used[[2]string{r.folder, folder}], "%s imports nothing of %s", r.folder, folder)
		}
	}
}
