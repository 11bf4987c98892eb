package telemetry

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"marketplace.example/trials/internal/domain/canary"
)

// canaryTimeout is how long a scrape waits for what the latest canary has shown.
const canaryTimeout = 2 * time.Second

var (
	canaryEnded = prometheus.NewDesc("trials_canary_ended_timestamp_seconds", "When the latest canary ended.", nil, nil)
	canaryFault = prometheus.NewDesc("trials_canary_fault",
		"1 for what the latest canary has found broken; none if it found nothing.", []string{"fault"}, nil)
	canaryTook = prometheus.NewDesc("trials_canary_part_seconds",
		"How long each part of the latest canary's trial took.", []string{"part"}, nil)
)

// Canary exposes what the latest canary has shown, read when Prometheus asks. Without a canary there are no metrics.
type Canary struct {
	// Latest returns nil for none.
	Latest func(ctx context.Context) (latest *canary.Result, since time.Time, err error)
}

// Describe names the metrics.
func (c Canary) Describe(descriptions chan<- *prometheus.Desc) {
	descriptions <- canaryEnded
	descriptions <- canaryFault
	descriptions <- canaryTook
}

// Collect reads the latest canary.
func (c Canary) Collect(metrics chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), canaryTimeout)
	defer cancel()
	latest, _, err := c.Latest(ctx)
	if err != nil || latest == nil {
		return // that the database is away, the health's metrics say
	}
	fault := latest.Fault
	if latest.Well() {
		fault = "none"
	}
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		metrics <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	gauge(canaryEnded, float64(latest.EndedAt.UnixMilli())/1000)
	gauge(canaryFault, 1, string(fault))
	for _, p := range latest.Parts {
		if p.State == canary.Done {
			gauge(canaryTook, p.Took.Seconds(), p.Name)
		}
	}
}
