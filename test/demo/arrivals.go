package main

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"marketplace.example/trials/test/harness"
)

// baselineCalls are more than a rollout needs to know how fast a route is, and then to judge it.
const baselineCalls = 120

// arrive has vendors come all the time, until it is stopped. Every third
// converts a day later, so that conversions are well.
func (r *rolloutRun) arrive(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	all.Go(func() {
		tick := time.NewTicker(r.day / time.Duration(r.perDay))
		defer tick.Stop()
		for i := 0; ; i++ {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				// Beside each other: where the API is slow, vendors do not come slower.
				all.Go(func() { r.come(context.WithoutCancel(ctx), i) })
			}
		}
	})
	return func() { cancel(); all.Wait() }
}

// come registers a vendor. A rollout that goes on without some of them shows
// that by itself.
func (r *rolloutRun) come(ctx context.Context, i int) {
	id := fmt.Sprintf("%s-%03d", r.name, i)
	address := id
	if r.bounces.Load() && i*7%10 < 7 {
		address += "+bounce"
	}
	_, _ = r.system.Service(ctx, http.MethodPost, "/api/vendors", map[string]any{"id": id, "email": address + "@" + r.domain(), "name": "Vendor"})
	if i%3 != 0 || harness.Sleep(ctx, r.day) != nil {
		return
	}
	_, _ = r.system.Service(ctx, http.MethodPost, "/api/vendors/"+id+"/conversion", map[string]any{})
}

// domain is where the vendors of this rollout have their addresses.
func (r *rolloutRun) domain() string { return r.name + ".example.com" }

// measuring calls the API often enough for the rollout to know how fast is normal.
func measuring(ctx context.Context, r *rolloutRun) error {
	for range baselineCalls {
		if err := r.read(ctx); err != nil {
			return err
		}
	}
	r.printf("%d calls show how fast the API is", baselineCalls)
	return nil
}

// read asks the API for a vendor that is not there.
func (r *rolloutRun) read(ctx context.Context) error {
	a, err := r.system.Service(ctx, http.MethodGet, "/api/vendors/nobody", nil)
	if err != nil || a.Status != http.StatusNotFound {
		return fmt.Errorf("measuring how fast the API is: %d, %w", a.Status, err)
	}
	return nil
}
