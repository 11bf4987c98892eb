package telemetry

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.uber.org/zap"
)

const (
	// scrapeTimeout is how long gathering the metrics may take.
	scrapeTimeout = 8 * time.Second
	headerTimeout = 5 * time.Second
	// scrapesAtOnce is more than Prometheus and a person need.
	scrapesAtOnce = 4
)

// Server serves the metrics at /metrics, on a listener of its own, which is not
// public.
type Server struct {
	// URL is where it listens.
	URL  string
	http *http.Server
}

// Serve starts a server for the metrics at an address host:port.
func (m *Metrics) Serve(ctx context.Context, address string, log *zap.Logger) (*Server, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("METRICS_ADDR: listening: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		ErrorLog: zap.NewStdLog(log), ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: scrapesAtOnce, Timeout: scrapeTimeout,
	}))
	s := &Server{URL: "http://" + listener.Addr().String(), http: &http.Server{Handler: mux, ReadHeaderTimeout: headerTimeout, ErrorLog: zap.NewStdLog(log)}}
	go func() {
		if err := s.http.Serve(listener); err != nil && !errors.Is(err, http.ErrServerClosed) {
			log.Error("metrics are no longer served", zap.Error(err))
		}
	}()
	return s, nil
}

// Close stops the server; a running scrape is aborted.
func (s *Server) Close() {
	_ = s.http.Close() // the process ends anyway
}
