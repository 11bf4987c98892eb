//go:build unix

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/test/system"
)

const (
	// startLimit is how long building and starting may take on a busy machine.
	startLimit = 10 * time.Minute
	endLimit   = 2 * time.Minute
	often      = 100 * time.Millisecond
)

// running is `make dev` with free ports and a folder of its own.
type running struct {
	*exec.Cmd
	description

	home string
}

func startDev(t *testing.T) *running {
	t.Helper()
	r := &running{Cmd: exec.CommandContext(context.Background(), "make", "--no-print-directory", "-C", "../..", "dev"), home: t.TempDir()}
	said, err := os.Create(filepath.Join(r.home, "said"))
	require.NoError(t, err)
	r.Stdout, r.Stderr = said, said
	r.Env = append(os.Environ(), "DEV_DIR="+r.home, "TRIAL_DAY=1h")
	for _, l := range listeners {
		r.Env = append(r.Env, l.variable+"=0")
	}
	require.NoError(t, r.Start())
	t.Cleanup(func() {
		for _, pid := range r.Pids {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		_ = r.Process.Kill()
		require.NoError(t, said.Close())
	})
	require.Eventually(t, func() bool { return strings.Contains(r.said(t), "Everything runs") }, startLimit, often, "it says that all runs")
	raw, err := os.ReadFile(filepath.Join(r.home, "stack.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(raw, &r.description))
	require.Len(t, r.Pids, 4)
	return r
}

func (r *running) said(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(r.home, "said"))
	require.NoError(t, err)
	return string(raw)
}

// endsBy sends a signal to a process, and waits until nothing is left of all.
func (r *running) endsBy(t *testing.T, pid int, s syscall.Signal) {
	t.Helper()
	require.NoError(t, syscall.Kill(pid, s))
	_ = r.Wait() // make says how it ended
	for name, pid := range r.Pids {
		require.Eventually(t, func() bool { return gone(pid) }, endLimit, often, "%s goes on after %s", name, s)
	}
}

// gone tells whether a process has ended, though nobody may have asked how.
func gone(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return true
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && bytes.Contains(status, []byte(") Z "))
}

// A TERM to make, an interrupt, and even the end of the program that can tell nobody: all that it started ends.
func TestNothingOfDevIsLeftBehind(t *testing.T) {
	t.Parallel()
	r := startDev(t)
	r.printedStepsWork(t)
	r.endsBy(t, r.Process.Pid, syscall.SIGTERM)
	r = startDev(t)
	r.endsBy(t, r.Pids["dev"], syscall.SIGINT)
	r = startDev(t)
	r.endsBy(t, r.Pids["dev"], syscall.SIGKILL)
}

// printedStepsWork takes the steps that it prints, which lead to a first e-mail.
func (r *running) printedStepsWork(t *testing.T) {
	t.Helper()
	bin, err := system.Build(t.Context())
	require.NoError(t, err)
	steps := 0
	for line := range strings.Lines(r.said(t)) {
		step, is := strings.CutPrefix(strings.TrimSpace(line), "go run ./starter ")
		if !is {
			continue
		}
		steps++
		starter := filepath.Join(bin, "starter") + " --stack " + filepath.Join(r.home, "stack.json") + " "
		out, err := exec.CommandContext(t.Context(), "sh", "-c", starter+step).CombinedOutput()
		require.NoError(t, err, string(out))
	}
	require.Equal(t, 3, steps)
	require.Eventually(t, func() bool { return strings.Contains(r.inbox(t), "v1@example.com") }, endLimit, often, "the welcome comes")
}

func (r *running) inbox(t *testing.T) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.Mailbox+"/messages", http.NoBody)
	require.NoError(t, err)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return string(body)
}
