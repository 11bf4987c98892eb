package flags_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/trial"
)

var (
	flagRow  = regexp.MustCompile("(?m)^\\| `([a-zA-Z]+\\.[a-zA-Z]+)` \\| (.*) \\|$")
	linkText = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)
)

// The guides say of each flag what the pages say.
func TestTheGuidesSayOfEachFlagWhatThePagesSay(t *testing.T) {
	t.Parallel()
	said := map[string]string{}
	for _, guide := range []string{"admin-documentation.md", "monitoring-guide.md"} {
		text, err := os.ReadFile("../../../docs/" + guide)
		require.NoError(t, err)
		_, table, found := strings.Cut(string(text), "\n| flag | off |\n")
		require.True(t, found, guide)
		table, _, _ = strings.Cut(table, "\n\n")
		for _, row := range flagRow.FindAllStringSubmatch(table, -1) {
			said[row[1]] = linkText.ReplaceAllString(row[2], "$1")
		}
	}
	wanted := map[string]string{}
	for _, f := range flags.Initial().Named() {
		wanted[f.Name] = f.Off
	}
	require.Equal(t, wanted, said)
}

func TestOneFlagIsSet(t *testing.T) {
	t.Parallel()
	for _, f := range flags.Initial().Named() {
		var to any = false
		if f.Name == flags.NamePercentage {
			to = 12.5
		}
		changed, err := flags.Initial().With(f.Name, to)
		require.NoError(t, err)
		for i, is := range changed.Named() {
			if want := flags.Initial().Named()[i]; is.Name != f.Name {
				require.Equal(t, want, is, f.Name)
			} else {
				require.Equal(t, to, is.Value)
			}
		}
	}
	for _, wrong := range []struct {
		name  string
		value any
		code  trial.Code
	}{
		{"trialAutomation", true, trial.CodeNotFound}, {"", true, trial.CodeNotFound}, {"adminTools.enabled", 1.0, trial.CodeInvalid},
		{"adminTools.enabled", nil, trial.CodeInvalid}, {flags.NamePercentage, true, trial.CodeInvalid}, {flags.NamePercentage, 33.333, trial.CodeInvalid},
	} {
		changed, err := flags.Initial().With(wrong.name, wrong.value)
		require.Equal(t, wrong.code, trial.CodeOf(err), "%+v", wrong)
		require.Equal(t, flags.Initial(), changed)
	}
}
