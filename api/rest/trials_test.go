package rest_test

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/api/rest"
	"marketplace.example/trials/internal/domain/trial"
)

const (
	extendPath  = "/api/admin/trials/v-1/extend"
	shortenPath = "/api/admin/trials/v-1/shorten"
	cancelPath  = "/api/admin/trials/v-1/cancel"
	revivePath  = "/api/admin/trials/v-1/revive"
)

func TestExtendAndShorten(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	ends := a.register().Trial.EndsAt
	extended := into[rest.Trial](a.ask(extendPath, "k-1", `{"days":7,"reason":"asked for more time"}`), http.StatusOK)
	require.Equal(t, ends.Add(7*24*time.Hour-time.Hour), extended.EndsAt, "the clocks in Paris change in between")
	require.Equal(t, 1, extended.Revision)
	shortened := into[rest.Trial](a.ask(shortenPath, "k-2", `{"days":2,"reason":"a mistake"}`), http.StatusOK)
	require.Equal(t, ends.AddDate(0, 0, 5), shortened.EndsAt, "before the clocks change")

	details := into[rest.TrialDetails](a.get("/api/admin/trials/v-1", adminToken), http.StatusOK)
	require.Equal(t, shortened, details.Trial)
	require.Len(t, details.Events, 3)
	require.Equal(t, trial.EventExtended, details.Events[1].Type)
	require.Equal(t, "asked for more time", details.Events[1].Request.Reason)
	require.Equal(t, "admin", details.Events[1].Request.By)
	require.Equal(t, "Europe/Paris", details.Timetable.Zone)
	require.NotEmpty(t, details.Timetable.Steps[0].Local)
}

func TestCancelAndRevive(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.register()
	cancelled := into[rest.Trial](a.ask(cancelPath, "k-1", `{"reason":"a double"}`), http.StatusOK)
	require.Equal(t, trial.Cancelled, cancelled.Status)
	require.Nil(t, cancelled.Next)
	a.ask(cancelPath, "k-2", `{"reason":"again"}`).problem(http.StatusConflict)
	revived := into[rest.Trial](a.ask(revivePath, "k-3", `{"days":5,"reason":"no double after all"}`), http.StatusOK)
	require.Equal(t, trial.Active, revived.Status)
	require.Equal(t, present.AddDate(0, 0, 5), revived.EndsAt)
}

func TestIdempotencyKey(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.register()
	first := into[rest.Trial](a.ask(extendPath, "k-1", `{"days":7,"reason":"r"}`), http.StatusOK)
	before, _ := a.store.written()
	require.Equal(t, first, into[rest.Trial](a.ask(extendPath, "k-1", `{"days":7,"reason":"r"}`), http.StatusOK))
	for path, body := range map[string]string{
		extendPath: `{"days":8,"reason":"r"}`, shortenPath: `{"days":7,"reason":"r"}`, cancelPath: `{"reason":"r"}`,
	} {
		p := a.ask(path, "k-1", body).problem(http.StatusUnprocessableEntity)
		require.Equal(t, "Idempotency-Key", *p.Field)
	}
	after, _ := a.store.written()
	require.Equal(t, before, after)
}

// A broken trial service must not look like success.
func TestChangeWithoutTemporal(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.register()
	a.workflows.unavailable = errUnavailable
	answer := a.ask(extendPath, "k-1", `{"days":7,"reason":"r"}`)
	answer.problem(http.StatusServiceUnavailable)
	require.Equal(t, "5", answer.header.Get("Retry-After"))
}

func TestFlagsStandAgainstChanges(t *testing.T) {
	t.Parallel()
	days, reason := `{"days":1,"reason":"r"}`, `{"reason":"r"}`
	for _, c := range []struct {
		flag      string
		path      string
		body      string
		forbidden bool
	}{
		{"enabled", extendPath, days, true},
		{"enabled", shortenPath, days, true},
		{"enabled", revivePath, days, true},
		{"enabled", cancelPath, reason, true},
		{"trialExtension", extendPath, days, true},
		{"trialExtension", shortenPath, days, true},
		{"trialExtension", revivePath, days, true},
		{"trialExtension", "/api/admin/trials/v-1/policy", `{"policy":"standard-14d","reason":"r"}`, true},
		{"trialExtension", cancelPath, reason, false},
	} {
		t.Run(c.flag+" "+c.path, func(t *testing.T) {
			t.Parallel()
			a := newAPI(t)
			a.register()
			into[rest.FeatureFlagDocument](a.call(request{
				method: http.MethodPatch, path: "/api/admin/feature-flags", token: adminToken,
				body: fmt.Sprintf(`{"featureFlags":{"adminTools":{%q:false}}}`, c.flag),
			}), http.StatusOK)
			before, _ := a.store.written()
			answer := a.ask(c.path, "k", c.body)
			if !c.forbidden {
				require.Equal(t, http.StatusOK, answer.status)
				return
			}
			require.Contains(t, *answer.problem(http.StatusForbidden).Detail, "adminTools."+c.flag)
			after, _ := a.store.written()
			require.Equal(t, before, after)
		})
	}
}

func TestListTrials(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	for i := range 7 {
		body := fmt.Sprintf(`{"id":"v-%d","email":"v%d@example.com","name":"V"}`, i, i)
		into[rest.VendorTrial](a.post("/api/vendors", serviceToken, body), http.StatusCreated)
	}
	into[rest.Trial](a.ask("/api/admin/trials/v-3/cancel", "k", `{"reason":"r"}`), http.StatusOK)
	held := a.store.States["v-5"]
	held.Held = &trial.HeldStep{Reason: trial.ReasonAutomationDisabled, Since: present}
	a.store.States["v-5"] = held

	for query, want := range map[string][]string{
		"":                          {"v-0", "v-1", "v-2", "v-3", "v-4", "v-5", "v-6"},
		"status=cancelled":          {"v-3"},
		"status=active&held=true":   {"v-5"},
		"held=false&limit=3":        {"v-0", "v-1", "v-2", "v-3", "v-4", "v-6"},
		"limit=1&cohort=automated":  {"v-0", "v-1", "v-2", "v-3", "v-4", "v-5", "v-6"},
		"limit=500&cohort=control":  {},
		"status=converted&limit=50": {},
	} {
		require.Equal(t, want, a.list(query), query)
	}
}

// list goes through every page of a query.
func (a *api) list(query string) []string {
	a.t.Helper()
	ids, cursor := []string{}, ""
	for {
		page := into[rest.TrialPage](a.get("/api/admin/trials?"+query+cursor, adminToken), http.StatusOK)
		for _, overview := range page.Trials {
			ids = append(ids, overview.VendorID)
		}
		if page.NextCursor == "" {
			return ids
		}
		cursor = "&cursor=" + url.QueryEscape(page.NextCursor)
	}
}
