package dashboard_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"marketplace.example/trials/api/dashboard"
	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/test/sample"
)

var tokenText = regexp.MustCompile(`trials_[A-Za-z0-9_-]{43}`)

// order is the form for a token as the page gives it, filled in.
func (s *site) order(name, role, days string) url.Values {
	s.t.Helper()
	values := s.get("/admin/tokens").fields()
	values.Set("name", name)
	values.Set("role", role)
	values.Set("days", days)
	return values
}

func TestATokenIsIssuedAndShownOnce(t *testing.T) {
	t.Parallel()
	core, logs := observer.New(zapcore.DebugLevel)
	s := signedIn(t, sample.Busy(), func(o *dashboard.Options) { o.Log = zap.New(core) })
	had, values := len(s.world.Issued), s.order("support-2", "operator", "30")
	a := s.post("/admin/tokens", values)
	require.Equal(t, http.StatusOK, a.status)
	require.Equal(t, "no-store", a.header.Get("Cache-Control"))
	inOrder(t, a.text(), "Token of support-2", "shown this once", "Role operator", "Good until 2026-04-13 10:20:00 UTC")
	text := tokenText.FindString(a.body)
	require.NotEmpty(t, text)
	token := s.world.Issued[access.KeyOf(text)]
	require.Equal(t, "admin", token.CreatedBy)

	again := s.post("/admin/tokens", values) // a reload, or the button pressed twice
	require.Equal(t, http.StatusConflict, again.status)
	require.Contains(t, again.text(), "Its token was shown once")
	require.Contains(t, again.text(), "revoke the token and issue another")
	require.Len(t, s.world.Issued, had+1)

	record, err := json.Marshal(s.world.Record)
	require.NoError(t, err)
	for _, entry := range logs.All() {
		written, err := json.Marshal(entry.ContextMap())
		require.NoError(t, err)
		record = append(record, written...)
	}
	require.Contains(t, string(record), token.ID)
	for _, kept := range []string{string(record), again.body, s.get("/admin/tokens").body, s.get("/admin/audit").body} {
		require.NotContains(t, kept, text)
		require.NotContains(t, kept, string(access.KeyOf(text)))
	}
	inOrder(t, s.get("/admin/audit").text(), "Create token")
	s.post("/admin/sign-out", url.Values{})
	s.signIn(text)
}

// Where a request of the same form is under way, or its answer was lost, no second token is made.
func TestOneFormMakesOneToken(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	had, values := len(s.world.Issued), s.order("support-2", "viewer", "30")
	s.world.Lost = sample.ErrUnavailable
	a := s.post("/admin/tokens", values)
	require.Equal(t, http.StatusServiceUnavailable, a.status)
	require.Empty(t, tokenText.FindString(a.body))
	s.world.Lost = nil
	made := len(s.world.Issued) - had
	a = s.post("/admin/tokens", values)
	require.Empty(t, tokenText.FindString(a.body))
	require.Equal(t, http.StatusConflict, a.status, a.text())
	require.Len(t, s.world.Issued, had+made)
	require.LessOrEqual(t, made, 1)

	values.Set("request", a.fields().Get("request"))
	a = s.post("/admin/tokens", values)
	require.NotEmpty(t, tokenText.FindString(a.body), "the form on the page that says so makes another: %s", a.text())
}

func TestTokensThatAreNotIssued(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	had, entries := len(s.world.Issued), len(s.world.Record)
	for _, c := range []struct{ name, role, days, problem string }{
		{"Ada", "viewer", "30", "Name must match"}, {"ada@example.com", "viewer", "30", "Name must match"}, {"rollout", "viewer", "30", "Name rollout is the name of a part of the system"},
		{"ada", "root", "30", "Role must be one of"}, {"ada", "service", "30", "Role must be one of"}, {"ada", "", "30", "Role must be one of"},
		{"ada", "viewer", "0", "Days must be 1 to 366."}, {"ada", "viewer", "367", "Days must be 1 to 366."}, {"ada", "viewer", "soon", "Days must be 1 to 366."},
		{"ada", "viewer", "-1", "Days must be 1 to 366."}, {"ada", "viewer", "99999999999", "Days must be 1 to 366."},
	} {
		values := s.order(c.name, c.role, c.days)
		a := s.post("/admin/tokens", values)
		require.Equal(t, http.StatusBadRequest, a.status, c)
		require.Contains(t, a.text(), c.problem)
		require.Contains(t, a.body, `value="`+c.days+`"`, "what was typed stays")
		require.Equal(t, values.Get("request"), a.fields().Get("request"))
	}
	values := s.order("ada", "viewer", "30")
	values.Del("request")
	require.Equal(t, http.StatusBadRequest, s.post("/admin/tokens", values).status)
	require.Len(t, s.world.Issued, had)
	require.Len(t, s.world.Record, entries, "what is wrong is not on record: it may be anybody's name")
}

func TestATokenIsRevoked(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	key := issue(t, s.world, access.Operator)
	id := key.ID()
	other := newSite(t, s.world)
	other.signIn(string(access.Operator))
	path := "/admin/tokens/" + id + "/revoke"
	require.Contains(t, s.get("/admin/tokens").body, `href="`+path+`"`)
	inOrder(t, s.get(path).text(), "Revoke the token of operator-1", "signed out", "cannot be undone", "Revoke it")
	entries := len(s.world.Record)
	for range 2 { // also where the button is pressed twice
		a := s.post(path, url.Values{})
		require.Equal(t, http.StatusSeeOther, a.status)
		require.Contains(t, s.get(a.header.Get("Location")).text(), "Token "+id+" is revoked")
	}
	require.Len(t, s.world.Record, entries+2, "the first time counts")
	require.Equal(t, "admin", s.world.Issued[key].RevokedBy)
	require.Equal(t, http.StatusSeeOther, other.get("/admin/").status, "who signed in with it is signed out")
	require.Contains(t, s.get(path).text(), "There is nothing left to do.")
	require.Equal(t, http.StatusNotFound, s.get("/admin/tokens/0123456789abcdef/revoke").status)
	require.Equal(t, http.StatusNotFound, s.post("/admin/tokens/0123456789abcdef/revoke", url.Values{}).status)

	s.world.Document.FeatureFlags = flags.Flags{}
	ended := s.world.Issued[key]
	ended.RevokedAt = nil
	s.world.Issued[key] = ended
	require.Equal(t, http.StatusSeeOther, s.post(path, url.Values{}).status, "whatever admins may change, a lost token is stopped")
	require.Equal(t, access.Revoked, s.world.Issued[key].Status(s.world.Moment))
}

// Whoever revokes their own token is told what that does.
func TestOnesOwnToken(t *testing.T) {
	t.Parallel()
	s := newSite(t, sample.Empty())
	key := issue(t, s.world, access.Admin)
	s.signIn(string(access.Admin))
	inOrder(t, s.get("/admin/tokens").text(), "admin-1", "good yours")
	path := "/admin/tokens/" + key.ID() + "/revoke"
	require.Contains(t, s.get(path).text(), "It is the one that you are signed in with")
	require.Equal(t, http.StatusSeeOther, s.post(path, url.Values{}).status)
	require.Equal(t, http.StatusSeeOther, s.get("/admin/tokens").status)
}

// As in the API, a viewer reads who has a token, and only an admin changes that.
func TestViewersReadWhoHasAToken(t *testing.T) {
	t.Parallel()
	s := newSite(t, sample.Busy())
	issue(t, s.world, access.Viewer)
	s.signIn(string(access.Viewer))
	a := s.get("/admin/tokens")
	inOrder(t, a.text(), "viewer-1", "good yours")
	require.NotContains(t, a.text(), "Issue a token")
	require.NotContains(t, a.body, "/revoke")
}

// The list stays short, however many tokens there were.
func TestManyTokens(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Empty())
	s.world.Issued = map[access.Key]access.Token{}
	for i := range 400 {
		key := access.KeyOf(strings.Repeat("x", i+1))
		s.world.Issued[key] = access.Token{ID: key.ID(), Name: "old", Role: access.Viewer, ExpiresAt: sample.Now.AddDate(0, 0, -1)}
	}
	issue(t, s.world, access.Viewer)
	a := s.get("/admin/tokens")
	inOrder(t, a.text(), "viewer-1", "old", "And 301 more")
	require.Less(t, len(a.body), 100<<10)
	inOrder(t, signedIn(t, sample.Empty()).get("/admin/tokens").text(), "No token was issued")
	require.Equal(t, http.StatusServiceUnavailable, signedIn(t, sample.Broken()).get("/admin/tokens").status)
}
