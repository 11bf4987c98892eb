package system

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
)

// Root is the folder of the module, found upwards from the working directory.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("finding the module: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "docker-compose.yml")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("finding the module: not inside it")
		}
		dir = parent
	}
}

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
	root, err := Root()
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
