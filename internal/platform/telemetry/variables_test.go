package telemetry

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestVariablesOfTheCollectorAreNamedWhereTheyAreWrong(t *testing.T) {
	t.Parallel()
	for name, values := range map[string]struct{ good, bad []string }{
		"OTEL_TRACES_EXPORTER":               {[]string{"", "otlp", "none", "console"}, []string{"OTLP", "jaeger", " otlp"}},
		"OTEL_EXPORTER_OTLP_PROTOCOL":        {[]string{"grpc", "http/protobuf"}, []string{"http", "GRPC"}},
		"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": {[]string{"grpc"}, []string{"json"}},
		"OTEL_TRACES_SAMPLER":                {[]string{"parentbased_traceidratio"}, []string{"sometimes"}},
		"OTEL_EXPORTER_OTLP_COMPRESSION":     {[]string{"gzip"}, []string{"zstd"}},
		"OTEL_EXPORTER_OTLP_ENDPOINT":        {[]string{"http://collector:4318"}, []string{"collector", "://x", "/path"}},
		"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": {[]string{"https://collector/v1/traces"}, []string{"%zz"}},
		"OTEL_EXPORTER_OTLP_TIMEOUT":         {[]string{"1000"}, []string{"10s", "-1"}},
	} {
		check := func(value string) error {
			return checkVariables(func(asked string) string {
				if asked == name {
					return value
				}
				return ""
			})
		}
		for _, value := range values.good {
			require.NoError(t, check(value), name)
		}
		for _, value := range values.bad {
			require.ErrorContains(t, check(value), name+": ", value)
		}
	}
}
