package dashboard_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/api/dashboard"
	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/test/sample"
)

// vouching is an identity provider that says what a test has it say.
type vouching struct {
	unavailable bool
	person      access.Person
	err         error
	silent      bool
	renewals    []string
}

func (p *vouching) Ready() bool { return !p.unavailable }

func (p *vouching) Begin(silent bool) (string, access.SignIn) {
	if p.unavailable {
		return "", access.SignIn{}
	}
	p.silent = silent
	return "https://id.example/authorize?state=the-state", access.SignIn{State: "the-state", Nonce: "the-nonce", Verifier: "the-verifier"}
}

func (p *vouching) Finish(_ context.Context, pending access.SignIn, answer url.Values) (access.Person, error) {
	if pending.State == "" || pending.State != answer.Get("state") {
		return access.Person{}, &access.NotVouchedError{Message: "Begin it again."}
	}
	return p.person, p.err
}

func (p *vouching) Renew(_ context.Context, refresh, subject string) (access.Person, error) {
	p.renewals = append(p.renewals, refresh)
	if subject != p.person.Subject {
		return access.Person{}, errors.New("somebody else's")
	}
	return p.person, p.err
}

const ada = "oidc:ada:12345678"

func withProvider(t *testing.T, w *sample.World, change ...func(*dashboard.Options)) (*site, *vouching) {
	t.Helper()
	p := &vouching{person: access.Person{Name: ada, Role: access.Operator, Subject: "the-subject", Refresh: "refresh-1"}}
	return newSite(t, w, append(change, func(o *dashboard.Options) { o.Provider = p })...), p
}

const back = "/admin/sign-in/callback?state=the-state&code=the-code"

// goes signs the browser in by the provider, and returns what it is told at the end.
func (s *site) goes(to string) answer {
	s.t.Helper()
	a := s.get("/admin/sign-in/provider?" + url.Values{"to": {to}}.Encode())
	require.Equal(s.t, http.StatusSeeOther, a.status)
	require.Equal(s.t, "https://id.example/authorize?state=the-state", a.header.Get("Location"))
	return s.get(back)
}

// session is the only one in a world.
func (s *site) session() access.Session {
	s.t.Helper()
	require.Len(s.t, s.world.SignedIn, 1)
	for _, session := range s.world.SignedIn {
		return session
	}
	return access.Session{}
}

func TestSigningInByTheProvider(t *testing.T) {
	t.Parallel()
	s, _ := withProvider(t, sample.Busy())
	require.Contains(t, s.get("/admin/sign-in?to=/admin/trials").body, `href="/admin/sign-in/provider?to=%2fadmin%2ftrials"`)

	pending := s.get("/admin/sign-in/provider?to=/admin/trials").cookie
	require.True(t, pending.HttpOnly)
	require.Equal(t, http.SameSiteLaxMode, pending.SameSite)
	require.Equal(t, 600, pending.MaxAge)
	for _, secret := range []string{"the-state", "the-nonce", "the-verifier", "trials\""} {
		require.NotContains(t, pending.Value, secret)
	}
	a := s.get(back)
	require.Equal(t, http.StatusSeeOther, a.status)
	require.Equal(t, "/admin/trials", a.header.Get("Location"))
	require.True(t, s.cookie.HttpOnly)
	require.Equal(t, http.SameSiteLaxMode, s.cookie.SameSite)
	session := s.session()
	require.NotContains(t, string(session.Sealed), "refresh-1")
	text, found := strings.CutPrefix(s.cookie.Value, "oidc.")
	require.True(t, found)
	require.Contains(t, s.world.SignedIn, access.KeyOf(text), "the text itself is not kept")

	require.Contains(t, s.get("/admin/").text(), "You are signed in as "+ada+", whose role is operator")
	require.Equal(t, http.StatusSeeOther, s.post("/admin/rollout/pause", s.filled("pause", "to look")).status)
	require.Equal(t, ada, s.world.Steered[0].By)
	require.Equal(t, http.StatusForbidden, s.get("/admin/sessions").status)

	s.world.Lost = sample.ErrUnavailable
	signedInStill := s.cookie
	a = s.post("/admin/sign-out", nil)
	require.Equal(t, http.StatusServiceUnavailable, a.status)
	require.Contains(t, a.text(), "You are signed out in this browser; your session could not be ended")
	require.Nil(t, s.cookie)
	s.cookie, s.world.Lost = signedInStill, nil
	require.Equal(t, http.StatusSeeOther, s.post("/admin/sign-out", nil).status)
	require.Empty(t, s.world.SignedIn, "a copy of the cookie opens nothing either")
	require.Equal(t, http.StatusNotFound, newSite(t, sample.Empty()).get("/admin/sign-in/provider").status, "there is none")
}

// A session that somebody has planted in a browser is not taken over, and the answer to a sign-in counts once.
func TestASignInIsItsBrowsersOwn(t *testing.T) {
	t.Parallel()
	s, _ := withProvider(t, sample.Empty())
	require.Equal(t, http.StatusForbidden, s.get(back).status, "it was begun elsewhere")
	require.Empty(t, s.world.SignedIn)

	pending := s.get("/admin/sign-in/provider").cookie
	require.Equal(t, http.StatusSeeOther, s.get(back).status)
	first := s.cookie.Value
	s.cookie = &http.Cookie{Name: pending.Name, Value: pending.Value + "x"} //nolint:gosec // G124: what a browser sends has no attributes
	require.Equal(t, http.StatusForbidden, s.get(back).status, "the cookie is not one of ours")
	s.cookie = pending
	s.world.Moment = s.world.Moment.Add(10 * time.Minute)
	require.Equal(t, http.StatusForbidden, s.get(back).status, "that was too long ago")
	s.world.Moment = sample.Now
	require.Equal(t, http.StatusSeeOther, s.goes("").status)
	require.NotEqual(t, first, s.cookie.Value)

	s.cookie = &http.Cookie{Name: s.cookie.Name, Value: "oidc.planted"} //nolint:gosec // G124: as above
	require.Equal(t, http.StatusSeeOther, s.get("/admin/").status)
	for to, want := range map[string]string{
		"https://evil.example/": "/admin/", "//evil.example/admin/": "/admin/", "/admin/../evil": "/admin/", "/admin/" + strings.Repeat("x", 1000): "/admin/", "/admin/trials?status=grace": "/admin/trials?status=grace",
	} {
		require.Equal(t, want, s.goes(to).header.Get("Location"), to)
	}
}

func TestWhoIsNotSignedInByTheProvider(t *testing.T) {
	t.Parallel()
	s, p := withProvider(t, sample.Busy())
	p.err = &access.NotVouchedError{Message: "None of your groups may."}
	a := s.goes("/admin/trials")
	require.Equal(t, http.StatusForbidden, a.status)
	require.Contains(t, a.text(), "None of your groups may.")
	require.Contains(t, a.body, `name="to" value="/admin/trials"`, "where to go on is kept")
	p.err = errors.New("the identity provider does not answer")
	a = s.goes("/admin/trials")
	require.Equal(t, http.StatusServiceUnavailable, a.status)
	require.Contains(t, a.text(), "You could not be signed in now")
	p.err, s.world.Err = nil, sample.ErrUnavailable
	require.Equal(t, http.StatusServiceUnavailable, s.goes("").status)
	s.world.Err = nil
	require.Empty(t, s.world.SignedIn)
	require.Nil(t, s.cookie)

	p.unavailable = true
	a = s.get("/admin/sign-in/provider?to=/admin/trials")
	require.Equal(t, http.StatusServiceUnavailable, a.status)
	require.Contains(t, a.text(), "the identity provider does not answer. It is asked again every few seconds. A token still works.")
	s.signIn(adminToken)
	require.Equal(t, http.StatusOK, s.get("/admin/").status)
}

func TestTheProvidersCookiesOverTLS(t *testing.T) {
	t.Parallel()
	s, _ := withProvider(t, sample.Empty())
	ask := func(path string) answer {
		r := httptest.NewRequest(http.MethodGet, path, http.NoBody)
		r.TLS = &tls.ConnectionState{}
		return s.send(r)
	}
	for _, path := range []string{"/admin/sign-in/provider", back} {
		c := ask(path).cookie
		require.True(t, strings.HasPrefix(c.Name, "__Host-"), c.Name)
		require.True(t, c.Secure)
		require.Equal(t, "/", c.Path)
	}
	require.Equal(t, http.StatusOK, ask("/admin/").status)
	s.cookie.Name = strings.TrimPrefix(s.cookie.Name, "__Host-") //nolint:gosec // G124: what a browser sends has no attributes
	require.Equal(t, http.StatusSeeOther, ask("/admin/").status, "another host could have set that one")
}

func TestASessionIsRenewedWhileItIsUsed(t *testing.T) {
	t.Parallel()
	s, p := withProvider(t, sample.Busy())
	s.goes("")
	pass := func(d time.Duration) answer {
		s.world.Moment = s.world.Moment.Add(d)
		return s.get("/admin/")
	}
	require.Equal(t, http.StatusOK, pass(5*time.Minute-time.Second).status)
	require.Empty(t, p.renewals)
	p.person.Role, p.person.Refresh = access.Viewer, "refresh-2"
	require.Contains(t, pass(time.Second).text(), "whose role is viewer", "the groups are others now")
	require.Equal(t, http.StatusOK, pass(5*time.Minute).status)
	require.Equal(t, []string{"refresh-1", "refresh-2"}, p.renewals)

	p.err = errors.New("away")
	require.Equal(t, http.StatusOK, pass(6*time.Minute).status, "what does not answer ends nothing yet")
	require.Equal(t, http.StatusOK, s.get("/admin/").status)
	require.Len(t, p.renewals, 3, "it is not asked at each request")
	require.Equal(t, http.StatusOK, pass(30*time.Second).status)
	require.Len(t, p.renewals, 4)
	require.Equal(t, http.StatusSeeOther, pass(9*time.Minute).status)

	p.err = nil
	s.goes("")
	p.person.Refresh, p.err = "refresh-3", errors.New("away after it has given another refresh token")
	require.Equal(t, http.StatusOK, pass(5*time.Minute).status)
	require.Equal(t, http.StatusOK, s.get("/admin/").status)
	p.err = nil
	require.Equal(t, http.StatusOK, pass(30*time.Second).status)
	require.Equal(t, []string{"refresh-2", "refresh-3"}, p.renewals[len(p.renewals)-2:], "the one before may count no more")
	p.err = &access.NotVouchedError{Message: "no"}
	require.Equal(t, http.StatusSeeOther, pass(5*time.Minute).status)
	require.Len(t, s.world.SignedIn, 1, "only the one that is over is left")

	p.err = nil
	s.goes("")
	for range 95 {
		require.Equal(t, http.StatusOK, pass(5*time.Minute).status)
	}
	require.Equal(t, "/admin/sign-in?to=%2Fadmin%2F", pass(5*time.Minute).header.Get("Location"), "eight hours are over")
}

// Where the provider gives no refresh token it is asked by way of the browser, without a word to the person if it can.
func TestASessionIsRenewedByTheBrowser(t *testing.T) {
	t.Parallel()
	s, p := withProvider(t, sample.Busy())
	p.person.Refresh = ""
	s.goes("")
	session := s.cookie
	s.world.Moment = s.world.Moment.Add(15 * time.Minute)
	const silent = "/admin/sign-in/provider?silent=yes&to=%2Fadmin%2Ftrials"
	require.Equal(t, silent, s.get("/admin/trials").header.Get("Location"))
	fetched := httptest.NewRequest(http.MethodGet, "/admin/trials", http.NoBody)
	fetched.Header.Set("Hx-Request", "true")
	require.Equal(t, silent, s.send(fetched).header.Get("Hx-Redirect"))
	s.get(silent)
	require.True(t, p.silent)
	require.Equal(t, "/admin/trials", s.get(back).header.Get("Location"))
	require.Equal(t, http.StatusOK, s.get("/admin/trials").status)

	s.cookie = session
	p.err = &access.NotVouchedError{Message: "Sign in again.", Asks: true}
	s.get(silent)
	a := s.get(back)
	require.Equal(t, "/admin/sign-in?to=%2Fadmin%2Ftrials", a.header.Get("Location"), "it has to ask the person")
	require.Nil(t, s.cookie, "so that it is not tried again and again")

	s.cookie, p.unavailable = session, true
	require.Equal(t, "/admin/sign-in?to=%2Fadmin%2Ftrials", s.get("/admin/trials").header.Get("Location"), "there is nobody to ask")
}

func TestAnAdminEndsSessions(t *testing.T) {
	t.Parallel()
	w := sample.Busy()
	s, p := withProvider(t, w)
	s.goes("")
	id, first := s.session().ID, s.cookie
	s.cookie = nil
	s.goes("")
	second := s.cookie
	p.person.Name, p.person.Subject, s.cookie = "oidc:ben:87654321", "another-subject", nil
	s.goes("")
	ben, bensID := s.cookie, ""
	for _, session := range w.SignedIn {
		if session.Name == p.person.Name {
			bensID = session.ID
		}
	}

	s.cookie = nil
	s.signIn(adminToken)
	admin := s.cookie
	page := s.get("/admin/sessions")
	require.Equal(t, 2, strings.Count(page.body, ada+"</th>"))
	require.Contains(t, page.body, `href="/admin/sessions/`+id+`/end"`)
	path := "/admin/sessions/" + id + "/end"
	values := s.filledAt(path, "")
	values.Set("everywhere", "yes")
	a := s.post(path, values)
	require.Equal(t, http.StatusBadRequest, a.status)
	require.Contains(t, a.text(), "The reason must be given.")
	require.Contains(t, a.body, `value="yes" checked`, "what was entered stays")
	values.Set("reason", "has left")
	for range 2 {
		a = s.post(path, values)
		require.Equal(t, "/admin/sessions?ended="+id, a.header.Get("Location"))
	}
	require.Contains(t, s.get("/admin/sessions?ended="+id).text(), "The session "+id+" of "+ada+" is over")
	for _, other := range []string{"yes", bensID, "0000000000000000", "%2e"} {
		require.NotContains(t, s.get("/admin/sessions?ended="+other).text(), "is over", "an address tells nothing that is not so")
	}
	require.Equal(t, http.StatusNotFound, s.get(path).status)
	require.Equal(t, http.StatusNotFound, s.post("/admin/sessions/0000000000000000/end", values).status)

	for _, over := range []*http.Cookie{first, second} {
		s.cookie = over
		a = s.get("/admin/trials")
		require.Equal(t, "/admin/sign-in?to=%2Fadmin%2Ftrials", a.header.Get("Location"), "nobody is signed in again unasked")
		require.Contains(t, s.get(a.header.Get("Location")).text(), "An admin has ended your session.")
	}
	s.cookie = nil
	require.NotContains(t, s.get("/admin/sign-in?ended=yes").text(), "ended your session", "an address tells nothing")
	s.cookie = ben
	require.Equal(t, http.StatusOK, s.get("/admin/").status)
	s.cookie = admin
	require.Equal(t, 1, strings.Count(s.get("/admin/sessions").body, `aria-label="End the session`))
	w.Err = sample.ErrUnavailable
	require.Equal(t, http.StatusServiceUnavailable, s.get("/admin/sessions").status)
}

// With the database away nobody knows whose session goes on, and ADMIN_TOKEN opens the pages all the same.
func TestTheProvidersSessionsWithTheDatabaseAway(t *testing.T) {
	t.Parallel()
	s, _ := withProvider(t, sample.Busy())
	s.goes("")
	s.world.Err = sample.ErrUnavailable
	a := s.get("/admin/")
	require.Equal(t, http.StatusServiceUnavailable, a.status)
	require.Contains(t, a.text(), "The database does not answer")
	s.signIn(adminToken)
	require.Equal(t, http.StatusOK, s.get("/admin/stop").status)
}

// What somebody entered while the session ran out is shown, and is done once they have signed in and say so.
func TestAFormOutlivesItsSession(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	values := s.filled("pause", `as I <b>see</b> "it"`)
	s.world.Moment = s.world.Moment.Add(8 * time.Hour)
	a := s.post("/admin/rollout/pause", values)
	require.Equal(t, http.StatusUnauthorized, a.status)
	require.Contains(t, a.body, "as I &lt;b&gt;see&lt;/b&gt; &#34;it&#34;")
	require.Contains(t, a.body, `action="/admin/rollout/pause"`)
	require.Equal(t, values, a.fields(), "all of it is there to be sent again")
	require.Empty(t, s.world.Steered)
	require.Equal(t, http.StatusUnauthorized, s.post("/admin/rollout/pause", a.fields()).status, "nobody has signed in yet")

	s.signIn(adminToken)
	require.Contains(t, s.get("/admin/signed-in").text(), "Close this tab")
	require.Equal(t, "/admin/signed-in", s.get("/admin/sign-in?to=/admin/signed-in").header.Get("Location"))
	for range 2 {
		require.Equal(t, http.StatusSeeOther, s.post("/admin/rollout/pause", a.fields()).status)
	}
	require.Len(t, s.world.Steered, 1)
	require.Equal(t, `as I <b>see</b> "it"`, s.world.Steered[0].Reason)
}
