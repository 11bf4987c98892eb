package test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/test/system"
)

const (
	// toldWithin is how long health may take to answer, whatever is away.
	toldWithin = 2 * time.Second
	// noticedWithin is how long a worker may be gone before health says so.
	noticedWithin = time.Minute
)

// health is what the API says of the system's health.
type health struct {
	State monitoring.State `json:"state"`
	Parts []struct {
		Name    string           `json:"name"`
		State   monitoring.State `json:"state"`
		Message string           `json:"message"`
		Action  string           `json:"action"`
	} `json:"parts"`
}

func (h health) of(part string) (state monitoring.State, message string) {
	for _, p := range h.Parts {
		if p.Name == part {
			return p.State, p.Message
		}
	}
	return "", ""
}

// health asks once.
func (s *scenario) health() health {
	s.t.Helper()
	a, err := s.Admin(s.ctx, http.MethodGet, "/api/admin/monitoring/trials/health", nil)
	require.NoError(s.t, err)
	var h health
	require.NoError(s.t, a.Into(&h), "%s", a.Body)
	want := http.StatusOK
	if h.State == monitoring.Unhealthy {
		want = http.StatusServiceUnavailable
	}
	require.Equal(s.t, want, a.Status, "%s", a.Body)
	return h
}

// awaitHealth waits until a part is as asked for, and answers with all of them.
func (s *scenario) awaitHealth(limit time.Duration, part string, state monitoring.State) health {
	s.t.Helper()
	var h health
	eventually(s.t, limit, func() error {
		h = s.health()
		if now, message := h.of(part); now != state {
			return fmt.Errorf("%s is %s: %s", part, now, message)
		}
		return nil
	})
	return h
}

// unwell are the parts that are unhealthy.
func (h health) unwell() []string {
	var names []string
	for _, p := range h.Parts {
		if p.State == monitoring.Unhealthy {
			names = append(names, p.Name)
		}
	}
	return names
}

// awaitCulprit waits until one part, and no other, is named in time. A machine
// that is busy elsewhere may hold up some answers; it does not hold up all.
func (s *scenario) awaitCulprit(part string) {
	s.t.Helper()
	eventually(s.t, soon, func() error {
		pause(s.t, 1100*time.Millisecond) // the answer before is too old then to be given again
		asked := time.Now()
		found := s.health().unwell()
		if took := time.Since(asked); took > toldWithin || !slices.Equal(found, []string{part}) {
			return fmt.Errorf("after %s unhealthy are %v", took, found)
		}
		return nil
	})
}

func TestHealthNoticesAWorkerThatIsGone(t *testing.T) {
	s := begin(t, system.Options{Day: 24 * time.Hour})
	s.awaitHealth(aSweep, monitoring.PartReconciler, monitoring.Healthy)
	require.Equal(t, monitoring.Healthy, s.awaitHealth(soon, monitoring.PartWorker, monitoring.Healthy).State)

	s.StopWorker()
	gone := time.Now()
	h := s.awaitHealth(noticedWithin, monitoring.PartWorker, monitoring.Unhealthy)
	t.Logf("noticed after %s", time.Since(gone).Round(time.Millisecond))
	require.Equal(t, []string{monitoring.PartWorker}, h.unwell())
	require.NoError(t, s.StartWorker(s.ctx))
	s.awaitHealth(soon, monitoring.PartWorker, monitoring.Healthy)

	s.KillWorker()
	gone = time.Now()
	s.awaitHealth(noticedWithin, monitoring.PartWorker, monitoring.Unhealthy)
	t.Logf("noticed after %s that it was killed", time.Since(gone).Round(time.Millisecond))
	require.NoError(t, s.StartWorker(s.ctx))
	s.awaitHealth(soon, monitoring.PartWorker, monitoring.Healthy)
	s.awaitHealth(aSweep, monitoring.PartReconciler, monitoring.Healthy)
	require.Equal(t, monitoring.Healthy, s.health().State)
}

func TestHealthNamesWhatIsAway(t *testing.T) {
	address, err := url.Parse(embedded.MongoDB)
	require.NoError(t, err)
	database, workflows := newProxy(t, address.Host), newProxy(t, embedded.Temporal)
	address.Host = database.Addr
	query := address.Query()
	query.Set("directConnection", "true") // a replica set would show the way around the proxy
	address.RawQuery = query.Encode()
	s := begin(t, system.Options{Day: 24 * time.Hour, APIEnv: []string{"MONGODB_URI=" + address.String(), "TEMPORAL_ADDRESS=" + workflows.Addr}})
	require.Empty(t, s.awaitHealth(soon, monitoring.PartWorker, monitoring.Healthy).unwell())

	database.Shut()
	s.awaitCulprit(monitoring.PartMongoDB)
	require.NoError(t, database.Open(s.ctx))
	s.awaitHealth(soon, monitoring.PartMongoDB, monitoring.Healthy)

	workflows.Shut()
	s.awaitCulprit(monitoring.PartTemporal)
	require.NoError(t, workflows.Open(s.ctx))
	require.Empty(t, s.awaitHealth(soon, monitoring.PartTemporal, monitoring.Healthy).unwell())

	database.Delay(5*time.Second, 0) // it is there, and does not answer in time
	s.awaitCulprit(monitoring.PartMongoDB)
	database.Delay(0, 0)
	s.awaitHealth(soon, monitoring.PartMongoDB, monitoring.Healthy)
}
