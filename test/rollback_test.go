package test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/test/system"
)

// From the answer to a rollback on nobody is admitted, and from a second later
// on no e-mail is let go, whatever the worker does meanwhile.
func TestARollbackTakesNoMoreThanASecond(t *testing.T) {
	s := begin(t, system.Options{})
	plan := shortPlan()
	plan.NoticeDays, plan.Phases[1].SoakDays = 0, 100
	for i, c := range []struct {
		name          string
		before, after func()
	}{
		{"with the worker running", func() {}, func() {}},
		{"with the worker stopped", func() { s.StopWorker() }, func() { require.NoError(t, s.StartWorker(s.ctx)) }},
		{"with the worker killed and started again", func() {}, func() { s.KillWorker(); require.NoError(t, s.StartWorker(s.ctx)) }},
	} {
		s.startRollout(plan)
		s.pass()
		s.awaitRollout(wholeLife, func(v rollout.View) error {
			if v.Rollout.Percentage != 50 {
				return fmt.Errorf("not at 50 %% yet")
			}
			return nil
		})
		stop := s.arrivals(fmt.Sprintf("b%d-", i), s.Day/4, 0)
		eventually(t, wholeLife, func() error { // e-mails are leaving all the time
			if len(s.messages(s.mark+"/")) < 5*(i+1) {
				return fmt.Errorf("too few e-mails yet")
			}
			return nil
		})
		c.before()
		s.control("rollback", map[string]any{"percentage": 0})
		answered := time.Now()
		c.after()
		pause(t, time.Until(answered.Add(4*time.Second)))
		stop()
		for _, m := range s.messages(s.mark + "/") {
			if m.At.After(answered.Add(time.Second)) {
				late := s.decided(m).Sub(answered)
				require.LessOrEqual(t, late, time.Second, "%s: %s was let go %s after the answer", c.name, m.Step(), late)
			}
		}
		require.Zero(t, s.admittedAfter(answered), c.name)
		s.awaitRollout(wholeLife, func(v rollout.View) error {
			if v.Rollout.Status != rollout.RolledBack {
				return fmt.Errorf("the workflow has not caught up")
			}
			return nil
		})
	}
}

// admittedAfter counts the vendors admitted after a moment.
func (s *scenario) admittedAfter(moment time.Time) int {
	s.t.Helper()
	n, err := s.database.Collection("users").CountDocuments(s.ctx, map[string]any{
		"trialAutomation.cohort": "automated", "trialAutomation.registeredAt": map[string]any{"$gt": moment},
	})
	require.NoError(s.t, err)
	return int(n)
}

// Where somebody cannot be told of one rollout, the next one starts all the same.
func TestAStakeholderWhoCannotBeReachedHoldsUpNoRollout(t *testing.T) {
	unavailable := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }))
	t.Cleanup(unavailable.Close)
	people := filepath.Join(t.TempDir(), "stakeholders.yaml")
	require.NoError(t, os.WriteFile(people, fmt.Appendf(nil, "stakeholders:\n  - {role: devops-engineer, webhook: \"%s/hook\"}\n", unavailable.URL), 0o600))
	s := begin(t, system.Options{Env: []string{"STAKEHOLDERS=" + people, "WEBHOOK_SECRET=" + strings.Repeat("k", 32)}})
	for range 3 {
		s.startRollout(shortPlan())
		s.control("rollback", map[string]any{"percentage": 0})
		s.awaitRollout(wholeLife, func(v rollout.View) error {
			if v.Rollout.Status != rollout.RolledBack {
				return fmt.Errorf("the workflow has not caught up")
			}
			return nil
		})
	}
}
