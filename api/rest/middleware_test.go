package rest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/api/rest"
)

func TestHealth(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	ready := into[rest.Readiness](a.get("/readyz", ""), http.StatusOK)
	require.Equal(t, rest.Readiness{Ready: true, Mongodb: rest.ReachabilityOk, Temporal: rest.ReachabilityOk}, ready)
	a.workflows.unavailable = errUnavailable
	ready = into[rest.Readiness](a.get("/readyz", ""), http.StatusOK)
	require.Equal(t, rest.Readiness{Ready: true, Mongodb: rest.ReachabilityOk, Temporal: rest.ReachabilityUnavailable}, ready)
	a.store.Err = errUnavailable
	ready = into[rest.Readiness](a.get("/readyz", ""), http.StatusServiceUnavailable)
	require.Equal(t, rest.Readiness{Mongodb: rest.ReachabilityUnavailable, Temporal: rest.ReachabilityUnavailable}, ready)
	into[rest.Health](a.get("/healthz", ""), http.StatusOK)
}

func TestUnknownPathsAndMethods(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	for _, path := range []string{"/", "/api", "/api/vendors/", "/api//vendors", "/api/vendors/v-1/conversion/x", "/api/admin/trials/v-1/delete", "/unsubscribe"} {
		a.get(path, adminToken).problem(http.StatusNotFound)
	}
	for _, c := range []struct{ method, path, allow string }{
		{http.MethodGet, "/api/vendors", "POST"},
		{http.MethodDelete, "/api/vendors/v-1", "GET"},
		{http.MethodPut, "/api/admin/feature-flags", "GET, PATCH"},
		{http.MethodGet, "/api/admin/feature-flags/trial-automation/rollout", "POST"},
		{http.MethodOptions, "/unsubscribe/x", "GET, POST"},
	} {
		answer := a.call(request{method: c.method, path: c.path, token: adminToken})
		answer.problem(http.StatusMethodNotAllowed)
		require.Equal(t, c.allow, answer.header.Get("Allow"), c.path)
	}
}

func TestRequestID(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	id := func(given string) string {
		return a.call(request{path: "/nowhere", header: http.Header{"X-Request-Id": {given}}}).problem(http.StatusNotFound).RequestId
	}
	require.Equal(t, "checkout-7.a_b", id("checkout-7.a_b"))
	for _, unfit := range []string{"", "a b", "ada@example.com", strings.Repeat("a", 65)} {
		made := id(unfit)
		require.Regexp(t, `^[A-Z2-7]{26}$`, made)
		require.NotEqual(t, made, id(unfit))
	}
}

// The access log tells what happened, and holds no name, address or token.
func TestAccessLog(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.register()
	a.get("/api/vendors/ada@example.com", serviceToken)
	a.get("/unsubscribe/signed.v-1", "")
	a.get("/ada@example.com?token="+adminToken, adminToken)
	var routes []any
	for _, entry := range a.logs.FilterMessage("request").All() {
		fields := entry.ContextMap()
		routes = append(routes, fields["route"])
		for name, value := range fields {
			require.NotContains(t, fmt.Sprint(value), "ada@example.com", name)
			require.NotContains(t, fmt.Sprint(value), "signed.", name)
			require.NotContains(t, fmt.Sprint(value), adminToken, name)
		}
	}
	require.Equal(t, []any{"/api/vendors", "/api/vendors/{id}", "/unsubscribe/{token}", ""}, routes)
	require.EqualValues(t, http.StatusCreated, a.logs.FilterMessage("request").All()[0].ContextMap()["status"])
}

func TestSecurityHeaders(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	for _, path := range []string{"/healthz", "/api/docs", "/nowhere", "/api/admin/trials"} {
		header := a.get(path, "").header
		require.Equal(t, "nosniff", header.Get("X-Content-Type-Options"), path)
		require.Equal(t, "DENY", header.Get("X-Frame-Options"), path)
		require.Equal(t, "no-referrer", header.Get("Referrer-Policy"), path)
		require.Equal(t, "no-store", header.Get("Cache-Control"), path)
		require.Equal(t, "same-origin", header.Get("Cross-Origin-Resource-Policy"), path)
		require.Empty(t, header.Get("Strict-Transport-Security"), path)
		overTLS := a.call(request{path: path, header: http.Header{"X-Forwarded-Proto": {"https"}}}).header
		require.Equal(t, "max-age=31536000", overTLS.Get("Strict-Transport-Security"), path)
		require.Contains(t, header.Get("Content-Security-Policy"), "frame-ancestors 'none'", path)
	}
}

func TestPanicIsAnInternalError(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.store.breaks = "secret of the inside"
	answer := a.get("/api/admin/feature-flags", adminToken)
	p := answer.problem(http.StatusInternalServerError)
	require.NotContains(t, string(answer.body), "secret")
	panics := a.logs.FilterMessage("panic").All()
	require.Len(t, panics, 1)
	require.Equal(t, p.RequestId, panics[0].ContextMap()["requestId"])
	require.Contains(t, panics[0].ContextMap()["stack"], "GetFeatureFlags")
	into[rest.Health](a.get("/healthz", ""), http.StatusOK)
}
