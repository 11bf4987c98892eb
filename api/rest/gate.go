package rest

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/gorilla/mux"
)

// The security schemes of the description.
const (
	schemeAdmin   = "adminToken"
	schemeService = "serviceToken"
)

// gate knows what each route asks of a request, as the description says it.
type gate struct {
	// tokens are the tokens' hashes by scheme. Hashes are of one length, so
	// that comparing takes the same time whatever is compared.
	tokens map[string][sha256.Size]byte
	routes map[string]access
}

// access is what a route asks of a request.
type access struct {
	// schemes are the tokens that open it, each alone; none leaves it open.
	schemes []string
	// json tells whether its body, if any, is JSON.
	json bool
	// maxBody is how many bytes its body may have.
	maxBody int64
}

// newGate reads the description. An operation that does not say who may call
// it is an error: forgetting must not open a door.
func newGate(spec *openapi3.T, adminToken, serviceToken string) (gate, error) {
	if adminToken == "" || serviceToken == "" || adminToken == serviceToken {
		return gate{}, errors.New("the API needs an admin token and a service token that differ")
	}
	g := gate{
		tokens: map[string][sha256.Size]byte{
			schemeAdmin: sha256.Sum256([]byte(adminToken)), schemeService: sha256.Sum256([]byte(serviceToken)),
		},
		routes: map[string]access{},
	}
	for path, item := range spec.Paths.Map() {
		for method, operation := range item.Operations() {
			if operation.Security == nil {
				return gate{}, fmt.Errorf("%s %s does not say who may call it", method, path)
			}
			g.routes[method+" "+path] = accessOf(operation)
		}
	}
	return g, nil
}

func accessOf(operation *openapi3.Operation) access {
	a := access{maxBody: maxBody}
	if operation.RequestBody != nil {
		a.json = operation.RequestBody.Value.Content["application/json"] != nil
	}
	if limit, ok := operation.Extensions["x-max-bytes"].(float64); ok {
		a.maxBody = int64(limit)
	}
	for _, requirement := range *operation.Security {
		for scheme := range requirement {
			a.schemes = append(a.schemes, scheme)
		}
	}
	return a
}

// access is what the matched route asks of the request.
func (g gate) access(r *http.Request) (access, bool) {
	path, err := mux.CurrentRoute(r).GetPathTemplate()
	a, known := g.routes[r.Method+" "+path]
	return a, known && err == nil
}

// admit refuses a request that has not the token its route asks for.
func (g gate) admit(r *http.Request) error {
	a, known := g.access(r)
	if !known {
		return fmt.Errorf("the route of %s is not described", r.Method)
	}
	if len(a.schemes) == 0 {
		return nil
	}
	token, given := bearer(r)
	if !given {
		return unauthorized("this needs a token: Authorization: Bearer …")
	}
	switch scheme := g.scheme(token); {
	case scheme == "":
		return unauthorized("the token is not one of ours")
	case !slices.Contains(a.schemes, scheme):
		return refuse(http.StatusForbidden, "this token does not open this path")
	}
	return nil
}

// scheme is what a token is for, empty for one that is not ours.
func (g gate) scheme(token string) string {
	sum, found := sha256.Sum256([]byte(token)), ""
	for scheme, ours := range g.tokens {
		if subtle.ConstantTimeCompare(sum[:], ours[:]) == 1 {
			found = scheme
		}
	}
	return found
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

// guard lets through whom the gate admits.
func (s *server) guard(g gate) mux.MiddlewareFunc {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if err := g.admit(r); err != nil {
				s.fail(w, r, err)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}
