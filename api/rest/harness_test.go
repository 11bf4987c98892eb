package rest_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"marketplace.example/trials/api/auth"
	"marketplace.example/trials/api/rest"
	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/policy"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/internal/domain/vendorpage"
)

const (
	adminToken   = "admin-token-of-the-tests"
	serviceToken = "service-token-of-the-tests"
)

// present is when the tests take place.
var present = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

// api is the whole API on a port of its own, before parts in memory.
type api struct {
	t         *testing.T
	url       string
	itself    http.Handler
	app       *app.App
	store     *store
	workflows *workflows
	health    *system
	calls     *calls
	logs      *observer.ObservedLogs
	spec      *openapi3.T
	router    routers.Router // over spec
}

func newAPI(t *testing.T) *api { return newAPIWithDay(t, trial.RealDay) }

func newAPIWithDay(t *testing.T, day time.Duration) *api {
	t.Helper()
	return makeAPI(t, options{day: day})
}

// newAPIWith is an API that makes spans.
func newAPIWith(t *testing.T, tracer trace.Tracer) *api {
	t.Helper()
	return makeAPI(t, options{tracer: tracer})
}

// options make an API other than most: a day that is none, spans, other limits.
type options struct {
	day    time.Duration
	tracer trace.Tracer
	limit  func(*auth.Options)
	// silent has it listen on no port: calls are made by inside.
	silent bool
	// policies are other than the built-in one.
	policies *policy.Set
	// pages are how the vendors' pages look: like the neutral brand if nil.
	pages func() vendorpage.Look
}

func makeAPI(t *testing.T, o options) *api {
	t.Helper()
	a := &api{t: t, store: newStore(), spec: specification(t)}
	router, err := described()
	require.NoError(t, err)
	a.router = router
	now := func() time.Time { return present }
	a.health, a.calls = &system{}, &calls{}
	a.workflows = &workflows{store: a.store, now: now, received: map[string]trial.Request{}, noMail: map[string][]trial.Request{}}
	core, logs := observer.New(zapcore.DebugLevel)
	a.logs = logs
	a.app = app.New(app.Options{
		Store: rest.WithCohorts(a.store), Trials: a.workflows, Rollouts: a.workflows, Bulks: a.workflows, Plan: rollout.DefaultPlan(),
		Policies: *cmp.Or(o.policies, new(policy.BuiltIn())), Day: cmp.Or(o.day, trial.RealDay), Now: now, Alerts: monitoring.Rules(), Mails: shownMails(t), Previews: a.workflows, Stakeholders: stakeholders(), Log: zap.New(core),
	})
	if o.pages == nil {
		o.pages = neutralLook
	}
	a.itself, err = rest.New(rest.Options{
		App: a.app, Mail: mails{}, Look: o.pages, Health: a.health, Calls: a.calls, Tracer: o.tracer, Callers: callers(t, a.store, o.limit), Log: zap.New(core),
	})
	require.NoError(t, err)
	if !o.silent {
		server := httptest.NewServer(a.itself)
		t.Cleanup(server.Close)
		a.url = server.URL
	}
	return a
}

// load reads the API's description.
var load = sync.OnceValues(func() (*openapi3.T, error) { return openapi3.NewLoader().LoadFromFile("openapi.yaml") })

// described finds the operation of a request in the description.
var described = sync.OnceValues(func() (routers.Router, error) {
	spec, err := load()
	if err != nil {
		return nil, err
	}
	return gorillamux.NewRouter(spec)
})

// specification is the API's description; it is shared, so it may not be changed.
func specification(t *testing.T) *openapi3.T {
	t.Helper()
	spec, err := load()
	require.NoError(t, err)
	return spec
}

// request is one call; its zero values are a GET without a body or a token.
type request struct {
	method, path string
	token        string
	key          string // Idempotency-Key
	contentType  string // application/json where there is a body
	header       http.Header
	body         string
}

// answered is what came back, read whole.
type answered struct {
	t      *testing.T
	status int
	header http.Header
	body   []byte
}

// call sends a request, and holds the answer against the description.
func (a *api) call(r request) answered {
	a.t.Helper()
	if r.method == "" {
		r.method = http.MethodGet
	}
	req, err := http.NewRequestWithContext(a.t.Context(), r.method, a.url+r.path, strings.NewReader(r.body))
	require.NoError(a.t, err)
	maps.Copy(req.Header, r.header)
	if r.token != "" {
		req.Header.Set("Authorization", "Bearer "+r.token)
	}
	if r.key != "" {
		req.Header.Set("Idempotency-Key", r.key)
	}
	if r.contentType == "" && r.body != "" {
		r.contentType = "application/json"
	}
	if r.contentType != "" {
		req.Header.Set("Content-Type", r.contentType)
	}
	res, err := http.DefaultClient.Do(req)
	require.NoError(a.t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(a.t, err)
	answer := answered{t: a.t, status: res.StatusCode, header: res.Header, body: body}
	a.asDescribed(req, answer)
	return answer
}

// inside makes an admin's call without a connection, for tests in a bubble of their own time.
func (a *api) inside(method, path, key, body string) *httptest.ResponseRecorder {
	return a.insideAs(adminToken, method, path, key, body)
}

func (a *api) insideAs(token, method, path, key, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body)).WithContext(a.t.Context())
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	answer := httptest.NewRecorder()
	a.itself.ServeHTTP(answer, r)
	return answer
}

// asDescribed fails the test where an answer is not as the description says.
func (a *api) asDescribed(req *http.Request, answer answered) {
	a.t.Helper()
	route, params, err := a.router.FindRoute(req)
	if err != nil {
		return // a path or a method that is not described
	}
	decodeOnce.Do(func() {
		openapi3filter.RegisterBodyDecoder("text/html", openapi3filter.FileBodyDecoder)
		openapi3filter.RegisterBodyDecoder("application/yaml", openapi3filter.FileBodyDecoder)
	})
	require.NoError(a.t, openapi3filter.ValidateResponse(a.t.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: req, PathParams: params, Route: route},
		Status:                 answer.status, Header: answer.header, Body: io.NopCloser(bytes.NewReader(answer.body)),
		Options: &openapi3filter.Options{IncludeResponseStatus: true},
	}), "the answer to %s %s is not as described: %s", req.Method, req.URL.Path, answer.body)
}

var decodeOnce sync.Once

// into decodes the answer of an expected status.
func into[T any](answer answered, status int) T {
	answer.t.Helper()
	require.Equal(answer.t, status, answer.status, "%s", answer.body)
	var v T
	require.NoError(answer.t, json.Unmarshal(answer.body, &v), "%s", answer.body)
	return v
}

// problem is the problem document of an expected status.
func (answer answered) problem(status int) rest.Problem {
	answer.t.Helper()
	require.Equal(answer.t, "application/problem+json", answer.header.Get("Content-Type"), "%s", answer.body)
	p := into[rest.Problem](answer, status)
	require.Equal(answer.t, status, p.Status)
	require.Equal(answer.t, "about:blank", p.Type)
	require.Equal(answer.t, http.StatusText(status), p.Title)
	require.Equal(answer.t, answer.header.Get("X-Request-Id"), p.RequestId)
	require.NotNil(answer.t, p.Detail)
	return p
}

// ada is a registration that is in order.
const ada = `{"id":"v-1","email":"ada@example.com","name":"Ada's Tools","timezone":"Europe/Paris","locale":"fr","registeredAt":"2026-03-09T08:00:00Z"}`

// register registers ada.
func (a *api) register() rest.VendorTrial {
	a.t.Helper()
	return into[rest.VendorTrial](a.call(request{method: http.MethodPost, path: "/api/vendors", token: serviceToken, body: ada}), http.StatusCreated)
}

func (a *api) post(path, token, body string) answered {
	a.t.Helper()
	return a.call(request{method: http.MethodPost, path: path, token: token, body: body})
}

// ask sends an admin's change of a trial.
func (a *api) ask(path, key, body string) answered {
	a.t.Helper()
	return a.call(request{method: http.MethodPost, path: path, token: adminToken, key: key, body: body})
}

func (a *api) get(path, token string) answered {
	a.t.Helper()
	return a.call(request{path: path, token: token})
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(content)
}
