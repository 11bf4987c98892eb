package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhatDisablesTheAutomationIsAskedFor(t *testing.T) {
	t.Parallel()
	for answer, meant := range map[string]bool{
		"y\n": true, "Yes\n": true, "yes": true, "\n": false, "": false, "n\n": false, "yes please\n": false, "no\ny\n": false,
	} {
		var asked bytes.Buffer
		a := app{in: strings.NewReader(answer), err: &asked, interactive: func() bool { return true }}
		err := a.confirm(false, "disables the automation")
		require.Equal(t, meant, err == nil, "%q", answer)
		require.Contains(t, asked.String(), "This disables the automation. Go on? [y/N] ")
		if !meant {
			require.True(t, isUsage(err))
		}
		require.NoError(t, a.confirm(true, "disables the automation"))
	}
}

func TestCatchingUpWithoutATerminalNeedsToBeMeant(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.run(t, "catch-up")
	require.Equal(t, exitUsage, r.code)
	require.Contains(t, r.err, "starter: this disables the automation until you enable it again")
	require.Contains(t, r.err, "say --yes if that is meant")
	require.NotContains(t, r.err, "MONGODB_URI", "nothing is looked at before")
	meant := w.run(t, "catch-up", "--yes")
	require.Contains(t, meant.err, "MONGODB_URI")

	w.interactive, w.typed = true, "n\n"
	require.Contains(t, w.run(t, "catch-up").err, "nothing was done")
	w.typed = "y\n"
	require.Contains(t, w.run(t, "catch-up").err, "MONGODB_URI")
}
