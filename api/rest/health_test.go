package rest_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/api/rest"
	"marketplace.example/trials/internal/domain/monitoring"
)

// system is as well as a test says.
type system struct {
	probes    monitoring.Probes
	processes []monitoring.Process
	asked     int
}

func (s *system) Health(context.Context) (monitoring.Health, error) {
	s.asked++
	s.probes.Worker.Processes = s.processes
	return monitoring.Assess(s.probes, monitoring.Health{}, present), nil
}

// calls keeps what was called.
type calls struct {
	mu       sync.Mutex
	notified []string
	// strangers counts the calls of those who were not let in.
	strangers int
}

func (c *calls) Stranger() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.strangers++
}

func (c *calls) Called(route, method string, status int, _ time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.notified = append(c.notified, fmt.Sprintf("%s %s %d", method, route, status))
}

// Calls are told by their routes, so that no id gets into the metrics.
func TestCallsAreReported(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.get("/api/vendors/v-1", adminToken)
	a.get("/nowhere/ada@example.com", adminToken)
	a.get("/healthz", "")
	a.calls.mu.Lock()
	defer a.calls.mu.Unlock()
	require.Equal(t, []string{"GET /api/vendors/{id} 404"}, a.calls.notified)
	require.Equal(t, 2, a.calls.strangers)
}

func TestTrialsHealth(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	const path = "/api/admin/monitoring/trials/health"
	a.get(path, "").problem(http.StatusUnauthorized)
	a.get(path, serviceToken).problem(http.StatusForbidden)
	require.Zero(t, a.health.asked, "a stranger makes nobody work")

	a.health.probes.Worker.Polled = present.Add(-time.Minute)
	a.health.probes.Mail.MailAccount = monitoring.MailAccount{Sending: true, Quota: -1}
	a.health.probes.Reconciler.Last = present
	a.health.probes.Worker.Noted.Failure = monitoring.NoAnswer
	healthy := into[rest.TrialsHealth](a.get(path, adminToken), http.StatusOK)
	require.Equal(t, rest.Healthy, healthy.State)
	require.Len(t, healthy.Parts, 7)
	require.Empty(t, healthy.Advice)

	a.health.probes.MongoDB = monitoring.Reply{Took: 1200 * time.Millisecond, Failure: monitoring.NoAnswer}
	answer := a.get(path, adminToken)
	unhealthy := into[rest.TrialsHealth](answer, http.StatusServiceUnavailable)
	require.Equal(t, rest.Unhealthy, unhealthy.State)
	require.Equal(t, rest.HealthPart{
		Name: "mongodb", State: rest.Unhealthy, Since: present, LatencyMs: 1200, Message: "no answer after 1.2s",
		Action: "Start MongoDB, or repair the network to it. Registrations and conversions are refused (503) meanwhile. Steps wait; nothing that was accepted is lost.",
	}, unhealthy.Parts[0])
}

func TestAdviceIsShown(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	busy := monitoring.Process{Role: monitoring.RoleWorker, Instance: "w1"}
	for i := range 40 {
		busy.Observe(monitoring.Sample{At: present.Add(time.Duration(i-39) * monitoring.SampleEvery), CPU: 0.9})
	}
	a.health.processes = []monitoring.Process{busy}
	health := into[rest.TrialsHealth](a.get("/api/admin/monitoring/trials/health", adminToken), http.StatusServiceUnavailable)
	require.Equal(t, []rest.ScalingAdvice{{
		Role: "worker", Instance: "w1", Resource: "cpu", Value: 0.9, Threshold: 0.7,
		Message: "CPU at 90.0 % over 10 minutes, above 70 %", Action: "Consider horizontal scaling: run another worker.",
	}}, health.Advice)
}

// To say that something is unhealthy is not a failed call: it would take the
// rollout back.
func TestHealthDoesNotCountForTheRollout(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	into[rest.TrialsHealth](a.get("/api/admin/monitoring/trials/health", adminToken), http.StatusServiceUnavailable)
	a.get("/api/admin/feature-flags", adminToken)
	a.store.Lock()
	defer a.store.Unlock()
	require.Equal(t, 1, a.store.rollouts.calls.Count())
	require.Zero(t, a.store.rollouts.calls.Failed)
}
