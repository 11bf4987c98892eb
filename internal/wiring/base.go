package wiring

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"time"

	"go.uber.org/zap"

	"marketplace.example/trials/internal/adapters/mongodb"
	"marketplace.example/trials/internal/platform/config"
	"marketplace.example/trials/internal/platform/httpserver"
	"marketplace.example/trials/internal/platform/telemetry"
	"marketplace.example/trials/internal/platform/version"
	"marketplace.example/trials/temporal"
)

// headerTimeout bounds reading the head of a request for metrics.
const headerTimeout = 5 * time.Second

// Base is what both programs are built on.
type Base struct {
	Config  config.Config
	Log     *zap.Logger
	Store   *mongodb.Store
	Client  *temporal.Client
	Metrics *telemetry.Metrics
	Sampler *telemetry.Sampler
	Traces  telemetry.Traces
}

// Connect prepares the connections and instruments of a process with a role, which monitoring names. Neither MongoDB nor
// Temporal need be available yet.
func Connect(ctx context.Context, cfg config.Config, role string, log *zap.Logger, options ...temporal.Option) (*Base, error) {
	b := &Base{Config: cfg, Log: log, Metrics: telemetry.NewMetrics()}
	b.Metrics.ExpectWorkers(cfg.MailSenders)
	meter, err := b.Metrics.Meter("temporal")
	if err != nil {
		return nil, err
	}
	if b.Traces, err = telemetry.NewTraces(ctx, role); err != nil {
		return nil, err
	}
	if b.Store, err = mongodb.Connect(ctx, cfg.MongoDBURI, cfg.MongoDBDatabase,
		mongodb.WithLogger(log), mongodb.WithObservations(cfg.TrialDay), mongodb.WithCounters(cfg.TrialDay)); err != nil {
		return nil, err
	}
	if b.Sampler, err = telemetry.NewSampler(role, version.Of(), b.Store, log); err != nil {
		return nil, err
	}
	options = append(options, temporal.WithMeter(meter), temporal.WithTracer(b.Traces.Tracer("temporal")))
	if b.Client, err = temporal.Dial(cfg.TaskQueue, log, options...); err != nil {
		return nil, err
	}
	b.Client.Day, b.Client.WithCanaries = cfg.TrialDay, cfg.Canaries()
	return b, nil
}

// Announce prints where the named program listens, for those who started it on port 0. It also serves the metrics, until
// the context ends, if they are configured.
func (b *Base) Announce(ctx context.Context, name, url string, out io.Writer) error {
	addresses := map[string]string{name: url}
	if b.Config.MetricsAddr != "" {
		mux := http.NewServeMux()
		mux.Handle("GET /metrics", b.Metrics.Handler(b.Log))
		server, err := httpserver.Listen(ctx, "METRICS_ADDR", b.Config.MetricsAddr,
			&http.Server{Handler: mux, ReadHeaderTimeout: headerTimeout, ErrorLog: zap.NewStdLog(b.Log)})
		if err != nil {
			return err
		}
		addresses["metrics"] = server.URL()
		go func() {
			if err := server.Serve(ctx, 0); err != nil && ctx.Err() == nil {
				b.Log.Error("metrics are no longer served", zap.Error(err))
			}
		}()
	}
	if err := json.NewEncoder(out).Encode(addresses); err != nil { // a closed stdout is no reason to end
		b.Log.Warn("the addresses could not be printed", zap.Error(err))
	}
	return nil
}

// Close closes the connections. Those to the collector of traces come last: it may not answer.
func (b *Base) Close(ctx context.Context) {
	_ = b.Store.Close(ctx) // the process ends anyway
	b.Client.Close()
	b.Traces.Close()
}
