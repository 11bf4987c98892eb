package architecture_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// formerNames are names that this code once had for what its field has a word for. Nothing is called so again.
var formerNames = strings.Fields(`
	Alarm Appraisal Basis Caught Deed Entry Foreign Foresee Happened Herald KeepRollout Learned LookAtAlerts MustKnow Past Place Raised
	RolloutsTold Ruling Standing Take Tell Teller Told ToldRollout TrialTold Untold Vault Wait
	ahead asleep away beat begun born collect do doing doubts finds firsts gathered hasMail hear heard inbox keeper learned learns letter lives
	look lookout met mirror outside pastTheAPI putOff rest say setbacks sight stood take tell tellsApart through told toldBy wish yesNo`)

// elsewhereRight are those of them that are words of the field in another sense: each with the folder where it meant something else.
var elsewhereRight = map[string]string{
	"Entry": "internal/domain/rollout",   // of the audit record, of a journal; not the number of a stage
	"Wait":  "internal/domain/trial",     // until there is a turn; not what a trial decides
	"inbox": "workflows",                 // of a mailbox; not the queue of a workflow
	"rest":  "internal/adapters/mongodb", // of a text; not the pause between queries
	"take":  "workflows",                 // from a bucket, or a picture; not from the queue of a workflow
}

func TestNothingBearsAFormerName(t *testing.T) {
	t.Parallel()
	former, declared := map[string]bool{}, 0
	for _, name := range formerNames {
		former[name] = true
	}
	require.NoError(t, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != root && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "node_modules"):
			return filepath.SkipDir
		case entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, ".gen.go"):
			return nil
		}
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		folder, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		eachDeclared(file, func(id *ast.Ident) {
			declared++
			if in, other := elsewhereRight[id.Name]; former[id.Name] && (!other || within(folder, in)) {
				t.Errorf("%s: %s is one of the former names: take the word of the field", files.Position(id.Pos()), id.Name)
			}
		})
		return nil
	}))
	require.Greater(t, declared, 20_000, "the names were found")
}

// eachDeclared calls f with every name that a file declares, but for those of imports and labels.
func eachDeclared(file *ast.File, f func(*ast.Ident)) {
	define := func(all ...ast.Expr) {
		for _, e := range all {
			if id, ok := e.(*ast.Ident); ok {
				f(id)
			}
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			f(n.Name)
		case *ast.TypeSpec:
			f(n.Name)
		case *ast.ValueSpec:
			for _, id := range n.Names {
				f(id)
			}
		case *ast.Field:
			for _, id := range n.Names {
				f(id)
			}
		case *ast.AssignStmt:
			if n.Tok == token.DEFINE {
				define(n.Lhs...)
			}
		case *ast.RangeStmt:
			if n.Tok == token.DEFINE {
				define(n.Key, n.Value)
			}
		}
		return true
	})
}
