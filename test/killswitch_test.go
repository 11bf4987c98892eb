package test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/test/system"
)

func TestNoMailLeavesWhileAutomationIsDisabled(t *testing.T) {
	s := begin(t, system.Options{Day: 2 * time.Second})
	ids := s.crowd(30)
	s.awaitMail(wholeLife, ids[0], "reminder-7d/0")

	s.rollout(false, 0)
	quietFrom := time.Now().Add(time.Second)
	s.KillWorker()
	require.NoError(t, s.StartWorker(s.ctx))
	s.awaitHeld(wholeLife, ids, trial.ReasonAutomationDisabled)
	before := s.lengths(ids)
	s.patch("monitoring", "alerting", false) // the sweep that this asks for must wake nobody
	pause(t, 2*s.Day)
	require.Equal(t, before, s.lengths(ids), "histories grow while trials are held")
	quietTo := time.Now()
	s.rollout(true, 100)

	s.awaitAll(wholeLife, ids, trial.Expired)
	mails := 0
	for _, m := range s.messages(s.mark + "/") {
		if m.At.After(quietFrom) && m.At.Before(quietTo) {
			require.False(t, s.decided(m).After(quietFrom), "%s left at %s, while automation was disabled", m.Step(), m.At)
		}
		mails++
	}
	t.Logf("quiet for %s; %d e-mails in all", quietTo.Sub(quietFrom).Round(time.Millisecond), mails)
	for _, id := range ids {
		s.mailedAsRecorded(id)
	}
}

// crowd registers vendors one after the other, so that their steps fall due
// one after the other.
func (s *scenario) crowd(n int) []string {
	s.t.Helper()
	var ids []string
	for i := range n {
		id := s.vendor(fmt.Sprintf("v%02d", i))
		s.register(id)
		ids = append(ids, id)
		pause(s.t, s.Day/20)
	}
	return ids
}

// awaitHeld waits until each trial is held.
func (s *scenario) awaitHeld(limit time.Duration, ids []string, reason trial.Reason) {
	s.t.Helper()
	eventually(s.t, limit, func() error {
		for _, id := range ids {
			if doc, err := s.stored(id); err != nil || doc.Held == nil || doc.Held.Reason != reason {
				return fmt.Errorf("trial %s is %s and not held for %s: %w", id, doc.Status, reason, err)
			}
		}
		return nil
	})
}

// lengths are how many events the trials' histories have, once none has a task
// under way: what a task has done is in the database before it is in the history.
func (s *scenario) lengths(ids []string) map[string]int64 {
	s.t.Helper()
	all := map[string]int64{}
	for _, id := range ids {
		eventually(s.t, soon, func() error {
			d, err := s.temporal.DescribeWorkflowExecution(s.ctx, trial.WorkflowID(id), "")
			require.NoError(s.t, err)
			all[id] = d.GetWorkflowExecutionInfo().GetHistoryLength()
			if d.GetPendingWorkflowTask() != nil {
				return fmt.Errorf("trial %s has a task under way", id)
			}
			return nil
		})
	}
	return all
}

// mailedAsRecorded checks that just those e-mails came of which the trial says
// so, each once; that none is missing but those that a later step had
// overtaken, as may happen where a dead worker's task is waited for; and that
// the trial's ends were told.
func (s *scenario) mailedAsRecorded(id string) {
	s.t.Helper()
	k := s.known(id)
	recorded := []string{}
	for _, r := range k.Trial.Steps {
		if r.Mailed {
			recorded = append(recorded, fmt.Sprintf("%s/%d", r.Step.Kind, r.Step.Revision))
			continue
		}
		require.Equal(s.t, trial.ReasonOvertaken, r.Reason, "%s of %s", r.Step.Kind, id)
		require.NotContains(s.t, []trial.Kind{trial.Expiry, trial.GraceEnd}, r.Step.Kind, id)
	}
	require.Len(s.t, k.Trial.Steps, len(whole))
	mails := s.mails(id)
	slices.Sort(recorded)
	slices.Sort(mails)
	require.Equal(s.t, recorded, mails, "e-mails of %s", id)
}

func TestTheWorkerSurvivesAKill(t *testing.T) {
	s := begin(t, system.Options{Day: 2 * time.Second})
	var ids []string
	for i := range 20 {
		id := s.vendor(fmt.Sprintf("k%02d", i))
		s.register(id)
		ids = append(ids, id)
		if i == 5 { // while others begin
			s.killWorker()
		}
	}
	s.awaitStep(wholeLife, ids[0], trial.Kind("reminder-7d")) // while the others' leave
	s.killWorker()
	s.awaitStep(wholeLife, ids[0], trial.Expiry)
	s.killWorker()

	s.awaitAll(wholeLife, ids, trial.Expired)
	for _, id := range ids {
		s.mailedAsRecorded(id)
	}
}

// awaitStep waits until a step of a trial is decided: one that began late has reminders that are over.
func (s *scenario) awaitStep(limit time.Duration, id string, kind trial.Kind) {
	s.t.Helper()
	eventually(s.t, limit, func() error {
		doc, err := s.stored(id)
		for _, done := range doc.Steps {
			if done.Step.Kind == kind {
				return err
			}
		}
		return fmt.Errorf("%s of %s is not decided: %w", kind, id, err)
	})
}

func (s *scenario) killWorker() {
	s.t.Helper()
	s.KillWorker()
	require.NoError(s.t, s.StartWorker(s.ctx))
}

func TestIdempotencyKeyMakesARequestOnce(t *testing.T) {
	s := begin(t, system.Options{Day: 10 * time.Second})
	id := s.vendor("elisa")
	s.register(id)
	s.awaitMail(soon, id, "welcome/0")

	extend := func(days int) system.Answer {
		a, err := system.Call(s.ctx, http.MethodPost, s.API+"/api/admin/trials/"+id+"/extend", s.Secrets.AdminToken,
			map[string]any{"days": days, "reason": "asked by phone"}, http.Header{"Idempotency-Key": {"ticket-4711"}})
		require.NoError(t, err)
		return a
	}
	first := extend(7)
	s.answered(http.StatusOK, first, nil)
	end := s.known(id).Trial.EndsAt
	require.Equal(t, s.known(id).Trial.StartedAt.Add(21*s.Day), end)
	require.JSONEq(t, string(first.Body), string(extend(7).Body))
	s.killWorker()
	s.answered(http.StatusOK, extend(7), nil)

	k := s.known(id)
	require.Equal(t, end, k.Trial.EndsAt)
	require.Equal(t, 1, k.Trial.Revision)
	other := extend(8)
	require.Equal(t, http.StatusUnprocessableEntity, other.Status, "%s", other.Body)
	require.Equal(t, "Idempotency-Key", readProblem(t, other).Field)
	require.Equal(t, end, s.known(id).Trial.EndsAt)
}

func TestAKeyStartsOneRolloutWithNoWorkerToBeginIt(t *testing.T) {
	s := begin(t, system.Options{})
	s.rollout(true, 0)
	s.KillWorker()
	start := func(key string) system.Answer {
		a, err := system.Call(s.ctx, http.MethodPost, s.API+rollouts, s.Secrets.AdminToken,
			map[string]any{"plan": shortPlan()}, http.Header{"Idempotency-Key": {key}})
		require.NoError(t, err)
		return a
	}
	first := start("ticket-4711")
	s.answered(http.StatusAccepted, first, nil)
	again := start("ticket-4711")
	s.answered(http.StatusAccepted, again, nil)
	require.JSONEq(t, string(first.Body), string(again.Body))
	require.Equal(t, http.StatusConflict, start("ticket-4712").Status, "another one")
	require.NoError(t, s.StartWorker(s.ctx))
	s.awaitRollout(wholeLife, func(v rollout.View) error {
		if !strings.Contains(string(first.Body), v.Rollout.ID) {
			return errors.New("not begun yet")
		}
		return nil
	})
	again = start("ticket-4711")
	s.answered(http.StatusAccepted, again, nil)
	require.JSONEq(t, string(first.Body), string(again.Body))
}
