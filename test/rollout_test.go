package test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/test/system"
)

const rollouts = "/api/admin/rollouts"

// shortPlan is a plan that a scenario lives through: its gates are those that a
// few vendors satisfy.
func shortPlan() rollout.Plan {
	p := rollout.DefaultPlan()
	gates := []rollout.Gate{rollout.GateEmail, rollout.GateAutomation}
	p.Name, p.NoticeDays, p.StabilityDays, p.GuardDays, p.BackfillPerHour = "scenario", 0.5, 1, 1, 3600
	p.Triggers.Slowdown = 10 // the machine may be busy with other scenarios
	p.Phases = []rollout.Phase{
		{Name: "nobody", Percentage: 0, SoakDays: 8, Gates: []rollout.Gate{}}, // within twice this the preflight is waived
		{Name: "half", Percentage: 50, SoakDays: 30, Gates: gates},
		{Name: "all", Percentage: 100, SoakDays: 12, Gates: gates},
	}
	return p
}

// planFile writes a plan for the command line. JSON is YAML too.
func (s *scenario) planFile(p rollout.Plan) string {
	s.t.Helper()
	document, err := json.Marshal(p)
	require.NoError(s.t, err)
	file := filepath.Join(s.t.TempDir(), "plan.yaml")
	require.NoError(s.t, os.WriteFile(file, document, 0o600))
	return file
}

// control sends the rollout one of its controls.
func (s *scenario) control(name string, body map[string]any) {
	s.t.Helper()
	body["reason"] = "the scenario wants it"
	a, err := s.Admin(s.ctx, http.MethodPost, rollouts+"/current/"+name, body)
	s.answered(http.StatusAccepted, a, err)
}

func (s *scenario) startRollout(p rollout.Plan) {
	s.t.Helper()
	s.rollout(true, 0)
	a, err := s.Admin(s.ctx, http.MethodPost, rollouts, map[string]any{"plan": p})
	s.answered(http.StatusAccepted, a, err)
	var started struct {
		ID string `json:"id"`
	}
	require.NoError(s.t, a.Into(&started))
	s.awaitRollout(wholeLife, func(v rollout.View) error {
		if v.Rollout.ID != started.ID {
			return fmt.Errorf("it has not begun")
		}
		return nil
	})
	s.t.Cleanup(s.showDecisions)
}

// showDecisions prints what was decided where the scenario failed.
func (s *scenario) showDecisions() {
	if !s.t.Failed() {
		return
	}
	s.ctx = context.WithoutCancel(s.ctx)
	a, err := s.Admin(s.ctx, http.MethodGet, rollouts+"/current/decisions?limit=200", nil)
	if err != nil {
		return
	}
	var all struct {
		Decisions []rollout.Event `json:"decisions"`
	}
	_ = a.Into(&all) // what cannot be read is not shown
	for _, e := range all.Decisions {
		if e.Type != rollout.EventUpdate {
			s.t.Logf("%d %s %s: %s", e.Seq, e.At.Format(time.TimeOnly), e.Type, e.Reason)
		}
	}
}

// awaitRollout waits until the rollout is as wanted.
func (s *scenario) awaitRollout(limit time.Duration, wanted func(rollout.View) error) rollout.View {
	s.t.Helper()
	var v rollout.View
	eventually(s.t, limit, func() error {
		v = rollout.View{}
		a, err := s.Admin(s.ctx, http.MethodGet, rollouts+"/current", nil)
		if err != nil || a.Status != http.StatusOK {
			return fmt.Errorf("%d %s: %w", a.Status, a.Body, err)
		}
		if err := a.Into(&v); err != nil {
			return err
		}
		if err := wanted(v); err != nil {
			return fmt.Errorf("%w; %s", err, v.Summary)
		}
		return nil
	})
	return v
}

// pass waives the check that a scenario cannot satisfy.
func (s *scenario) pass() {
	s.t.Helper()
	s.awaitRollout(wholeLife, func(v rollout.View) error {
		if len(v.Rollout.Checks) == 0 {
			return fmt.Errorf("no preflight yet")
		}
		return nil
	})
	s.control("preflight/backup/waiver", map[string]any{})
}

func (s *scenario) decisions() []rollout.Event {
	s.t.Helper()
	a, err := s.Admin(s.ctx, http.MethodGet, rollouts+"/current/decisions?limit=200", nil)
	s.answered(http.StatusOK, a, err)
	var all struct {
		Decisions []rollout.Event `json:"decisions"`
	}
	require.NoError(s.t, a.Into(&all))
	return all.Decisions
}

// entered are the stages entered, in order.
func (s *scenario) entered() []string {
	s.t.Helper()
	var stages []string
	for _, e := range s.decisions() {
		if e.Type == rollout.EventEntered || e.Type == rollout.EventRolledBack && e.Stage != nil {
			stages = append(stages, fmt.Sprintf("%s %v", e.Stage.Kind, *e.Percentage))
		}
	}
	return stages
}

// arrivals registers vendors all the time until stopped, so many of ten with an
// address that bounces; every third converts at once.
func (s *scenario) arrivals(name string, every time.Duration, bouncing int) (stop func()) {
	ctx, cancel := context.WithCancel(s.ctx)
	api, token := s.API, s.Secrets.ServiceToken // which a scenario may change meanwhile
	post := func(path string, body any) {
		// A scenario that goes on without some of them fails by itself.
		_, _ = system.Call(ctx, http.MethodPost, api+path, token, body, nil)
	}
	var done sync.WaitGroup
	done.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			id := s.vendor(fmt.Sprintf("%s%03d", name, i))
			address := email(id)
			if i*7%10 < bouncing {
				address = id + "+bounce@vendors.example.com"
			}
			post("/api/vendors", map[string]any{"id": id, "email": address, "name": "Vendor"})
			if i%3 == 0 {
				post("/api/vendors/"+id+"/conversion", map[string]any{})
			}
			select {
			case <-ctx.Done():
			case <-time.After(every):
			}
		}
	})
	return func() { cancel(); done.Wait() }
}

func TestAHealthyRolloutGoesFromNobodyToEverybody(t *testing.T) {
	s := begin(t, system.Options{})
	s.rollout(true, 0)
	early := s.vendor("early")
	s.register(early) // control: it is taken in when everybody is
	a, err := s.steer(early, "extend", 90)
	s.answered(http.StatusOK, a, err) // so that it still runs then
	s.startRollout(shortPlan())
	stop := s.arrivals("a", s.Day/4, 0)
	s.pass()
	s.awaitRollout(wholeLife, func(v rollout.View) error {
		if v.Rollout.Stage.Kind == rollout.Guard || v.Rollout.Status == rollout.Completed {
			return nil
		}
		return fmt.Errorf("not guarding yet: %+v", v.Gates)
	})
	v := s.awaitRollout(wholeLife, func(v rollout.View) error {
		if v.Rollout.Status != rollout.Completed {
			return fmt.Errorf("not completed")
		}
		return nil
	})
	stop()
	require.Equal(t, []string{"phase 0", "phase 50", "phase 100", "stability 100", "guard 100"}, s.entered())
	s.historyIsShort(v.Rollout)
	require.True(t, v.Rollout.Backfill.Done)
	require.Positive(t, v.Rollout.Backfill.Taken)
	require.True(t, s.known(early).Trial.Automated, "taken in at 100 %%")
	require.Equal(t, trial.Adopted, s.known(early).Trial.Cohort)
	a, err = s.Service(s.ctx, http.MethodGet, "/api/vendors/"+early, nil)
	s.answered(http.StatusOK, a, err)
	require.Contains(t, string(a.Body), `"cohort":"control"`, "what was dealt never changes")
	require.Contains(t, s.starter("rollout", "replay"), "All came to the same.")
}

func TestARolloutIsRolledBackWhereMailIsNotDelivered(t *testing.T) {
	s := begin(t, system.Options{})
	s.startRollout(shortPlan())
	stop := s.arrivals("a", s.Day/4, 6)
	s.pass()
	v := s.awaitRollout(wholeLife, func(v rollout.View) error {
		if v.Rollout.Epoch == 0 {
			return fmt.Errorf("not rolled back yet")
		}
		return nil
	})
	stop()
	require.Zero(t, v.Rollout.Percentage, "the phase before admits nobody")
	var back rollout.Event
	for _, e := range s.decisions() {
		if e.Type == rollout.EventRolledBack {
			back = e
		}
	}
	require.Equal(t, rollout.TriggerEmail, back.Trigger)
	require.Regexp(t, `^Rolled back from 50 % to 0 %: \d+ % of the e-mails were delivered, at least 90 % must be \(of \d+ vendor days`, back.Reason)

	// Judged and decided anew from what is stored, it comes to the same.
	require.Contains(t, s.starter("rollout", "replay"), "All came to the same.")
	var replayed rollout.Replayed
	require.NoError(t, json.Unmarshal([]byte(s.starter("rollout", "replay", v.Rollout.ID, "--json")), &replayed))
	require.GreaterOrEqual(t, replayed.Snapshots, back.Judgement.Snapshot)
	require.GreaterOrEqual(t, replayed.Decisions, 4, "started, preflight, entered twice and rolled back")
	require.Positive(t, replayed.Judgements)
	patient := shortPlan()
	patient.Name, patient.Triggers.EmailDelivery = "patient", 0.05
	out := s.starter("rollout", "replay", "--plan", s.planFile(patient))
	require.Contains(t, out, "What plan patient would have decided")
	require.Contains(t, out, "Entered phase 2 of 3, half (50 %).")
	require.NotContains(t, out, "Rolled back")
}

func TestARollbackByHandActsAtOnceAndWithoutAWorker(t *testing.T) {
	s := begin(t, system.Options{})
	plan := shortPlan()
	plan.Phases[1].SoakDays = 30
	s.startRollout(plan)
	s.pass()
	s.awaitRollout(wholeLife, func(v rollout.View) error {
		if v.Rollout.Percentage != 50 {
			return fmt.Errorf("not at 50 %% yet")
		}
		return nil
	})
	s.KillWorker()
	s.control("rollback", map[string]any{"percentage": 0})
	id := s.vendor("late")
	s.register(id)
	a, err := s.Service(s.ctx, http.MethodGet, "/api/vendors/"+id, nil)
	s.answered(http.StatusOK, a, err)
	require.Contains(t, string(a.Body), `"cohort":"control"`)
	require.NoError(t, s.StartWorker(s.ctx))
	s.awaitRollout(wholeLife, func(v rollout.View) error {
		if v.Rollout.Status != rollout.RolledBack {
			return fmt.Errorf("the workflow has not caught up")
		}
		return nil
	})
	last := s.decisions()
	require.Equal(t, "Rolled back completely: the scenario wants it", last[len(last)-1].Reason)
	a, err = s.Admin(s.ctx, http.MethodPost, rollouts+"/current/resume", map[string]any{"reason": "again"})
	s.answered(http.StatusConflict, a, err)
}

func TestAPercentageSetByHandIsSeenAndHeldAt(t *testing.T) {
	s := begin(t, system.Options{})
	plan := shortPlan()
	plan.Phases[1].SoakDays = 30
	s.startRollout(plan)
	s.pass()
	s.awaitRollout(wholeLife, func(v rollout.View) error {
		if v.Rollout.Percentage != 50 {
			return fmt.Errorf("not at 50 %% yet")
		}
		return nil
	})
	s.rollout(true, 33.33)
	v := s.awaitRollout(wholeLife, func(v rollout.View) error {
		if v.Rollout.Pause == nil {
			return fmt.Errorf("not seen yet")
		}
		return nil
	})
	require.Equal(t, rollout.PausedByOverride, v.Rollout.Pause.Cause)
	require.InDelta(t, 33.33, v.Rollout.Percentage, 1e-9)
	s.control("resume", map[string]any{})
	s.awaitRollout(wholeLife, func(v rollout.View) error {
		if v.Rollout.Status != rollout.Running {
			return fmt.Errorf("not resumed yet")
		}
		return nil
	})
	all := s.decisions()
	resumed := all[slices.IndexFunc(all, func(e rollout.Event) bool { return e.Type == rollout.EventResumed })]
	require.Equal(t, 0, resumed.Stage.Phase, "the last phase that admits no more")
	require.Contains(t, s.starter("rollout", "replay"), "All came to the same.")
}

// historyIsShort holds the workflow's history against the 2,000 events that a
// rollout of 35 days may have, in proportion to its days.
func (s *scenario) historyIsShort(r rollout.State) {
	s.t.Helper()
	const most, of = 2000, 35
	described, err := s.temporal.DescribeWorkflowExecution(s.ctx, rollout.WorkflowID, "")
	require.NoError(s.t, err)
	days := float64(r.EndedAt.Sub(r.StartedAt)) / float64(s.Day)
	length := float64(described.GetWorkflowExecutionInfo().GetHistoryLength())
	s.t.Logf("%.0f events in %.1f days", length, days)
	require.Less(s.t, length, most*days/of)
}
