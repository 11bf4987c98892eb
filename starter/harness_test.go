package main

import (
	"bytes"
	"context"
	"flag"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/test/fakeapi"
)

var update = flag.Bool("update", false, "write the golden files anew")

// asProcess makes the test binary the program itself, for tests that kill it.
const asProcess = "STARTER_AS_PROCESS"

func TestMain(m *testing.M) {
	if os.Getenv(asProcess) != "" {
		os.Exit(start())
	}
	flag.Parse()
	os.Exit(m.Run())
}

// present is when the tests take place.
var present = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

// result is what one run of the command line left behind.
type result struct {
	code     int
	out, err string
}

// world is a fake API and an environment that points to it.
type world struct {
	*fakeapi.API
	environment map[string]string
	now         func() time.Time
	transport   http.RoundTripper
	terminal    bool
	// interactive says that a person can be asked, who has typed that.
	interactive bool
	typed       string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := newWorldOf(fakeapi.NewInMemory())
	w.serve(t)
	return w
}

// serve has the API listen. What it answers by is set before: another process may call it, of whose calls the race detector
// does not know what came before them.
func (w *world) serve(t *testing.T) {
	t.Helper()
	w.Serve(t)
	w.environment["API_URL"] = w.URL
}

func newWorldOf(api *fakeapi.API) *world {
	w := &world{API: api, now: func() time.Time { return present }}
	w.Day, w.Now = trial.RealDay, w.now
	w.environment = map[string]string{"API_URL": w.URL, "ADMIN_TOKEN": fakeapi.AdminToken, "SERVICE_TOKEN": fakeapi.ServiceToken}
	return w
}

// run runs one command. Whatever it prints, no token is in it.
func (w *world) run(t *testing.T, args ...string) result {
	t.Helper()
	var out, err bytes.Buffer
	a := app{
		out: &out, err: &err, now: w.now, transport: w.transport, terminal: func() bool { return w.terminal },
		in: strings.NewReader(w.typed), interactive: func() bool { return w.interactive },
		pause:  func(context.Context, time.Duration) error { return nil },
		getenv: func(name string) string { return w.environment[name] },
		environ: func() []string {
			var list []string
			for name, value := range w.environment {
				list = append(list, name+"="+value)
			}
			return list
		},
	}
	r := result{code: a.run(t.Context(), args), out: out.String(), err: err.String()}
	require.NotContains(t, r.out+r.err, fakeapi.AdminToken)
	require.NotContains(t, r.out+r.err, fakeapi.ServiceToken)
	return r
}

// golden compares with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

// ask is the API's answer itself.
func (w *world) ask(t *testing.T, path string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.URL+path, http.NoBody)
	require.NoError(t, err)
	token := fakeapi.ServiceToken
	if strings.HasPrefix(path, "/api/admin") {
		token = fakeapi.AdminToken
	}
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return strings.TrimSuffix(string(body), "\n")
}

// extendedTrial is a trial that began eight days ago in Paris: welcomed, reminded, and extended an hour ago.
func extendedTrial(vendorID string) []trial.Event {
	began := present.AddDate(0, 0, -8)
	events := []trial.Event{trial.Start(trial.Registration{
		VendorID: vendorID, Cohort: trial.Automated, Policy: trial.DefaultPolicy(), Day: trial.RealDay, Zone: "Europe/Paris", At: began,
	}, began)}
	state := trial.Fold(events)
	apply := func(e trial.Event) {
		events = append(events, e)
		state = state.Apply(e)
	}
	for _, mailed := range []bool{true, false} {
		step, _ := state.Next()
		facts := trial.StepFacts{Now: step.At, AutomationEnabled: true, EmailReminders: mailed, AutoExpiration: true}
		apply(state.StepEvent(step, trial.Decide(state, step, facts), facts, mailed))
	}
	request := trial.Request{ID: "k-1", Days: 7, Reason: "asked by support", By: "admin"}
	extended, err := state.Request(trial.MessageExtend, request, present.Add(-time.Hour))
	if err != nil {
		panic(err)
	}
	apply(*extended)
	return events
}

// heldTrial is a trial at whose end expiry waits for a flag.
func heldTrial(vendorID string) []trial.Event {
	began := present.AddDate(0, 0, -15)
	events := []trial.Event{trial.Start(trial.Registration{
		VendorID: vendorID, Cohort: trial.Automated, Policy: trial.Policy{Name: "short", LengthDays: 14, GraceDays: 3}, Day: trial.RealDay, At: began,
	}, began)}
	state := trial.Fold(events)
	for i := range 2 {
		step, _ := state.Next()
		facts := trial.StepFacts{Now: step.At, AutomationEnabled: true, EmailReminders: true, AutoExpiration: i > 1}
		e := state.StepEvent(step, trial.Decide(state, step, facts), facts, i == 0)
		events = append(events, e)
		state = state.Apply(e)
	}
	return events
}
