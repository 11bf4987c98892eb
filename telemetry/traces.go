package telemetry

import (
	"context"
	"fmt"
	"os"
	"time"

	"go.opentelemetry.io/contrib/exporters/autoexport"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// flushTimeout bounds the sending of what is left when the process ends.
const flushTimeout = 3 * time.Second

// Traces follows requests from the API through workflows to activities. Its
// zero value follows nothing, costs nothing and runs nothing.
type Traces struct {
	provider *sdktrace.TracerProvider
}

// NewTraces follows requests where OpenTelemetry's own variables name somebody
// who collects that, such as OTEL_EXPORTER_OTLP_ENDPOINT. The other variables of
// that standard hold too.
func NewTraces(ctx context.Context, service string) (Traces, error) {
	if !collected(os.Getenv) {
		return Traces{}, nil
	}
	exporter, err := autoexport.NewSpanExporter(ctx)
	if err != nil {
		return Traces{}, fmt.Errorf("preparing to send traces: %w", err)
	}
	about, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithAttributes(attribute.String("service.name", "trials-"+service)), resource.WithFromEnv())
	if err != nil {
		return Traces{}, fmt.Errorf("preparing to send traces: %w", err)
	}
	return Traces{provider: sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(about))}, nil
}

// collected tells whether the environment names somebody who collects traces.
func collected(get func(string) string) bool {
	if get("OTEL_SDK_DISABLED") == "true" || get("OTEL_TRACES_EXPORTER") == "none" {
		return false
	}
	return get("OTEL_TRACES_EXPORTER") != "" || get("OTEL_EXPORTER_OTLP_ENDPOINT") != "" || get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") != ""
}

// Tracer makes the spans of a part of the program; nil where nobody collects them.
func (t Traces) Tracer(part string) trace.Tracer {
	if t.provider == nil {
		return nil
	}
	return t.provider.Tracer(part)
}

// Close sends what is left.
func (t Traces) Close() {
	if t.provider == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), flushTimeout)
	defer cancel()
	_ = t.provider.Shutdown(ctx) // traces that cannot be sent are lost, and nothing else
}
