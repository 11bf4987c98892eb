package rest_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/api/auth"
	"marketplace.example/trials/internal/domain/trial"
)

// counted is what the figures, Prometheus and the rollout have heard of.
func (a *api) counted() (figures []string, strangers, observed int) {
	a.calls.mu.Lock()
	defer a.calls.mu.Unlock()
	a.store.Lock()
	defer a.store.Unlock()
	return a.calls.notified, a.calls.strangers, a.store.rollouts.calls.Count()
}

// Whoever has not been let in shapes no figure, whatever they call.
func TestCallsOfStrangersReachNoFigure(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	strangers := []request{
		{path: "/api/admin/trials"},
		{path: "/api/admin/trials", token: "wrong"},
		{path: "/api/admin/trials", header: http.Header{"Authorization": {"Basic " + adminToken}}},
		{path: "/api/admin/trials", token: serviceToken},
		{method: http.MethodPost, path: "/api/vendors", token: viewerToken, body: ada},
		{method: http.MethodPost, path: "/api/vendors", body: "{"},
		{path: "/api/vendors/v-1"},
		{path: "/api/admin/nowhere", token: adminToken},
		{path: "/api/admin%2ftokens", token: adminToken},
		{path: "/api%2fdocs"},
		{method: http.MethodPut, path: "/api/admin/trials", token: adminToken},
		{method: "BREW", path: "/api/vendors"},
		{path: "/healthz"}, {path: "/readyz"}, {path: "/api/docs"}, {path: "/api/openapi.yaml"},
		{path: "/unsubscribe/forged"},
		{method: http.MethodPost, path: "/unsubscribe/forged"},
		{method: http.MethodPost, path: "/api/webhooks/ses", contentType: "text/plain", body: "forged"},
		{method: http.MethodPost, path: "/api/webhooks/ses", contentType: "text/plain", body: "broken"},
		{method: http.MethodPost, path: "/api/webhooks/ses", contentType: "text/plain", body: strings.Repeat("x", 600<<10)},
	}
	for _, r := range strangers {
		a.call(r)
	}
	a.store.Err = errUnavailable
	a.call(request{path: "/api/admin/trials", token: "a token that cannot be looked up"})
	a.store.Err = nil
	figures, uncounted, observed := a.counted()
	require.Empty(t, figures)
	require.Zero(t, observed)
	require.Equal(t, len(strangers)+1, uncounted)
}

func TestCallsThatComeTooOftenReachNoFigure(t *testing.T) {
	t.Parallel()
	a := makeAPI(t, options{limit: func(o *auth.Options) { o.RateLimit = 1 }})
	for range 5 {
		a.get("/api/admin/feature-flags", adminToken)
	}
	figures, uncounted, observed := a.counted()
	require.Len(t, figures, 2)
	require.Equal(t, 2, observed)
	require.Equal(t, 3, uncounted)
}

// Whoever was let in counts, also where the request then fails.
func TestCallsOfThoseWhoWereLetInCount(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.register()
	a.get("/api/admin/trials", viewerToken)
	a.get("/api/vendors/v-9", serviceToken).problem(http.StatusNotFound)
	a.post("/api/vendors", serviceToken, "{").problem(http.StatusBadRequest)
	a.get("/unsubscribe/signed.v-1", "")
	a.call(request{method: http.MethodPost, path: "/unsubscribe/signed.v-1"})
	a.call(request{method: http.MethodPost, path: "/api/webhooks/ses", contentType: "text/plain", body: `{"ID":"m-1"}`})
	a.store.Err = errUnavailable
	a.get("/api/admin/trials", adminToken).problem(http.StatusServiceUnavailable)
	figures, uncounted, observed := a.counted()
	require.Equal(t, []string{
		"POST /api/vendors 201", "GET /api/admin/trials 200", "GET /api/vendors/{id} 404", "POST /api/vendors 400", "GET /unsubscribe/{token} 200",
		"POST /unsubscribe/{token} 200", "POST /api/webhooks/ses 200", "GET /api/admin/trials 503",
	}, figures)
	require.Zero(t, uncounted)
	require.Equal(t, 5, observed)
}

// What the mail service reports of a canary is taken, and counts for nothing.
func TestCallsAboutCanariesAreNotCounted(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	key := trial.CanaryID("ABCDEFGHIJKLMNOPQRSTUVWX23") + "/welcome/0"
	answer := a.call(request{method: http.MethodPost, path: "/api/webhooks/ses", contentType: "text/plain", body: `{"ID":"m-1","Event":{"Key":"` + key + `"}}`})
	require.Equal(t, http.StatusOK, answer.status)
	figures, uncounted, observed := a.counted()
	require.Empty(t, figures)
	require.Zero(t, uncounted)
	require.Zero(t, observed)
	a.post("/api/vendors", serviceToken, `{"id":"`+trial.CanaryID("ABCDEFGHIJKLMNOPQRSTUVWX23")+`","email":"a@example.com","name":"A"}`).problem(http.StatusBadRequest)
}

// A path that can be read in two ways is none, whoever asks.
func TestAPathWithHiddenSeparatorsIsNotFound(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	for _, path := range []string{
		"/api%2fdocs", "/api%2Fdocs", "/api/admin%2ftokens", "/api/admin%2ftrials%2fv-1", "/api/vendors%2fv-1", "/api/vendors/v-1%2fconversion", "/api%5cdocs",
		"/api/vendors/%2e%2e", "/api/vendors/..", "/api/./docs", "/api/vendors/../docs", "/api//docs", "//api/docs", "/api/vendors/%00", "/api/vendors/v%00", "/api/vendors/%c0%af",
		"/api/vendors/%c0%ae%c0%ae", "/api/vendors/%ff", "/unsubscribe/a%2fb", "/unsubscribe/%2e%2e", "/healthz%2f", "/%2fhealthz",
	} {
		a.get(path, adminToken).problem(http.StatusNotFound)
	}
	a.register()
	require.Equal(t, http.StatusOK, a.get("/api/vendors/v%2D1", adminToken).status, "an escape that hides nothing")
	for _, path := range []string{"/api/vendors/" + strings.Repeat("a", 4000), "/api/vendors/%C3%A9", "/api/admin/trials/v%201"} {
		a.get(path, adminToken).problem(http.StatusBadRequest)
	}
}
