package architecture_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var olderName = regexp.MustCompile("`(\\w+)` \\(`(\\w+)`\\)")

// A field is named as callers and stored data know it, but for the older names that docs/architecture.md lists: who has seen one
// finds the other.
func TestFieldsAreNamedAsCallersKnowThem(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(root + "/docs/architecture.md")
	require.NoError(t, err)
	_, list, found := strings.Cut(string(text), "by older names:")
	require.True(t, found)
	list, _, _ = strings.Cut(list, "\n\n")
	listed, used := map[[2]string]bool{}, map[[2]string]bool{}
	for _, m := range olderName.FindAllStringSubmatch(list, -1) {
		listed[[2]string{m[1], m[2]}] = true
	}
	eachField(t, func(where, field, known string) {
		name := [2]string{known, field}
		switch {
		case strings.EqualFold(known, field):
		case listed[name]:
			used[name] = true
		default:
			t.Errorf("%s: %s is known as %q, which docs/architecture.md does not list", where, field, known)
		}
	})
	require.Equal(t, listed, used, "what is listed is still there")
}

// eachField calls f with each exported field of the product that has another name in JSON or BSON. Keys of the marketplace's and
// MongoDB's own, such as _id, are left out.
func eachField(t *testing.T, f func(where, field, known string)) {
	t.Helper()
	fields := 0
	require.NoError(t, filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name != root && (elsewhere(name) || filepath.Base(name) == "test"):
			return filepath.SkipDir
		case entry.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") || strings.HasSuffix(name, ".gen.go"):
			return nil
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, name, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if field, ok := n.(*ast.Field); ok && field.Tag != nil && len(field.Names) == 1 && field.Names[0].IsExported() {
				tag, _ := strconv.Unquote(field.Tag.Value)
				for _, kind := range []string{"json", "bson"} {
					known, _, _ := strings.Cut(reflect.StructTag(tag).Get(kind), ",")
					if known != "" && known != "-" && known != "_id" {
						fields++
						f(set.Position(field.Pos()).String(), field.Names[0].Name, known)
					}
				}
			}
			return true
		})
		return nil
	}))
	require.Greater(t, fields, 500, "the product's fields were found")
}
