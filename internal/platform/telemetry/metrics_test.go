package telemetry

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"marketplace.example/trials/internal/domain/monitoring"
)

// scrape reads the metrics as Prometheus does.
func scrape(t *testing.T, m *Metrics) string {
	t.Helper()
	s := httptest.NewServer(m.Handler(zap.NewNop()))
	defer s.Close()
	answer, err := http.Get(s.URL)
	require.NoError(t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, answer.StatusCode, "%s", body)
	return string(body)
}

func TestWhatIsCountedIsShown(t *testing.T) {
	t.Parallel()
	m := NewMetrics()
	m.Expect([]string{"sent", "refused"}, []string{"started"}, []string{"bad-signature"})
	m.Called("/api/vendors/{id}", http.MethodGet, 200, 30*time.Millisecond)
	m.Called("/api/vendors", "BREW/ada@example.com", 405, time.Millisecond)
	m.Stranger()
	m.Mailed("sent")
	m.Stepped("welcome", "run", false, 2*time.Second)
	m.Stepped("welcome", "hold", true, time.Hour)
	m.Stepped("expiry", "run", false, -time.Second)
	m.Found("started", 3)
	m.Refused("bad-signature")
	m.ExpectTokensRefused([]string{"unknown", "slowed"})
	m.ExpectWorkers(2)
	m.TokenRefused("unknown")
	text := scrape(t, m)
	for _, line := range []string{
		`trials_http_request_duration_seconds_count{class="2xx",method="GET",route="/api/vendors/{id}"} 1`,
		`trials_http_request_duration_seconds_count{class="4xx",method="other",route="/api/vendors"} 1`, `trials_http_strangers_total 1`,
		`trials_http_request_duration_seconds_bucket{class="2xx",method="GET",route="/api/vendors/{id}",le="0.025"} 0`,
		`trials_http_request_duration_seconds_bucket{class="2xx",method="GET",route="/api/vendors/{id}",le="0.05"} 1`,
		`trials_workers_expected 2`,
		`trials_mails_total{outcome="sent"} 1`, `trials_mails_total{outcome="refused"} 0`,
		`trials_steps_total{kind="welcome",outcome="run"} 1`, `trials_steps_total{kind="welcome",outcome="hold"} 1`,
		`trials_step_lateness_seconds_count{kind="welcome"} 1`, `trials_step_lateness_seconds_sum{kind="expiry"} 0`,
		`trials_tokens_refused_total{reason="unknown"} 1`, `trials_tokens_refused_total{reason="slowed"} 0`,
		`trials_sweep_finds_total{find="started"} 3`, `trials_sns_messages_refused_total{reason="bad-signature"} 1`,
	} {
		require.Contains(t, text, line+"\n")
	}
	require.Contains(t, text, "\ngo_goroutines ")
	require.Contains(t, text, "\nprocess_cpu_seconds_total ")
	require.NotContains(t, text, "ada@")
}

// However many methods callers make up, the series stay few; strangers make none.
func TestStrangersMakeNoSeries(t *testing.T) {
	t.Parallel()
	m := NewMetrics()
	for i := range 1000 {
		m.Called("/api/vendors", strings.Repeat("X", i+1), 405, time.Millisecond)
		m.Stranger()
	}
	require.Equal(t, 1, strings.Count(scrape(t, m), "trials_http_request_duration_seconds_count{"))
}

func TestHealthAsMetrics(t *testing.T) {
	t.Parallel()
	m := NewMetrics()
	require.NoError(t, m.Register(Health{Check: func(context.Context) (monitoring.Health, error) {
		return monitoring.Health{Parts: []monitoring.Part{{Name: "mail", State: monitoring.Unhealthy, Took: 250 * time.Millisecond}}}, nil
	}}))
	text := scrape(t, m)
	require.Contains(t, text, `trials_part_state{part="mail",state="unhealthy"} 1`)
	require.Contains(t, text, `trials_part_state{part="mail",state="healthy"} 0`)
	require.Contains(t, text, `trials_part_latency_seconds{part="mail"} 0.25`)
}

// A health that cannot be found out does not hide the other metrics.
func TestMetricsWithoutHealth(t *testing.T) {
	t.Parallel()
	m := NewMetrics()
	require.NoError(t, m.Register(Health{Check: func(context.Context) (monitoring.Health, error) {
		return monitoring.Health{}, context.DeadlineExceeded
	}}))
	text := scrape(t, m)
	require.NotContains(t, text, "trials_part_state{")
	require.Contains(t, text, "\ngo_goroutines ")
}

func TestMetricsOfOpenTelemetry(t *testing.T) {
	t.Parallel()
	m := NewMetrics()
	meter, err := m.Meter("library")
	require.NoError(t, err)
	counter, err := meter.Int64Counter("temporal_request")
	require.NoError(t, err)
	counter.Add(t.Context(), 2)
	timer, err := meter.Float64Histogram("temporal_request_latency")
	require.NoError(t, err)
	timer.Record(t.Context(), 0.03)
	text := scrape(t, m)
	require.Contains(t, text, "temporal_request_total 2\n")
	require.Contains(t, text, `temporal_request_latency_bucket{le="0.05"} 1`)
}
