package rest

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"regexp"
	"runtime/debug"
	"strings"
	"time"

	"github.com/gorilla/mux"
	"go.uber.org/zap"

	"marketplace.example/trials/api/headers"
	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/internal/domain/audit"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

const (
	// requestTimeout bounds the work on a request that changes nothing. It is longer than asking a trial takes at most.
	requestTimeout = 15 * time.Second
	// ChangeTimeout bounds the work on a change, which may have to wait for others before it begins.
	ChangeTimeout = 25 * time.Second
	// AnswersWithin is how long the answer to a request may take at most, where the database takes what it is told and does not
	// answer. The time of a change may be over while its entry is being written, or as it has been carried out: then its workflow
	// is told, and its key settled. What became of it is put on record then, behind another entry that is being written. Servers,
	// clients and whoever stops the API wait longer than that.
	AnswersWithin = ChangeTimeout + max(audit.WriteLimit, app.SignalTimeout+app.SettleTimeout) + app.SettleTimeout + audit.WriteLimit
)

// timeoutOf is how long a request may take.
func timeoutOf(r *http.Request) time.Duration {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return requestTimeout
	}
	return ChangeTimeout
}

// call is what is known of a request besides what it says.
type call struct {
	// id names the request in the answer and in the logs.
	id string
	// route is the matched path of the description, vendor the id in it.
	route  string
	vendor string
	// about is the cohort of the vendor that the call is about; empty where it is about none, or a stranger.
	about trial.Cohort
	// who is the zero value until the guard has let somebody in.
	who access.Identity
	// letIn says that whoever calls has shown a token, or a signature, that opens the route. Calls of strangers reach no figure:
	// they would choose it.
	letIn bool
	// canary says that the call is about a canary, which no figure knows.
	canary bool
	// long says that the body holds more values than most.
	long bool
}

type callKey struct{}

// callOf is the call of a context made by outside.
func callOf(ctx context.Context) *call {
	if c, ok := ctx.Value(callKey{}).(*call); ok {
		return c
	}
	return &call{}
}

var requestID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// middleware is what happens to every request, whether it matches a route or not.
func (s *server) middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, start := &call{id: r.Header.Get("X-Request-Id")}, time.Now()
		if !requestID.MatchString(c.id) {
			c.id = rand.Text()
		}
		ctx, cancel := context.WithTimeout(context.WithValue(app.WithRequestID(r.Context(), c.id), callKey{}, c), timeoutOf(r))
		defer cancel()
		ctx, span := s.begin(ctx, r)
		r = r.WithContext(ctx)
		answer := &answer{ResponseWriter: w}
		defer func() { c.end(span, r.Method, answer.status) }()
		headers.Restrict(answer.Header(), s.Callers.OverTLS(r))
		answer.Header().Set("Referrer-Policy", "no-referrer")
		answer.Header().Set("Content-Security-Policy", contentPolicy)
		answer.Header().Set("X-Request-Id", c.id)
		defer s.note(r.Method, c, answer, start)
		defer func() { s.rescue(recover(), answer, r) }()
		if !headers.PlainPath(r.URL) {
			s.fail(answer, r, errNoRoute)
			return
		}
		plain := *r.URL
		plain.RawPath = "" // the description's router reads escapes, and ours what they stand for
		r.URL = &plain
		next.ServeHTTP(answer, r)
	})
}

// errNoRoute refuses a path at which there is nothing.
var errNoRoute = refuse(http.StatusNotFound, "there is nothing at this path; /api/docs lists what there is")

// contentPolicy lets the few pages of the API load nothing.
const contentPolicy = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// rescue turns a panic, if there was one, into an internal error. http.ErrAbortHandler is the server's own way to hang up.
func (s *server) rescue(found any, w *answer, r *http.Request) {
	if found == nil {
		return
	}
	if err, ok := found.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(found)
	}
	s.log.Error("panic", zap.String("requestId", callOf(r.Context()).id), zap.Any("panic", found), zap.ByteString("stack", debug.Stack()))
	if w.status != 0 {
		panic(http.ErrAbortHandler) // half an answer is out: hang up
	}
	s.fail(w, r, errors.New("panic"))
}

// note writes the access log. A path may hold a token or, by mistake, an address; so the route is logged, and an id only where it
// has an id's form.
func (s *server) note(method string, c *call, w *answer, start time.Time) {
	fields := []zap.Field{
		zap.String("requestId", c.id), zap.String("method", method), zap.String("route", c.route),
		zap.Int("status", w.status), zap.Int("bytes", w.bytes), zap.Duration("took", time.Since(start)),
	}
	if trial.ValidVendorID(c.vendor) {
		fields = append(fields, zap.String("vendorId", c.vendor))
	}
	if c.who.TokenID != "" {
		fields = append(fields, zap.String("token", c.who.TokenID))
	}
	s.log.Info("request", fields...)
	if c.canary {
		return
	}
	if !c.letIn {
		s.Calls.Stranger()
		return
	}
	s.Calls.Called(c.route, method, w.status, time.Since(start))
	if observed(c.route) {
		s.App.Store.ObserveCall(rollout.Call{
			Route: method + " " + c.route, Took: time.Since(start), Failed: w.status >= http.StatusInternalServerError, About: c.about,
		})
	}
}

// observed tells whether calls of a route count for the rollout: those of the marketplace and of admins, not those of probes and
// of the mail service. To be told that something is unhealthy is no failure of the API, nor that a computation has to wait.
func observed(route string) bool {
	if strings.HasPrefix(route, "/api/admin/monitoring") || changesNothing[route] {
		return false
	}
	return strings.HasPrefix(route, "/api/vendors") || strings.HasPrefix(route, "/api/admin")
}

// named keeps the route that matched.
func (s *server) named(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := callOf(r.Context())
		c.route, _ = mux.CurrentRoute(r).GetPathTemplate() // every generated route has one
		c.vendor = mux.Vars(r)["id"]
		next.ServeHTTP(w, r)
	})
}

// answer counts what is answered.
type answer struct {
	http.ResponseWriter
	// status is 0 until the answer begins.
	status int
	bytes  int
}

// WriteHeader keeps the status.
func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

// Write counts the bytes.
func (a *answer) Write(b []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	n, err := a.ResponseWriter.Write(b)
	a.bytes += n
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// methodNotAllowed says which methods the path has.
func methodNotAllowed(router *mux.Router, r *http.Request) error {
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPatch, http.MethodDelete} {
		probe, match := r.Clone(r.Context()), mux.RouteMatch{}
		probe.Method = method
		if router.Match(probe, &match) && match.MatchErr == nil {
			allowed = append(allowed, method)
		}
	}
	refused := refuse(http.StatusMethodNotAllowed, "this path takes %s", strings.Join(allowed, " and "))
	refused.header = http.Header{"Allow": {strings.Join(allowed, ", ")}}
	return refused
}

// failRequest answers a request that the generated code could not read although the description let it pass.
func (s *server) failRequest(w http.ResponseWriter, r *http.Request, err error) {
	var (
		missing *RequiredHeaderError
		several *TooManyValuesForParamError
		format  *InvalidParamFormatError
	)
	switch {
	case errors.As(err, &missing):
		s.fail(w, r, invalid(FieldProblem{Field: missing.ParamName, Message: "is missing"}))
	case errors.As(err, &several):
		s.fail(w, r, invalid(FieldProblem{Field: several.ParamName, Message: "is given more than once"}))
	case errors.As(err, &format):
		s.fail(w, r, invalid(FieldProblem{Field: format.ParamName, Message: "cannot be read"}))
	default:
		s.fail(w, r, refuse(http.StatusBadRequest, "the body does not have the form that the description gives"))
	}
}
