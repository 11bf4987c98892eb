package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/test/fakeapi"
)

func itoa(n int) string { return strconv.Itoa(n) }

func TestWrongUsageDoesNothing(t *testing.T) {
	t.Parallel()
	extend := []string{"trial", "extend", "v-1", "--reason", "why", "--days"}
	for message, args := range map[string][]string{
		`unknown command "trail" for "starter"`:                                                             {"trail"},
		`starter trial has no command "stats"`:                                                              {"trial", "stats"},
		`say which command of "starter flags"`:                                                              {"flags"},
		`unknown flag: --days`:                                                                              {"trial", "cancel", "v-1", "--days", "3"},
		`needs one vendor's id, got 0 arguments`:                                                            {"trial", "status"},
		`needs one vendor's id, got 2 arguments`:                                                            {"trial", "status", "a", "b"},
		`id: "a/b" is not 1 to 64 letters, digits, underscores and dashes`:                                  {"vendor", "show", "a/b"},
		`required flag(s) "email", "name" not set`:                                                          {"vendor", "register", "--id", "v"},
		`required flag(s) "days" not set`:                                                                   {"trial", "revive", "v-1", "--reason", "why"},
		`--days: must be 1 to 365, is 0`:                                                                    append(extend, "0"),
		`--days: must be 1 to 365, is -3`:                                                                   append(extend, "-3"),
		`--days: must be 1 to 365, is 366`:                                                                  append(extend, "366"),
		`--idempotency-key: must be 1 to 128 visible ASCII characters`:                                      append(extend, "3", "--idempotency-key", "a b"),
		`--at: "yesterday" is not a moment like 2026-01-05T08:30:00Z`:                                       {"vendor", "convert", "v", "--at", "yesterday"},
		`--status: "done" is not one of active, grace, converted, expired, cancelled`:                       {"trial", "list", "--status", "done"},
		`--cohort: "x" is not one of automated, control, adopted`:                                           {"trial", "list", "--cohort", "x"},
		`--limit: must be at least 1, is 0`:                                                                 {"trial", "list", "--limit", "0"},
		`say which flag to set, such as trialAutomation.emailReminders=false`:                               {"flags", "set"},
		`"x" is not FLAG=VALUE`:                                                                             {"flags", "set", "x"},
		`trialAutomation.enabled: must be true or false, is "yes"`:                                          {"flags", "set", "trialAutomation.enabled=yes"},
		`trialAutomation.enabled: must be true or false, is "null"`:                                         {"flags", "set", "trialAutomation.enabled=null"},
		`trialAutomation.enabled is set twice`:                                                              {"flags", "set", "trialAutomation.enabled=true", "trialAutomation.enabled=false"},
		`trialAutomation.rolloutPercentage: must be 0 to 100, is 101`:                                       {"flags", "set", "trialAutomation.rolloutPercentage=101"},
		`trialAutomation.rolloutPercentage: must be a multiple of 0.01, is 0.001`:                           {"flags", "set", "trialAutomation.rolloutPercentage=0.001"},
		`trialAutomation.rolloutPercentage: must be a number from 0 to 100, is "ten"`:                       {"flags", "set", "trialAutomation.rolloutPercentage=ten"},
		`required flag(s) "csv" not set`:                                                                    {"import"},
		`--from: "Monday" is not a date like 2018-01-31`:                                                    {"import", "--csv", "x", "--from", "Monday"},
		`--to: 2018-01-01 is before --from 2018-01-02`:                                                      {"import", "--csv", "x", "--from", "2018-01-02", "--to", "2018-01-01"},
		`--concurrency: must be 1 to 64, is 0`:                                                              {"import", "--csv", "x", "--concurrency", "0"},
		`--limit: must not be negative, is -1`:                                                              {"import", "--csv", "x", "--limit", "-1"},
		`--day: must be 100ms to 24h0m0s, is 1ms`:                                                           {"import", "--csv", "x", "--day", "1ms"},
		`--replica-set: "rs0" is not a name and its members, such as rs0/mongodb:27017`:                     {"setup", "--mongodb", "mongodb://127.0.0.1:1", "--replica-set", "rs0"},
		`--api: is not an address such as http://127.0.0.1:8080, without a login`:                           {"flags", "get", "--api", "localhost:8080"},
		`if any flags in the group [limit all] are set none of the others can be; [all limit] were all set`: {"trial", "list", "--all", "--limit", "3"},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			r := w.run(t, args...)
			require.Equal(t, 2, r.code)
			require.Equal(t, "starter: "+message, strings.SplitN(r.err, "\n", 2)[0])
			require.Contains(t, r.err, "--help\n")
			require.Empty(t, r.out)
			require.Empty(t, w.Calls())
		})
	}
}

func TestAnAddressWithALoginIsNotRepeated(t *testing.T) {
	t.Parallel()
	r := newWorld(t).run(t, "flags", "get", "--api", "http://me:hunter2@127.0.0.1:8080")
	require.Equal(t, 2, r.code)
	require.Contains(t, r.err, "--api: is not an address such as http://127.0.0.1:8080, without a login\n")
	require.NotContains(t, r.err, "hunter2")
}

func TestUnknownFlagsAreListed(t *testing.T) {
	t.Parallel()
	r := newWorld(t).run(t, "flags", "set", "trialAutomation.emailReminder=false")
	require.Equal(t, 2, r.code)
	require.Contains(t, r.err, `there is no flag "trialAutomation.emailReminder"; the flags are adminTools.bulkOperations, `)
}

func TestRefusalsAreOneSentence(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args    []string
		answer  func(http.ResponseWriter)
		message string
	}{
		"a field": {
			[]string{"vendor", "convert", "v"},
			func(w http.ResponseWriter) { fakeapi.Refuse(w, 400, "at", "lies in the future") },
			"at: lies in the future (request r-1)",
		},
		"a field that the detail names": {
			[]string{"vendor", "convert", "v"},
			func(w http.ResponseWriter) { fakeapi.Refuse(w, 400, "at", "at: lies in the future.") },
			"at: lies in the future (request r-1)",
		},
		"a conflict": {
			[]string{"trial", "cancel", "v", "--reason", "why"},
			func(w http.ResponseWriter) {
				fakeapi.Refuse(w, 409, "", "the trial is expired and cannot be cancelled")
			},
			"the trial is expired and cannot be cancelled (request r-1)",
		},
		"a token": {
			[]string{"flags", "get"},
			func(w http.ResponseWriter) { fakeapi.Refuse(w, 401, "", "the token is missing or wrong") },
			"the token is missing or wrong (request r-1); see --help for where the tokens are taken from",
		},
		"several fields": {
			[]string{"trial", "list"},
			func(w http.ResponseWriter) {
				w.Header().Set("Content-Type", "application/problem+json")
				w.WriteHeader(http.StatusBadRequest)
				_, _ = w.Write([]byte(`{"type":"about:blank","title":"Bad Request","status":400,"detail":"email: is no address","field":"email",
					"errors":[{"field":"email","message":"is no address"},{"field":"name","message":"is missing"}],"requestId":"r-1"}`))
			},
			"email: is no address; name: is missing (request r-1)",
		},
		"what would steer the terminal": {
			[]string{"vendor", "show", "v"},
			func(w http.ResponseWriter) { fakeapi.Refuse(w, 404, "", "no vendor \x1b[2J") },
			"no vendor \ufffd[2J (request r-1)",
		},
		"another server": {
			[]string{"trial", "status", "v"},
			func(w http.ResponseWriter) { http.Error(w, "<html>", http.StatusNotFound) },
			"the answer was not the API's: 404 Not Found",
		},
		"a web page": {
			[]string{"trial", "status", "v"},
			func(w http.ResponseWriter) { _, _ = w.Write([]byte("<html>")) },
			"the answer was not the API's: is this its address?",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.Fail(func(rw http.ResponseWriter, _ *http.Request) bool { c.answer(rw); return true })
			require.Equal(t, result{1, "", "starter: " + c.message + "\n"}, w.run(t, c.args...))
		})
	}
}

func TestAnAPIThatIsAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.environment["API_URL"] = "http://127.0.0.1:1/"
	r := w.run(t, "trial", "status", "v-1")
	require.Equal(t, result{1, "", "starter: the API at http://127.0.0.1:1 cannot be reached: connect: connection refused\n"}, r)
}

// A token does not go to an address that comes from elsewhere: it may be another installation's.
func TestATokenIsNotSentToTheStacksAddress(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	stranger := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	t.Cleanup(stranger.Close)
	folder := t.TempDir()
	stack, secret := filepath.Join(folder, "stack.json"), filepath.Join(folder, "token")
	require.NoError(t, os.WriteFile(stack, []byte(`{"api":"`+stranger.URL+`","adminToken":"admin-of-the-stack","serviceToken":"service-of-the-stack"}`), 0o600))
	require.NoError(t, os.WriteFile(secret, []byte("token-of-production\n"), 0o600))
	vendor := []string{"vendor", "register", "--id", "v-1", "--email", "ada@example.com", "--name", "Ada"}
	for name, c := range map[string]struct {
		environment map[string]string
		args        []string
		variable    string
	}{
		"admin":           {map[string]string{"ADMIN_TOKEN": "token-of-production"}, []string{"flags", "get"}, "ADMIN_TOKEN"},
		"admin in a file": {map[string]string{"ADMIN_TOKEN_FILE": secret}, []string{"flags", "get"}, "ADMIN_TOKEN"},
		"admin by flag":   {nil, []string{"flags", "get", "--token", "token-of-production"}, "ADMIN_TOKEN"},
		"service":         {map[string]string{"SERVICE_TOKEN": "token-of-production"}, vendor, "SERVICE_TOKEN"},
		"service by flag": {nil, append(slices.Clone(vendor), "--service-token", "token-of-production"), "SERVICE_TOKEN"},
	} {
		w := newWorld(t)
		w.environment = c.environment
		r := w.run(t, append(c.args, "--stack", stack)...)
		require.Equal(t, exitUsage, r.code, name)
		require.Contains(t, r.err, c.variable, name)
		require.Contains(t, r.err, stack, name)
		require.Zero(t, asked.Load(), name)
	}
}

// sourceCase is a command with some sources of addresses and tokens, and its exit code and message.
type sourceCase struct {
	environment func(*testing.T, *world) map[string]string
	args        func(*testing.T, *world) []string
	code        int
	message     string
}

// stackOf is a stack file for the API of w.
func stackOf(t *testing.T, w *world) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "stack.json")
	document := `{"api":"` + w.URL + `","adminToken":"` + fakeapi.AdminToken + `","serviceToken":"` + fakeapi.ServiceToken + `","pids":{"api":1}}`
	require.NoError(t, os.WriteFile(path, []byte(document), 0o600))
	return path
}

// tokenFile is a file with the admin token.
func tokenFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(path, []byte(fakeapi.AdminToken+"\n"), 0o600))
	return path
}

func sourceCases() map[string]sourceCase {
	return map[string]sourceCase{
		"flags win": {
			func(*testing.T, *world) map[string]string {
				return map[string]string{"API_URL": "http://127.0.0.1:1", "ADMIN_TOKEN": "wrong-wrong-wrong-wrong"}
			},
			func(_ *testing.T, w *world) []string { return []string{"--api", w.URL, "--token", fakeapi.AdminToken} }, 0, "",
		},
		"the environment beats the stack": {
			func(*testing.T, *world) map[string]string {
				return map[string]string{"API_URL": "http://127.0.0.1:1", "ADMIN_TOKEN": fakeapi.AdminToken}
			},
			func(t *testing.T, w *world) []string { t.Helper(); return []string{"--stack", stackOf(t, w)} },
			1, "starter: the API at http://127.0.0.1:1 cannot be reached: connect: connection refused\n",
		},
		"the stack's token goes to its own address only": {
			func(*testing.T, *world) map[string]string { return map[string]string{"API_URL": "http://127.0.0.1:1"} },
			func(t *testing.T, w *world) []string { t.Helper(); return []string{"--stack", stackOf(t, w)} },
			2, "starter: the admin token is not known: give it in ADMIN_TOKEN, or with --token\nTry: starter flags get --help\n",
		},
		"the stack's token goes to its own address, also where that is given": {
			func(_ *testing.T, w *world) map[string]string { return map[string]string{"API_URL": w.URL + "/"} },
			func(t *testing.T, w *world) []string { t.Helper(); return []string{"--stack", stackOf(t, w)} }, 0, "",
		},
		"the same token beside the stack": {
			func(*testing.T, *world) map[string]string {
				return map[string]string{"ADMIN_TOKEN": fakeapi.AdminToken}
			},
			func(t *testing.T, w *world) []string { t.Helper(); return []string{"--stack", stackOf(t, w)} }, 0, "",
		},
		"the stack is enough": {
			func(*testing.T, *world) map[string]string { return nil },
			func(t *testing.T, w *world) []string { t.Helper(); return []string{"--stack", stackOf(t, w)} }, 0, "",
		},
		"a token from a file": {
			func(t *testing.T, w *world) map[string]string {
				t.Helper()
				return map[string]string{"API_URL": w.URL, "ADMIN_TOKEN_FILE": tokenFile(t)}
			},
			func(*testing.T, *world) []string { return nil }, 0, "",
		},
		"nothing": {
			func(*testing.T, *world) map[string]string { return nil },
			func(*testing.T, *world) []string { return nil },
			2, "starter: the API's address is not known: give --api or API_URL, or start \"make dev\"\nTry: starter flags get --help\n",
		},
		"no token": {
			func(_ *testing.T, w *world) map[string]string { return map[string]string{"API_URL": w.URL} },
			func(*testing.T, *world) []string { return nil },
			2, "starter: the admin token is not known: give it in ADMIN_TOKEN, or with --token\nTry: starter flags get --help\n",
		},
		"an environment that is wrong": {
			func(*testing.T, *world) map[string]string { return map[string]string{"TRIAL_DAY": "soon"} },
			func(*testing.T, *world) []string { return nil },
			2, "starter: the environment is wrong: TRIAL_DAY: is not a duration like 24h, 2s or 250ms\nTry: starter flags get --help\n",
		},
		"a stack file that is not there": {
			func(*testing.T, *world) map[string]string { return nil },
			func(*testing.T, *world) []string { return []string{"--stack", "nowhere.json"} },
			1, "starter: reading the stack file: open nowhere.json: no such file or directory\n",
		},
	}
}

func TestAddressesAndTokensComeFromFlagsThenEnvironmentThenStack(t *testing.T) {
	t.Parallel()
	for name, c := range sourceCases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.environment = c.environment(t, w)
			r := w.run(t, append([]string{"flags", "get"}, c.args(t, w)...)...)
			require.Equal(t, c.code, r.code, r.err)
			require.Equal(t, c.message, r.err)
		})
	}
}

func TestEveryCommandExplainsItself(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var a app
	for _, group := range a.root().Commands() {
		commands := group.Commands()
		if len(commands) == 0 {
			commands = append(commands, group)
		}
		for _, command := range commands {
			require.NotEmpty(t, command.Short, command.CommandPath())
			require.Contains(t, command.Example, command.CommandPath())
			r := w.run(t, append(strings.Fields(command.CommandPath())[1:], "--help")...)
			require.Zero(t, r.code, r.err)
			require.Contains(t, r.out, command.Example)
		}
	}
}
