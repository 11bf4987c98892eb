package rest_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/api/rest"
	"marketplace.example/trials/internal/domain/trial"
)

// Many sources know whole seconds only: one of the second of the registration is the registration's moment.
func TestAConversionInWholeSecondsAtTheRegistration(t *testing.T) {
	t.Parallel()
	registered := time.Date(2026, 3, 10, 11, 43, 57, 542_000_000, time.UTC)
	for at, status := range map[string]int{
		"2026-03-10T11:43:57Z": http.StatusAccepted, "2026-03-10T12:43:57+01:00": http.StatusAccepted, "2026-03-10T11:43:57.542Z": http.StatusAccepted,
		"2026-03-10T11:43:57.541Z": http.StatusBadRequest, "2026-03-10T11:43:56Z": http.StatusBadRequest, "2026-03-10T11:43:00Z": http.StatusBadRequest,
	} {
		a := newAPI(t)
		a.store.VendorsByID["v-1"] = trial.Vendor{ID: "v-1", Email: "ada@example.com", StartedAt: registered, Automation: &trial.Automation{Cohort: trial.Control}}
		answer := a.post("/api/vendors/v-1/conversion", serviceToken, `{"at":"`+at+`"}`)
		require.Equal(t, status, answer.status, at)
		if status == http.StatusAccepted {
			require.True(t, registered.Equal(a.store.VendorsByID["v-1"].Automation.Conversion.At), at)
		}
	}
}

// The same registration, said once more by a source that knows whole seconds, is a repetition.
func TestARegistrationInWholeSecondsIsARepetition(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	said := func(at string) string { return strings.Replace(ada, "2026-03-09T08:00:00Z", at, 1) }
	into[rest.VendorTrial](a.post("/api/vendors", serviceToken, said("2026-03-10T11:43:57.542Z")), http.StatusCreated)
	into[rest.VendorTrial](a.post("/api/vendors", serviceToken, said("2026-03-10T11:43:57Z")), http.StatusOK)
	a.post("/api/vendors", serviceToken, said("2026-03-10T11:43:56Z")).problem(http.StatusConflict)
}

// The money has moved, whatever the marketplace has done with the document.
func TestAConversionOfAVendorWhoseDocumentIsGone(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.register()
	delete(a.store.VendorsByID, "v-1")
	kept := into[rest.Conversion](a.post("/api/vendors/v-1/conversion", serviceToken, ""), http.StatusAccepted)
	require.Equal(t, present, kept.At)
	require.Equal(t, present, a.workflows.received["v-1"].At)
}
