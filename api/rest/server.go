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
	"marketplace.example/trials/internal/domain/lanes"
	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

//go:embed openapi.yaml
var description []byte

// Options are what the API is made of. Every field is needed except Now and Tracer.
type Options struct {
	Store  Store
	Trials Trials
	// Rollouts reaches the rollout, Plan is what one is started with where none is given.
	Rollouts Rollouts
	Plan     rollout.Plan
	// Bulks reaches the bulk operations.
	Bulks  Bulks
	Mail   Mail
	Health SystemHealth
	Calls  Calls
	Log    *zap.Logger
	// Tracer makes a span of each call; nil for none.
	Tracer trace.Tracer
	// Callers knows who calls, and how often they may.
	Callers *auth.Callers
	// Policy is what new trials promise; Day is how long their days last.
	Policy trial.Policy
	Day    time.Duration
	// Alerts are the rules of the alerts.
	Alerts []monitoring.Rule
	// Now is the clock; time.Now where it is nil.
	Now func() time.Time
}

// server answers the requests; it implements StrictServerInterface.
type server struct {
	Options
	log           *zap.Logger
	documentation []byte
	turns         *lanes.Lanes // changes that stop nothing wait for one
	long          *lanes.Lanes // long bodies are read one after the other
	settler       *settler
	// flagsDelivery has changes of the flags at once told to the trials together.
	flagsDelivery lanes.Joint
}

// API answers the API's requests; the pages steer rollouts through it.
type API struct {
	http.Handler
	server *server
}

// New makes the whole API.
func New(o Options) (*API, error) {
	spec, err := specification()
	if err != nil {
		return nil, err
	}
	gate, err := newGate(spec)
	if err != nil {
		return nil, err
	}
	page, err := documentation(spec)
	if err != nil {
		return nil, err
	}
	if o.Tracer == nil {
		o.Tracer = noop.NewTracerProvider().Tracer("")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &server{Options: o, log: o.Log, documentation: page, turns: lanes.New(changesAtOnce, mostChanges), long: lanes.New(longAtOnce, mostLong), settler: newSettler(o.Store, o.Log)}
	return &API{Handler: s.middleware(s.limited(s.routes(spec, gate))), server: s}, nil
}

// Close writes down what is missing on the audit record, once no request is under way.
func (a *API) Close(ctx context.Context) error { return a.server.settler.close(ctx) }

// specification is the API's description, checked. It never changes, and
// reading it takes a while.
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

// routes is the generated router. A request passes, from the outside: the gate
// (who asks), the body's form, the description, the audit record, the handler.
func (s *server) routes(spec *openapi3.T, gate gate) *mux.Router {
	router := mux.NewRouter().SkipClean(true)
	router.Use(s.named, s.guard(gate), s.wellFormed(gate), s.validate(spec))
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

// now is the present moment as it is stored.
func (s *server) now() time.Time { return millisecond(s.Now()) }

// millisecond cuts what the database would cut.
func millisecond(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

// GetSpecification answers with the description.
func (s *server) GetSpecification(context.Context, GetSpecificationRequestObject) (GetSpecificationResponseObject, error) {
	return GetSpecification200ApplicationyamlResponse{Body: bytes.NewReader(description), ContentLength: int64(len(description))}, nil
}
