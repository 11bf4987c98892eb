package telemetry

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhetherTracesAreCollected(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		env  map[string]string
		want bool
	}{
		{nil, false},
		{map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}, true},
		{map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector:4318/v1/traces"}, true},
		{map[string]string{"OTEL_TRACES_EXPORTER": "console"}, true},
		{map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318", "OTEL_TRACES_EXPORTER": "none"}, false},
		{map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318", "OTEL_SDK_DISABLED": "true"}, false},
		{map[string]string{"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://collector:4318"}, false},
	} {
		require.Equal(t, c.want, hasCollector(func(name string) string { return c.env[name] }), "%v", c.env)
	}
}

// Where nobody collects traces there are none, and nothing runs for them.
func TestNoTracesWithoutACollector(t *testing.T) { //nolint:paralleltest // counts goroutines, and sets the environment
	for _, name := range []string{"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_TRACES_EXPORTER"} {
		t.Setenv(name, "")
	}
	before := runtime.NumGoroutine()
	traces, err := NewTraces(t.Context(), "api")
	require.NoError(t, err)
	require.Nil(t, traces.Tracer("http"))
	require.Equal(t, before, runtime.NumGoroutine())
	traces.Close()
}
