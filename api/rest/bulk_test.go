package rest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/api/rest"
	"marketplace.example/trials/internal/domain/bulk"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/trial"
)

const bulkPath = "/api/admin/bulk"

// extendTwo is a request that is in order.
const extendTwo = `{"action":"extend","ids":["v-1","v-2"],"days":7,"reason":"asked"}`

func (a *api) startBulk(key, body string) bulk.View {
	a.t.Helper()
	return into[bulk.View](a.ask(bulkPath, key, body), http.StatusAccepted)
}

func (a *api) bulk(id string) bulk.View {
	a.t.Helper()
	return into[bulk.View](a.get(bulkPath+"/"+id, adminToken), http.StatusOK)
}

// stands lets an operation stand as given.
func (a *api) stands(id string, change func(*bulk.State)) {
	a.store.Lock()
	defer a.store.Unlock()
	require.NoError(a.t, a.store.ChangeBulk(id, func(_ bulk.Operation, s bulk.State) (bulk.State, error) {
		change(&s)
		return s, nil
	}))
}

func TestABulkOperationBeginsOnceAKey(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	v := a.startBulk("k-1", extendTwo)
	require.Regexp(t, `^bulk-20260310-120000-[0-9a-f]{8}$`, v.Operation.ID)
	require.Equal(t, bulk.Running, v.State.Status)
	require.Equal(t, 2, v.State.Total)
	require.Equal(t, 600, v.Operation.PerMinute)
	require.Equal(t, v, a.bulk(v.Operation.ID))
	require.Equal(t, v, a.startBulk("k-1", extendTwo), "the same again")
	require.Equal(t, []string{v.Operation.ID, v.Operation.ID}, a.workflows.started, "and started, in case that had failed")
	a.ask(bulkPath, "k-1", strings.Replace(extendTwo, "v-2", "v-3", 1)).problem(http.StatusUnprocessableEntity)
	require.NotEqual(t, v.Operation.ID, a.startBulk("k-2", extendTwo).Operation.ID)
}

func TestABulkOperationBeginsWithWhatWasAskedFor(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	for i, c := range []struct {
		body   string
		status bulk.Status
		listed int
	}{
		{`{"action":"cancel","csv":"vendor_id\nv-1\nv-1\nv-2\n","reason":"r"}`, bulk.Running, 3},
		{`{"action":"extend","csv":"vendor_id,days\nv-1,3\n","reason":"r"}`, bulk.Running, 1},
		{`{"action":"resend","filter":{"status":"active","cohort":"automated","endsFrom":"2026-03-10T00:00:00Z","endsBefore":"2026-03-12T00:00:00+01:00"},"reason":"r"}`, bulk.Choosing, 0},
		{`{"action":"convert","ids":["v-1"],"at":"2026-03-09T00:00:00Z","reason":"r"}`, bulk.Running, 1},
		{`{"action":"revive","ids":["v-1"],"days":3,"dryRun":true,"perMinute":6000,"reason":"r"}`, bulk.Planning, 1},
	} {
		v := a.startBulk(fmt.Sprint("k-", i), c.body)
		require.Equal(t, c.status, v.State.Status, c.body)
		require.Equal(t, c.listed, v.Operation.Listed)
	}
}

// ids are so many, as JSON.
func ids(n int) string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("vendor-with-a-name-as-long-as-names-may-be-in-the-market-%06d", i)
	}
	return `["` + strings.Join(all, `","`) + `"]`
}

func TestTheLargestBulkOperation(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	v := a.startBulk("k", `{"action":"cancel","reason":"r","ids":`+ids(bulk.MaxItems)+`}`)
	require.Equal(t, bulk.MaxItems, v.State.Total)
	a.ask(bulkPath, "k-2", `{"action":"cancel","reason":"r","ids":`+ids(bulk.MaxItems+1)+`}`).problem(http.StatusBadRequest)
}

func TestBadBulkOperations(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	for _, c := range []struct{ body, field string }{
		{`{"ids":["v-1"],"reason":"r"}`, "action"},
		{`{"action":"delete","ids":["v-1"],"reason":"r"}`, "action"},
		{`{"action":"undo","ids":["v-1"],"reason":"r"}`, "action"},
		{`{"action":"cancel","reason":"r"}`, "ids"},
		{`{"action":"cancel","ids":[],"reason":"r"}`, "ids"},
		{`{"action":"cancel","ids":["a b"],"reason":"r"}`, "ids.0"},
		{`{"action":"cancel","ids":["v-1",7],"reason":"r"}`, "ids.1"},
		{`{"action":"cancel","ids":["v-1"],"csv":"vendor_id\nv-1","reason":"r"}`, "ids"},
		{`{"action":"cancel","ids":["v-1"],"filter":{"status":"active"},"reason":"r"}`, "ids"},
		{`{"action":"cancel","csv":"v-1\nv-2\n","reason":"r"}`, "csv"},
		{`{"action":"cancel","csv":"vendor_id\nada@example.com\n","reason":"r"}`, "csv"},
		{`{"action":"cancel","csv":"vendor_id\n","reason":"r"}`, "ids"},
		{`{"action":"cancel","filter":{},"reason":"r"}`, "filter"},
		{`{"action":"cancel","filter":{"status":"gone"},"reason":"r"}`, "filter.status"},
		{`{"action":"cancel","filter":{"name":"Ada"},"reason":"r"}`, "filter.name"},
		{`{"action":"cancel","filter":{"endsBefore":"soon"},"reason":"r"}`, "filter.endsBefore"},
		{`{"action":"extend","ids":["v-1"],"reason":"r"}`, "days"},
		{`{"action":"extend","ids":["v-1"],"days":0,"reason":"r"}`, "days"},
		{`{"action":"cancel","ids":["v-1"],"days":7,"reason":"r"}`, "days"},
		{`{"action":"cancel","ids":["v-1"],"at":"2026-03-09T00:00:00Z","reason":"r"}`, "at"},
		{`{"action":"convert","ids":["v-1"],"at":"2026-03-11T00:00:00Z","reason":"r"}`, "at"},
		{`{"action":"cancel","ids":["v-1"],"perMinute":1,"reason":"r"}`, "perMinute"},
		{`{"action":"cancel","ids":["v-1"],"perMinute":6001,"reason":"r"}`, "perMinute"},
		{`{"action":"cancel","ids":["v-1"]}`, "reason"},
		{`{"action":"cancel","ids":["v-1"],"reason":"two\nlines"}`, "reason"},
		{`{"action":"cancel","ids":["v-1"],"reason":"r","by":"me"}`, "by"},
	} {
		p := a.ask(bulkPath, "k", c.body).problem(http.StatusBadRequest)
		require.Equal(t, c.field, *p.Field, "%s: %s", c.body, *p.Detail)
		require.NotContains(t, *p.Detail, "ada@example.com")
	}
	require.Equal(t, "Idempotency-Key", *a.ask(bulkPath, "", extendTwo).problem(http.StatusBadRequest).Field)
	a.ask(bulkPath, "k", `{"csv":"`+strings.Repeat("a", 2<<20)+`"}`).problem(http.StatusRequestEntityTooLarge)
	writes, _ := a.store.written()
	require.Zero(t, writes)
	require.Empty(t, a.workflows.started)
}

func TestFlagsForbidBulkOperations(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	planned := a.startBulk("k", strings.Replace(extendTwo, "}", `,"dryRun":true}`, 1)).Operation.ID
	a.stands(planned, func(s *bulk.State) { s.Status = bulk.Planned })
	done := a.startBulk("k-2", extendTwo).Operation.ID
	a.stands(done, func(s *bulk.State) { s.Status, s.Next = bulk.Done, 3 })
	for flag, off := range map[string]func(*flags.AdminTools){
		"adminTools.enabled":        func(f *flags.AdminTools) { f.Enabled = false },
		"adminTools.bulkOperations": func(f *flags.AdminTools) { f.BulkOperations = false },
		"adminTools.trialExtension": func(f *flags.AdminTools) { f.TrialExtension = false },
	} {
		a.store.Document.FeatureFlags.AdminTools = flags.Initial().AdminTools
		off(&a.store.Document.FeatureFlags.AdminTools)
		for _, refused := range []answered{
			a.ask(bulkPath, "k-3", extendTwo),
			a.ask(bulkPath+"/"+planned+"/start", "", `{"reason":"r"}`),
			a.ask(bulkPath+"/"+done+"/undo", "k-4", `{"reason":"r"}`),
		} {
			require.Contains(t, *refused.problem(http.StatusForbidden).Detail, flag)
		}
	}
	a.store.Document.FeatureFlags.AdminTools = flags.Initial().AdminTools
	a.store.Document.FeatureFlags.AdminTools.TrialExtension = false
	a.startBulk("k-5", `{"action":"cancel","ids":["v-1"],"reason":"needs no flag of extensions, nor does stopping"}`)
	a.ask(bulkPath+"/"+planned+"/stop", "", `{"reason":"r"}`)
	require.Equal(t, bulk.Stopped, a.bulk(planned).State.Status)
}

func TestBulkOperationsAreSteered(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	id := a.startBulk("k", extendTwo).Operation.ID
	for _, c := range []struct {
		control string
		status  int
		stands  bulk.Status
	}{
		{"start", http.StatusAccepted, bulk.Running}, // it runs already
		{"pause", http.StatusAccepted, bulk.Paused},
		{"pause", http.StatusAccepted, bulk.Paused},
		{"start", http.StatusConflict, bulk.Paused},
		{"resume", http.StatusAccepted, bulk.Running},
		{"stop", http.StatusAccepted, bulk.Stopped},
		{"resume", http.StatusConflict, bulk.Stopped},
	} {
		answer := a.ask(bulkPath+"/"+id+"/"+c.control, "", `{"reason":"r"}`)
		require.Equal(t, c.status, answer.status, "%s", answer.body)
		require.Equal(t, c.stands, a.bulk(id).State.Status, c.control)
	}
	require.Len(t, a.bulk(id).State.Controls, 3)
	require.Equal(t, "admin", a.bulk(id).State.Controls[0].By)
	for _, control := range bulk.Controls() {
		require.Equal(t, "reason", *a.ask(bulkPath+"/"+id+"/"+control, "", `{}`).problem(http.StatusBadRequest).Field)
		require.Equal(t, "operationId", *a.ask(bulkPath+"/bulk-9/"+control, "", `{"reason":"r"}`).problem(http.StatusNotFound).Field)
	}
}

func TestABulkOperationIsUndone(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	id := a.startBulk("k", extendTwo).Operation.ID
	a.ask(bulkPath+"/"+id+"/undo", "k-2", `{"reason":"r"}`).problem(http.StatusConflict)
	a.stands(id, func(s *bulk.State) { s.Status, s.Next = bulk.Done, 3 })
	undo := into[bulk.View](a.ask(bulkPath+"/"+id+"/undo", "k-2", `{"reason":"wrong list"}`), http.StatusAccepted)
	require.Equal(t, bulk.Undo, undo.Operation.Action)
	require.Equal(t, id, undo.Operation.Undoes)
	require.Equal(t, bulk.Choosing, undo.State.Status)
	require.Equal(t, undo, into[bulk.View](a.ask(bulkPath+"/"+id+"/undo", "k-2", `{"reason":"wrong list"}`), http.StatusAccepted))
	a.ask(bulkPath+"/"+id+"/undo", "k-2", `{"reason":"another"}`).problem(http.StatusUnprocessableEntity)
	a.ask(bulkPath+"/"+id+"/undo", "", `{"reason":"r"}`).problem(http.StatusBadRequest)
}

func TestBulkItemsArePaged(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	id := a.startBulk("k", `{"action":"cancel","reason":"r","ids":`+ids(2500)+`}`).Operation.ID
	a.store.Lock()
	for i := range a.store.Items[id] {
		if i != 1800 {
			a.store.Items[id][i].Result = new(bulk.NewResult(bulk.Succeeded, bulk.ReasonCarriedOut, "", present))
		}
	}
	a.store.Unlock()
	walk := func(query string) (found []bulk.Item, pages int) {
		for cursor := 0; ; {
			page := into[rest.BulkItems](a.get(fmt.Sprintf("%s/%s/items?cursor=%d%s", bulkPath, id, cursor, query), adminToken), http.StatusOK)
			found, pages = append(found, page.Items...), pages+1
			if page.NextCursor == nil {
				return found, pages
			}
			cursor = *page.NextCursor
		}
	}
	all, pages := walk("&limit=500")
	require.Len(t, all, 2500)
	require.Equal(t, 6, pages)
	for i, item := range all {
		require.Equal(t, i+1, item.Number)
	}
	open, pages := walk("&outcome=open")
	require.Equal(t, 1801, open[0].Number)
	require.Len(t, open, 1)
	require.Equal(t, 3, pages, "a page looks at a thousand")
	done, _ := walk("&outcome=done")
	require.Len(t, done, 2499)
	a.get(bulkPath+"/"+id+"/items?outcome=lost", adminToken).problem(http.StatusBadRequest)
	a.get(bulkPath+"/bulk-9/items", adminToken).problem(http.StatusNotFound)
}

func TestBulkOperationsAreListed(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	require.Empty(t, into[rest.BulkPage](a.get(bulkPath, adminToken), http.StatusOK).Operations)
	for i := range 3 {
		a.startBulk(fmt.Sprint(i), extendTwo)
	}
	page := into[rest.BulkPage](a.get(bulkPath+"?limit=2", adminToken), http.StatusOK)
	require.Len(t, page.Operations, 2)
	last := into[rest.BulkPage](a.get(bulkPath+"?cursor="+page.NextCursor, adminToken), http.StatusOK)
	require.Len(t, last.Operations, 1)
	require.Empty(t, last.NextCursor)
}

func TestABulkOperationWhoseWorkflowCannotBeStarted(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.workflows.unavailable = errUnavailable
	a.ask(bulkPath, "k", extendTwo).problem(http.StatusServiceUnavailable)
	a.workflows.unavailable = nil
	v := a.startBulk("k", extendTwo)
	require.Equal(t, []string{v.Operation.ID}, a.workflows.started)
	a.store.Err = &trial.Error{Code: trial.CodeUnavailable, Message: "away"}
	a.get(bulkPath+"/"+v.Operation.ID, adminToken).problem(http.StatusServiceUnavailable)
}
