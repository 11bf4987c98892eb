package rest_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

// A call is a span under its caller's, and says nothing but its route and status.
func TestCallsAreSpans(t *testing.T) {
	t.Parallel()
	spans := tracetest.NewInMemoryExporter()
	a := newAPIWith(t, sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans)).Tracer("http"))
	a.call(request{path: "/unsubscribe/secret.token", header: http.Header{"Traceparent": {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}}})
	a.call(request{method: "BREW", path: "/nowhere/ada@example.com"})
	got := spans.GetSpans()
	require.Len(t, got, 2)
	require.Equal(t, "GET /unsubscribe/{token}", got[0].Name)
	require.Equal(t, "0af7651916cd43dd8448eb211c80319c", got[0].SpanContext.TraceID().String())
	require.Equal(t, "b7ad6b7169203331", got[0].Parent.SpanID().String())
	require.ElementsMatch(t, []attribute.KeyValue{
		attribute.String("http.request.method", "GET"), attribute.String("http.route", "/unsubscribe/{token}"), attribute.Int("http.response.status_code", 403),
	}, got[0].Attributes)
	require.Equal(t, "HTTP", got[1].Name)
	require.Equal(t, []attribute.KeyValue{attribute.Int("http.response.status_code", 404)}, got[1].Attributes)
}
