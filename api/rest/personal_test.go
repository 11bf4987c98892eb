package rest_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/api/rest"
	"marketplace.example/trials/internal/domain/audit"
	"marketplace.example/trials/internal/domain/bulk"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
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
	a.store.Store.Sends["v-1/welcome/0"] = trial.Send{Key: "v-1/welcome/0", VendorID: "v-1", Status: trial.SendSent, AddressHash: "hash"}
	again := trial.Send{Key: "v-1/resend-bulk-1/0", VendorID: "v-1", Status: trial.SendSent}
	a.store.Store.Sends[again.Key] = again
	a.store.Store.Sends["v-2/welcome/0"] = trial.Send{Key: "v-2/welcome/0", VendorID: "v-2", Status: trial.SendSent}

	export := into[rest.VendorExport](a.get(exportPath, adminToken), http.StatusOK)
	require.Equal(t, registered.Vendor, export.Vendor)
	require.Equal(t, "ada@example.com", export.Vendor.Email)
	require.Equal(t, present, export.ExportedAt)
	require.Equal(t, trial.Automated, export.Registration.Cohort)
	require.Equal(t, 1, export.Trial.Revision)
	require.Len(t, export.Events, 2)
	require.Equal(t, []rest.Email{again, a.store.Store.Sends["v-1/welcome/0"]}, export.Emails, "its own, those sent once more too, and no other's")
}

// Everything that is kept: also why somebody changed many trials, and what the audit record has.
func TestExportHoldsBulkItemsAuditEntriesAndSuppressions(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.register()
	into[rest.Trial](a.ask(extendPath, "k-1", `{"days":7,"reason":"asked for more time"}`), http.StatusOK)
	operation := bulk.Operation{ID: "bulk-1", Action: bulk.Extend, Days: 3, Reason: "the outage of Monday", By: "bob", AskedAt: present}
	a.store.Operations = append(a.store.Operations, bulk.ViewOf(operation, bulk.Begin(operation)))
	a.store.Items["bulk-1"] = bulk.Items([]bulk.Listing{{VendorID: "v-9"}, {VendorID: "v-1"}}, present)
	a.store.Suppressed["v-1"] = []trial.Suppression{{Reason: trial.ReasonSuppressedAddress, At: present, AddressHash: "of an earlier address"}}

	export := into[rest.VendorExport](a.get(exportPath, adminToken), http.StatusOK)
	require.Equal(t, []bulk.Part{operation.Part(a.store.Items["bulk-1"][1])}, export.BulkOperations)
	require.Equal(t, "the outage of Monday", export.BulkOperations[0].Reason)
	require.Equal(t, a.store.Suppressed["v-1"], export.Suppressions)
	require.Len(t, export.Audit, 2, "asked for, and done")
	for _, e := range export.Audit {
		require.Equal(t, "trials/v-1", e.Subject)
	}

	delete(a.store.VendorsByID, "v-1")
	gone := into[rest.VendorExport](a.get(exportPath, adminToken), http.StatusOK)
	require.Equal(t, export.Audit, gone.Audit[:2], "it is kept, whatever the marketplace has done with the document")
	require.Equal(t, export.Events, gone.Events)
}

// However much the audit record has of a vendor, and of others beside it.
func TestExportHoldsEveryAuditEntryOfAVendor(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.register()
	want := 0
	for i := range 1000 {
		subject := []string{"trials/v-1", "trials/v-11", "vendors/v-1", "trials/v"}[i%4]
		if subject == "trials/v-1" || subject == "vendors/v-1" {
			want++
		}
		_, err := a.store.AppendAudit(t.Context(), audit.Entry{At: present, Actor: "bob", Action: "extend", Subject: subject, Outcome: audit.Done})
		require.NoError(t, err)
	}
	export := into[rest.VendorExport](a.get(exportPath, adminToken), http.StatusOK)
	require.Len(t, export.Audit, want)
	for i, e := range export.Audit {
		require.Contains(t, []string{"trials/v-1", "vendors/v-1"}, e.Subject)
		require.True(t, i == 0 || e.Seq > export.Audit[i-1].Seq, "the earliest first")
	}
}

func TestExportOfAVendorNotTakenIn(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.store.VendorsByID["v-1"] = trial.Vendor{ID: "v-1", Email: "ada@example.com", CreatedAt: present}
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
	_, before := a.store.written()
	erased := into[rest.Erasure](a.post(erasePath, adminToken, `{"reason":"asked for it"}`), http.StatusOK)
	require.Equal(t, rest.Erasure{At: present, By: "admin", Reason: "asked for it"}, erased)
	again := into[rest.Erasure](a.post(erasePath, adminToken, `{"reason":"asked again"}`), http.StatusOK)
	require.Equal(t, present, again.At)
	request := trial.Request{Reason: "erased", By: "admin", At: present}
	require.Equal(t, []trial.Request{request, request}, a.workflows.noMail["v-1"], "for a database that is restored")

	shown := into[rest.VendorTrial](a.get("/api/vendors/v-1", serviceToken), http.StatusOK)
	require.Empty(t, shown.Vendor.Name+shown.Vendor.Email)
	require.Equal(t, present, *shown.Vendor.ErasedAt)
	require.Equal(t, trial.Active, shown.Trial.Status, "the trial goes on")
	_, after := a.store.written()
	for _, private := range []string{"Ada's", "ada@"} { // letters alone may be in any hash
		require.Contains(t, before, private)
		require.NotContains(t, after, private)
	}
}

// What is kept in histories and on the audit record cannot be erased, so it is not
// let in: the name of a vendor that the request is about, and nobody's address.
func TestReasonsNameNobody(t *testing.T) {
	t.Parallel()
	about := map[string]bool{"startBulkOperation": true, "startPlannedBulkOperation": true, "undoBulkOperation": true,
		"pauseBulkOperation": true, "resumeBulkOperation": true, "stopBulkOperation": true}
	changesOf(t, func(a *api, operation string, r request) {
		if !strings.Contains(r.body, "because") {
			return
		}
		a.store.Items["bulk-20260310-120000-01020304"] = bulk.Items([]bulk.Listing{{VendorID: "v-9"}, {VendorID: "v-1"}}, present)
		whole := r.body
		for _, reason := range []string{"bob.miller@example.org wrote", "ask <ada@EXAMPLE.com>", "told ADA'S TOOLS so"} {
			if strings.Contains(reason, "TOOLS") && !strings.Contains(r.path, "v-1") && !about[operation] {
				continue
			}
			before, _ := a.store.written()
			r.body = strings.Replace(whole, "because", reason, 1)
			require.Equal(t, "reason", *a.call(r).problem(http.StatusBadRequest).Field, operation)
			after, _ := a.store.written()
			require.Equal(t, before, after, operation)
			require.Empty(t, a.store.Record, operation)
		}
		r.body, r.key = whole, "ada@example.com"
		require.Equal(t, "Idempotency-Key", *a.call(r).problem(http.StatusBadRequest).Field, operation)
		require.Empty(t, a.store.Record, operation)
	})
}

// Of a long list only the first are looked at: whoever names somebody means few.
func TestReasonsNameNobodyOfAList(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.register()
	for others, status := range map[int]int{1: http.StatusBadRequest, 49: http.StatusBadRequest, 50: http.StatusAccepted} {
		body := `{"action":"cancel","csv":"vendor_id,name\n` + strings.Repeat(`v-7,Bo\n`, others) + `v-1,Ada\n","reason":"Ada's Tools asked"}`
		require.Equal(t, status, a.ask(bulkPath, "k", body).status, others)
	}
}

// The pages go through the same check.
func TestReasonsFromThePagesNameNobody(t *testing.T) {
	t.Parallel()
	a := running(t)
	a.store.Record = nil
	err := a.app.SteerRolloutRecorded(t.Context(), "current", rollout.SignalPause, flags.Request{ID: "k-1", Reason: "ada@example.com wrote"})
	var refused *trial.Error
	require.ErrorAs(t, err, &refused)
	require.Equal(t, "reason", refused.Field)
	require.Empty(t, a.store.Record)
}
