package rest_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/api/auth"
	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/internal/domain/trial"
)

// opens says of every route which roles open it, each and those above it; open
// is for whoever comes.
var opens = map[string]string{
	"POST /api/vendors":                 "service",
	"GET /api/vendors/{id}":             "service viewer",
	"POST /api/vendors/{id}/conversion": "service",
	"GET /api/vendors/{id}/feedback":    "service viewer",
	"POST /api/vendors/{id}/feedback":   "service",

	"GET /api/admin/trials":                               "viewer",
	"GET /api/admin/trials/{id}":                          "viewer",
	"POST /api/admin/trials/{id}/extend":                  "operator",
	"GET /api/admin/trials/{id}/emails/{kind}/{revision}": "viewer", "POST /api/admin/trials/{id}/emails/{kind}/{revision}/resend": "operator",
	"POST /api/admin/trials/{id}/shorten": "operator",
	"POST /api/admin/trials/{id}/cancel":  "operator",
	"POST /api/admin/trials/{id}/revive":  "operator",
	"POST /api/admin/trials/{id}/policy":  "operator",

	"GET /api/admin/monitoring/dashboard":                   "viewer",
	"GET /api/admin/monitoring/trials/health":               "viewer",
	"GET /api/admin/monitoring/trials/metrics":              "viewer",
	"GET /api/admin/monitoring/alerts":                      "viewer",
	"GET /api/admin/monitoring/alerts/{alert}/history":      "viewer",
	"POST /api/admin/monitoring/alerts/{alert}/acknowledge": "operator",
	"POST /api/admin/monitoring/alerts/{alert}/silence":     "operator",
	"POST /api/admin/monitoring/alerts/{alert}/unsilence":   "operator",

	"GET /api/admin/feature-flags":                           "viewer",
	"PATCH /api/admin/feature-flags":                         "admin",
	"POST /api/admin/feature-flags/trial-automation/rollout": "operator",

	"POST /api/admin/rollouts":                                        "admin",
	"POST /api/admin/rollouts/forecast":                               "viewer",
	"GET /api/admin/rollouts/{rolloutId}":                             "viewer",
	"GET /api/admin/rollouts/{rolloutId}/decisions":                   "viewer",
	"GET /api/admin/rollouts/{rolloutId}/feedback":                    "viewer",
	"GET /api/admin/rollouts/{rolloutId}/reports":                     "viewer",
	"GET /api/admin/rollouts/{rolloutId}/reports/{reportId}":          "viewer",
	"POST /api/admin/rollouts/{rolloutId}/rollback":                   "operator",
	"POST /api/admin/rollouts/{rolloutId}/pause":                      "operator",
	"POST /api/admin/rollouts/{rolloutId}/resume":                     "operator",
	"POST /api/admin/rollouts/{rolloutId}/advance":                    "operator",
	"POST /api/admin/rollouts/{rolloutId}/set-percentage":             "operator",
	"POST /api/admin/rollouts/{rolloutId}/criteria/{subject}":         "operator",
	"POST /api/admin/rollouts/{rolloutId}/preflight/{subject}/waiver": "admin",

	"GET /api/admin/bulk":                       "viewer",
	"POST /api/admin/bulk":                      "admin",
	"GET /api/admin/bulk/{operationId}":         "viewer",
	"GET /api/admin/bulk/{operationId}/items":   "viewer",
	"POST /api/admin/bulk/{operationId}/start":  "admin",
	"POST /api/admin/bulk/{operationId}/pause":  "admin",
	"POST /api/admin/bulk/{operationId}/resume": "admin",
	"POST /api/admin/bulk/{operationId}/stop":   "admin",
	"POST /api/admin/bulk/{operationId}/undo":   "admin",

	"GET /api/admin/vendors/{id}/export": "admin",
	"POST /api/admin/vendors/{id}/erase": "admin",
	"POST /api/admin/vendors/search":     "operator",
	"GET /api/admin/suppressions":        "viewer", "POST /api/admin/vendors/{id}/suppression/lift": "operator",

	"GET /api/admin/audit": "viewer",

	"GET /api/admin/policies": "viewer",

	"GET /api/admin/experiments":                     "viewer",
	"POST /api/admin/experiments":                    "admin",
	"POST /api/admin/experiments/forecast":           "viewer",
	"GET /api/admin/experiments/{experimentId}":      "viewer",
	"POST /api/admin/experiments/{experimentId}/end": "operator",

	"GET /api/admin/monitoring/canary":  "viewer",
	"POST /api/admin/monitoring/canary": "operator",
	"POST /api/admin/mail/send":         "operator",

	"GET /api/admin/tokens":            "viewer",
	"POST /api/admin/tokens":           "admin",
	"DELETE /api/admin/tokens/{token}": "admin",

	"POST /api/webhooks/ses":    "open",
	"GET /unsubscribe/{token}":  "open",
	"POST /unsubscribe/{token}": "open",
	"GET /feedback/{token}":     "open",
	"POST /feedback/{token}":    "open",
	"GET /guide/{token}":        "open",
	"POST /guide/{token}":       "open",
	"GET /healthz":              "open",
	"GET /readyz":               "open",
	"GET /api/openapi.yaml":     "open",
	"GET /api/docs":             "open",
}

// credentials are headers and the role that each stands for, "" for none.
var credentials = []struct{ header, role string }{
	{"", ""}, {"Bearer", ""}, {"Bearer ", ""}, {"Bearer wrong", ""},
	{"Bearer " + adminToken + "x", ""}, {"Bearer " + adminToken[1:], ""}, {"Basic " + adminToken, ""}, {adminToken, ""},
	{"Bearer " + string(access.KeyOf(secondAdmin)), ""}, // what is stored opens nothing
	{"Bearer " + serviceToken, "service"},
	{"Bearer " + viewerToken, "viewer"}, {"Bearer " + operatorToken, "operator"}, {"Bearer " + secondAdmin, "admin"},
	{"Bearer " + adminToken, "admin"}, {"bearer " + adminToken, "admin"},
}

// covered are the roles that open what a role opens.
var covered = map[string][]string{
	"service": {"service"}, "viewer": {"viewer", "operator", "admin"}, "operator": {"operator", "admin"}, "admin": {"admin"},
}

// Every route of the description, with every role, with none, and with what only looks like one.
func TestEveryRouteWithEveryRole(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.store.VendorsByID["v-1"] = trial.Vendor{ID: "v-1"}
	tried := 0
	walked := map[string]bool{}
	for path, item := range a.spec.Paths.Map() {
		for method := range item.Operations() {
			route := method + " " + path
			walked[route] = true
			// Of a form that is refused at once, so that nothing is changed.
			concrete := strings.NewReplacer("{id}", "v-1", "{kind}", "welcome", "{revision}", "0", "/feedback/{token}", "/feedback/asked.v-1.welcome", "/guide/{token}", "/guide/guide.v-1", "/tokens/{token}", "/tokens/none", "{token}", "signed.v-1").Replace(path)
			for _, c := range credentials {
				tried++
				answer := a.call(request{method: method, path: concrete, header: http.Header{
					"Authorization": {c.header}, "X-Forwarded-For": {fmt.Sprintf("10.1.%d.%d", tried/250, tried%250)},
				}})
				require.NotContains(t, string(answer.body), adminToken[1:])
				switch needed := opens[route]; {
				case needed == "open", slices.ContainsFunc(strings.Fields(needed), func(r string) bool { return slices.Contains(covered[r], c.role) }):
					require.NotContains(t, []int{http.StatusUnauthorized, http.StatusForbidden}, answer.status, "%s with %q", route, c.header)
				case c.role == "":
					answer.problem(http.StatusUnauthorized)
					require.Equal(t, `Bearer realm="trials"`, answer.header.Get("WWW-Authenticate"), route)
				default:
					p := answer.problem(http.StatusForbidden)
					for r := range strings.FieldsSeq(needed) {
						require.Contains(t, *p.Detail, r, "%s with %q", route, c.header)
					}
					require.Contains(t, *p.Detail, "of this token is "+c.role)
				}
			}
		}
	}
	require.ElementsMatch(t, slices.Collect(maps.Keys(opens)), slices.Collect(maps.Keys(walked)))
	writes, _ := a.store.written()
	require.Equal(t, 1, writes, "the signed link alone is its own proof")
	require.Len(t, a.store.Suppressed["v-1"], 1)
}

// A token comes before everything else: a stranger learns nothing about what
// a request would have to hold.
func TestTokenIsAskedForFirst(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.post("/api/vendors", "", `{broken`).problem(http.StatusUnauthorized)
	a.get("/api/vendors/not.an.id", "wrong").problem(http.StatusUnauthorized)
	a.ask("/api/admin/trials/v-1/extend", "", "").problem(http.StatusBadRequest)
	a.post("/api/admin/trials/v-1/extend", serviceToken, "").problem(http.StatusForbidden)
}

// Without the database nobody can tell whether a token is good: ADMIN_TOKEN
// gets in, and others are told to come back.
func TestTokensWithTheDatabaseAway(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	forecast := func(token string) answered { // it needs nothing of the database itself
		return a.post("/api/admin/rollouts/forecast", token, `{"registrationsPerDay":10}`)
	}
	require.Equal(t, http.StatusOK, forecast(viewerToken).status)
	a.store.Err = errUnavailable
	require.Equal(t, http.StatusOK, forecast(adminToken).status)
	for try := range 8 {
		answer := forecast(viewerToken)
		answer.problem(http.StatusServiceUnavailable)
		require.Equal(t, "5", answer.header.Get("Retry-After"))
		forecast([]string{secondAdmin, "wrong"}[try%2]).problem(http.StatusServiceUnavailable)
	}
	require.Equal(t, http.StatusOK, forecast(adminToken).status)
	forecast("").problem(http.StatusUnauthorized)
}

func TestWhoeverFailsIsSlowedDown(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	for range 5 {
		a.get("/api/admin/trials", "wrong").problem(http.StatusUnauthorized)
	}
	answer := a.get("/api/admin/trials", "wrong")
	answer.problem(http.StatusTooManyRequests)
	require.Equal(t, "12", answer.header.Get("Retry-After"))
	for _, good := range []string{adminToken, viewerToken} {
		require.Equal(t, http.StatusOK, a.get("/api/admin/trials", good).status, "a good token is recognized")
	}
	require.Equal(t, http.StatusOK, a.get("/healthz", "").status, "what is open is open")
}

func TestRequestsAreLimited(t *testing.T) {
	t.Parallel()
	a := makeAPI(t, options{limit: func(o *auth.Options) { o.RateLimit = 2 }})
	for range 4 {
		require.Equal(t, http.StatusOK, a.get("/healthz", "").status)
	}
	for _, path := range []string{"/healthz", "/nowhere", "/api/admin/trials"} {
		answer := a.get(path, adminToken)
		answer.problem(http.StatusTooManyRequests)
		require.Equal(t, "1", answer.header.Get("Retry-After"))
		require.Equal(t, "nosniff", answer.header.Get("X-Content-Type-Options"))
	}
	require.Equal(t, http.StatusOK, a.call(request{path: "/healthz", header: http.Header{"X-Forwarded-For": {"192.0.2.7"}}}).status)
}
