package telemetry

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/contrib/exporters/autoexport"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// FlushTimeout bounds the sending of the remaining traces when the process ends.
const FlushTimeout = 3 * time.Second

// Traces traces requests from the API through workflows to activities. Its
// zero value traces nothing and costs nothing.
type Traces struct {
	provider *sdktrace.TracerProvider
}

// NewTraces traces requests if OpenTelemetry's own variables name a collector,
// such as OTEL_EXPORTER_OTLP_ENDPOINT. The other variables of
// that standard apply too.
func NewTraces(ctx context.Context, service string) (Traces, error) {
	if !hasCollector(os.Getenv) {
		return Traces{}, nil
	}
	if err := checkVariables(os.Getenv); err != nil {
		return Traces{}, err
	}
	exporter, err := autoexport.NewSpanExporter(ctx)
	if err != nil {
		return Traces{}, fmt.Errorf("the variables OTEL_EXPORTER_OTLP_*: preparing to send traces: %w", err)
	}
	about, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithAttributes(attribute.String("service.name", "trials-"+service)), resource.WithFromEnv())
	if err != nil {
		return Traces{}, fmt.Errorf("preparing to send traces: %w", err)
	}
	return Traces{provider: sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(about))}, nil
}

// hasCollector reports whether the environment names a collector of traces.
func hasCollector(get func(string) string) bool {
	if get("OTEL_SDK_DISABLED") == "true" || get("OTEL_TRACES_EXPORTER") == "none" {
		return false
	}
	return get("OTEL_TRACES_EXPORTER") != "" || get("OTEL_EXPORTER_OTLP_ENDPOINT") != "" || get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") != ""
}

// choices are the variables of OpenTelemetry with a fixed set of values, which its own errors do not name.
var choices = map[string][]string{
	"OTEL_TRACES_EXPORTER":               {"otlp", "console", "none"},
	"OTEL_EXPORTER_OTLP_PROTOCOL":        {"grpc", "http/protobuf"},
	"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": {"grpc", "http/protobuf"},
	"OTEL_TRACES_SAMPLER": {
		"always_on", "always_off", "traceidratio", "parentbased_always_on", "parentbased_always_off", "parentbased_traceidratio",
	},
	"OTEL_EXPORTER_OTLP_COMPRESSION":        {"gzip", "none"},
	"OTEL_EXPORTER_OTLP_TRACES_COMPRESSION": {"gzip", "none"},
}

// checkVariables names wrong variables: the library ignores some that it cannot read.
func checkVariables(get func(string) string) error {
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(choices)) {
		if value := get(name); value != "" && !slices.Contains(choices[name], value) {
			problems = append(problems, fmt.Errorf("%s: %.80q is not one of %s", name, value, strings.Join(choices[name], ", ")))
		}
	}
	for _, name := range []string{"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"} {
		value := get(name)
		if address, err := url.Parse(value); value != "" && (err != nil || address.Host == "") {
			problems = append(problems, fmt.Errorf("%s: is not a URL like http://collector:4318", name))
		}
	}
	for _, name := range []string{"OTEL_EXPORTER_OTLP_TIMEOUT", "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT"} {
		if n, err := strconv.Atoi(get(name)); get(name) != "" && (err != nil || n < 0) {
			problems = append(problems, fmt.Errorf("%s: is not a whole number of milliseconds", name))
		}
	}
	return errors.Join(problems...)
}

// Tracer returns the tracer of a part of the program; nil without a collector.
func (t Traces) Tracer(part string) trace.Tracer {
	if t.provider == nil {
		return nil
	}
	return t.provider.Tracer(part)
}

// Close sends the remaining traces.
func (t Traces) Close() {
	if t.provider == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), FlushTimeout)
	defer cancel()
	_ = t.provider.Shutdown(ctx) // only traces are lost if this fails
}
