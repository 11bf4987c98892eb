package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// healthServer answers /healthz: 200 while MongoDB and Temporal answer, 503
// with the names of those that do not.
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
		answer, well := askParts(r.Context(), map[string]func(context.Context) error{"mongodb": p.store.Ping, "temporal": p.client.Check})
		status := http.StatusOK
		if !well {
			status = http.StatusServiceUnavailable
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(answer) // a caller that left needs no answer
	})
	s := &healthServer{server: &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}, addr: listener.Addr().String()}
	go func() { _ = s.server.Serve(listener) }() // ends with stop
	return s, nil
}

// partTimeout is how long a part may take to answer.
const partTimeout = 2 * time.Second

// askParts asks each part in parallel, with a time limit each, so that a missing part takes nothing from another's.
func askParts(ctx context.Context, parts map[string]func(context.Context) error) (answer map[string]string, well bool) {
	var mu sync.Mutex
	var asked sync.WaitGroup
	answer, well = map[string]string{}, true
	for name, check := range parts {
		asked.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, partTimeout)
			defer cancel()
			err := check(ctx)
			mu.Lock()
			defer mu.Unlock()
			answer[name] = "ok"
			if err != nil {
				answer[name], well = "away", false
			}
		})
	}
	asked.Wait()
	return answer, well
}

func (s *healthServer) stop(ctx context.Context) error {
	if err := s.server.Shutdown(ctx); err != nil {
		return fmt.Errorf("stopping the health server: %w", err)
	}
	return nil
}

// askHealth is the client side, for a container's health check.
func askHealth(ctx context.Context, addr string) error {
	if strings.HasPrefix(addr, ":") {
		addr = "127.0.0.1" + addr
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/healthz", http.NoBody)
	if err != nil {
		return fmt.Errorf("requesting the health: %w", err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("requesting the health: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("unwell: %s", res.Status)
	}
	return nil
}
