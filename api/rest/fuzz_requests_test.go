package rest_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"marketplace.example/trials/api/auth"
	"marketplace.example/trials/api/rest"
	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/feedback"
	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/policy"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// fuzzed is one API for all inputs: making it takes long.
type fuzzed struct {
	http.Handler
	store     *store
	workflows *workflows
}

func newFuzzed(f *testing.F) fuzzed {
	f.Helper()
	s := newStore()
	for key, token := range s.Issued {
		token.ExpiresAt = present.AddDate(100, 0, 0)
		s.Issued[key] = token
	}
	moment := present
	passing := func(o *auth.Options) { // or whoever comes is one of thousands who failed in one moment
		o.Now = func() time.Time { moment = moment.Add(time.Second); return moment }
	}
	w := &workflows{store: s, now: present.Local}
	handler, err := rest.New(rest.Options{
		App: app.New(app.Options{
			Store: s, Trials: w, Rollouts: w, Bulks: w, Plan: rollout.DefaultPlan(),
			Policies: policy.BuiltIn(), Day: trial.RealDay, Now: present.Local, Alerts: monitoring.Rules(), Log: zap.NewNop(),
		}),
		Mail: mails{}, Look: neutralLook, Health: &system{}, Calls: nobody{}, Callers: callers(f, s, passing), Log: zap.NewNop(),
	})
	require.NoError(f, err)
	return fuzzed{handler, s, w}
}

// nobody is told of calls.
type nobody struct{}

func (nobody) Called(string, string, int, time.Duration) {}

func (nobody) Stranger() {}

// anew forgets what an input before has done, and registers ada. It answers with
// how often something was written.
func (a fuzzed) anew(t *testing.T) (writes int) {
	t.Helper()
	fresh := newStore()
	s := a.store
	tokens := s.Issued
	s.Store, s.messages, s.rollouts, s.audits = fresh.Store, fresh.messages, fresh.rollouts, fresh.audits
	s.Issued = tokens
	a.workflows.started, a.workflows.received, a.workflows.noMail = nil, map[string]trial.Request{}, map[string][]trial.Request{}
	header := http.Header{"Authorization": {"Bearer " + serviceToken}, "Content-Type": {"application/json"}}
	require.Equal(t, http.StatusCreated, answerTo(t, a, http.MethodPost, "/api/vendors", header, ada).Code)
	writes, _ = s.written()
	return writes
}

func answerTo(t *testing.T, handler http.Handler, method, path string, header http.Header, body string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "/", strings.NewReader(body))
	path, query, _ := strings.Cut(path, "?")
	r.URL, r.Header = &url.URL{Path: path, RawQuery: query}, header
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w
}

// requireProblem holds a refusal to its form: never one of ours, and nothing changed.
func requireProblem(t *testing.T, s *store, writes int, w *httptest.ResponseRecorder) {
	t.Helper()
	require.NotEqual(t, http.StatusInternalServerError, w.Code, "%s", w.Body)
	if w.Code < http.StatusBadRequest {
		return
	}
	var p rest.Problem
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &p), "%s", w.Body)
	require.Equal(t, w.Code, p.Status)
	after, _ := s.written()
	require.Equal(t, writes, after, "a refused request has changed nothing")
}

// operationsWithBody are those that take a body from admins and billing.
func operationsWithBody(tb testing.TB) [][2]string {
	tb.Helper()
	spec, err := load()
	require.NoError(tb, err)
	var all [][2]string
	for path, item := range spec.Paths.Map() {
		for method, operation := range item.Operations() {
			if operation.RequestBody != nil && strings.HasPrefix(path, "/api/") && path != "/api/webhooks/ses" {
				all = append(all, [2]string{method, path})
			}
		}
	}
	slices.SortFunc(all, func(a, b [2]string) int { return strings.Compare(a[0]+a[1], b[0]+b[1]) })
	return all
}

// Whatever is sent to whichever operation, it is carried out, or refused by a
// problem document and nothing has changed.
func FuzzChange(f *testing.F) {
	operations := operationsWithBody(f)
	for i := range operations {
		for _, body := range []string{
			`{"reason":"r"}`, `{"days":7,"reason":"r"}`, `{"percentage":10,"reason":"r","inFlight":"keep"}`, `{"featureFlags":{"trialAutomation":{"enabled":false}}}`,
			`{"enabled":true,"rolloutPercentage":10}`, `{"at":"2026-03-10T12:00:00Z"}`, `{"minutes":5,"reason":"r"}`, `{"plan":{"name":"p","phases":[]}}`,
			`{"kind":"welcome","helpful":true,"text":"a\r\n"}`, `{"met":true,"reason":"r"}`, `{"registrationsPerDay":30}`, ``, `{`, `[]`, `null`, `{"reason":"\u0000"}`, `{"days":1e9,"reason":"r"}`,
		} {
			f.Add(uint8(i), "v-1", "key-1", body)
		}
	}
	a := newFuzzed(f)
	f.Fuzz(func(t *testing.T, operation uint8, id, key, body string) {
		writes := a.anew(t)
		header := http.Header{"Authorization": {"Bearer " + serviceToken}, "Content-Type": {"application/json"}}
		o := operations[int(operation)%len(operations)]
		if strings.HasPrefix(o[1], "/api/admin") {
			header.Set("Authorization", "Bearer "+adminToken)
		}
		header.Set("Idempotency-Key", key)
		path := strings.NewReplacer("{id}", id, "{alert}", id, "{rolloutId}", id, "{subject}", id, "{reportId}", id, "{operationId}", id, "{token}", id).Replace(o[1])
		if strings.ContainsRune(path, '?') {
			return // that is a query, see FuzzList
		}
		requireProblem(t, a.store, writes, answerTo(t, a, o[0], path, header, body))
	})
}

// Whatever is sent as the form of a vendor's answer: a text that may be kept, or the page or a problem, and nothing has changed.
func FuzzFeedbackForm(f *testing.F) {
	for _, form := range []string{
		"helpful=yes", "helpful=no&text=a%0D%0Ab", "helpful=yes&text=%1b", "helpful=yes&text=%ff", "helpful=yes&helpful=no", "helpful=", "text=a", "helpful=yes;text=a",
		"helpful=yes&text=" + strings.Repeat("a", feedback.MaxText+1), "helpful=yes&more=1", "%zz", "", "{}",
	} {
		f.Add(form)
	}
	a := newFuzzed(f)
	f.Fuzz(func(t *testing.T, form string) {
		writes := a.anew(t)
		w := answerTo(t, a, http.MethodPost, askedPath, http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, form)
		after, _ := a.store.written()
		switch {
		case w.Code == http.StatusOK:
			text := a.store.Answers["v-1"]["welcome"].Text
			clean, err := feedback.CleanText(text)
			require.NoError(t, err)
			require.Equal(t, clean, text)
		case w.Code == http.StatusBadRequest && strings.HasPrefix(w.Header().Get("Content-Type"), "text/html"):
			require.Equal(t, writes, after, "a refused request has changed nothing")
		default:
			requireProblem(t, a.store, writes, w)
		}
	})
}

// Whatever a list is asked for, cursors of our making and others: a page in
// order, or a refusal.
func FuzzList(f *testing.F) {
	for _, query := range []string{
		"", "cursor=di0x", "cursor=di0x&limit=1", "cursor=di0x=", "cursor=%00", "cursor=ZGVmIQ", "limit=0", "limit=501", "limit=1e2", "held=true&status=grace",
		"status=none", "cursor=", "cursor=a&cursor=b", "cohort=control&limit=500", "limit=%zz", ";", "a=b",
	} {
		f.Add(query)
	}
	a := newFuzzed(f)
	f.Fuzz(func(t *testing.T, query string) {
		writes := a.anew(t)
		header := http.Header{"Authorization": {"Bearer " + adminToken}}
		w := answerTo(t, a, http.MethodGet, "/api/admin/trials?"+query, header, "")
		requireProblem(t, a.store, writes, w)
		if w.Code != http.StatusOK {
			return
		}
		var page rest.TrialPage
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &page))
		require.True(t, slices.IsSortedFunc(page.Trials, func(a, b rest.Trial) int { return strings.Compare(a.VendorID, b.VendorID) }))
	})
}

// Whatever stands in Authorization, only the token itself opens.
func FuzzToken(f *testing.F) {
	for _, header := range []string{"Bearer " + adminToken, "bearer  " + adminToken + " ", "Basic " + adminToken, adminToken, "Bearer", "Bearer \x00", "Bearer " + adminToken + "," + adminToken, ""} {
		f.Add(header)
	}
	a := newFuzzed(f)
	source := uint32(10 << 24)
	good := []string{adminToken, secondAdmin, operatorToken, viewerToken}
	f.Fuzz(func(t *testing.T, value string) {
		writes := a.anew(t)
		source++ // whoever fails from the same one is slowed down
		from := netip.AddrFrom4([4]byte{byte(source >> 24), byte(source >> 16), byte(source >> 8), byte(source)})
		w := answerTo(t, a, http.MethodGet, "/api/admin/feature-flags", http.Header{"Authorization": {value}, "X-Forwarded-For": {from.String()}}, "")
		requireProblem(t, a.store, writes, w)
		scheme, token, _ := strings.Cut(value, " ")
		require.Equal(t, strings.EqualFold(scheme, "Bearer") && slices.Contains(good, strings.TrimSpace(token)), w.Code == http.StatusOK)
	})
}
