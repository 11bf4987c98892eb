package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/bulk"
)

// lastBulk is the id of the operation that was asked for last.
func (w *world) lastBulk() string { return w.Operations[len(w.Operations)-1].Operation.ID }

// goldenBulk compares with a file of testdata, in which the operation is bulk-1.
func (w *world) goldenBulk(t *testing.T, name, got string) {
	t.Helper()
	golden(t, name, strings.ReplaceAll(got, w.lastBulk(), "bulk-1"))
}

// manyVendorIDs are so many ids with commas between.
func manyVendorIDs(n int) string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("w-%d", i)
	}
	return strings.Join(ids, ",")
}

func TestBulkDryRunThenStart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.run(t, "bulk", "extend", "--ids", "v-1,v-2", "--days", "7", "--reason", "The shop was away")
	require.Zero(t, r.code, r.err)
	w.goldenBulk(t, "bulk-dry-run", r.out)
	require.JSONEq(t, `{"action":"extend","ids":["v-1","v-2"],"days":7,"reason":"The shop was away","dryRun":true,"perMinute":600}`, w.Calls()[0].Body)
	require.NotEmpty(t, w.Calls()[0].Key)
	id := w.lastBulk()

	r = w.run(t, "bulk", "start", id, "--reason", "Looked at")
	require.Zero(t, r.code, r.err)
	w.goldenBulk(t, "bulk-done", r.out)
	require.Contains(t, w.run(t, "bulk", "list").out, "done: 2 of 2")
	w.goldenBulk(t, "bulk-items", w.run(t, "bulk", "items", id).out)
	require.Zero(t, w.run(t, "bulk", "items", id, "--outcome", "refused").code)
	calls := w.Calls()
	require.Contains(t, calls[len(calls)-1].Body, "outcome=refused")

	r = w.run(t, "bulk", "undo", id, "--reason", "The wrong list")
	require.Zero(t, r.code, r.err)
	require.Contains(t, r.out, "Undo "+id)
}

func TestBulkTakesFilesAndFilters(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	file := filepath.Join(t.TempDir(), "vendors.csv")
	require.NoError(t, os.WriteFile(file, []byte("vendor_id\nv-1\n"), 0o600))
	require.Zero(t, w.run(t, "bulk", "cancel", "--csv", file, "--reason", "r", "--go", "--detach", "--per-minute", "60").code)
	require.JSONEq(t, `{"action":"cancel","csv":"vendor_id\nv-1\n","reason":"r","dryRun":false,"perMinute":60}`, w.Calls()[0].Body)
	require.Zero(t, w.run(t, "bulk", "resend", "--status", "active", "--cohort", "automated", "--ends-before", "2026-03-20T00:00:00Z", "--reason", "r", "--detach").code)
	require.JSONEq(t, `{"action":"resend","filter":{"status":"active","cohort":"automated","endsBefore":"2026-03-20T00:00:00Z"},"reason":"r","dryRun":true,"perMinute":600}`, w.Calls()[1].Body)
	require.Zero(t, w.run(t, "bulk", "convert", "--ids", "v-1", "--at", "2026-03-09T00:00:00Z", "--reason", "r", "--go", "--detach").code)
	require.Contains(t, w.Calls()[2].Body, `"at":"2026-03-09T00:00:00Z"`)
}

func TestBulkSteers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.Zero(t, w.run(t, "bulk", "cancel", "--ids", manyVendorIDs(201), "--reason", "r", "--go", "--detach").code)
	id := w.lastBulk()
	r := w.run(t, "bulk", "pause", id, "--reason", "wait")
	require.Zero(t, r.code, r.err)
	require.Contains(t, r.out, "paused (admin) after 0 of 201")
	r = w.run(t, "bulk", "watch", id)
	require.Equal(t, exitFailure, r.code)
	require.Contains(t, r.err, "the operation is paused (admin)")
	require.Zero(t, w.run(t, "bulk", "resume", id, "--reason", "go on", "--detach").code)
	r = w.run(t, "bulk", "stop", id, "--reason", "enough")
	require.Zero(t, r.code, r.err)
	require.Contains(t, w.run(t, "bulk", "status", id).out, "stopped (admin)")
	r = w.run(t, "bulk", "resume", id, "--reason", "too late")
	require.Equal(t, exitFailure, r.code)
	require.Contains(t, r.err, "the operation is stopped")
}

func TestBulkSaysWhatFailed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.BulkFails = true
	r := w.run(t, "bulk", "cancel", "--ids", "v-1,v-2", "--reason", "r", "--go")
	require.Equal(t, exitFailure, r.code)
	require.Contains(t, r.err, "nobody knows whether 2 trials were changed; starter bulk resume "+w.lastBulk()+" tries again")
}

func TestBulkShowsABar(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.terminal = true
	r := w.run(t, "bulk", "cancel", "--ids", manyVendorIDs(100), "--reason", "r", "--go")
	require.Zero(t, r.code, r.err)
	require.Contains(t, r.err, "[############            ] running: 50 of 100")
}

func TestBulkUsage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, args := range [][]string{
		{"bulk"},
		{"bulk", "delete", "--ids", "v-1"},
		{"bulk", "extend", "--ids", "v-1", "--days", "7"},
		{"bulk", "extend", "--days", "7", "--reason", "r"},
		{"bulk", "extend", "--ids", "v-1", "--csv", "f.csv", "--days", "7", "--reason", "r"},
		{"bulk", "extend", "--ids", "v-1", "--status", "active", "--days", "7", "--reason", "r"},
		{"bulk", "cancel", "--status", "gone", "--reason", "r"},
		{"bulk", "cancel", "--cohort", "third", "--reason", "r"},
		{"bulk", "cancel", "--ends-from", "soon", "--reason", "r"},
		{"bulk", "cancel", "--ids", "v-1", "--days", "7", "--reason", "r"},
		{"bulk", "convert", "--ids", "v-1", "--at", "soon", "--reason", "r"},
		{"bulk", "start", "--reason", "r"},
		{"bulk", "pause", "bulk-1"},
		{"bulk", "status", "a b"},
		{"bulk", "list", "--limit", "0"},
	} {
		r := w.run(t, args...)
		require.Equal(t, exitUsage, r.code, "%v: %s", args, r.err)
	}
	require.Empty(t, w.Calls())
	require.Equal(t, exitFailure, w.run(t, "bulk", "cancel", "--csv", "nowhere.csv", "--reason", "r").code)
	require.Equal(t, exitFailure, w.run(t, "bulk", "status", "bulk-9").code)
	require.Len(t, bulkShorts, len(bulk.Actions()))
}
