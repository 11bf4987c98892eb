package telemetry

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"marketplace.example/trials/internal/domain/monitoring"
)

// healthTimeout is how long a scrape waits for the system's health.
const healthTimeout = 3 * time.Second

var (
	partState = prometheus.NewDesc("trials_part_state",
		"1 for the state that a part of the trial system is in, 0 for the others.", []string{"part", "state"}, nil)
	partLatency = prometheus.NewDesc("trials_part_latency_seconds",
		"How long a part of the trial system took to answer.", []string{"part"}, nil)
)

// Health exposes the system's health as metrics, checked when Prometheus asks.
type Health struct {
	// Check returns the system's health; it fails if that takes too long.
	Check func(ctx context.Context) (monitoring.Health, error)
}

// Describe names the metrics.
func (h Health) Describe(descriptions chan<- *prometheus.Desc) {
	descriptions <- partState
	descriptions <- partLatency
}

// Collect checks the health.
func (h Health) Collect(metrics chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), healthTimeout)
	defer cancel()
	health, err := h.Check(ctx)
	if err != nil {
		metrics <- prometheus.NewInvalidMetric(partState, err)
		return
	}
	for _, p := range health.Parts {
		for _, state := range []monitoring.State{monitoring.Healthy, monitoring.Degraded, monitoring.Unhealthy, monitoring.Unknown} {
			value := 0.0
			if p.State == state {
				value = 1
			}
			metrics <- prometheus.MustNewConstMetric(partState, prometheus.GaugeValue, value, p.Name, string(state))
		}
		metrics <- prometheus.MustNewConstMetric(partLatency, prometheus.GaugeValue, p.Took.Seconds(), p.Name)
	}
}
