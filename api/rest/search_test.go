package rest_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/api/rest"
	"marketplace.example/trials/internal/domain/audit"
)

const searchPath = "/api/admin/vendors/search"

// That somebody searched is on record, and not what for.
func TestAVendorIsFoundByWhatIsPersonal(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	v := a.register()
	for by, body := range map[string]string{"email": `{"email":"ADA@example.com"}`, "name": `{"name":"` + v.Vendor.Name[:3] + `"}`} {
		before := len(a.store.Record)
		found := into[rest.FoundVendors](a.ask(searchPath, "", body), http.StatusOK)
		require.Len(t, found.Vendors, 1, by)
		require.Equal(t, "v-1", found.Vendors[0].ID)
		require.False(t, found.More)
		require.Len(t, a.store.Record, before+1)
		e := a.store.Record[before]
		require.Equal(t, "personalData/searched", e.Action)
		require.Equal(t, "admin", e.Actor)
		require.Equal(t, audit.Done, e.Outcome)
		require.Equal(t, present, e.At)
		require.JSONEq(t, `{"by":"`+by+`"}`, string(e.Asked))
		require.JSONEq(t, `{"found":1,"more":false}`, string(e.After))
		require.NotContains(t, string(e.Canonical()), "ada@")
	}
	require.Empty(t, into[rest.FoundVendors](a.ask(searchPath, "", `{"email":"bo@example.com"}`), http.StatusOK).Vendors)
	for _, body := range []string{`{}`, `{"email":"ada@example.com","name":"Ada"}`, `{"email":"ada"}`, `{"name":"A"}`} {
		a.ask(searchPath, "", body).problem(http.StatusBadRequest)
	}
	require.Len(t, a.store.Record, 3)
	for _, line := range a.logs.All() {
		require.NotContains(t, line.ContextMap(), "ada@example.com")
	}
}

// What cannot be put on record is not shown.
func TestWhatIsPersonalIsNotShownOffTheRecord(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.register()
	a.store.audits.fails = func(audit.Entry) error { return errors.New("the disk is full") }
	for _, refused := range []answered{a.ask(searchPath, "", `{"email":"ada@example.com"}`), a.get(exportPath, adminToken)} {
		p := refused.problem(http.StatusServiceUnavailable)
		require.Contains(t, *p.Detail, "could not be put on the audit record, so nothing is shown")
		require.NotContains(t, string(refused.body), "v-1")
	}
}

func TestAnExportIsOnRecord(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.register()
	into[rest.VendorExport](a.get(exportPath, adminToken), http.StatusOK)
	require.Len(t, a.store.Record, 1)
	require.Equal(t, "personalData/exported", a.store.Record[0].Action)
	require.Equal(t, "vendors/v-1", a.store.Record[0].Subject)
}
