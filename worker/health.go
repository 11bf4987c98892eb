package main

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"marketplace.example/trials/internal/platform/httpserver"
	"marketplace.example/trials/internal/wiring"
)

// listenHealth prepares a server that answers /healthz: 200 while MongoDB and Temporal answer, 503
// with the names of those that do not.
func listenHealth(ctx context.Context, b *wiring.Base) (*httpserver.Server, error) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) {
		answer, well := askParts(r.Context(), map[string]func(context.Context) error{"mongodb": b.Store.Ping, "temporal": b.Client.Check})
		status := http.StatusOK
		if !well {
			status = http.StatusServiceUnavailable
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(answer) // a caller that left needs no answer
	})
	return httpserver.Listen(ctx, "WORKER_ADDR", b.Config.WorkerAddr, &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second})
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
