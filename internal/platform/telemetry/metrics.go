package telemetry

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.uber.org/zap"
)

const (
	// scrapeTimeout is how long gathering the metrics may take.
	scrapeTimeout = 8 * time.Second
	// scrapesAtOnce is more than Prometheus and a person need.
	scrapesAtOnce = 4
)

// Metrics counts what a process does, for Prometheus. Labels have few values:
// routes, kinds and outcomes, never a path, an id or a name. Its methods may be called concurrently.
type Metrics struct {
	registry *prometheus.Registry
	calls    *prometheus.HistogramVec
	mails    *prometheus.CounterVec
	steps    *prometheus.CounterVec
	lateness *prometheus.HistogramVec
	repairs  *prometheus.CounterVec
	refused  *prometheus.CounterVec
	tokens   *prometheus.CounterVec
	workers  prometheus.Gauge
	stranger prometheus.Counter
}

// seconds are the bounds of call durations; 2 and 3 are the requirements' limits.
var seconds = []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 30}

// lateSeconds are the bounds of step delays.
var lateSeconds = []float64{0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 6 * 3600, 24 * 3600}

// NewMetrics returns metrics without counts, including those of the process
// and the Go runtime.
func NewMetrics() *Metrics {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	registered := promauto.With(registry)
	counters := func(name, label, help string) *prometheus.CounterVec {
		return registered.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{label})
	}
	return &Metrics{
		registry: registry,
		calls: registered.NewHistogramVec(prometheus.HistogramOpts{
			Name: "trials_http_request_duration_seconds", Buckets: seconds,
			Help: "HTTP calls answered, of those who were let in, by route, method and class of status.",
		}, []string{"route", "method", "class"}),
		mails: counters("trials_mails_total", "outcome", "E-mails handed to the mail service, by what became of that."),
		steps: registered.NewCounterVec(prometheus.CounterOpts{
			Name: "trials_steps_total", Help: "Decisions on due steps of trials, by kind and what was decided: run, skip or hold.",
		}, []string{"kind", "outcome"}),
		lateness: registered.NewHistogramVec(prometheus.HistogramOpts{
			Name: "trials_step_lateness_seconds", Help: "How long after its moment a step was done or skipped, by kind.", Buckets: lateSeconds,
		}, []string{"kind"}),
		repairs: counters("trials_sweep_finds_total", "find", "What the reconciler found amiss and repaired, by what it was."),
		refused: counters("trials_sns_messages_refused_total", "reason", "SNS messages that were not believed, by reason."),
		tokens: counters("trials_tokens_refused_total", "reason",
			"Attempts to call the API, or to sign in, with a token that opens nothing, by reason."),
		workers: registered.NewGauge(prometheus.GaugeOpts{
			Name: "trials_workers_expected", Help: "How many workers there should be, by MAIL_SENDERS.",
		}),
		stranger: registered.NewCounter(prometheus.CounterOpts{
			Name: "trials_http_strangers_total", Help: "HTTP calls without a good token or signature, at no route, or too often.",
		}),
	}
}

// Handler answers with the metrics. It is for a listener that is not public.
func (m *Metrics) Handler(log *zap.Logger) http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		ErrorLog: zap.NewStdLog(log), ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: scrapesAtOnce, Timeout: scrapeTimeout,
	})
}

// Register adds metrics that are collected when Prometheus asks.
func (m *Metrics) Register(c prometheus.Collector) error {
	if err := m.registry.Register(c); err != nil {
		return fmt.Errorf("adding metrics: %w", err)
	}
	return nil
}

// ExpectWorkers sets the number of workers that should run, for comparison with those that do.
func (m *Metrics) ExpectWorkers(n int) {
	m.workers.Set(float64(n))
}

// Expect starts series at zero: Prometheus does not see the increase of
// one that begins with its first event.
func (m *Metrics) Expect(mails, repairs, refusals []string) {
	for _, outcome := range mails {
		m.mails.WithLabelValues(outcome)
	}
	for _, find := range repairs {
		m.repairs.WithLabelValues(find)
	}
	for _, reason := range refusals {
		m.refused.WithLabelValues(reason)
	}
}

// ExpectTokensRefused starts the series of these reasons at zero.
func (m *Metrics) ExpectTokensRefused(reasons []string) {
	for _, reason := range reasons {
		m.tokens.WithLabelValues(reason)
	}
}

// Stranger counts an HTTP call that was not let in.
func (m *Metrics) Stranger() { m.stranger.Inc() }

// Called counts an HTTP call. route is the template that matched.
func (m *Metrics) Called(route, method string, status int, took time.Duration) {
	switch method {
	case http.MethodGet, http.MethodPost, http.MethodPatch, http.MethodDelete:
	default:
		method = "other" // a caller can invent any
	}
	m.calls.WithLabelValues(route, method, strconv.Itoa(status/100)+"xx").Observe(took.Seconds())
}

// Mailed counts an e-mail by its outcome.
func (m *Metrics) Mailed(outcome string) { m.mails.WithLabelValues(outcome).Inc() }

// Stepped counts a decision on a due step. late is how long after the due time
// it was made; a decision to hold does not count as late yet.
func (m *Metrics) Stepped(kind, outcome string, held bool, late time.Duration) {
	m.steps.WithLabelValues(kind, outcome).Inc()
	if !held {
		m.lateness.WithLabelValues(kind).Observe(max(0, late.Seconds()))
	}
}

// Found counts what the reconciler repaired.
func (m *Metrics) Found(find string, n int64) { m.repairs.WithLabelValues(find).Add(float64(n)) }

// Refused counts an SNS message that was rejected.
func (m *Metrics) Refused(reason string) { m.refused.WithLabelValues(reason).Inc() }

// TokenRefused counts an attempt with an invalid token.
func (m *Metrics) TokenRefused(reason string) { m.tokens.WithLabelValues(reason).Inc() }

// Meter receives the metrics of libraries that use OpenTelemetry, such as Temporal's SDK.
func (m *Metrics) Meter(name string) (metric.Meter, error) {
	exporter, err := otelprometheus.New(otelprometheus.WithRegisterer(m.registry), otelprometheus.WithoutScopeInfo(), otelprometheus.WithoutTargetInfo())
	if err != nil {
		return nil, fmt.Errorf("preparing the metrics of %s: %w", name, err)
	}
	// The default bounds are in milliseconds.
	bounds := sdkmetric.NewView(sdkmetric.Instrument{Kind: sdkmetric.InstrumentKindHistogram},
		sdkmetric.Stream{Aggregation: sdkmetric.AggregationExplicitBucketHistogram{Boundaries: seconds}})
	return sdkmetric.NewMeterProvider(sdkmetric.WithReader(exporter), sdkmetric.WithView(bounds)).Meter(name), nil
}
