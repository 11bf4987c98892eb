package rest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"

	"marketplace.example/trials/internal/domain/idempotency"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// retryAfter is what callers are told to wait when a part that is needed is away.
const retryAfter = 5 * time.Second

// statusClientGone is logged where the caller hung up before the answer. No
// caller ever sees it.
const statusClientGone = 499

// refusal is an error as the caller is told of it.
type refusal struct {
	status int
	// detail says what is wrong, in a sentence for the caller.
	detail string
	// fields are the fields at fault, the first one first.
	fields []FieldProblem
	// header is answered too.
	header http.Header
	// cause is for the log alone.
	cause error
	// certain says that it is known what became of the request, though it failed here.
	certain bool
}

func (r *refusal) Error() string { return r.detail }

func (r *refusal) Unwrap() error { return r.cause }

// Certain says, in a sentence, what became of a request that failed here, empty where that is not known. The pages
// show it.
func (r *refusal) Certain() string {
	if !r.certain {
		return ""
	}
	return strings.ToUpper(r.detail[:1]) + r.detail[1:] + "."
}

// refuse is a refusal for a reason that concerns no single field.
func refuse(status int, format string, args ...any) *refusal {
	return &refusal{status: status, detail: fmt.Sprintf(format, args...)}
}

// Limits of what is said about one request: its fields' names are the caller's,
// and there may be thousands.
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

// statusOf is the HTTP status for each code of a trial.Error.
var statusOf = map[trial.Code]int{
	trial.CodeInvalid:     http.StatusBadRequest,
	trial.CodeNotFound:    http.StatusNotFound,
	trial.CodeConflict:    http.StatusConflict,
	trial.CodeForbidden:   http.StatusForbidden,
	trial.CodeUnavailable: http.StatusServiceUnavailable,
}

// refusalOf says how the caller is told of an error. Whatever is not known to
// be fit for callers becomes a plain internal error.
func refusalOf(err error) *refusal {
	var (
		ready   *refusal
		domain  *trial.Error
		flag    *rollout.FieldError
		unfit   *rollout.ConflictError
		tooLong *http.MaxBytesError
	)
	switch {
	case errors.As(err, &ready):
		return ready
	case errors.As(err, &domain):
		return fromDomain(domain, err)
	case errors.As(err, &flag):
		return invalid(FieldProblem{Field: flag.Field, Message: flag.Message})
	case errors.As(err, &unfit):
		return refuse(http.StatusConflict, "%s", unfit.Message)
	case errors.Is(err, idempotency.ErrReused):
		r := refuse(http.StatusUnprocessableEntity, "this Idempotency-Key was used for another request")
		r.fields = []FieldProblem{{Field: keyHeader, Message: "was used for another request"}}
		return r
	case errors.As(err, &tooLong):
		return bodyTooLarge(tooLong.Limit)
	case errors.Is(err, context.Canceled):
		return &refusal{status: statusClientGone, detail: "the request was given up", cause: err}
	case errors.Is(err, context.DeadlineExceeded):
		return unavailable("it took too long; try again", err)
	}
	return &refusal{status: http.StatusInternalServerError, detail: "something went wrong here; the request id finds it in the logs", cause: err}
}

func fromDomain(e *trial.Error, cause error) *refusal {
	status, known := statusOf[e.Code]
	switch {
	case !known:
		return &refusal{status: http.StatusInternalServerError, detail: "something went wrong here", cause: cause}
	case status == http.StatusServiceUnavailable:
		return unavailable(e.Message, cause)
	}
	r := &refusal{status: status, detail: e.Error(), cause: cause}
	if e.Field != "" {
		r.fields = []FieldProblem{{Field: e.Field, Message: e.Message}}
	}
	return r
}

// untouched is unavailable, where nothing was begun.
func untouched(detail string, cause error) *refusal {
	r := unavailable(detail+", so nothing was done; try again", cause)
	r.certain = true
	return r
}

// uncertain says of a request that may have changed something that this is not known: what broke off
// while it was being stored may be stored.
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
var changesNothing = map[string]bool{"/api/admin/rollouts/forecast": true}

func unavailable(detail string, cause error) *refusal {
	return &refusal{
		status: http.StatusServiceUnavailable, detail: detail, cause: cause,
		header: http.Header{"Retry-After": {strconv.Itoa(int(retryAfter.Seconds()))}},
	}
}

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

// fail answers with the problem document for an error. Every refusal of the
// API is written here.
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
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(refused.status)
	if err := json.NewEncoder(w).Encode(refused.problem(c.id)); err != nil {
		s.log.Debug("answer not taken", zap.String("requestId", c.id), zap.Error(err))
	}
}
