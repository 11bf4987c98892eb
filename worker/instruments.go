package main

import (
	"context"
	"maps"
	"slices"

	"marketplace.example/trials/activities"
	"marketplace.example/trials/internal/adapters/mongodb"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/internal/platform/telemetry"
)

// outcomes are the results of sends, as metrics name them.
var outcomes = map[trial.SendStatus]string{
	trial.SendSent: "sent", trial.SendRefused: "refused", trial.SendReleased: "deferred", trial.SendUnknown: "unknown",
}

// expect starts the worker's series.
func expect(m *telemetry.Metrics) {
	m.Expect(
		slices.Collect(maps.Values(outcomes)),
		[]string{findStarted, repairSynced, findConverted, findRestarted, findWoken, findMoved, findRollout, findLeftAlone}, nil)
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
func swept(m *telemetry.Metrics, s activities.Swept) {
	m.Found(findStarted, s.Started)
	m.Found(repairSynced, s.Synced)
	m.Found(findConverted, s.Converted)
	m.Found(findRestarted, s.Restarted)
	m.Found(findWoken, s.Woken)
	m.Found(findMoved, s.Moved)
	m.Found(findRollout, s.Rollouts)
	m.Found(findLeftAlone, s.LeftAlone)
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
	if err == nil && existing == nil && e.Step != nil && e.Decision != nil && !trial.IsCanary(after.VendorID) {
		c.metrics.Stepped(string(e.Step.Kind), string(e.Decision.Action), e.Type == trial.EventHeld, e.At.Sub(e.Step.At))
	}
	return existing, err
}
