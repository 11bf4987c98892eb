package main

import (
	"context"

	"go.uber.org/zap"

	"marketplace.example/trials/activities"
	"marketplace.example/trials/internal/adapters/mail"
	"marketplace.example/trials/internal/adapters/mongodb"
	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/internal/platform/telemetry"
)

// instruments measure this process.
type instruments struct {
	*telemetry.Metrics
	sampler *telemetry.Sampler
	traces  telemetry.Traces
}

func newInstruments(ctx context.Context, store *mongodb.Store, log *zap.Logger) (instruments, error) {
	sampler, err := telemetry.NewSampler(monitoring.RoleWorker, store, log)
	if err != nil {
		return instruments{}, err
	}
	traces, err := telemetry.NewTraces(ctx, monitoring.RoleWorker)
	if err != nil {
		return instruments{}, err
	}
	metrics := telemetry.NewMetrics()
	metrics.Expect(
		[]string{mail.Sent.String(), mail.Refused.String(), mail.Deferred.String(), mail.Unknown.String()},
		[]string{findStarted, repairSynced, findConverted, findRestarted, findWoken, findMoved, findRollout, findLeftAlone}, nil)
	return instruments{Metrics: metrics, sampler: sampler, traces: traces}, nil
}

// The reconciler's repairs, as metrics name them.
const (
	findStarted   = "trial-not-started"
	repairSynced  = "vendor-document-replaced"
	findConverted = "conversion-not-delivered"
	findRestarted = "step-overdue"
	findWoken     = "held-without-reason"
	findMoved     = "vendor-moved"
	findRollout   = "rollout-lost"
	findLeftAlone = "vendor-in-doubt"
)

// swept counts the results of a sweep.
func (i instruments) swept(s activities.Swept) {
	i.Found(findStarted, s.Started)
	i.Found(repairSynced, s.Synced)
	i.Found(findConverted, s.Converted)
	i.Found(findRestarted, s.Restarted)
	i.Found(findWoken, s.Woken)
	i.Found(findMoved, s.Moved)
	i.Found(findRollout, s.Rollouts)
	i.Found(findLeftAlone, s.LeftAlone)
}

// countingStore is the store; it counts the decisions on steps when they are stored:
// each once, however often its activity is attempted.
type countingStore struct {
	*mongodb.Store
	metrics *telemetry.Metrics
}

// Append stores an event, and counts one that is new and decides on a step.
func (c countingStore) Append(ctx context.Context, e trial.Event, after trial.State) (existing *trial.Event, err error) {
	existing, err = c.Store.Append(ctx, e, after)
	if err == nil && existing == nil && e.Step != nil && e.Decision != nil {
		c.metrics.Stepped(string(e.Step.Kind), string(e.Decision.Action), e.Type == trial.EventHeld, e.At.Sub(e.Step.At))
	}
	return existing, err
}
