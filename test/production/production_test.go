// Package production holds the production files against the product: no container engine is at hand
// where the tests run, so the Compose file is read with the specification's own library.
package production

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/stretchr/testify/require"
)

// root is the repository, as tests run in their package's folder.
const root = "../.."

var loadCompose = sync.OnceValues(func() (*types.Project, error) { return load(filepath.Join(root, "deploy", "env.example")) })

// load reads docker-compose.yml as Compose does, with the settings of a file.
func load(settings string) (*types.Project, error) {
	options, err := cli.NewProjectOptions(
		[]string{filepath.Join(root, "docker-compose.yml")},
		cli.WithWorkingDirectory(root),
		cli.WithEnvFiles(settings),
		cli.WithDotEnv,
		cli.WithProfiles([]string{"*"}), // tools too
	)
	if err != nil {
		return nil, err
	}
	return options.LoadProject(context.Background())
}

// compose is the production stack.
func compose(t *testing.T) *types.Project {
	t.Helper()
	project, err := loadCompose()
	require.NoError(t, err)
	return project
}

// each runs a test for every service.
func each(t *testing.T, test func(t *testing.T, service types.ServiceConfig)) {
	t.Helper()
	services := compose(t).Services
	require.NotEmpty(t, services)
	for name, service := range services {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, service)
		})
	}
}

// runsOnce tells a service that runs to its end from one that stays.
func runsOnce(service types.ServiceConfig) bool {
	return service.Restart != types.RestartPolicyUnlessStopped
}

// byHand tells a tool, which is run by people and does not come up with the rest.
func byHand(service types.ServiceConfig) bool { return len(service.Profiles) > 0 }

// builtHere tells our own services from others' images.
func builtHere(service types.ServiceConfig) bool { return service.Build != nil }

// makeSecrets runs the script behind `make secrets` in a folder of its own.
func makeSecrets(t *testing.T, folder string) {
	t.Helper()
	output, err := exec.CommandContext(t.Context(), filepath.Join(root, "deploy", "make-secrets"), folder).CombinedOutput()
	require.NoError(t, err, string(output))
}

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, path))
	require.NoError(t, err)
	return string(content)
}
