package rest

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/gorilla/mux"

	"marketplace.example/trials/api/auth"
	"marketplace.example/trials/internal/domain/access"
)

// roleOf is the role that each security scheme of the description asks for.
var roleOf = map[string]access.Role{
	"viewerToken": access.Viewer, "operatorToken": access.Operator, "adminToken": access.Admin, "serviceToken": access.Service,
}

// permissions are what each route asks of a request, as the description says it.
type permissions map[string]need

// need is what a route asks of a request.
type need struct {
	// roles open it, each alone and with those that cover it; none leaves it open.
	roles []access.Role
	// json tells whether its body, if any, is JSON.
	json bool
	// maxBody is how many bytes its body may have.
	maxBody int64
}

// newPermissions reads the description. An operation that does not say who may call it is an error: forgetting must not open a door.
func newPermissions(spec *openapi3.T) (permissions, error) {
	p := permissions{}
	for path, item := range spec.Paths.Map() {
		for method, operation := range item.Operations() {
			n, err := needOf(operation)
			if err != nil {
				return nil, fmt.Errorf("%s %s %w", method, path, err)
			}
			p[method+" "+path] = n
		}
	}
	return p, nil
}

func needOf(operation *openapi3.Operation) (need, error) {
	n := need{maxBody: maxBody}
	if operation.RequestBody != nil {
		n.json = operation.RequestBody.Value.Content["application/json"] != nil
	}
	if limit, ok := operation.Extensions["x-max-bytes"].(float64); ok {
		n.maxBody = int64(limit)
	}
	if operation.Security == nil {
		return n, errors.New("does not say who may call it")
	}
	for _, requirement := range *operation.Security {
		for scheme := range requirement {
			role, known := roleOf[scheme]
			if !known {
				return n, fmt.Errorf("asks for %s, which is no role's", scheme)
			}
			n.roles = append(n.roles, role)
		}
	}
	return n, nil
}

// need is what the matched route asks of the request.
func (p permissions) need(r *http.Request) (need, bool) {
	path, err := mux.CurrentRoute(r).GetPathTemplate()
	n, known := p[r.Method+" "+path]
	return n, known && err == nil
}

// allows tells whether a role opens the route.
func (n need) allows(role access.Role) bool {
	for _, needed := range n.roles {
		if role == needed || role.Covers(needed) {
			return true
		}
	}
	return false
}

// refuse says which role the route needs, and which it was offered.
func (n need) refuse(role access.Role) error {
	var needed []string
	for _, r := range n.roles {
		needed = append(needed, string(r))
	}
	return refuse(http.StatusForbidden, "this needs the role %s; the role of this token is %s", strings.Join(needed, " or "), role)
}

// enter is who brings a request. It refuses one without a token that opens its route.
func (s *server) enter(p permissions, r *http.Request) (access.Identity, error) {
	n, known := p.need(r)
	if !known {
		return access.Identity{}, fmt.Errorf("the route of %s is not described", r.Method)
	}
	if len(n.roles) == 0 {
		return access.Identity{}, nil
	}
	text, given := bearer(r)
	if !given {
		return access.Identity{}, unauthorized("this needs a token: Authorization: Bearer …")
	}
	who, err := s.Callers.Identify(r, text)
	if refused, ok := errors.AsType[*auth.RefusedError](err); ok {
		if refused.Reason == auth.Slowed {
			return who, tooMany(refused.Error(), refused.Wait)
		}
		return who, unauthorized(refused.Error())
	}
	if err == nil && !n.allows(who.Role) {
		err = n.refuse(who.Role)
	}
	return who, err
}

// bearer is the token that a request brings.
func bearer(r *http.Request) (string, bool) {
	scheme, token, found := strings.Cut(r.Header.Get("Authorization"), " ")
	token = strings.TrimSpace(token)
	return token, found && strings.EqualFold(scheme, "Bearer") && token != ""
}

func unauthorized(detail string) error {
	r := refuse(http.StatusUnauthorized, "%s", detail)
	r.header = http.Header{"Www-Authenticate": {`Bearer realm="trials"`}}
	return r
}

// tooMany refuses what comes too often.
func tooMany(detail string, wait time.Duration) error {
	r := refuse(http.StatusTooManyRequests, "%s", detail)
	r.header = http.Header{"Retry-After": {strconv.Itoa(int(math.Ceil(wait.Seconds())))}}
	return r
}

// guard lets through whoever may call the route, and keeps who it is.
func (s *server) guard(p permissions) mux.MiddlewareFunc {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			who, err := s.enter(p, r)
			callOf(r.Context()).who = who
			if err != nil {
				s.fail(w, r, err)
				return
			}
			callOf(r.Context()).letIn = who != access.Identity{} // an open route lets strangers in
			next.ServeHTTP(w, r.WithContext(access.With(r.Context(), who)))
		})
	}
}

// limited refuses requests that come too often from one place.
func (s *server) limited(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if wait := s.Callers.Wait(r); wait > 0 {
			s.fail(w, r, tooMany("too many requests come from your address", wait))
			return
		}
		next.ServeHTTP(w, r)
	})
}
