package version

import (
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheVersionIsTheBuildsOrTheCommits(t *testing.T) {
	t.Parallel()
	built := func(settings ...debug.BuildSetting) *debug.BuildInfo { return &debug.BuildInfo{Settings: settings} }
	commit := debug.BuildSetting{Key: "vcs.revision", Value: "0123456789abcdef0123456789abcdef01234567"}
	changed := debug.BuildSetting{Key: "vcs.modified", Value: "true"}
	require.Equal(t, "1.2.3", of("1.2.3", built(commit)))
	require.Equal(t, "0123456789ab", of("", built(commit, debug.BuildSetting{Key: "vcs.modified", Value: "false"})))
	require.Equal(t, "0123456789ab-modified", of("", built(commit, changed)))
	require.Equal(t, "unknown", of("", built(changed)))
	require.Equal(t, "unknown", of("", built()))
}

// As the image's build names it.
func TestEveryProgramSaysItsVersion(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"api", "worker", "starter"} {
		bin := filepath.Join(t.TempDir(), program)
		out, err := exec.CommandContext(t.Context(), "go", "build", "-ldflags=-s -w -X marketplace.example/trials/internal/platform/version.set=9.9.9", "-o", bin, "../../../"+program).CombinedOutput()
		require.NoError(t, err, string(out))
		said, err := exec.CommandContext(t.Context(), bin, "--version").CombinedOutput()
		require.NoError(t, err, string(said))
		require.Equal(t, program+" 9.9.9\n", string(said))
	}
}
