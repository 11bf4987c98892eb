package system

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
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
	args := []string{"build", "-o", bin + string(filepath.Separator)}
	if raceEnabled {
		bin = filepath.Join(root, ".build", "race")
		args = []string{"build", "-race", "-o", bin + string(filepath.Separator)}
	}
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return "", fmt.Errorf("building the programs: %w", err)
	}
	cmd := exec.CommandContext(ctx, "go", append(args, "./api", "./worker", "./starter")...)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the programs: %w\n%s", err, out)
	}
	built = bin
	return bin, nil
}
