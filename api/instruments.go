package main

import (
	"context"
	"time"

	"go.uber.org/zap"

	"marketplace.example/trials/api/auth"
	"marketplace.example/trials/internal/adapters/mail"
	"marketplace.example/trials/internal/adapters/mongodb"
	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/platform/telemetry"
)

// instruments tell how this process does.
type instruments struct {
	*telemetry.Metrics
	sampler *telemetry.Sampler
	traces  telemetry.Traces
}

func newInstruments(ctx context.Context, store *mongodb.Store, log *zap.Logger) (instruments, error) {
	sampler, err := telemetry.NewSampler(monitoring.RoleAPI, store, log)
	if err != nil {
		return instruments{}, err
	}
	traces, err := telemetry.NewTraces(ctx, monitoring.RoleAPI)
	if err != nil {
		return instruments{}, err
	}
	metrics := telemetry.NewMetrics()
	metrics.Expect(nil, nil, mail.Codes())
	metrics.ExpectTokensRefused(auth.Reasons())
	return instruments{Metrics: metrics, sampler: sampler, traces: traces}, nil
}

// Called counts a call, and samples how long it took.
func (i instruments) Called(route, method string, status int, took time.Duration) {
	i.Metrics.Called(route, method, status, took)
	i.sampler.Called(took)
}
