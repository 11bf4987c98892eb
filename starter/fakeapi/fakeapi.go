// Package fakeapi stands in for the API in the tests of the command line: it answers over real HTTP
// with the API's types, keeps what it was told, and fails on command. What the API decides is not
// tested with it.
package fakeapi

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"marketplace.example/trials/client"
	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/internal/domain/audit"
	"marketplace.example/trials/internal/domain/bulk"
	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// The tokens that open the fake.
const (
	AdminToken   = "admin-token-of-the-tests"
	ServiceToken = "service-token-of-the-tests"
)

// Call is one request that was carried out.
type Call struct {
	Method, Path, Key, Body string
}

// Fault is asked before each request is carried out; it may answer by itself, and then says so.
type Fault func(w http.ResponseWriter, r *http.Request) bool

// API is a running fake. Its exported fields are set before it is used. It is an http.RoundTripper too,
// which answers without a network, for tests in a bubble of testing/synctest.
type API struct {
	// URL is where it listens, and for one of NewInMemory a name that nobody has.
	URL string
	// Day is how long a day of its trials lasts.
	Day time.Duration
	// Idle leaves the steps of its trials undone. Else each is done by the time that it is asked for.
	Idle bool
	// Now is its clock, time.Now where nil.
	Now func() time.Time
	// Events are the events of trials that do not begin with a registration here.
	Events map[string][]trial.Event
	// Alerts are the events of alerts.
	Alerts map[monitoring.RuleID][]monitoring.AlertEvent
	// Tokens are those issued.
	Tokens []access.Token
	// Audit is the audit record.
	Audit []audit.Entry
	// Decisions are the events of its one rollout, Judged is the latest judgement.
	Decisions []rollout.Event
	Judged    *rollout.Judgement
	// Reports are those of the rollout that were made, by id.
	Reports map[string]rollout.Report
	// Bulks are the bulk operations; with BulkFails nobody answers these.
	Bulks     []bulk.View
	BulkFails bool

	handler http.Handler
	mutex   sync.Mutex
	fault   Fault
	vendors map[string]*vendor
	flags   client.FeatureFlagDocument
	calls   []Call
}

type vendor struct {
	registration client.VendorRegistration
	state        trial.State
	conversion   *client.Conversion
	erasure      *trial.Erasure
}

// New starts a fake that listens on loopback and ends with the test.
func New(t *testing.T) *API {
	t.Helper()
	a := NewInMemory()
	server := httptest.NewServer(a.handler)
	t.Cleanup(server.Close)
	a.URL = server.URL
	return a
}

// NewInMemory makes a fake that only those reach who use it as their transport.
func NewInMemory() *API {
	a := &API{
		URL: "http://api.invalid",
		Day: 20 * time.Millisecond, Events: make(map[string][]trial.Event), Alerts: make(map[monitoring.RuleID][]monitoring.AlertEvent),
		vendors: make(map[string]*vendor),
		flags:   client.FeatureFlagDocument{FeatureFlags: rollout.InitialFlags(), Version: 1, UpdatedBy: "setup"},
	}
	a.handler = a.handle()
	return a
}

// RoundTrip answers a request by itself. A handler that panics has hung up, as on a real connection.
func (a *API) RoundTrip(r *http.Request) (response *http.Response, err error) {
	defer func() {
		if p := recover(); p == http.ErrAbortHandler { //nolint:errorlint // it is thrown as it is
			err = io.ErrUnexpectedEOF
		} else if p != nil {
			panic(p)
		}
	}()
	w := httptest.NewRecorder()
	served := r.Clone(r.Context())
	if served.Body == nil {
		served.Body = http.NoBody
	}
	a.handler.ServeHTTP(w, served)
	return w.Result(), nil
}

// Fail lets requests fail from now on as a fault does it; nil ends that.
func (a *API) Fail(fault Fault) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	a.fault = fault
}

// Calls are the requests that were carried out, in order.
func (a *API) Calls() []Call {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	return append([]Call(nil), a.calls...)
}

// Vendors is how many vendors are registered.
func (a *API) Vendors() int {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	return len(a.vendors)
}

// Registered is when a vendor's trial began, and when it converted; false where it is not known.
func (a *API) Registered(id string) (at time.Time, converted *time.Time, ok bool) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	v, ok := a.vendors[id]
	if !ok {
		return time.Time{}, nil, false
	}
	if v.conversion != nil {
		converted = &v.conversion.At
	}
	return v.state.StartedAt, converted, true
}

// Forget loses every vendor, as a database in memory does.
func (a *API) Forget() {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	clear(a.vendors)
}

func (a *API) handle() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/vendors", a.register)
	mux.HandleFunc("GET /api/vendors/{id}", a.show)
	mux.HandleFunc("POST /api/vendors/{id}/conversion", a.convert)
	mux.HandleFunc("GET /api/admin/trials", a.list)
	mux.HandleFunc("GET /api/admin/trials/{id}", a.details)
	mux.HandleFunc("POST /api/admin/trials/{id}/{message}", a.change)
	mux.HandleFunc("GET /api/admin/feature-flags", a.getFlags)
	mux.HandleFunc("PATCH /api/admin/feature-flags", a.patchFlags)
	mux.HandleFunc("POST /api/admin/feature-flags/trial-automation/rollout", a.setRollout)
	a.handlePersonal(mux)
	a.handleRollouts(mux)
	a.handleAlerts(mux)
	a.handleTokens(mux)
	a.handleAudit(mux)
	a.handleBulk(mux)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.mutex.Lock()
		fault := a.fault
		a.mutex.Unlock()
		if fault != nil && fault(w, r) {
			return
		}
		if !authorized(r) {
			Refuse(w, http.StatusUnauthorized, "", "the token is missing or wrong")
			return
		}
		a.mutex.Lock()
		defer a.mutex.Unlock()
		mux.ServeHTTP(w, r)
	})
}

func authorized(r *http.Request) bool {
	given := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	admin := strings.HasPrefix(r.URL.Path, "/api/admin")
	return admin && given == AdminToken || !admin && given == ServiceToken
}

func (a *API) now() time.Time {
	if a.Now != nil {
		return a.Now()
	}
	return time.Now()
}

// note keeps a request that is carried out, and reads its body into target.
func (a *API) note(r *http.Request, target any) error {
	var body json.RawMessage
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		return err
	}
	a.calls = append(a.calls, Call{Method: r.Method, Path: r.URL.Path, Key: r.Header.Get("Idempotency-Key"), Body: string(body)})
	return json.Unmarshal(body, target)
}

func (a *API) register(w http.ResponseWriter, r *http.Request) {
	var body client.VendorRegistration
	if err := a.note(r, &body); err != nil {
		Refuse(w, http.StatusBadRequest, "", err.Error())
		return
	}
	if known, ok := a.vendors[body.Id]; ok {
		if known.registration.Email != body.Email {
			Refuse(w, http.StatusConflict, "id", "vendor "+body.Id+" is registered with other data")
			return
		}
		answer(w, http.StatusOK, known.answer())
		return
	}
	at := a.now()
	if body.RegisteredAt != nil {
		at = *body.RegisteredAt
	}
	cohort := trial.Control
	if strings.HasSuffix(body.Id, "a") {
		cohort = trial.Automated
	}
	zone := ""
	if body.Timezone != nil {
		zone = *body.Timezone
	}
	v := &vendor{registration: body, state: trial.NewState(trial.Registration{
		VendorID: body.Id, Cohort: cohort, Policy: trial.DefaultPolicy(), Day: a.Day, Zone: zone, At: at,
	})}
	a.vendors[body.Id] = v
	answer(w, http.StatusCreated, v.answer())
}

func (v *vendor) answer() client.VendorTrial {
	overview := v.state.Overview()
	zone := ""
	if v.registration.Timezone != nil {
		zone = *v.registration.Timezone
	}
	return client.VendorTrial{
		Vendor: client.Vendor{
			Id: v.registration.Id, Email: v.registration.Email, Name: v.registration.Name, Timezone: zone,
			RegisteredAt: &v.state.StartedAt, Conversion: v.conversion,
		},
		Cohort: &v.state.Cohort, Trial: &overview,
	}
}

func (a *API) show(w http.ResponseWriter, r *http.Request) {
	if v, ok := a.vendors[r.PathValue("id")]; ok {
		if !a.Idle {
			v.doSteps(a.now())
		}
		answer(w, http.StatusOK, v.answer())
		return
	}
	Refuse(w, http.StatusNotFound, "id", "no vendor \""+r.PathValue("id")+"\"")
}

// doSteps does what is due of a trial.
func (v *vendor) doSteps(now time.Time) {
	for {
		step, ok := v.state.Next()
		if !ok || !step.At.Before(now) {
			return
		}
		facts := trial.Facts{Now: now, AutomationEnabled: true, EmailReminders: true, AutoExpiration: true}
		decision := trial.Decide(v.state, step, facts)
		v.state = v.state.Apply(v.state.StepEvent(step, decision, facts, decision.Action == trial.Run))
	}
}

func (a *API) convert(w http.ResponseWriter, r *http.Request) {
	var body client.ConversionReport
	if err := a.note(r, &body); err != nil {
		Refuse(w, http.StatusBadRequest, "", err.Error())
		return
	}
	v, ok := a.vendors[r.PathValue("id")]
	switch {
	case !ok:
		Refuse(w, http.StatusNotFound, "id", "no vendor \""+r.PathValue("id")+"\"")
	case v.conversion != nil:
		answer(w, http.StatusOK, v.conversion)
	case body.At != nil && body.At.After(a.now()):
		Refuse(w, http.StatusBadRequest, "at", "lies in the future")
	default:
		v.conversion = &client.Conversion{At: a.now().UTC(), Recorded: true}
		if body.At != nil {
			v.conversion.At = *body.At
		}
		answer(w, http.StatusAccepted, v.conversion)
	}
}

// Refuse answers with a problem document.
func Refuse(w http.ResponseWriter, status int, field, detail string) {
	p := client.Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: &detail, RequestId: "r-1"}
	if field != "" {
		p.Field = &field
	}
	w.Header().Set("Content-Type", "application/problem+json")
	write(w, status, p)
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	write(w, status, body)
}

func write(w http.ResponseWriter, status int, body any) {
	document, err := json.Marshal(body)
	if err != nil {
		panic(err) // the API's own types
	}
	w.WriteHeader(status)
	_, _ = w.Write(document) // a client that has gone does not matter
}
