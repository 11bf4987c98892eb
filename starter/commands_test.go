package main

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/test/fakeapi"
)

func TestVendorCommands(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	register := []string{"vendor", "register", "--id", "v-1a", "--email", "ada@example.com", "--name", "Ada's Tools", "--timezone", "Europe/Paris", "--locale", "fr"}
	first := w.run(t, register...)
	require.Equal(t, result{0, first.out, ""}, first)
	golden(t, "vendor-register", first.out)
	require.Contains(t, w.run(t, register...).out, "Vendor v-1a was registered before, with the same data.\n")

	converted := w.run(t, "vendor", "convert", "v-1a", "--at", "2026-03-10T12:00:00Z")
	require.Equal(t, result{0, "The conversion of v-1a is on record: 2026-03-10 12:00:00 UTC, now.\n", ""}, converted)
	again := w.run(t, "vendor", "convert", "v-1a")
	require.Equal(t, result{0, "The conversion of v-1a was on record before: 2026-03-10 12:00:00 UTC, now.\n", ""}, again)
	golden(t, "vendor-show", w.run(t, "vendor", "show", "v-1a").out)
}

func TestVendorRegisterPassesOnWhatItIsGiven(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.run(t, "vendor", "register", "--id", "v-1", "--email", "bo@example.com", "--name", "Bo", "--registered-at", "2026-03-01T08:30:00+02:00")
	require.Zero(t, r.code, r.err)
	require.JSONEq(t, `{"id":"v-1","email":"bo@example.com","name":"Bo","registeredAt":"2026-03-01T08:30:00+02:00"}`, w.Calls()[0].Body)
}

func TestTrialCommandsForPeople(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.AddTrial(extendedTrial("v-1"))
	w.AddTrial(heldTrial("v-2"))
	for name, args := range map[string][]string{
		"trial-status":      {"trial", "status", "v-1"},
		"trial-status-held": {"trial", "status", "v-2"},
		"trial-schedule":    {"trial", "schedule", "v-1"},
		"trial-list":        {"trial", "list"},
		"flags-get":         {"flags", "get"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := w.run(t, args...)
			require.Zero(t, r.code, r.err)
			require.Empty(t, r.err)
			golden(t, name, r.out)
		})
	}
}

func TestJSONIsExactlyTheAPIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.AddTrial(extendedTrial("v-1"))
	require.Zero(t, w.run(t, "vendor", "register", "--id", "v-2", "--email", "bo@example.com", "--name", "Bo").code)
	for path, args := range map[string][]string{
		"/api/vendors/v-2":               {"vendor", "show", "v-2", "--json"},
		"/api/admin/trials/v-1":          {"trial", "status", "v-1", "--json"},
		"/api/admin/trials?limit=50":     {"trial", "list", "--json"},
		"/api/admin/feature-flags":       {"flags", "get", "--json"},
		"/api/admin/trials/v-1#schedule": {"trial", "schedule", "v-1", "--json"},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			t.Parallel()
			want := w.ask(t, path)
			if strings.HasSuffix(path, "#schedule") {
				_, want, _ = strings.Cut(want, `"timetable":`)
				want, _, _ = strings.Cut(want, `,"trial":`)
			}
			require.Equal(t, result{0, want + "\n", ""}, w.run(t, args...))
		})
	}
}

func TestTrialChanges(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args       []string
		path, body string
	}{
		"extend":  {[]string{"extend", "v-1", "--days", "3", "--reason", "why"}, "extend", `{"days":3,"reason":"why"}`},
		"shorten": {[]string{"shorten", "v-1", "--days", "2", "--reason", "why"}, "shorten", `{"days":2,"reason":"why"}`},
		"policy":  {[]string{"policy", "v-1", "month", "--reason", "why"}, "policy", `{"policy":"month","reason":"why"}`},
		"cancel":  {[]string{"cancel", "v-1", "--reason", "why"}, "cancel", `{"reason":"why"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.Policies.Policies = append(w.Policies.Policies, trial.Policy{Name: "month", LengthDays: 30, ReminderDays: []int{7}, GraceDays: 5, SendHour: 8})
			w.AddTrial(extendedTrial("v-1"))
			r := w.run(t, append([]string{"trial"}, c.args...)...)
			require.Equal(t, result{0, r.out, ""}, r)
			golden(t, "trial-"+name, r.out)
			w.run(t, append([]string{"trial"}, c.args...)...)
			calls := w.Calls()
			require.Len(t, calls, 2)
			require.Equal(t, "/api/admin/trials/v-1/"+c.path, calls[0].Path)
			require.JSONEq(t, c.body, calls[0].Body)
			require.NotEmpty(t, calls[0].Key)
			require.NotEqual(t, calls[0].Key, calls[1].Key, "each call is a new request")
		})
	}
}

func TestTrialReviveWithAKeyOfOnesOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Idle = true // what is asked for is all that happens
	w.AddTrial(extendedTrial("v-1"))
	require.Zero(t, w.run(t, "trial", "cancel", "v-1", "--reason", "why").code)
	for range 2 {
		r := w.run(t, "trial", "revive", "v-1", "--days", "5", "--reason", "why", "--idempotency-key", "mine", "--json")
		require.Zero(t, r.code, r.err)
		require.Contains(t, r.out, `"endsAt":"2026-03-15T12:00:00Z"`)
	}
	require.Equal(t, "mine", w.Calls()[1].Key)
	require.Len(t, w.History["v-1"], len(extendedTrial("v-1"))+2, "carried out once")
}

func TestAnUncertainChangeCanBeRepeated(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.AddTrial(extendedTrial("v-1"))
	w.Fail(func(rw http.ResponseWriter, _ *http.Request) bool {
		fakeapi.Refuse(rw, http.StatusServiceUnavailable, "", "the workflow service does not answer; try again")
		return true
	})
	r := w.run(t, "trial", "cancel", "v-1", "--reason", "why", "--idempotency-key", "mine")
	require.Equal(t, result{1, "", "starter: the workflow service does not answer; try again (request r-1)\n" +
		"It may have been carried out all the same. To be sure, repeat it with --idempotency-key mine\n"}, r)
}

func TestTrialListAsksForWhatIsWanted(t *testing.T) {
	t.Parallel()
	for query, args := range map[string][]string{
		"limit=50":                               {},
		"limit=7&status=grace":                   {"--limit", "7", "--status", "grace"},
		"cohort=control&limit=50":                {"--cohort", "control"},
		"cohort=adopted&limit=50":                {"--cohort", "adopted"},
		"held=true&limit=50":                     {"--held"},
		"held=false&limit=500":                   {"--held=false", "--all"},
		"cohort=automated&limit=1&status=active": {"--status", "active", "--cohort", "automated", "--limit", "1"},
	} {
		t.Run(query, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			r := w.run(t, append([]string{"trial", "list"}, args...)...)
			require.Equal(t, result{0, "There is no such trial.\n", ""}, r)
			require.ElementsMatch(t, strings.Split(query, "&"), strings.Split(w.Calls()[0].Body, "&"))
		})
	}
}

func TestTrialListTurnsPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const all = 1203
	for i := range all {
		id := "v-" + strings.Repeat("0", 4-len(itoa(i))) + itoa(i)
		w.AddTrial([]trial.Event{trial.Start(trial.Registration{VendorID: id, Policy: trial.DefaultPolicy(), Day: trial.RealDay, At: present}, present)})
	}
	everything := w.run(t, "trial", "list", "--all", "--json")
	require.Zero(t, everything.code, everything.err)
	require.Equal(t, all, strings.Count(everything.out, `"vendorId"`))
	require.Contains(t, everything.out, `"nextCursor":""`)
	require.Len(t, w.Calls(), 3)

	some := w.run(t, "trial", "list", "--limit", "501")
	require.Contains(t, some.out, "There are more: see --limit and --all.")
	require.Equal(t, 501, strings.Count(some.out, "v-"))
	require.Equal(t, "limit=1&cursor="+base64.RawURLEncoding.EncodeToString([]byte("v-0499")), w.Calls()[4].Body)
}

func TestTrialListEndsWhereThePagesDoNot(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Fail(func(rw http.ResponseWriter, _ *http.Request) bool {
		rw.Header().Set("Content-Type", "application/json")
		_, _ = rw.Write([]byte(`{"trials":[],"nextCursor":"same"}`))
		return true
	})
	r := w.run(t, "trial", "list", "--all")
	require.Equal(t, result{1, "", "starter: the API answered with the same page twice, at cursor same\n"}, r)
}

func TestFlagsSet(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args               []string
		method, path, body string
	}{
		"one flag": {
			[]string{"trialAutomation.emailReminders=false"},
			http.MethodPatch, "/api/admin/feature-flags", `{"featureFlags":{"trialAutomation":{"emailReminders":false}}}`,
		},
		"flags of several groups": {
			[]string{"monitoring.alerting=false", "adminTools.enabled=true", "trialAutomation.rolloutPercentage=12.5"},
			http.MethodPatch, "/api/admin/feature-flags",
			`{"featureFlags":{"monitoring":{"alerting":false},"adminTools":{"enabled":true},"trialAutomation":{"rolloutPercentage":12.5}}}`,
		},
		"a rollout": {
			[]string{"trialAutomation.rolloutPercentage=25", "trialAutomation.enabled=true"},
			http.MethodPost, "/api/admin/feature-flags/trial-automation/rollout", `{"enabled":true,"rolloutPercentage":25}`,
		},
		"the kill switch leaves the percentage alone": {
			[]string{"trialAutomation.enabled=false"},
			http.MethodPatch, "/api/admin/feature-flags", `{"featureFlags":{"trialAutomation":{"enabled":false}}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			r := w.run(t, append([]string{"flags", "set"}, c.args...)...)
			require.Zero(t, r.code, r.err)
			require.Contains(t, r.out, "Version 2, changed by admin 2026-03-10 12:00:00 UTC, now.")
			calls := w.Calls()
			require.Len(t, calls, 1)
			require.Equal(t, []string{c.method, c.path}, []string{calls[0].Method, calls[0].Path})
			require.JSONEq(t, c.body, calls[0].Body)
		})
	}
}
