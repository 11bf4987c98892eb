package test

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/test/stack"
	"marketplace.example/trials/test/system"
)

// keptStack starts a stack of its own that keeps its data on disk, at ports
// that it will have again. crash kills it and starts it again.
func keptStack(t *testing.T) (s *stack.Stack, crash func()) {
	t.Helper()
	args := []string{"--dir", t.TempDir()}
	for _, name := range []string{"--temporal-port", "--ui-port", "--mongodb-port", "--mailbox-port"} {
		l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
		require.NoError(t, err)
		_, port, err := net.SplitHostPort(l.Addr().String())
		require.NoError(t, err)
		require.NoError(t, l.Close())
		args = append(args, name, port)
	}
	s, err := stack.Start(t.Context(), args...)
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Stop() })
	return s, func() {
		s.Kill()
		again, err := stack.Start(t.Context(), args...)
		require.NoError(t, err)
		*s = *again
	}
}

// stakeholder is a file with one who gets every notice.
func stakeholder(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "stakeholders.yaml")
	require.NoError(t, os.WriteFile(file, []byte("stakeholders:\n  - {role: product-owner, name: The owner, email: owner@example.com}\n"), 0o600))
	return file
}

func TestARolloutSurvivesWhateverIsKilled(t *testing.T) {
	own, crash := keptStack(t)
	s := begin(t, system.Options{Stack: own, Env: []string{"STAKEHOLDERS=" + stakeholder(t)}})
	plan := shortPlan()
	plan.Phases[0].SoakDays, plan.Phases[1].SoakDays, plan.Phases[2].SoakDays = 10, 45, 10 // half: twenty vendors are seen within twice this, whatever is killed
	s.startRollout(plan)
	stop := s.arrivals("a", s.Day/4, 0)
	s.pass()
	kills := []struct {
		at   float64
		kill func()
	}{
		{50, func() { s.KillWorker(); require.NoError(t, s.StartWorker(s.ctx)) }},
		{50, crash},
		{50, func() { s.KillAPI(); require.NoError(t, s.StartAPI(s.ctx)) }},
		{100, func() { s.KillWorker(); crash(); require.NoError(t, s.StartWorker(s.ctx)) }},
	}
	for i, k := range kills {
		s.awaitRollout(wholeLife, func(v rollout.View) error {
			if v.Rollout.Percentage < k.at {
				return fmt.Errorf("kill %d waits for %v %%", i, k.at)
			}
			return nil
		})
		k.kill()
		pause(t, time.Second)
	}
	v := s.awaitRollout(wholeLife, func(v rollout.View) error {
		if v.Rollout.Status != rollout.Completed {
			return fmt.Errorf("not completed")
		}
		return nil
	})
	stop()
	require.Equal(t, []string{"phase 0", "phase 50", "phase 100", "stability 100", "guard 100"}, s.entered())
	s.toldOnce(v.Rollout)
	a, err := s.Admin(s.ctx, http.MethodGet, "/readyz", nil)
	s.answered(http.StatusOK, a, err)
}

// toldOnce holds the stakeholder's e-mails against the decisions: none twice,
// and each stage's among them.
func (s *scenario) toldOnce(r rollout.State) {
	s.t.Helper()
	messages, err := s.Messages(s.ctx, "owner@example.com")
	require.NoError(s.t, err)
	seen := map[string]int{}
	for _, m := range messages {
		seen[m.Tags["notice"]]++
	}
	for key, n := range seen {
		require.Equal(s.t, 1, n, "notice %s", key)
	}
	require.GreaterOrEqual(s.t, len(seen), 5, "rollout %s: %v", r.ID, seen)
}
