package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTrialFind(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.Zero(t, w.run(t, "vendor", "register", "--id", "v-1", "--email", "ada@example.com", "--name", "Ada's Tools").code)
	const found = "VENDOR   STATUS   STARTED                        ENDS\nv-1      -        2026-03-10 12:00:00 UTC, now   -\n"
	require.Equal(t, result{0, found, ""}, w.run(t, "trial", "find", "--name", "ada"))
	w.typed = " Ada@example.com\n"
	require.Equal(t, result{0, found, ""}, w.run(t, "trial", "find", "--email", "-"), "and no shell keeps it")
	require.JSONEq(t, `{"vendors":[{"id":"v-1","status":"","startedAt":"2026-03-10T12:00:00Z","endsAt":null}],"more":false}`, w.run(t, "trial", "find", "--email", "-", "--json").out)
	require.Equal(t, result{0, "There is no such vendor.\n", ""}, w.run(t, "trial", "find", "--name", "Bo"))
	w.typed = "\n"
	for _, wrong := range [][]string{{}, {"--email", "-"}, {"--email", "a@example.com", "--name", "Ada"}, {"v-1"}} {
		require.Equal(t, 2, w.run(t, append([]string{"trial", "find"}, wrong...)...).code, wrong)
	}
	refused := w.run(t, "trial", "find", "--name", "A")
	require.Equal(t, 1, refused.code)
	require.Contains(t, refused.err, "name")
}
