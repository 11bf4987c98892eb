package rest

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"

	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/trial"
)

// retryAfter is what callers are told to wait when a part that is needed is away.
const retryAfter = 5 * time.Second

// statusClientGone is logged where the caller hung up before the answer. No caller ever sees it.
const statusClientGone = 499

// refusal is an error as HTTP tells the caller of it.
type refusal struct {
	status int
	// detail says what is wrong, in a sentence for the caller.
	detail string
	// fields are the fields at fault, the first one first.
	fields []FieldProblem
	// header is answered too.
	header http.Header
	// certain says that it is known what became of the request, though it failed here.
	certain bool
}

func (r *refusal) Error() string { return r.detail }

// refuse is a refusal for a reason that concerns no single field.
func refuse(status int, format string, args ...any) *refusal {
	return &refusal{status: status, detail: fmt.Sprintf(format, args...)}
}

// Limits of what is said about one request: its fields' names are the caller's, and there may be thousands.
const (
	maxFields    = 20
	maxFieldName = 100
)

// invalid is a refusal because of fields of the request.
func invalid(fields ...FieldProblem) *refusal {
	r := &refusal{status: http.StatusBadRequest, fields: fields[:min(len(fields), maxFields)]}
	for i := range r.fields {
		f := &r.fields[i]
		if name := []rune(f.Field); len(name) > maxFieldName {
			f.Field = string(name[:maxFieldName]) + "…"
		}
		if i > 0 {
			r.detail += "; "
		}
		r.detail += f.Field + ": " + f.Message
	}
	return r
}

// statusOf is the HTTP status for each code of an error.
var statusOf = map[trial.Code]int{
	trial.CodeInvalid:     http.StatusBadRequest,
	trial.CodeNotFound:    http.StatusNotFound,
	trial.CodeConflict:    http.StatusConflict,
	trial.CodeForbidden:   http.StatusForbidden,
	trial.CodeUnavailable: http.StatusServiceUnavailable,
	app.CodeReused:        http.StatusUnprocessableEntity,
	app.CodeGivenUp:       statusClientGone,
	app.CodeInternal:      http.StatusInternalServerError,
}

// refusalOf says how HTTP tells the caller of an error.
func refusalOf(err error) *refusal {
	if ready, ok := errors.AsType[*refusal](err); ok {
		return ready
	}
	if tooLong, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return bodyTooLarge(tooLong.Limit)
	}
	e := app.ErrorOf(err)
	status, known := statusOf[e.Code]
	switch {
	case !known:
		return &refusal{status: http.StatusInternalServerError, detail: "something went wrong here"}
	case status == http.StatusServiceUnavailable:
		return &refusal{
			status: status, detail: e.Message, certain: e.Certain, header: http.Header{"Retry-After": {strconv.Itoa(int(retryAfter.Seconds()))}},
		}
	}
	r := &refusal{status: status, detail: e.Error()}
	if e.Field != "" {
		r.fields = []FieldProblem{{Field: e.Field, Message: e.Message}}
	}
	return r
}

// uncertain says of a request that may have changed something that this is not known: what broke off while it was being stored
// may be stored.
func (r *refusal) uncertain(route string) {
	r.detail = strings.TrimSuffix(strings.TrimSuffix(r.detail, " later"), "; try again") + ". It is not known whether this was carried out"
	if route == "/api/admin/tokens" {
		r.detail += ": look at the list of tokens before you ask for another"
		return
	}
	r.detail += "; repeating it, under the same Idempotency-Key where it has one, is safe"
}

// mayChange tells whether a call of a route may change something.
func mayChange(method, route string) bool {
	return method != http.MethodGet && method != http.MethodHead && route != "" && !changesNothing[route]
}

// changesNothing are the routes that are no GET and only look, as the description says of them too.
var changesNothing = map[string]bool{"/api/admin/rollouts/forecast": true, "/api/admin/experiments/forecast": true, "/api/admin/vendors/search": true}

// problem is the document that the caller gets.
func (r *refusal) problem(requestID string) Problem {
	p := Problem{Type: "about:blank", Title: http.StatusText(r.status), Status: r.status, RequestId: requestID}
	if r.detail != "" {
		p.Detail = &r.detail
	}
	if len(r.fields) > 0 {
		p.Field, p.Errors = &r.fields[0].Field, &r.fields
	}
	return p
}

// fail answers with the problem document for an error. Every refusal of the API is written here.
func (s *server) fail(w http.ResponseWriter, r *http.Request, err error) {
	refused, c := refusalOf(err), callOf(r.Context())
	if refused.status >= http.StatusInternalServerError && !refused.certain && c.letIn && mayChange(r.Method, c.route) {
		details := *refused
		details.uncertain(c.route)
		refused = &details
	}
	if refused.status >= http.StatusInternalServerError {
		s.log.Error("request failed", zap.String("requestId", c.id), zap.String("route", c.route),
			zap.Int("status", refused.status), zap.Error(err))
	}
	maps.Copy(w.Header(), refused.header)
	if s.failsAsPage(w, r, refused.status) {
		return
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(refused.status)
	if err := json.NewEncoder(w).Encode(refused.problem(c.id)); err != nil {
		s.log.Debug("answer not taken", zap.String("requestId", c.id), zap.Error(err))
	}
}
