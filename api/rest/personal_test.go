package rest_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/api/rest"
	"marketplace.example/trials/trial"
)

const (
	exportPath = "/api/admin/vendors/v-1/export"
	erasePath  = "/api/admin/vendors/v-1/erase"
)

func TestExport(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.get(exportPath, adminToken).problem(http.StatusNotFound)
	registered := a.register()
	into[rest.Trial](a.ask(extendPath, "k-1", `{"days":7,"reason":"asked for more time"}`), http.StatusOK)
	a.store.sends["v-1/welcome/0"] = trial.Send{Key: "v-1/welcome/0", VendorID: "v-1", Status: trial.SendSent, AddressHash: "hash"}
	a.store.sends["v-2/welcome/0"] = trial.Send{Key: "v-2/welcome/0", VendorID: "v-2", Status: trial.SendSent}

	export := into[rest.VendorExport](a.get(exportPath, adminToken), http.StatusOK)
	require.Equal(t, registered.Vendor, export.Vendor)
	require.Equal(t, "ada@example.com", export.Vendor.Email)
	require.Equal(t, present, export.ExportedAt)
	require.Equal(t, trial.Automated, export.Registration.Cohort)
	require.Equal(t, 1, export.Trial.Revision)
	require.Len(t, export.Events, 2)
	require.Equal(t, []rest.Email{a.store.sends["v-1/welcome/0"]}, export.Emails, "its own, and no other's")
}

func TestExportOfAVendorNotTakenIn(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.store.vendors["v-1"] = trial.Vendor{ID: "v-1", Email: "ada@example.com", CreatedAt: present}
	export := into[rest.VendorExport](a.get(exportPath, adminToken), http.StatusOK)
	require.Equal(t, present, *export.CreatedAt)
	require.Nil(t, export.Registration)
	require.Nil(t, export.Trial)
	require.Empty(t, export.Events)
	require.Empty(t, export.Emails)
}

func TestErase(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.post(erasePath, adminToken, `{"reason":"asked for it"}`).problem(http.StatusNotFound)
	a.register()
	erased := into[rest.Erasure](a.post(erasePath, adminToken, `{"reason":"asked for it"}`), http.StatusOK)
	require.Equal(t, rest.Erasure{At: present, By: "admin", Reason: "asked for it"}, erased)
	again := into[rest.Erasure](a.post(erasePath, adminToken, `{"reason":"asked again"}`), http.StatusOK)
	require.Equal(t, present, again.At)
	told := trial.Request{Reason: "erased", By: "admin", At: present}
	require.Equal(t, []trial.Request{told, told}, a.workflows.noMail["v-1"], "for a database that is restored")

	shown := into[rest.VendorTrial](a.get("/api/vendors/v-1", serviceToken), http.StatusOK)
	require.Empty(t, shown.Vendor.Name+shown.Vendor.Email)
	require.Equal(t, present, *shown.Vendor.ErasedAt)
	require.Equal(t, trial.Active, shown.Trial.Status, "the trial goes on")
	_, content := a.store.written()
	require.NotContains(t, strings.ToLower(content), "ada")

	a.store.flags.FeatureFlags.AdminTools.Enabled = false
	into[rest.Erasure](a.post(erasePath, adminToken, `{"reason":"no flag stands against it"}`), http.StatusOK)
}

// What is kept in histories cannot be erased, so it is not let in.
func TestReasonsNameNobody(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.register()
	for _, reason := range []string{"ada@example.com wrote", "told ADA'S TOOLS so"} {
		body := `{"days":7,"reason":"` + reason + `"}`
		before, _ := a.store.written()
		require.Equal(t, "reason", *a.ask(extendPath, "k-1", body).problem(http.StatusBadRequest).Field)
		require.Equal(t, "reason", *a.ask(cancelPath, "k-2", `{"reason":"`+reason+`"}`).problem(http.StatusBadRequest).Field)
		require.Equal(t, "reason", *a.post(erasePath, adminToken, `{"reason":"`+reason+`"}`).problem(http.StatusBadRequest).Field)
		after, _ := a.store.written()
		require.Equal(t, before, after)
	}
}
