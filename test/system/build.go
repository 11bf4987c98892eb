package system

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"

	"marketplace.example/trials/test/stack"
)

var (
	building sync.Mutex
	built    string
)

// Build compiles the three programs once a process, and tells where they are.
// In a test that looks for races, they do too.
func Build(ctx context.Context) (string, error) {
	building.Lock()
	defer building.Unlock()
	if built != "" {
		return built, nil
	}
	root, err := stack.Root()
	if err != nil {
		return "", err
	}
	bin := filepath.Join(root, ".build", "bin")
	if raceEnabled {
		bin = filepath.Join(root, ".build", "race")
	}
	if err := compile(ctx, root, bin, "./api", "./worker", "./starter"); err != nil {
		return "", err
	}
	built = bin
	return bin, nil
}

// BuildWorker compiles the worker of a release in which one file has another text, into a folder; the file is named by its path
// from the project's root.
func BuildWorker(ctx context.Context, folder, file, text string) error {
	root, err := stack.Root()
	if err != nil {
		return err
	}
	changed, overlay := filepath.Join(folder, filepath.Base(file)), filepath.Join(folder, "overlay.json")
	replaced, err := json.Marshal(map[string]map[string]string{"Replace": {filepath.Join(root, file): changed}})
	if err != nil {
		return fmt.Errorf("naming the changed file: %w", err)
	}
	for name, content := range map[string][]byte{changed: []byte(text), overlay: replaced} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			return fmt.Errorf("writing the changed file: %w", err)
		}
	}
	return compile(ctx, root, folder, "-overlay", overlay, "./worker")
}

func compile(ctx context.Context, root, bin string, args ...string) error {
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return fmt.Errorf("building the programs: %w", err)
	}
	args = append([]string{"build", "-o", bin + string(filepath.Separator)}, args...)
	if raceEnabled {
		args = slices.Insert(args, 1, "-race")
	}
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building the programs: %w\n%s", err, out)
	}
	return nil
}
