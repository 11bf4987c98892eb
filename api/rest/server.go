package rest

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/gorilla/mux"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
	"go.uber.org/zap"

	"marketplace.example/trials/api/auth"
	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/brand"
	"marketplace.example/trials/internal/domain/lanes"
	"marketplace.example/trials/internal/domain/vendorpage"
)

//go:embed openapi.yaml
var description []byte

// Options are what the API is made of. Every field is needed except Tracer.
type Options struct {
	App    *app.App
	Mail   Mail
	Health app.SystemHealth
	Calls  Calls
	Log    *zap.Logger
	// Tracer makes a span of each call; nil for none.
	Tracer trace.Tracer
	// Callers knows who calls, and how often they may.
	Callers *auth.Callers
	// Look is how the pages for vendors look now, and what they say.
	Look func() vendorpage.Look
}

// Calls is told of every call that was answered.
type Calls interface {
	// Called is told of a call by somebody who was let in; route is the template of its route.
	Called(route, method string, status int, took time.Duration)
	// Stranger is told of any other: without a good token or signature, at no route, or too often.
	Stranger()
}

// Mail reads what mail services and mail clients send.
type Mail interface {
	// Receive reads a message of the mail service, and confirms a subscription that it asks for. One that is not signed, not
	// meant for us or not a message at all is a *trial.Error; with trial.CodeUnavailable it may pass later.
	Receive(ctx context.Context, body []byte) (app.MailMessage, error)
	// Unsubscriber reads the signed token of a link in an e-mail. One that is not signed by us is a *trial.Error.
	Unsubscriber(token string) (vendorID string, err error)
	// Asked reads the signed token of a link that asks whether an e-mail of a kind helped. One that is not signed by us is a
	// *trial.Error.
	Asked(token string) (vendorID, kind string, err error)
	// Reader reads the signed token of a link to the guide. One that is not signed by us is a *trial.Error.
	Reader(token string) (vendorID string, err error)
	// GuideToken is the token of a vendor's link to the guide.
	GuideToken(vendorID string) string
	// ButtonToken is the token in the target of a vendor's button, made at a moment; empty for a brand whose targets have none.
	ButtonToken(b brand.Brand, vendorID string, at time.Time) (string, error)
}

// server answers the requests; it implements StrictServerInterface.
type server struct {
	Options
	log           *zap.Logger
	documentation []byte
	long          *lanes.Lanes // long bodies are read one after the other
}

// New makes the whole API.
func New(o Options) (http.Handler, error) {
	spec, err := specification()
	if err != nil {
		return nil, err
	}
	may, err := newPermissions(spec)
	if err != nil {
		return nil, err
	}
	page, err := documentation()
	if err != nil {
		return nil, err
	}
	if o.Tracer == nil {
		o.Tracer = noop.NewTracerProvider().Tracer("")
	}
	s := &server{Options: o, log: o.Log, documentation: page, long: lanes.New(longAtOnce, mostLong)}
	return s.middleware(s.limited(s.routes(spec, may))), nil
}

// specification is the API's description, checked. It never changes, and reading it takes a while.
var specification = sync.OnceValues(func() (*openapi3.T, error) {
	loader := openapi3.NewLoader()
	spec, err := loader.LoadFromData(description)
	if err != nil {
		return nil, fmt.Errorf("reading the API's description: %w", err)
	}
	if err := spec.Validate(loader.Context); err != nil {
		return nil, fmt.Errorf("checking the API's description: %w", err)
	}
	return spec, nil
})

// routes is the generated router. A request passes, from the outside: the guard (who asks), the body's form, the description, the
// audit record, the handler.
func (s *server) routes(spec *openapi3.T, may permissions) *mux.Router {
	router := mux.NewRouter().SkipClean(true)
	router.Use(s.named, s.guard(may), s.wellFormed(may), s.validate(spec))
	router.NotFoundHandler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.fail(w, r, errNoRoute)
	})
	router.MethodNotAllowedHandler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.fail(w, r, methodNotAllowed(router, r))
	})
	strict := NewStrictHandlerWithOptions(s, []StrictMiddlewareFunc{s.audit(auditedOperations(spec))}, StrictHTTPServerOptions{
		RequestErrorHandlerFunc:  s.failRequest,
		ResponseErrorHandlerFunc: s.fail,
	})
	HandlerWithOptions(strict, GorillaServerOptions{BaseRouter: router, ErrorHandlerFunc: s.failRequest})
	return router
}

// GetSpecification answers with the description.
func (s *server) GetSpecification(context.Context, GetSpecificationRequestObject) (GetSpecificationResponseObject, error) {
	return GetSpecification200ApplicationyamlResponse{Body: bytes.NewReader(description), ContentLength: int64(len(description))}, nil
}
