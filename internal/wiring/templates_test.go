package wiring

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"marketplace.example/trials/internal/domain/wording"
	"marketplace.example/trials/internal/platform/config"
)

// Whoever mends a text restarts no worker, and whoever breaks it sends no broken e-mails.
func TestTemplatesChangeWithoutARestart(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600))
	}
	require.NoError(t, os.Mkdir(filepath.Join(folder, "en"), 0o700))
	write("brand.yaml", "name: N\nbuttons: {default: https://n.example}\n")
	used, err := NewTemplates(config.Config{MailTemplates: folder}.Mail, zap.NewNop())
	require.NoError(t, err)
	heading := func() string {
		require.NoError(t, used.Reload(t.Context()))
		w, ok := used.Current().Words.For("en", "welcome")
		require.True(t, ok)
		return w.Heading.Say(w.Language, wording.Values{})
	}
	first := used.Current().Version
	require.Equal(t, "Your trial has started", heading())
	require.Equal(t, first, used.Current().Version, "nothing has changed")
	require.Empty(t, used.Fault())

	write("en/welcome.yaml", "heading: Come in\n")
	require.Equal(t, "Come in", heading())
	second := used.Current().Version
	require.NotEqual(t, first, second)

	write("en/welcome.yaml", "heading: Come {in}\n")
	require.Equal(t, "Come in", heading(), "the last good one")
	require.Equal(t, second, used.Current().Version)
	require.Contains(t, used.Fault(), filepath.Join(folder, "en", "welcome.yaml")+": line 1: heading: {in} is no field here")

	write("en/welcome.yaml", "heading: Come in\n")
	write("layout.txt", "{{.Greeting}}\n{{.Email}}\n")
	require.Equal(t, "Come in", heading())
	require.Equal(t, second, used.Current().Version)
	require.Contains(t, used.Fault(), filepath.Join(folder, "layout.txt")+": line 2: .Email is no field here")
	built, err := os.ReadFile("../domain/layout/builtin/layout.txt")
	require.NoError(t, err)
	write("layout.txt", string(built))
	require.Equal(t, "Come in", heading())
	require.Empty(t, used.Fault())
	require.NotEqual(t, second, used.Current().Version, "a layout counts for the version")
	require.NoError(t, os.Remove(filepath.Join(folder, "layout.txt")))

	require.NoError(t, os.Remove(filepath.Join(folder, "brand.yaml")))
	require.Equal(t, "Come in", heading())
	require.Contains(t, used.Fault(), "brand.yaml: no such file")

	write("brand.yaml", "name: N\nbuttons: {default: https://n.example}\n")
	write("en/welcome.yaml", "heading: Come in\n")
	require.Equal(t, "Come in", heading())
	require.Empty(t, used.Fault())
	require.Equal(t, second, used.Current().Version, "the same again")
}

func TestAFaultIsBrief(t *testing.T) {
	t.Parallel()
	require.Equal(t, "a", brief(errors.New("a")))
	require.Equal(t, "a (and 2 more)", brief(errors.New("a\nb\nc")))
	require.Equal(t, strings.Repeat("ö", 299)+"…", brief(errors.New(strings.Repeat("ö", 1000))))
}

func TestAProcessStartsWithNoTemplatesThatAreWrong(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	_, err := NewTemplates(func() (config.Mail, error) { return config.Mail{}, broken }, zap.NewNop())
	require.ErrorIs(t, err, broken)
}
