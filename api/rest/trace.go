package rest

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// callers is how those who call us name the trace that they are in.
var callers = propagation.TraceContext{}

// begin begins a call's span. What is usual to note of an HTTP request, its path and who calls, may hold tokens and addresses:
// only the route is noted, at the end.
func (s *server) begin(ctx context.Context, r *http.Request) (context.Context, trace.Span) {
	return s.Tracer.Start( //nolint:spancheck // the call ends it: see end
		callers.Extract(ctx, propagation.HeaderCarrier(r.Header)), "HTTP", trace.WithSpanKind(trace.SpanKindServer),
	)
}

// end ends a call's span.
func (c *call) end(span trace.Span, method string, status int) {
	defer span.End()
	if !span.IsRecording() {
		return
	}
	if c.route != "" { // else the method too may be anything
		span.SetName(method + " " + c.route)
		span.SetAttributes(attribute.String("http.request.method", method), attribute.String("http.route", c.route))
	}
	span.SetAttributes(attribute.Int("http.response.status_code", status))
	if status >= http.StatusInternalServerError {
		span.SetStatus(codes.Error, http.StatusText(status))
	}
}
