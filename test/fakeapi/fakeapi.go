// Package fakeapi serves the API's own handlers over a store in memory, to tests of programs that call the API. It is
// not the API alone: trials and rollouts do what is asked of them by the domain at once, bulk operations a page a look,
// and requests fail on command.
package fakeapi

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"marketplace.example/trials/api/auth"
	"marketplace.example/trials/api/rest"
	"marketplace.example/trials/client"
	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/notice"
	"marketplace.example/trials/internal/domain/policy"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/test/memory"
)

// The tokens that open the API.
const (
	AdminToken   = "admin-token-of-the-tests"
	ServiceToken = "service-token-of-the-tests"
)

// RequestID is the id of every request.
const RequestID = "r-1"

// Call is one request that was carried out.
type Call struct {
	Method, Path, Key, Body string
}

// Fault is asked before each request is carried out; it may answer by itself, and then says so.
type Fault func(w http.ResponseWriter, r *http.Request) bool

// API is a running API. Its exported fields are set before it is used. It is an http.RoundTripper too,
// which answers without a network, for tests in a bubble of testing/synctest.
type API struct {
	// Store is what the API reads and writes.
	*memory.Store
	// URL is where it listens, and for one of NewInMemory a name that nobody has.
	URL string
	// Day is how long a day of its trials lasts.
	Day time.Duration
	// Idle leaves the steps of its trials undone. Else each is done by the time that it is asked for.
	Idle bool
	// Policies are those that it gives to new vendors.
	Policies policy.Set
	// Now is its clock, time.Now where nil.
	Now func() time.Time
	// BulkFails has nobody answer bulk operations.
	BulkFails bool

	handler func() http.Handler // made once its fields are set
	mutex   sync.Mutex
	fault   Fault
	calls   []Call
}

// Serve has an API listen on loopback until the test ends. What another process is to see is set before.
func (a *API) Serve(t *testing.T) {
	t.Helper()
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	a.URL = server.URL
}

// NewInMemory makes an API that only those reach who use it as their transport.
func NewInMemory() *API {
	a := &API{Store: memory.NewStore(), URL: "http://api.invalid", Day: 20 * time.Millisecond, Policies: policy.BuiltIn()}
	a.handler = sync.OnceValue(a.handle)
	return a
}

func (a *API) handle() http.Handler {
	s := &backend{Store: a.Store, api: a}
	a.Store.Now = a.now
	callers, err := auth.New(auth.Options{AdminToken: AdminToken, ServiceToken: ServiceToken, Tokens: s, Now: a.now})
	if err != nil {
		panic(err) // its tokens are set above
	}
	useCases := app.New(app.Options{
		Store: s, Trials: s, Rollouts: s, Bulks: s, Plan: rollout.DefaultPlan(), Log: zap.NewNop(),
		Policies: a.Policies, Day: a.Day, Alerts: monitoring.Rules(), Now: a.now,
		Mails: mails(), Previews: s, Stakeholders: []notice.Stakeholder{{Role: notice.ProductOwner, Email: "po@shop.example"}},
	})
	handlers, err := rest.New(rest.Options{App: useCases, Calls: s, Log: zap.NewNop(), Callers: callers})
	if err != nil {
		panic(err) // the API's description is tested
	}
	return handlers
}

// ServeHTTP notes a request and carries it out, unless it is to fail.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mutex.Lock()
	fault := a.fault
	a.mutex.Unlock()
	if fault != nil && fault(w, r) {
		return
	}
	a.note(r)
	if id := operation.FindStringSubmatch(r.URL.Path); id != nil && r.Method == http.MethodGet {
		a.advanceBulk(id[1])
	}
	r.Header.Set("X-Request-Id", RequestID)
	a.handler().ServeHTTP(w, r)
}

// operation is the path of a bulk operation.
var operation = regexp.MustCompile(`^/api/admin/bulk/([^/]+)$`)

// noted are the paths of which also a GET is noted, with its query: they answer in pages.
var noted = regexp.MustCompile(`/(trials|decisions|items)$`)

func (a *API) note(r *http.Request) {
	call := Call{Method: r.Method, Path: r.URL.Path, Key: r.Header.Get("Idempotency-Key"), Body: r.URL.RawQuery}
	if r.Method != http.MethodGet {
		body, _ := io.ReadAll(r.Body) // what is missing fails later
		r.Body = io.NopCloser(bytes.NewReader(body))
		call.Body = string(bytes.TrimSpace(body))
	} else if !noted.MatchString(call.Path) {
		return
	}
	a.mutex.Lock()
	defer a.mutex.Unlock()
	a.calls = append(a.calls, call)
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
	a.ServeHTTP(w, served)
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
func (a *API) Vendors() (n int) {
	a.Look(func() { n = len(a.VendorsByID) })
	return n
}

// Registered is when a vendor's trial began, and when it converted; false where it is not known.
func (a *API) Registered(id string) (at time.Time, converted *time.Time, ok bool) {
	a.Look(func() {
		var v trial.Vendor
		if v, ok = a.VendorsByID[id]; ok && v.Automation.Conversion != nil {
			converted = &v.Automation.Conversion.At
		}
		at = v.StartedAt
	})
	return at, converted, ok
}

// Forget loses every vendor, as a database in memory does.
func (a *API) Forget() {
	a.Look(func() { clear(a.VendorsByID); clear(a.States); clear(a.History) })
}

func (a *API) now() time.Time {
	if a.Now != nil {
		return a.Now()
	}
	return time.Now()
}

// Refuse answers with a problem document.
func Refuse(w http.ResponseWriter, status int, field, detail string) {
	p := client.Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: &detail, RequestId: RequestID}
	if field != "" {
		p.Field = &field
	}
	document, err := json.Marshal(p)
	if err != nil {
		panic(err) // the API's own type
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_, _ = w.Write(document) // a client that has gone does not matter
}
