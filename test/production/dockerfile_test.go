package production

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// stage is one stage of the Dockerfile, with what it has from the stage that it is built upon.
type stage struct {
	image                   string // the image at the bottom
	user                    string
	environment             string
	commands                []string
	entrypoint, healthcheck []string
}

// stages reads the instructions of the Dockerfile that these tests judge.
func stages(t *testing.T) map[string]stage {
	t.Helper()
	found := map[string]stage{}
	var name string
	lines := strings.ReplaceAll(read(t, "Dockerfile"), "\\\n", " ")
	for line := range strings.SplitSeq(lines, "\n") {
		instruction, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		current := found[name]
		switch instruction {
		case "FROM":
			image, as, named := strings.Cut(rest, " AS ")
			require.True(t, named, "every stage has a name")
			name = as
			current = stage{image: image}
			if parent, ok := found[image]; ok {
				current = parent
			}
		case "USER":
			current.user = rest
		case "ENV":
			current.environment += rest + "\n"
		case "COPY", "RUN":
			current.commands = append(current.commands, rest)
		case "ENTRYPOINT":
			current.entrypoint = words(t, rest)
		case "HEALTHCHECK":
			_, command, _ := strings.Cut(rest, "CMD ")
			current.healthcheck = words(t, command)
		}
		found[name] = current
	}
	return found
}

func words(t *testing.T, list string) []string {
	t.Helper()
	var all []string
	require.NoError(t, json.Unmarshal([]byte(list), &all), "the exec form needs no shell: %s", list)
	return all
}

func TestImagesHoldOneStaticBinaryAndRunWithoutRoot(t *testing.T) {
	t.Parallel()

	for _, program := range []string{"api", "worker", "starter"} {
		target, ok := stages(t)[program]
		require.True(t, ok, "there is no target %s", program)
		assert.Equal(t, "scratch", target.image)
		assert.Equal(t, "65532:65532", target.user)
		assert.Equal(t, []string{"/" + program}, target.entrypoint)
		assert.Contains(t, target.commands, "--from=build /out/"+program+" /"+program)
		assert.Contains(t, strings.Join(target.commands, "\n"), "ca-certificates.crt", "SES and SNS are reached over TLS")
		assert.Contains(t, target.environment, "ZONEINFO=", "reminders are sent in vendors' time zones")
	}
	assert.Contains(t, stages(t)["build"].environment, "CGO_ENABLED=0", "there is no C library in the images")
}

func TestImagesAreBuiltWithTheGoOfTheModule(t *testing.T) {
	t.Parallel()

	wanted := regexp.MustCompile(`(?m)^go (1\.\d+)`).FindStringSubmatch(read(t, "go.mod"))
	require.Len(t, wanted, 2)

	require.Regexp(t, `^golang:`+regexp.QuoteMeta(wanted[1])+`\.[0-9]+-`, stages(t)["build"].image)
}

func TestNoSecretIsCopiedIntoAnImage(t *testing.T) {
	t.Parallel()

	ignored := strings.Split(read(t, ".dockerignore"), "\n")
	for _, path := range []string{"/secrets", "/.env", "/.git", "/.dev"} {
		assert.Contains(t, ignored, path)
	}
}
