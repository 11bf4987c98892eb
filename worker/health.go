package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"
)

// healthServer answers /healthz: 200 while MongoDB and Temporal answer, 503
// with the name of what does not.
type healthServer struct {
	server *http.Server
	addr   string
}

func serveHealth(ctx context.Context, addr string, p *parts) (*healthServer, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("WORKER_ADDR: listening: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
		defer cancel()
		answer, status := map[string]string{"mongodb": "ok", "temporal": "ok"}, http.StatusOK
		if p.store.Ping(ctx) != nil {
			answer["mongodb"], status = "away", http.StatusServiceUnavailable
		}
		if p.client.Check(ctx) != nil {
			answer["temporal"], status = "away", http.StatusServiceUnavailable
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(answer) // a caller that left needs no answer
	})
	s := &healthServer{server: &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}, addr: listener.Addr().String()}
	go func() { _ = s.server.Serve(listener) }() // ends with stop
	return s, nil
}

func (s *healthServer) stop(ctx context.Context) error {
	if err := s.server.Shutdown(ctx); err != nil {
		return fmt.Errorf("stopping the health server: %w", err)
	}
	return nil
}

// askHealth is the other side, for a container's health check.
func askHealth(ctx context.Context, addr string) error {
	if strings.HasPrefix(addr, ":") {
		addr = "127.0.0.1" + addr
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/healthz", http.NoBody)
	if err != nil {
		return fmt.Errorf("asking for health: %w", err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("asking for health: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("unwell: %s", res.Status)
	}
	return nil
}
