package sample

import (
	"net/http/httptest"
	"time"

	"go.uber.org/zap"

	"marketplace.example/trials/api/auth"
	"marketplace.example/trials/api/dashboard"
	"marketplace.example/trials/internal/platform/config"
)

// Serve answers with the pages of the world on a free port, until it is closed.
func (w *World) Serve(adminToken string) (*httptest.Server, error) {
	now := func() time.Time { return w.Moment }
	callers, err := auth.New(auth.Options{AdminToken: adminToken, ServiceToken: "of-the-marketplace", Tokens: w, Now: now})
	if err != nil {
		return nil, err
	}
	handler, err := dashboard.New(dashboard.Options{
		Store: w, Controls: w, Bulks: w, Rollouts: w, ReadPlan: config.ReadPlan, Forecasts: w, Canaries: w, Experiments: w, Figures: w, Health: w, Alerts: w, Policies: w.Policies(), Mails: w, Administration: w, Processes: w, Settings: Settings(), Log: zap.NewNop(), Callers: callers, Provider: provider{unavailable: w.Err != nil}, SessionSecret: "of the samples",
		WorkflowURL: func(id string) string { return "http://localhost:8233/namespaces/default/workflows/" + id },
		Now:         now,
	})
	if err != nil {
		return nil, err
	}
	return httptest.NewServer(handler), nil
}
