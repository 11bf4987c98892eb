package dashboard_test

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/api/dashboard"
	"marketplace.example/trials/test/sample"
)

func TestNothingIsShownBeforeSigningIn(t *testing.T) {
	t.Parallel()
	s := newSite(t, sample.Busy())
	for _, path := range everyPage {
		a := s.get(path)
		require.Equal(t, http.StatusSeeOther, a.status, path)
		require.Equal(t, "/admin/sign-in?"+url.Values{"to": {path}}.Encode(), a.header.Get("Location"))
		require.NotContains(t, a.text(), "vendor")

		fetched := httptest.NewRequest(http.MethodGet, path, http.NoBody)
		fetched.Header.Set("Hx-Request", "true")
		a = s.send(fetched)
		require.Equal(t, http.StatusUnauthorized, a.status, path)
		require.NotEmpty(t, a.header.Get("Hx-Redirect"))
		require.Empty(t, a.body)
	}
	for _, control := range []string{"rollout/pause", "rollout/advance", "rollout/rollback", "alerts/workerAway/acknowledge", "alerts/workerAway/silence"} {
		a := s.post("/admin/"+control, url.Values{"reason": {"none"}, "percentage": {"0"}, "minutes": {"60"}})
		require.Equal(t, http.StatusUnauthorized, a.status)
		require.Contains(t, a.text(), "Nothing was done, and nothing that you entered is lost")
	}
	require.Equal(t, "/admin/sign-in", s.post("/admin/rollout/pause", nil).header.Get("Location"), "there is nothing to keep")
	require.Empty(t, s.world.Steered)
	require.Empty(t, s.world.Answered)
}

func TestSigningInAndOut(t *testing.T) {
	t.Parallel()
	s := newSite(t, sample.Busy())
	for _, wrong := range []string{"", "x", adminToken + "x", adminToken[1:]} {
		a := s.post("/admin/sign-in", url.Values{"token": {wrong}, "to": {"/admin/trials"}})
		require.Equal(t, http.StatusUnauthorized, a.status)
		require.Nil(t, a.cookie)
		require.Contains(t, a.text(), "The token is not one of ours.")
		require.Contains(t, a.body, `value="/admin/trials"`, "where to go on is kept")
	}
	a := s.post("/admin/sign-in", url.Values{"token": {adminToken}, "to": {"/admin/trials?status=grace"}})
	require.Equal(t, http.StatusSeeOther, a.status)
	require.Equal(t, "/admin/trials?status=grace", a.header.Get("Location"))
	require.True(t, a.cookie.HttpOnly)
	require.Equal(t, http.SameSiteStrictMode, a.cookie.SameSite)
	require.Equal(t, "/admin/", a.cookie.Path)
	require.Equal(t, int((8 * time.Hour).Seconds()), a.cookie.MaxAge)
	require.False(t, a.cookie.Secure, "it was plain HTTP")
	require.NotContains(t, a.cookie.Value, adminToken)
	require.Equal(t, http.StatusOK, s.get("/admin/").status)
	require.Equal(t, http.StatusSeeOther, s.get("/admin/sign-in").status, "there is no need to sign in twice")

	a = s.post("/admin/sign-out", nil)
	require.Equal(t, http.StatusSeeOther, a.status)
	require.Negative(t, a.cookie.MaxAge)
	require.Equal(t, http.StatusSeeOther, s.get("/admin/").status)
}

func TestWhereSigningInLeadsTo(t *testing.T) {
	t.Parallel()
	for to, want := range map[string]string{
		"": "/admin/", "/admin/decisions": "/admin/decisions", "/admin/trials?after=a": "/admin/trials?after=a",
		"https://evil.example/admin/": "/admin/", "//evil.example/admin/": "/admin/", "/api/admin/x": "/admin/", `/\evil.example/admin/`: "/admin/",
		"javascript:alert(1)": "/admin/", "/admin/%zz": "/admin/",
		"/admin/../../evil": "/admin/", "/admin/..%2fevil": "/admin/", "/admin/%2e%2e/evil": "/admin/", "/admin/..": "/admin/", "/admin/./x": "/admin/",
		"/admin//evil.example": "/admin/", `/admin/\evil.example`: "/admin/", "/admin/%5cevil.example": "/admin/", "///evil.example/admin/": "/admin/",
		"/admin/..;/evil": "/admin/..;/evil", "/admin/\tx": "/admin/", "\t//evil.example": "/admin/", "/admin/%00": "/admin/", "/admin/x#//evil.example": "/admin/x",
		"/admin": "/admin/", "/administrator": "/admin/", "/admin/trials?after=../../evil": "/admin/trials?after=../../evil", "/admin/%0d%0aLocation:x": "/admin/%0D%0ALocation:x",
	} {
		a := newSite(t, sample.Empty()).post("/admin/sign-in", url.Values{"token": {adminToken}, "to": {to}})
		require.Equal(t, want, a.header.Get("Location"), to)
	}
}

// behindProxy is a site that believes a proxy, or does not.
func behindProxy(t *testing.T, w *sample.World, behind bool) *site {
	t.Helper()
	return newSite(t, w, func(o *dashboard.Options) { o.Callers = callers(t, w, behind) })
}

func TestTheCookieIsSecureWhereTheBrowserSpeaksTLS(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		behind  bool
		proto   string
		tls     bool
		secured bool
	}{
		"plain": {}, "TLS": {tls: true, secured: true},
		"a header anybody can send": {proto: "https"},
		"a proxy with TLS":          {behind: true, proto: "https", secured: true},
		"a proxy without TLS":       {behind: true, proto: "http"},
	} {
		s := behindProxy(t, sample.Empty(), c.behind)
		r := form("/admin/sign-in", url.Values{"token": {adminToken}})
		if c.tls {
			r.TLS = &tls.ConnectionState{}
		}
		r.Header.Set("X-Forwarded-Proto", c.proto)
		require.Equal(t, c.secured, s.send(r).cookie.Secure, name)
	}
}

func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Empty())
	name, value := s.cookie.Name, s.cookie.Value
	open := func() bool { return s.get("/admin/").status == http.StatusOK }
	s.world.Moment = sample.Now.Add(8*time.Hour - time.Second)
	require.True(t, open())
	s.world.Moment = sample.Now.Add(8 * time.Hour)
	require.False(t, open(), "eight hours are over")
	s.world.Moment = sample.Now.Add(-time.Hour)
	require.False(t, open(), "it ends later than one of ours would")
	s.world.Moment = sample.Now

	for _, forged := range []string{"", ".", "9" + value, value + "x", value[:len(value)-2], fmt.Sprint(sample.Now.Add(time.Hour).Unix()) + "."} {
		s.cookie = &http.Cookie{Name: name, Value: forged} //nolint:gosec // G124: what a browser sends has no attributes
		require.False(t, open(), forged)
	}
	s.cookie = &http.Cookie{Name: name, Value: value} //nolint:gosec // G124: as above
	require.True(t, open())

	other := newSite(t, sample.Empty(), func(o *dashboard.Options) { o.SessionSecret = "another" })
	other.cookie = s.cookie
	require.Equal(t, http.StatusSeeOther, other.get("/admin/").status, "another secret ends all sessions")
}

func TestAttemptsAreSlowedDownBySource(t *testing.T) {
	t.Parallel()
	s := behindProxy(t, sample.Empty(), true)
	try := func(token, from string) int {
		r := form("/admin/sign-in", url.Values{"token": {token}})
		r.Header.Set("X-Forwarded-For", "198.51.100.9, "+from) // the first may be made up
		return s.send(r).status
	}
	for range 5 {
		require.Equal(t, http.StatusUnauthorized, try("wrong", "203.0.113.1"))
	}
	require.Equal(t, http.StatusTooManyRequests, try("wrong", "203.0.113.1"))
	require.Equal(t, http.StatusSeeOther, try(adminToken, "203.0.113.1"), "a good token is recognized")
	require.Equal(t, http.StatusUnauthorized, try("wrong", "203.0.113.2"), "others are not held up")
	s.world.Moment = s.world.Moment.Add(12 * time.Second)
	require.Equal(t, http.StatusSeeOther, try(adminToken, "203.0.113.1"))
}

func TestOtherSitesCannotSteer(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	values := s.filled("rollback", "from elsewhere")
	values.Set("percentage", "0")
	for _, header := range []http.Header{
		{"Sec-Fetch-Site": {"cross-site"}}, {"Sec-Fetch-Site": {"same-site"}}, {"Origin": {"https://evil.example"}}, {"Origin": {"null"}},
	} {
		r := form("/admin/rollout/rollback", values)
		for name := range header {
			r.Header.Set(name, header.Get(name))
		}
		require.Equal(t, http.StatusForbidden, s.send(r).status, "%v", header)
	}
	require.Empty(t, s.world.Steered)
	r := form("/admin/rollout/rollback", values)
	r.Header.Set("Origin", "http://"+r.Host)
	require.Equal(t, http.StatusSeeOther, s.send(r).status)
	require.Len(t, s.world.Steered, 1)
}
