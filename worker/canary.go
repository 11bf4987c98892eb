package main

import (
	"context"
	"fmt"
	"time"

	sdkworker "go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"marketplace.example/trials/activities"
	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/canary"
	"marketplace.example/trials/internal/domain/policy"
	"marketplace.example/trials/internal/wiring"
	"marketplace.example/trials/workflows"
)

// registerCanaries has the worker carry out what a canary lives through: the use cases of the API, with the terms of canaries. A
// rollout waits for canaries where some are to come.
func registerCanaries(w sdkworker.Worker, b *wiring.Base, rollouts *activities.Rollouts, watch *activities.Watch) {
	address, day := "", b.Config.TrialDay
	if b.Config.Canaries() {
		address, rollouts.Canaries, watch.Canaries = b.Config.CanaryAddress, b.Canaries(), b.Store
	}
	w.RegisterWorkflowWithOptions(workflows.Canary, workflow.RegisterOptions{Name: workflows.CanaryWorkflowType})
	w.RegisterActivity(&activities.Canaries{
		Store: b.Store, Trials: b.Client, Address: address, Day: day, Now: time.Now, Pause: pause, Log: b.Log,
		App: app.New(app.Options{
			Store: b.Store, Trials: b.Client, Rollouts: b.Client, Bulks: b.Client, Policies: policy.Only(canary.Policy()), Day: canary.Day(day), Log: b.Log,
		}),
	})
}

// pause waits.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return fmt.Errorf("waiting: %w", ctx.Err())
	case <-timer.C:
		return nil
	}
}
