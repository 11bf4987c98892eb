package dashboard_test

import (
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"marketplace.example/trials/api/auth"
	"marketplace.example/trials/api/dashboard"
	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/internal/platform/config"
	"marketplace.example/trials/test/sample"
)

const (
	adminToken   = "admin-token-of-the-tests"
	serviceToken = "service-token-of-the-tests"
)

// callers know who calls a world, by X-Forwarded-For of a proxy if there is one.
func callers(tb testing.TB, w *sample.World, behindProxy bool) *auth.Callers {
	tb.Helper()
	c, err := auth.New(auth.Options{
		AdminToken: adminToken, ServiceToken: serviceToken, Tokens: w, BehindProxy: behindProxy, Now: func() time.Time { return w.Moment },
	})
	require.NoError(tb, err)
	return c
}

// issue makes a token in a world, good for an hour, whose text is its role.
func issue(t *testing.T, w *sample.World, role access.Role) access.Key {
	t.Helper()
	key := access.KeyOf(string(role))
	token, err := access.Issue(key, access.Request{Name: string(role) + "-1", Role: role, ExpiresAt: w.Moment.Add(time.Hour)}, "admin", w.Moment)
	require.NoError(t, err)
	if w.Issued == nil {
		w.Issued = map[access.Key]access.Token{}
	}
	w.Issued[key] = token
	return key
}

// site is the pages of a world, and a browser that keeps its cookie.
type site struct {
	t       *testing.T
	world   *sample.World
	handler http.Handler
	cookie  *http.Cookie
	// zone is the cookie of the time zone, beside the session's.
	zone *http.Cookie
}

func newSite(t *testing.T, w *sample.World, change ...func(*dashboard.Options)) *site {
	t.Helper()
	o := dashboard.Options{
		Store: w, Controls: w, Bulks: w, Rollouts: w, ReadPlan: config.ReadPlan, Forecasts: w, Figures: w, Health: w, Alerts: w, Policies: w.Policies(), Mails: w, Administration: w, Processes: w, Settings: sample.Settings(), Log: zap.NewNop(), Callers: callers(t, w, false), SessionSecret: "of the tests",
		Now: func() time.Time { return w.Moment },
	}
	for _, c := range change {
		c(&o)
	}
	handler, err := dashboard.New(o)
	require.NoError(t, err)
	return &site{t: t, world: w, handler: handler}
}

// signedIn is a site whose browser has signed in.
func signedIn(t *testing.T, w *sample.World, change ...func(*dashboard.Options)) *site {
	t.Helper()
	s := newSite(t, w, change...)
	s.signIn(adminToken)
	return s
}

// signIn has the browser sign in with a token.
func (s *site) signIn(token string) {
	s.t.Helper()
	require.Equal(s.t, http.StatusSeeOther, s.post("/admin/sign-in", url.Values{"token": {token}}).status)
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	cookie *http.Cookie
	body   string
}

var (
	tags   = regexp.MustCompile(`<[^>]*>`)
	cells  = regexp.MustCompile(`</(?:t[dh]|dt)>`)
	blanks = regexp.MustCompile(`[\s\x{a0}]+`)
)

// text is what a reader sees, folded places included.
func (a answer) text() string {
	return strings.TrimSpace(blanks.ReplaceAllString(html.UnescapeString(tags.ReplaceAllString(cells.ReplaceAllString(a.body, " "), "")), " "))
}

func (s *site) send(r *http.Request) answer {
	s.t.Helper()
	if s.cookie != nil {
		r.AddCookie(s.cookie)
	}
	if s.zone != nil {
		r.AddCookie(s.zone)
	}
	recorder := httptest.NewRecorder()
	s.handler.ServeHTTP(recorder, r)
	response := recorder.Result()
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(s.t, err)
	a := answer{status: response.StatusCode, header: response.Header, body: string(body)}
	for _, c := range response.Cookies() {
		a.cookie = c
		if strings.HasSuffix(c.Name, "trials_zone") {
			s.zone = c
			continue
		}
		if s.cookie = c; c.MaxAge < 0 {
			s.cookie = nil
		}
	}
	return a
}

func (s *site) get(path string) answer {
	s.t.Helper()
	return s.send(httptest.NewRequest(http.MethodGet, path, http.NoBody))
}

func form(path string, values url.Values) *http.Request {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(values.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

func (s *site) post(path string, values url.Values) answer {
	s.t.Helper()
	return s.send(form(path, values))
}

var hidden = regexp.MustCompile(`<input type="hidden" name="([a-zA-Z]+)" value="([^"]*)">`)

// filled is a control's form as the page gives it, with a reason.
func (s *site) filled(control, reason string) url.Values {
	s.t.Helper()
	return s.filledAt("/admin/rollout/"+control, reason)
}

func (s *site) filledAt(path, reason string) url.Values {
	s.t.Helper()
	a := s.get(path)
	require.Equal(s.t, http.StatusOK, a.status)
	values := a.fields()
	values.Set("reason", reason)
	return values
}

// fields are the hidden ones of the page's forms.
func (a answer) fields() url.Values {
	values := url.Values{}
	for _, field := range hidden.FindAllStringSubmatch(a.body, -1) {
		values.Set(field[1], html.UnescapeString(field[2]))
	}
	return values
}

// everyPage are the pages behind the sign-in, of the busy world.
var everyPage = []string{
	"/admin/", "/admin/trials", "/admin/trials?status=grace", "/admin/trials/vendor-013", "/admin/trials/nobody", "/admin/trials/vendor-013/emails/reminder-3d/0", "/admin/trials/vendor-013/emails/reminder-3d/9", "/admin/trials/vendor-013/emails/reminder-3d/0/resend", "/admin/trials/vendor-013/emails/reminder-3d/9/resend", "/admin/trials/vendor-013?resent=nothing", "/admin/decisions", "/admin/policies",
	"/admin/mail", "/admin/mail?policy=thirty-days&language=pt&timezone=Asia/Tokyo", "/admin/mail?timezone=Mars", "/admin/mail/welcome", "/admin/mail/half-way?policy=thirty-days&language=de", "/admin/mail/half-way", "/admin/evidence",
	"/admin/audit", "/admin/audit?outcome=done&cursor=30", "/admin/audit?from=today",
	"/admin/bulk", "/admin/bulk?cursor=x.y", "/admin/bulk/bulk-20260312-102000-5f3a11c0", "/admin/bulk/bulk-20260313-162000-a17e0b29", "/admin/bulk/bulk-20260314-084000-00c4d21e",
	"/admin/bulk/bulk-20260314-101820-7b90e6aa", "/admin/bulk/bulk-20260314-101820-7b90e6aa/items?cursor=950", "/admin/bulk/bulk-20260312-102000-5f3a11c0/items?outcome=odd", "/admin/bulk/nothing",
	"/admin/bulk/start", "/admin/bulk/bulk-20260314-084000-00c4d21e/start", "/admin/bulk/bulk-20260312-102000-5f3a11c0/undo", "/admin/bulk/nothing/stop", "/admin/rollout/start", "/admin/rollout/calendar", "/admin/rollout/waive/backup",
	"/admin/zone", "/admin/sessions", "/admin/sessions/nobody/end", "/admin/signed-in",
	"/admin/trials/vendor-013/vendor", "/admin/vendors", "/admin/stop", "/admin/experiments", "/admin/experiments/start", "/admin/trials/vendor-013/extend", "/admin/trials/vendor-013/revive", "/admin/trials/nobody/cancel", "/admin/rollout/forecast", "/admin/rollout/pause", "/admin/rollout/resume", "/admin/rollout/advance", "/admin/rollout/rollback", "/admin/rollout/tick/feedback-positive", "/admin/rollout/tick/no-rollback", "/admin/rollout/tick/daily-monitoring-review", "/admin/nowhere",
	"/admin/suppressions", "/admin/suppressions?cause=bounce", "/admin/suppressions?cause=odd", "/admin/suppressions?after=nowhere", "/admin/suppressions/vendor-002", "/admin/suppressions/vendor-004", "/admin/suppressions/nobody",
	"/admin/alerts", "/admin/alerts?days=8", "/admin/alerts/emailDeliveryFailed", "/admin/alerts/reconcilerFinds", "/admin/alerts/nothing", "/admin/alerts/workerAway/acknowledge",
	"/admin/flags", "/admin/flags/trialAutomation.enabled", "/admin/flags/trialAutomation.rolloutPercentage?value=50", "/admin/flags/adminTools.bulkOperations", "/admin/flags/nothing",
	"/admin/tokens", "/admin/tokens/00000000000000aa/revoke", "/admin/backups", "/admin/settings",
	"/admin/alerts/workerAway/silence", "/admin/alerts/reconcilerFinds/unsilence",
}
