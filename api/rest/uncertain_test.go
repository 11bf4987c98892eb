package rest_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/audit"
)

// A change that is stored, and whose answer is lost, is not said to be undone, and repeating it is safe.
func TestAChangeOfWhichNobodyKnowsWhetherItIsStoredIsCalledUnknown(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		request  request
		repeated int
	}{
		"a registration":    {request{method: http.MethodPost, path: "/api/vendors", token: serviceToken, body: `{"id":"v-2","email":"bob@example.com","name":"Bob"}`}, http.StatusOK},
		"a conversion":      {request{method: http.MethodPost, path: "/api/vendors/v-1/conversion", token: serviceToken}, http.StatusOK},
		"the flags":         {request{method: http.MethodPost, path: rolloutPath, token: adminToken, body: changing["setRollout"]}, http.StatusOK},
		"a patch":           {request{method: http.MethodPatch, path: flagsPath, token: adminToken, body: changing["patchFeatureFlags"]}, http.StatusOK},
		"an erasure":        {request{method: http.MethodPost, path: "/api/admin/vendors/v-1/erase", token: adminToken, body: because}, http.StatusOK},
		"an unsubscription": {request{method: http.MethodPost, path: "/unsubscribe/signed.v-1"}, http.StatusOK},
	} {
		for _, lost := range []error{errUnavailable, context.DeadlineExceeded, fmt.Errorf("storing: %w", context.DeadlineExceeded)} {
			a := newAPI(t)
			a.register()
			before, _ := a.store.written()
			a.store.Lost = lost
			p := a.call(c.request).problem(http.StatusServiceUnavailable)
			require.Contains(t, *p.Detail, "It is not known whether this was carried out; repeating it", name)
			require.NotContains(t, *p.Detail, "nothing", name)
			after, _ := a.store.written()
			require.Greater(t, after, before, "%s is stored", name)
			if n := len(a.store.Record); n > 0 {
				require.Equal(t, audit.Failed, a.store.Record[n-1].Outcome, name)
			}
			a.store.Lost = nil
			require.Equal(t, c.repeated, a.call(c.request).status, name)
		}
	}
}

// What is known not to have begun is said so, and what only looks is not called a change.
func TestWhatIsKnownNotToHaveBegunIsNotCalledUnknown(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.register()
	a.store.audits.fails = func(audit.Entry) error { return errUnavailable }
	require.Contains(t, *a.ask(extendPath, "k-1", threeDays).problem(http.StatusServiceUnavailable).Detail, "so nothing was done")
	a.store.Err = errUnavailable
	for _, r := range []request{
		{path: "/api/admin/trials", token: adminToken},
		{method: http.MethodPost, path: "/api/vendors", token: "it cannot be looked up", body: ada},
	} {
		require.NotContains(t, *a.call(r).problem(http.StatusServiceUnavailable).Detail, "not known whether", r.path)
	}
}

// The routes that are no GET and change nothing are those that the description names so.
func TestWhatOnlyLooksIsKnown(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	for path, item := range a.spec.Paths.Map() {
		for method, operation := range item.Operations() {
			if harmless, _ := operation.Extensions["x-changes-nothing"].(bool); harmless {
				require.Contains(t, []string{"POST /api/admin/rollouts/forecast", "POST /api/admin/experiments/forecast", "POST /api/admin/vendors/search"}, method+" "+path, "add it to changesNothing")
			}
		}
	}
}
