package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestVendorExportAndErase(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.Zero(t, w.run(t, "vendor", "register", "--id", "v-1", "--email", "ada@example.com", "--name", "Ada's Tools").code)
	asked := w.ask(t, "/api/admin/vendors/v-1/export")
	w.Look(func() { w.Record = nil }) // else the second export has it that there was a first
	require.JSONEq(t, asked, w.run(t, "vendor", "export", "v-1").out)

	file := filepath.Join(t.TempDir(), "v-1.json")
	r := w.run(t, "vendor", "export", "v-1", "--output", file)
	require.Equal(t, result{}, r)
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Contains(t, string(content), "ada@example.com")
	info, err := os.Stat(file)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	unsure := w.run(t, "vendor", "erase", "v-1", "--reason", "asked for it")
	require.Equal(t, 2, unsure.code)
	require.Contains(t, unsure.err, "--yes")
	require.Contains(t, w.run(t, "vendor", "export", "v-1").out, "ada@example.com", "nothing has happened")

	erased := w.run(t, "vendor", "erase", "v-1", "--reason", "asked for it", "--yes")
	require.Equal(t, result{0, "Name and address of v-1 are gone, since 2026-03-10 12:00:00 UTC, now.\n", ""}, erased)
	require.NotContains(t, w.run(t, "vendor", "export", "v-1").out, "ada@example.com")
	require.Equal(t, 1, w.run(t, "vendor", "erase", "nobody", "--reason", "asked for it", "--yes").code)
}
