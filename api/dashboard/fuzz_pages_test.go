package dashboard_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"marketplace.example/trials/api/dashboard"
	"marketplace.example/trials/internal/platform/config"
	"marketplace.example/trials/test/sample"
)

func fuzzedPages(f *testing.F) (pages http.Handler, session string) {
	f.Helper()
	world := sample.Busy()
	pages, err := dashboard.New(dashboard.Options{
		Store: world, Controls: world, Bulks: world, Rollouts: world, ReadPlan: config.ReadPlan, Forecasts: world, Figures: world, Health: world, Alerts: world, Administration: world, Processes: world, Log: zap.NewNop(), Callers: callers(f, world, false), SessionSecret: "of the tests",
		Now: func() time.Time { return world.Moment },
	})
	require.NoError(f, err)
	w := httptest.NewRecorder()
	pages.ServeHTTP(w, form("/admin/sign-in", url.Values{"token": {adminToken}}))
	result := w.Result()
	require.NoError(f, result.Body.Close())
	require.Len(f, result.Cookies(), 1)
	return pages, result.Cookies()[0].Name + "=" + result.Cookies()[0].Value
}

// Whatever a page is asked for, it is shown or refused; signing in leads to our
// own pages only.
func FuzzPage(f *testing.F) {
	pages, session := fuzzedPages(f)
	for _, page := range []string{
		"trials?status=grace&after=vendor-001", "trials?after=%00", "trials?search=vendor-013", "trials/vendor-013", "trials/%2e%2e", "decisions?before=3",
		"audit?actor=admin&outcome=done&from=2026-03-14T10:11&to=2026-03-14T10:11:30Z&cursor=40", "audit?cursor=-1", "audit?subject=%ff&action=rollout/entered",
		"bulk?cursor=bulk-20260313-162000-a17e0b29", "bulk?cursor=%00", "bulk/bulk-20260312-102000-5f3a11c0/items?outcome=failed&cursor=40", "bulk/bulk-20260312-102000-5f3a11c0/items?cursor=-1", "bulk/%2e%2e/items",
		"flags?changed=%ff", "flags/trialAutomation.rolloutPercentage?value=1e309", "flags/adminTools.enabled?value=NaN", "flags/trialAutomation.rolloutPercentage?value=NaN", "flags/%2e%2e",
		"tokens?revoked=0123456789abcdef", "tokens/0123456789abcdef/revoke", "tokens/trials_x/revoke", "backups?asked=", "settings?x=%00",
		"bulk/start", "bulk/start/start", "bulk/bulk-20260314-084000-00c4d21e/start?asked=%ff", "rollout/start?x=1", "rollout/calendar", "rollout/waive/%2e%2e", "decisions?before=-1", "rollout/pause", "rollout/pause?x=%ff", "?", "nowhere", "//evil.example/", "trials?held=yes&held=no", ".", "../..//evil.example/", `../\evil.example`,
	} {
		f.Add(page)
	}
	f.Fuzz(func(t *testing.T, page string) {
		path, query, _ := strings.Cut(page, "?")
		if strings.ContainsFunc(query, unicode.IsControl) {
			return // net/http refuses that before
		}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/admin/", http.NoBody)
		r.URL = &url.URL{Path: "/admin/" + path, RawQuery: query}
		r.Header.Set("Cookie", session)
		w := httptest.NewRecorder()
		pages.ServeHTTP(w, r)
		require.Less(t, w.Code, http.StatusInternalServerError, "%s", w.Body)
		requireOwn(t, w, "/")

		r = form("/admin/sign-in", url.Values{"token": {adminToken}, "to": {page}}).WithContext(t.Context())
		w = httptest.NewRecorder()
		pages.ServeHTTP(w, r)
		requireOwn(t, w, "/admin/")
	})
}

// requireOwn fails where an answer sends somebody elsewhere than to this host's
// pages below a path. The router itself sends from "/admin/." to "/admin".
func requireOwn(t *testing.T, w *httptest.ResponseRecorder, below string) {
	t.Helper()
	if to := w.Header().Get("Location"); to != "" {
		u, err := url.Parse(to)
		require.NoError(t, err, to)
		require.Empty(t, u.Host, to)
		require.True(t, strings.HasPrefix(to, below) && !strings.HasPrefix(to, "//") && !strings.HasPrefix(to, `/\`), to)
	}
}
