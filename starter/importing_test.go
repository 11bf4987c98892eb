package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/test/fakeapi"
)

// inBubble runs a test with a world whose clock is the bubble's: days are over at once, and no
// machine is too slow for them.
func inBubble(t *testing.T, day time.Duration, test func(*testing.T, *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorldOf(fakeapi.NewInMemory())
		w.Day, w.Now, w.now, w.transport = day, nil, time.Now, w.API
		test(t, w)
	})
}

const csvHeader = "vendor_id,registered_at,origin,segment,converted_at\n"

func csvFile(t *testing.T, lines string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "vendors.csv")
	require.NoError(t, os.WriteFile(path, []byte(csvHeader+lines), 0o600))
	return path
}

// manyVendors are so many vendors on each of some dates; every fourth converts on the next day.
func manyVendors(dates, each int) string {
	var b strings.Builder
	for i := range dates * each {
		date := i/each + 1
		converted := ""
		if i%4 == 0 {
			converted = fmt.Sprintf("2018-01-%02dT23:59:00Z", date+1)
		}
		fmt.Fprintf(&b, "v%04d%c,2018-01-%02d,organic,,%s\n", i, 'a'+rune(i%2), date, converted)
	}
	return b.String()
}

func summaryOf(t *testing.T, out string) importSummary {
	t.Helper()
	var s importSummary
	require.NoError(t, json.Unmarshal([]byte(out), &s), out)
	return s
}

func TestImportReportsBadLinesAndDoesTheRest(t *testing.T) {
	t.Parallel()
	inBubble(t, 100*time.Millisecond, func(t *testing.T, w *world) {
		csv := csvFile(t, "v1a,2018-01-01,x,,2018-01-02T10:00:00Z\nbad id,2018-01-01,,,\nv2,2018-01-02,,,\nv3,2018-13-02,,,\nv1a,2018-01-02,,,\n")
		state := filepath.Join(t.TempDir(), "deep", "state.jsonl")
		r := w.run(t, "import", "--csv", csv, "--resume", state, "--json")
		require.Zero(t, r.code, r.err)
		require.Contains(t, r.err, "Skipped line 3: vendor_id: \"bad id\" is not 1 to 64 letters, digits, underscores and dashes\n")
		require.Contains(t, r.err, "Skipped line 5: registered_at: \"2018-13-02\" is not a date like 2018-01-31\n")
		require.Contains(t, r.err, "Skipped line 6: vendor_id: v1a is on line 2 already\n")
		require.Contains(t, r.err, "2 vendors to register and 1 conversion to report, from 2018-01-01 to 2018-01-02; lines skipped: 3.\n")
		s := summaryOf(t, r.out)
		require.Equal(t, 2, s.Registered)
		require.Equal(t, 1, s.Cohorts["automated"])
		require.Equal(t, 1, s.Cohorts["control"])
		require.Equal(t, 1, s.Converted)
		require.Len(t, s.Skipped, 3)
		require.Empty(t, s.Refused)
		require.InDelta(t, 0.1, s.DaySeconds, 1e-9)
		require.True(t, s.Complete)
		require.Equal(t, state, s.State)

		people := w.run(t, "import", "--csv", csv, "--resume", state)
		require.Zero(t, people.code, people.err)
		require.Contains(t, people.err, "Going on from "+state+".\n")
		require.Regexp(t, `(?m)^registered +2 \(1 automated, 1 control\)$`, people.out)
		require.Regexp(t, `(?m)^converted +1$`, people.out)
		require.Regexp(t, `(?m)^lines skipped +3$`, people.out)
		require.Regexp(t, `(?m)^biggest lag +\d+\.\d\d days of the trial`, people.out)
		require.Len(t, w.Calls(), 3, "nothing is done twice")
	})
}

func TestImportFailsWhereAVendorIsRefused(t *testing.T) {
	t.Parallel()
	inBubble(t, 100*time.Millisecond, func(t *testing.T, w *world) {
		require.Zero(t, w.run(t, "vendor", "register", "--id", "v1", "--email", "other@example.com", "--name", "Other").code)
		csv := csvFile(t, "v1,2018-01-01,,,\nv2,2018-01-01,,,\n")
		r := w.run(t, "import", "--csv", csv, "--resume", filepath.Join(t.TempDir(), "s"), "--json")
		require.Equal(t, 1, r.code)
		require.Contains(t, r.err, "Line 2: vendor v1: registering: vendor v1 is registered with other data (409, request r-1)\n")
		require.Contains(t, r.err, "starter: the API refused 1 of the vendors\n")
		s := summaryOf(t, r.out)
		require.Equal(t, 1, s.Registered)
		require.Equal(t, 2, s.Refused[0].Line)
	})
}

func TestImportDryRunAsksNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.environment = nil
	r := w.run(t, "import", "--csv", csvFile(t, manyVendors(3, 4)), "--from", "2018-01-02", "--limit", "6", "--dry-run")
	require.Zero(t, r.code, r.err)
	require.Equal(t, "vendors         6\nconversions     2\nlines skipped   0\n", r.out)
	require.Empty(t, w.Calls())
}

func TestImportRefusesFilesItCannotUse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other := filepath.Join(t.TempDir(), "precious")
	require.NoError(t, os.WriteFile(other, []byte("precious"), 0o600))
	good := csvFile(t, "v1,2018-01-01,,,\n")
	for message, args := range map[string][]string{
		"reading the vendors: open nowhere.csv: no such file or directory":                                                                         {"--csv", "nowhere.csv"},
		other + ": line 1, the header: there is no column vendor_id among [\"precious\"]":                                                          {"--csv", other},
		good + ": there is no vendor to register (1 rows read, 0 lines skipped)":                                                                   {"--csv", good, "--from", "2019-01-01"},
		other + ": the file is not the state of an import":                                                                                         {"--csv", good, "--resume", other, "--restart"},
		"the import stopped: registering: given up after 1 attempts: the API at http://127.0.0.1:1 cannot be reached: connect: connection refused": {"--csv", good, "--api", "http://127.0.0.1:1", "--patience", "0", "--resume", filepath.Join(t.TempDir(), "s")},
	} {
		t.Run(message, func(t *testing.T) {
			t.Parallel()
			r := w.run(t, append([]string{"import"}, args...)...)
			require.Equal(t, 1, r.code)
			require.Contains(t, r.err, "starter: "+message+"\n")
		})
	}
}

func TestImportKeepsAStateForEachSelection(t *testing.T) {
	t.Parallel()
	inBubble(t, 100*time.Millisecond, func(t *testing.T, w *world) {
		csv := csvFile(t, manyVendors(2, 2))
		stack := filepath.Join(t.TempDir(), "stack.json")
		require.NoError(t, os.WriteFile(stack, []byte("{}"), 0o600))
		for _, limit := range []string{"1", "3"} {
			r := w.run(t, "import", "--csv", csv, "--stack", stack, "--limit", limit, "--json")
			require.Zero(t, r.code, r.err)
			require.NotContains(t, r.err, "Going on")
		}
		states, err := filepath.Glob(filepath.Join(filepath.Dir(stack), "import-vendors-*.jsonl"))
		require.NoError(t, err)
		require.Len(t, states, 2, "beside the stack file")

		r := w.run(t, "import", "--csv", csv, "--resume", states[0], "--limit", "2")
		require.Equal(t, 1, r.code)
		require.Contains(t, r.err, "the state belongs to another import: give another file with --resume, or start over with --restart")
	})
}

func TestImportShowsABarAtATerminal(t *testing.T) {
	t.Parallel()
	inBubble(t, 2*time.Second, func(t *testing.T, w *world) {
		w.terminal = true
		r := w.run(t, "import", "--csv", csvFile(t, manyVendors(2, 2)), "--resume", filepath.Join(t.TempDir(), "s"))
		require.Zero(t, r.code, r.err)
		require.Contains(t, r.err, "\r\x1b[K["+strings.Repeat("#", barWidth)+"]")
		require.Contains(t, r.err, "registered 4/4  converted 1/1  keeps up\n")
		require.NotContains(t, r.err, "falls behind")
	})
}

func TestImportSaysThatTheSystemFallsBehind(t *testing.T) {
	t.Parallel()
	inBubble(t, 100*time.Millisecond, func(t *testing.T, w *world) {
		w.terminal = true
		w.Fail(func(http.ResponseWriter, *http.Request) bool {
			time.Sleep(100 * time.Millisecond) //nolint:forbidigo // in a bubble: an answer takes a day
			return false
		})
		r := w.run(t, "import", "--csv", csvFile(t, manyVendors(1, 8)), "--concurrency", "1", "--resume", filepath.Join(t.TempDir(), "s"))
		require.Zero(t, r.code, r.err)
		require.Regexp(t, `falls behind: 6\.\d days`, r.err, "eight who come on one day are answered one a day")
	})
}

func TestImportSaysThatStepsAreLate(t *testing.T) {
	t.Parallel()
	inBubble(t, 100*time.Millisecond, func(t *testing.T, w *world) {
		w.terminal, w.Idle = true, true
		r := w.run(t, "import", "--csv", csvFile(t, manyVendors(20, 1)), "--resume", filepath.Join(t.TempDir(), "s"))
		require.Zero(t, r.code, r.err)
		require.Regexp(t, `falls behind: steps are [1-9]\d*\.\d days late`, r.err)
	})
}

// A process that is interrupted or killed leaves a state from which the next goes on.
func TestImportGoesOnAfterItsProcessHasEnded(t *testing.T) {
	t.Parallel()
	for name, signal := range map[string]syscall.Signal{"interrupted": syscall.SIGINT, "killed": syscall.SIGKILL} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.Day, w.Now, w.now = 500*time.Millisecond, nil, time.Now
			csv, state := csvFile(t, manyVendors(6, 5)), filepath.Join(t.TempDir(), "state")
			args := []string{"import", "--csv", csv, "--resume", state, "--json"}
			var asked atomic.Int64
			ended := make(chan struct{}) // until then, only the first requests are answered
			w.Fail(func(http.ResponseWriter, *http.Request) bool {
				if asked.Add(1) > 8 {
					<-ended
				}
				return false
			})
			process, stderr := w.start(t, args...)
			require.Eventually(t, func() bool { return asked.Load() > 8 }, 5*time.Minute, time.Millisecond)
			require.NoError(t, process.Process.Signal(signal))
			close(ended)
			said := <-stderr
			err := process.Wait()
			var exit *exec.ExitError
			require.ErrorAs(t, err, &exit)
			if signal == syscall.SIGINT {
				require.Equal(t, 1, exit.ExitCode())
				require.Contains(t, said, "starter: the import was stopped; the same command goes on from here\n")
			}
			require.Less(t, w.Vendors(), 30, "it had not ended by itself")

			r := w.run(t, args...)
			require.Zero(t, r.code, r.err)
			require.Contains(t, r.err, "Going on from "+state)
			s := summaryOf(t, r.out)
			require.Equal(t, 30, s.Registered)
			require.Equal(t, 8, s.Converted)
			require.Equal(t, 30, w.Vendors())
			w.requireNothingTwice(t, signal == syscall.SIGKILL)
		})
	}
}

// start runs the command line as a process of its own, and hands over what it said in the end.
func (w *world) start(t *testing.T, args ...string) (*exec.Cmd, <-chan string) {
	t.Helper()
	process := exec.CommandContext(t.Context(), os.Args[0], args...)
	process.Env = []string{asProcess + "=1"} // and nothing of whoever runs the tests
	for name, value := range w.environment {
		process.Env = append(process.Env, name+"="+value)
	}
	stderr, err := process.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, process.Start())
	said := make(chan string, 1)
	go func() {
		var all strings.Builder
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			all.WriteString(lines.Text() + "\n")
		}
		said <- all.String()
	}()
	return process, said
}

// requireNothingTwice checks how often each request was made. What was under way when the process
// was killed is asked again; the API answers that it was done before.
func (w *world) requireNothingTwice(t *testing.T, killed bool) {
	t.Helper()
	times := make(map[string]int)
	for _, call := range w.Calls() {
		key := call.Path
		if call.Path == "/api/vendors" {
			key += call.Body
		}
		times[key]++
	}
	repeated := 0
	for key, n := range times {
		require.LessOrEqual(t, n, 2, key)
		repeated += n - 1
	}
	require.Len(t, times, 38)
	if !killed {
		require.Zero(t, repeated)
	}
	require.LessOrEqual(t, repeated, 16, "no more than can be under way")
}
