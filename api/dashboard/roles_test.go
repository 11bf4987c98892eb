package dashboard_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/api/auth"
	"marketplace.example/trials/api/dashboard"
	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/test/sample"
)

// concrete is the path of a route as somebody asks for it.
var concrete = strings.NewReplacer("{id}", "vendor-013", "{kind}", "welcome", "{revision}", "0", "{control:extend|shorten|cancel|revive|policy}", "extend", "{operation}", "bulk-20260312-102000-5f3a11c0", "{control:pause|resume|advance|rollback|set-percentage}", "pause",
	"{control:waive}/{check}", "waive/backup", "{control:start|pause|resume|stop|undo}", "pause",
	"{control:tick}/{criterion}", "tick/feedback-positive", "{experiment}", "experiment-20260110-090000-5d2f0a", "{flag:trialAutomation.enabled|trialAutomation.rolloutPercentage}", "trialAutomation.rolloutPercentage", "{flag}", "adminTools.enabled", "{token:[0-9a-f]{16}}", "00000000000000aa", "{session:[0-9a-f]{16}}", "0123456789abcdef", "{alert}", "workerAway", "{control:acknowledge|silence|unsilence}", "silence")

// Every page with every role: what a role may not use is refused, with the role
// that it needs.
func TestEveryPageWithEveryRole(t *testing.T) {
	t.Parallel()
	require.Equal(t, map[string]access.Role{
		"GET /admin/": access.Viewer, "GET /admin/figures": access.Viewer, "GET /admin/decisions": access.Viewer, "GET /admin/evidence": access.Viewer, "GET /admin/audit": access.Viewer, "GET /admin/trials": access.Viewer, "GET /admin/trials/{id}": access.Viewer,
		"GET /admin/trials.csv": access.Viewer, "GET /admin/trials/{id}/vendor": access.Operator, "POST /admin/trials/{id}/vendor": access.Operator, "GET /admin/vendors": access.Operator, "POST /admin/vendors": access.Operator,
		"GET /admin/bulk": access.Viewer, "GET /admin/bulk/{operation}": access.Viewer, "GET /admin/bulk/{operation}/items": access.Viewer,
		"GET /admin/bulk/start": access.Admin, "POST /admin/bulk/start": access.Admin,
		"GET /admin/bulk/{operation}/{control:start|pause|resume|stop|undo}": access.Admin, "POST /admin/bulk/{operation}/{control:start|pause|resume|stop|undo}": access.Admin,
		"GET /admin/rollout/calendar": access.Viewer, "GET /admin/rollout/start": access.Admin, "POST /admin/rollout/start": access.Admin,
		"GET /admin/rollout/{control:waive}/{check}": access.Admin, "POST /admin/rollout/{control:waive}/{check}": access.Admin,
		"GET /admin/trials/{id}/emails/{kind}/{revision}": access.Viewer, "GET /admin/trials/{id}/emails/{kind}/{revision}/frame": access.Viewer,
		"GET /admin/trials/{id}/emails/{kind}/{revision}/resend": access.Operator, "POST /admin/trials/{id}/emails/{kind}/{revision}/resend": access.Operator,
		"GET /admin/policies": access.Viewer, "GET /admin/mail": access.Viewer, "GET /admin/mail/{kind}": access.Viewer, "GET /admin/mail/{kind}/frame": access.Viewer, "POST /admin/mail/{kind}": access.Operator,
		"GET /admin/signed-in": access.Viewer, "GET /admin/sessions": access.Admin, "GET /admin/sessions/{session:[0-9a-f]{16}}/end": access.Admin, "POST /admin/sessions/{session:[0-9a-f]{16}}/end": access.Admin,
		"POST /admin/sign-out": access.Viewer, "GET /admin/alerts": access.Viewer, "GET /admin/zone": access.Viewer, "POST /admin/zone": access.Viewer, "GET /admin/rollout/forecast": access.Viewer,
		"GET /admin/trials/{id}/{control:extend|shorten|cancel|revive|policy}": access.Operator, "POST /admin/trials/{id}/{control:extend|shorten|cancel|revive|policy}": access.Operator,
		"GET /admin/suppressions": access.Viewer, "GET /admin/suppressions/{id}": access.Operator, "POST /admin/suppressions/{id}": access.Operator,
		"GET /admin/stop": access.Operator, "POST /admin/stop": access.Operator,
		"GET /admin/experiments": access.Viewer, "GET /admin/experiments/{experiment}": access.Viewer,
		"GET /admin/experiments/start": access.Admin, "POST /admin/experiments/start": access.Admin,
		"GET /admin/experiments/{experiment}/end": access.Operator, "POST /admin/experiments/{experiment}/end": access.Operator,
		"GET /admin/canary": access.Viewer, "POST /admin/canary": access.Operator,
		"GET /admin/flags": access.Viewer,
		"GET /admin/flags/{flag:trialAutomation.enabled|trialAutomation.rolloutPercentage}": access.Operator, "POST /admin/flags/{flag:trialAutomation.enabled|trialAutomation.rolloutPercentage}": access.Operator,
		"GET /admin/flags/{flag}": access.Admin, "POST /admin/flags/{flag}": access.Admin,
		"GET /admin/tokens": access.Viewer, "POST /admin/tokens": access.Admin,
		"GET /admin/tokens/{token:[0-9a-f]{16}}/revoke": access.Admin, "POST /admin/tokens/{token:[0-9a-f]{16}}/revoke": access.Admin,
		"GET /admin/backups": access.Viewer, "POST /admin/backups": access.Operator, "GET /admin/settings": access.Viewer,
		"GET /admin/rollout/{control:pause|resume|advance|rollback|set-percentage}":  access.Operator,
		"POST /admin/rollout/{control:pause|resume|advance|rollback|set-percentage}": access.Operator,
		"GET /admin/rollout/{control:tick}/{criterion}":                              access.Operator,
		"POST /admin/rollout/{control:tick}/{criterion}":                             access.Operator,
		"GET /admin/alerts/{alert}":                                                  access.Viewer,
		"GET /admin/alerts/{alert}/{control:acknowledge|silence|unsilence}":          access.Operator,
		"POST /admin/alerts/{alert}/{control:acknowledge|silence|unsilence}":         access.Operator,
	}, dashboard.Guarded())
	for route, needed := range dashboard.Guarded() {
		method, path, _ := strings.Cut(concrete.Replace(route), " ")
		for _, role := range access.Roles() {
			s := newSite(t, sample.Busy())
			issue(t, s.world, role)
			ask := func() answer { return s.send(httptest.NewRequest(method, path, http.NoBody)) }
			a := ask()
			require.Equal(t, http.StatusSeeOther, a.status, route)
			require.True(t, strings.HasPrefix(a.header.Get("Location"), "/admin/sign-in"), "%s without a session", route)
			s.signIn(string(role))
			a = ask()
			if role.Covers(needed) {
				require.NotEqual(t, http.StatusForbidden, a.status, "%s as %s", route, role)
				continue
			}
			require.Equal(t, http.StatusForbidden, a.status, "%s as %s", route, role)
			require.Contains(t, a.text(), "This needs the role "+string(needed)+" You are signed in as "+string(role)+"-1, whose role is "+string(role))
			require.Empty(t, s.world.Steered)
		}
	}
}

func TestControlsAreShownToThoseWhoMayUseThem(t *testing.T) {
	t.Parallel()
	for _, role := range access.Roles() {
		s := newSite(t, sample.Busy())
		issue(t, s.world, role)
		s.signIn(string(role))
		text := s.get("/admin/").text()
		require.Contains(t, text, "You are signed in as "+string(role)+"-1, whose role is "+string(role))
		if role == access.Viewer {
			require.NotContains(t, text, "Pause …")
			continue
		}
		require.Contains(t, text, "Pause …")
		require.Equal(t, http.StatusSeeOther, s.post("/admin/rollout/pause", s.filled("pause", "to look")).status)
		require.Equal(t, string(role)+"-1", s.world.Steered[0].By)
	}
}

func TestASessionEndsWithItsToken(t *testing.T) {
	t.Parallel()
	s := newSite(t, sample.Empty())
	key := issue(t, s.world, access.Viewer)
	s.signIn("viewer")
	require.NotContains(t, s.cookie.Value, "viewer")
	open := func() bool {
		a := s.get("/admin/")
		require.Contains(t, []int{http.StatusOK, http.StatusSeeOther}, a.status)
		return a.status == http.StatusOK
	}
	require.True(t, open())
	s.world.Moment = sample.Now.Add(time.Hour)
	require.False(t, open(), "it has expired")
	s.world.Moment = sample.Now
	require.True(t, open())

	token := s.world.Issued[key]
	token.RevokedAt = &sample.Now
	s.world.Issued[key] = token
	require.False(t, open(), "it was revoked")
	a := s.post("/admin/sign-in", url.Values{"token": {"viewer"}})
	require.Equal(t, http.StatusUnauthorized, a.status)
	require.Contains(t, a.text(), "The token was revoked.")
	delete(s.world.Issued, key)
	require.False(t, open(), "it is gone")
}

// A cookie speaks for the token that it was made for, and for no other.
func TestACookieCannotBeMadeToSpeakForAnother(t *testing.T) {
	t.Parallel()
	s := newSite(t, sample.Empty())
	issue(t, s.world, access.Admin)
	viewer := issue(t, s.world, access.Viewer)
	s.signIn("viewer")
	name, value := s.cookie.Name, s.cookie.Value
	rest, found := strings.CutPrefix(value, string(viewer))
	require.True(t, found)
	for _, other := range []string{"", string(access.KeyOf("admin")), string(access.KeyOf(adminToken)), string(viewer[1:])} {
		s.cookie = &http.Cookie{Name: name, Value: other + rest} //nolint:gosec // G124: what a browser sends has no attributes
		require.Equal(t, http.StatusSeeOther, s.get("/admin/").status, other)
	}
}

// With the database away the first admin goes on, and nobody else gets in or is
// sent away for good.
func TestSessionsWithTheDatabaseAway(t *testing.T) {
	t.Parallel()
	admin, viewer := signedIn(t, sample.Busy()), newSite(t, sample.Busy())
	issue(t, viewer.world, access.Viewer)
	viewer.signIn("viewer")
	admin.world.Err, viewer.world.Err = sample.ErrUnavailable, sample.ErrUnavailable
	require.Equal(t, http.StatusOK, admin.get("/admin/").status)
	a := viewer.get("/admin/")
	require.Equal(t, http.StatusServiceUnavailable, a.status)
	require.Contains(t, a.text(), "The database does not answer")
	viewer.cookie = nil
	for range 8 {
		a = viewer.post("/admin/sign-in", url.Values{"token": {"viewer"}})
		require.Equal(t, http.StatusServiceUnavailable, a.status)
		require.Contains(t, a.text(), "It cannot be told now whether this token is good")
	}
	viewer.signIn(adminToken)
}

func TestTheMarketplacesTokenOpensNoPage(t *testing.T) {
	t.Parallel()
	s := newSite(t, sample.Busy())
	a := s.post("/admin/sign-in", url.Values{"token": {serviceToken}})
	require.Equal(t, http.StatusUnauthorized, a.status)
	require.Nil(t, a.cookie)
}

func TestRequestsOfPagesAreLimited(t *testing.T) {
	t.Parallel()
	w := sample.Empty()
	limited, err := auth.New(auth.Options{AdminToken: adminToken, ServiceToken: serviceToken, Tokens: w, RateLimit: 1, Now: func() time.Time { return w.Moment }})
	require.NoError(t, err)
	s := newSite(t, w, func(o *dashboard.Options) { o.Callers = limited })
	for range 2 {
		require.Equal(t, http.StatusOK, s.get("/admin/sign-in").status)
	}
	a := s.get("/admin/sign-in")
	require.Equal(t, http.StatusTooManyRequests, a.status)
	require.Equal(t, "1", a.header.Get("Retry-After"))
}

// Every page with every method, from here and from elsewhere: a link leads to a page from anywhere, a form counts from here alone,
// and a method that a page does not have does nothing, whatever the role.
func TestEveryPageWithEveryMethodAndOrigin(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	elsewhere := []http.Header{{"Sec-Fetch-Site": {"cross-site"}}, {"Sec-Fetch-Site": {"same-site"}}, {"Origin": {"https://evil.example"}}, {"Origin": {"null"}}}
	ask := func(method, path string, header http.Header) int {
		r := httptest.NewRequest(method, path, http.NoBody)
		for name := range header {
			r.Header.Set(name, header.Get(name))
		}
		return s.send(r).status
	}
	has := map[string]bool{}
	for route := range dashboard.Guarded() {
		has[concrete.Replace(route)] = true
	}
	for route := range has {
		method, path, _ := strings.Cut(route, " ")
		for _, header := range elsewhere {
			if method == http.MethodPost {
				require.Equal(t, http.StatusForbidden, ask(method, path, header), "%s, %v", route, header)
			} else {
				require.NotEqual(t, http.StatusForbidden, ask(method, path, header), "%s, %v", route, header)
			}
		}
		for _, other := range []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, "PROPFIND"} {
			if !has[other+" "+path] {
				require.Contains(t, []int{http.StatusMethodNotAllowed, http.StatusNotFound}, ask(other, path, nil), "%s %s", other, path)
			}
		}
	}
	require.Empty(t, s.world.Steered)
}
