package rest_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/api/rest"
	"marketplace.example/trials/internal/domain/trial"
)

func TestRegisterVendor(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	answer := a.post("/api/vendors", serviceToken, ada)
	got := into[rest.VendorTrial](answer, http.StatusCreated)
	require.Equal(t, "/api/vendors/v-1", answer.header.Get("Location"))
	start := time.Date(2026, 3, 9, 8, 0, 0, 0, time.UTC)
	require.Equal(t, rest.Vendor{Id: "v-1", Email: "ada@example.com", Name: "Ada's Tools", Timezone: "Europe/Paris", Locale: "fr", RegisteredAt: &start}, got.Vendor)
	require.Equal(t, trial.Automated, *got.Cohort)
	require.Equal(t, trial.Active, got.Trial.Status)
	require.Equal(t, start.AddDate(0, 0, 14), got.Trial.EndsAt)
	require.Equal(t, trial.Welcome, got.Trial.Next.Kind)
	require.Equal(t, []string{"v-1"}, a.workflows.started)

	stored := a.store.VendorsByID["v-1"].Automation
	require.Equal(t, "standard-14d", stored.Policy)
	require.Equal(t, present, stored.RegisteredAt)
	require.InDelta(t, 100, stored.RolloutPercentage, 0)
	require.Equal(t, 1, stored.FlagsVersion)
}

func TestRegisterVendorWithoutOptionalFields(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	got := into[rest.VendorTrial](a.post("/api/vendors", serviceToken, `{"id":"v-2","email":"b@example.com","name":"B"}`), http.StatusCreated)
	require.Equal(t, present, *got.Vendor.RegisteredAt)
	require.Empty(t, got.Vendor.Timezone)
}

// Mail services take the domain in its ASCII form, and only ASCII before the @.
func TestRegisterVendorWithADomainInAnotherScript(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	got := into[rest.VendorTrial](a.post("/api/vendors", serviceToken, `{"id":"v-2","email":"info@bücher.example","name":"B"}`), http.StatusCreated)
	require.Equal(t, "info@bücher.example", got.Vendor.Email)
	for _, email := range []string{"bücher@bücher.example", "info@-bücher.example", "info@bücher.example\u202e", "B <info@bücher.example>"} {
		p := a.post("/api/vendors", serviceToken, `{"id":"v-3","email":"`+email+`","name":"B"}`).problem(http.StatusBadRequest)
		require.Equal(t, "email", (*p.Errors)[0].Field, email)
		require.Contains(t, (*p.Errors)[0].Message, "after the @ only")
	}
}

func TestRegisterVendorAgain(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	first := a.register()
	before, _ := a.store.written()
	repeated := into[rest.VendorTrial](a.post("/api/vendors", serviceToken, ada), http.StatusOK)
	require.Equal(t, first, repeated)
	withoutStart := `{"id":"v-1","email":"ada@example.com","name":"Ada's Tools","timezone":"Europe/Paris","locale":"fr"}`
	require.Equal(t, first, into[rest.VendorTrial](a.post("/api/vendors", serviceToken, withoutStart), http.StatusOK))
	otherLetters := strings.Replace(ada, "ada@example.com", "ada@EXAMPLE.com", 1)
	require.Equal(t, first, into[rest.VendorTrial](a.post("/api/vendors", serviceToken, otherLetters), http.StatusOK), "it is the same address")
	for field, body := range map[string]string{
		"email":        `{"id":"v-1","email":"eve@example.com","name":"Ada's Tools","timezone":"Europe/Paris","locale":"fr"}`,
		"name":         `{"id":"v-1","email":"ada@example.com","name":"Eve's","timezone":"Europe/Paris","locale":"fr"}`,
		"timezone":     `{"id":"v-1","email":"ada@example.com","name":"Ada's Tools","locale":"fr"}`,
		"locale":       `{"id":"v-1","email":"ada@example.com","name":"Ada's Tools","timezone":"Europe/Paris","locale":"de"}`,
		"registeredAt": `{"id":"v-1","email":"ada@example.com","name":"Ada's Tools","timezone":"Europe/Paris","locale":"fr","registeredAt":"2026-03-09T08:00:01Z"}`,
	} {
		p := a.post("/api/vendors", serviceToken, body).problem(http.StatusConflict)
		require.Equal(t, "id", *p.Field, field)
	}
	after, _ := a.store.written()
	require.Equal(t, before, after)
}

// A repeat long after is a repeat still, although a new vendor could not begin
// its trial then any more.
func TestRepeatOfOldRegistration(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.register()
	v := a.store.VendorsByID["v-1"]
	v.StartedAt = present.AddDate(-1, 0, 0)
	a.store.VendorsByID["v-1"] = v
	old := `{"id":"v-1","email":"ada@example.com","name":"Ada's Tools","timezone":"Europe/Paris","locale":"fr","registeredAt":"2025-03-10T12:00:00Z"}`
	into[rest.VendorTrial](a.post("/api/vendors", serviceToken, old), http.StatusOK)
}

func TestConcurrentRegistrationsAgree(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	statuses := make([]int, 8)
	var callers sync.WaitGroup
	for i := range statuses {
		callers.Go(func() { statuses[i] = a.post("/api/vendors", serviceToken, ada).status })
	}
	callers.Wait()
	created := 0
	for _, status := range statuses {
		if status == http.StatusCreated {
			created++
			continue
		}
		require.Equal(t, http.StatusOK, status)
	}
	require.Equal(t, 1, created)
}

func TestFlagsDecideTheCohort(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*store){
		"nobody admitted": func(s *store) { s.Document.FeatureFlags.TrialAutomation.RolloutPercentage = 0 },
		"disabled":        func(s *store) { s.Document.FeatureFlags.TrialAutomation.Enabled = false },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAPI(t)
			change(a.store)
			got := a.register()
			require.Equal(t, trial.Control, *got.Cohort)
			require.False(t, got.Trial.Automated)
			require.Equal(t, []string{"v-1"}, a.workflows.started, "a control trial runs too")
		})
	}
}

func TestRegistrationOfVendorTheMarketplaceMade(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.store.VendorsByID["v-1"] = trial.Vendor{ID: "v-1", Email: "ada@example.com", Name: "Ada's Tools", Zone: "Europe/Paris", Locale: "fr"}
	untaken := into[rest.VendorTrial](a.get("/api/vendors/v-1", serviceToken), http.StatusOK)
	require.Nil(t, untaken.Trial)
	require.Nil(t, untaken.Cohort)
	a.get("/api/admin/trials/v-1", adminToken).problem(http.StatusNotFound)
	a.post("/api/vendors/v-1/conversion", serviceToken, "").problem(http.StatusServiceUnavailable)

	a.post("/api/vendors", serviceToken, `{"id":"v-1","email":"eve@example.com","name":"Eve"}`).problem(http.StatusConflict)
	require.Nil(t, a.store.VendorsByID["v-1"].Automation)
	a.register()
	require.NotNil(t, a.store.VendorsByID["v-1"].Automation)
}

// The rules for the moment of registration, in days of 24 hours and in short ones.
func TestRegisteredAt(t *testing.T) {
	t.Parallel()
	const short = 2 * time.Second
	for _, c := range []struct {
		name string
		day  time.Duration
		at   time.Time
		ok   bool
	}{
		{"within the tolerance", trial.RealDay, present.Add(5 * time.Minute), true},
		{"in the future", trial.RealDay, present.Add(5*time.Minute + time.Millisecond), false},
		{"in the last moment of grace", trial.RealDay, present.AddDate(0, 0, -17).Add(time.Millisecond), true},
		{"over", trial.RealDay, present.AddDate(0, 0, -17), false},
		{"long over", trial.RealDay, present.AddDate(-20, 0, 0), false},
		{"short day, within the tolerance", short, present.Add(time.Second), true},
		{"short day, in the future", short, present.Add(time.Second + time.Millisecond), false},
		{"short day, in grace", short, present.Add(-17*short + time.Millisecond), true},
		{"short day, over", short, present.Add(-17 * short), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a := newAPIWithDay(t, c.day)
			body := fmt.Sprintf(`{"id":"v-1","email":"ada@example.com","name":"Ada","registeredAt":%q}`, c.at.Format(time.RFC3339Nano))
			answer := a.post("/api/vendors", serviceToken, body)
			if c.ok {
				got := into[rest.VendorTrial](answer, http.StatusCreated)
				require.Equal(t, c.at, *got.Vendor.RegisteredAt)
				return
			}
			require.Equal(t, "registeredAt", *answer.problem(http.StatusBadRequest).Field)
			require.Empty(t, a.store.VendorsByID)
		})
	}
}

// An answer does not wait for a slow start, which goes on all the same.
func TestATrialStartsBehindTheAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := onDatabase(t)
		a.workflows.slow = 4 * time.Second
		began := time.Now()
		require.Equal(t, http.StatusCreated, a.insideAs(serviceToken, http.MethodPost, "/api/vendors", "", `{"id":"v-1","email":"v-1@example.com","name":"V"}`).Code)
		require.Less(t, time.Since(began), 2*time.Second)
		time.Sleep(a.workflows.slow) //nolint:forbidigo // in a bubble
		a.workflows.mu.Lock()
		defer a.workflows.mu.Unlock()
		require.Equal(t, []string{"v-1"}, a.workflows.started)
	})
}

func TestRegistrationIsAcceptedWithoutTemporal(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.workflows.unavailable = errUnavailable
	got := a.register()
	require.Equal(t, trial.Active, got.Trial.Status)
	require.Contains(t, a.store.VendorsByID, "v-1")
	require.Equal(t, 1, a.logs.FilterMessage("trial not started yet").Len())

	// Until the workflow begins, the trial is what the registration makes it.
	read := into[rest.VendorTrial](a.get("/api/vendors/v-1", serviceToken), http.StatusOK)
	require.Equal(t, got, read)
	details := into[rest.TrialDetails](a.get("/api/admin/trials/v-1", adminToken), http.StatusOK)
	require.Empty(t, details.Events)
	require.Len(t, details.Timetable.Steps, 6)
}

func TestWithoutTheDatabaseNothingIsHalfDone(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.store.Err = errUnavailable
	answer := a.post("/api/vendors", serviceToken, ada)
	answer.problem(http.StatusServiceUnavailable)
	require.NotEmpty(t, answer.header.Get("Retry-After"))
	require.Empty(t, a.workflows.started)
	a.post("/api/admin/feature-flags/trial-automation/rollout", adminToken, `{"enabled":false,"rolloutPercentage":0}`).problem(http.StatusServiceUnavailable)
	require.Zero(t, a.workflows.woken)
}

func TestRecordConversion(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.register()
	at := `{"at":"2026-03-10T09:00:00.5Z"}`
	first := into[rest.Conversion](a.post("/api/vendors/v-1/conversion", serviceToken, at), http.StatusAccepted)
	require.Equal(t, time.Date(2026, 3, 10, 9, 0, 0, 5e8, time.UTC), first.At)
	require.Equal(t, first.At, a.workflows.received["v-1"].At)
	require.Equal(t, "billing", a.workflows.received["v-1"].By)
	require.Equal(t, first.At, a.store.VendorsByID["v-1"].Automation.Conversion.At)

	again := into[rest.Conversion](a.post("/api/vendors/v-1/conversion", serviceToken, ""), http.StatusOK)
	require.Equal(t, first, again)
	other := into[rest.Conversion](a.post("/api/vendors/v-1/conversion", serviceToken, `{"at":"2026-03-10T10:00:00Z"}`), http.StatusOK)
	require.Equal(t, first, other, "the first conversion counts")

	v := into[rest.VendorTrial](a.get("/api/vendors/v-1", adminToken), http.StatusOK)
	require.Equal(t, first, *v.Vendor.Conversion)
}

func TestConversionWithoutMomentIsNow(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", "{}"} {
		a := newAPI(t)
		a.register()
		got := into[rest.Conversion](a.post("/api/vendors/v-1/conversion", serviceToken, body), http.StatusAccepted)
		require.Equal(t, present, got.At)
	}
}

func TestConversionIsAcceptedWithoutTemporal(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.register()
	a.workflows.unavailable = errUnavailable
	into[rest.Conversion](a.post("/api/vendors/v-1/conversion", serviceToken, ""), http.StatusAccepted)
	require.NotNil(t, a.store.VendorsByID["v-1"].Automation.Conversion)
	require.Empty(t, a.workflows.received)

	a.workflows.unavailable = nil
	into[rest.Conversion](a.post("/api/vendors/v-1/conversion", serviceToken, ""), http.StatusOK)
	require.Contains(t, a.workflows.received, "v-1", "a repeat delivers what was not heard")
}

func TestUnknownVendor(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	for _, r := range []request{
		{path: "/api/vendors/nobody", token: serviceToken},
		{method: http.MethodPost, path: "/api/vendors/nobody/conversion", token: serviceToken},
		{path: "/api/admin/trials/nobody", token: adminToken},
		{method: http.MethodPost, path: "/api/admin/trials/nobody/extend", token: adminToken, key: "k", body: `{"days":1,"reason":"r"}`},
		{method: http.MethodPost, path: "/api/admin/trials/nobody/cancel", token: adminToken, key: "k", body: `{"reason":"r"}`},
	} {
		p := a.call(r).problem(http.StatusNotFound)
		require.Equal(t, "id", *p.Field, r.path)
	}
	writes, _ := a.store.written()
	require.Zero(t, writes)
}
