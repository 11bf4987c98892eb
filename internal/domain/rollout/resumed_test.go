package rollout_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// paused is a state that events have brought about, of a rollout at 100 % since noon.
func paused(events ...rollout.Event) rollout.State {
	p := rollout.DefaultPlan()
	last := rollout.Stage{Kind: rollout.InPhase, Phase: len(p.Phases) - 1}
	s := rollout.State{Plan: p, Times: inDays, Status: rollout.Running, Stage: last, StageSeq: 7, EnteredAt: noon, Enabled: true, Percentage: 100}
	for _, e := range events {
		s = s.Apply(e)
	}
	return s
}

// badHour is an hour in which nothing good is seen; all of it becomes known in its first minutes.
func (b *book) badHour() rollout.Judgement {
	var outcomes []rollout.Outcome
	for v := range 30 {
		id, after := fmt.Sprintf("v%d-%d", b.number, v), b.now.Sub(noon)
		outcomes = append(append(outcomes, outcome(rollout.StepFailed, id, "welcome", after)), mailed(id, "welcome", after, rollout.MailFailed)...)
	}
	b.take(time.Hour, intervals(6, about{trial.Automated, 5, 5}), outcomes...)
	return b.judge()
}

// Whoever resumes a rollout has mended the cause: what was seen before stops it no more, and what comes is weighed, also after the
// last phase.
func TestWhatAPersonResumesIsWeighedAnew(t *testing.T) {
	t.Parallel()
	gates := []rollout.Gate{rollout.GateEmail, rollout.GateAutomation, rollout.GateErrors}
	triggers := []rollout.Trigger{rollout.TriggerEmail, rollout.TriggerErrors, rollout.TriggerAPI}
	for name, c := range map[string]struct {
		stage rollout.StageKind
		cause rollout.PauseCause
		epoch int
	}{
		"a gate": {rollout.InPhase, rollout.PausedByGate, 0}, "triggers": {rollout.InPhase, rollout.PausedByTriggers, 1},
		"triggers, in stability": {rollout.Stability, rollout.PausedByTriggers, 1}, "a shared fate, in the guard": {rollout.Guard, rollout.PausedBySharedFate, 1},
	} {
		b, s := newBook(), paused()
		b.position = s.Position()
		b.badHour()
		if s.Stage.Kind = c.stage; c.stage != rollout.InPhase {
			s.StageSeq, s.EnteredAt = s.StageSeq+1, b.now
		}
		b.position = s.Position()
		before := b.badHour()
		s = s.Apply(rollout.Event{Type: rollout.EventPaused, Cause: c.cause, At: b.now}).Apply(rollout.Event{Type: rollout.EventResumed, At: b.now.Add(30 * time.Minute)})
		b.position = s.Position()
		first := b.badHour()
		then := b.badHour()
		for _, gate := range gates {
			require.Equal(t, rollout.Fail, before.GateResult(gate).Verdict, "%s: %s", name, gate)
			require.Equal(t, rollout.Insufficient, first.GateResult(gate).Verdict, "%s: %s", name, gate)
			require.Zero(t, first.GateResult(gate).Seen, "%s: %s", name, gate)
			require.Equal(t, rollout.Fail, then.GateResult(gate).Verdict, "%s: %s", name, gate)
		}
		for _, trigger := range triggers {
			require.True(t, alarmOf(t, before, trigger).Firing, "%s: %s", name, trigger)
			require.Equal(t, c.epoch == 0, alarmOf(t, first, trigger).Firing, "%s: %s", name, trigger)
			require.True(t, alarmOf(t, then, trigger).Firing, "%s: %s", name, trigger)
		}
		require.Equal(t, c.epoch, s.Epoch, name)
	}
}

// A person's pause over one of shared fate stays, where another alarm rolls back in part.
func TestAPersonsPauseOverATriggersRemembersIt(t *testing.T) {
	t.Parallel()
	s := paused(rollout.Event{Type: rollout.EventPaused, Cause: rollout.PausedBySharedFate}, rollout.Event{Type: rollout.EventPaused, Cause: rollout.PausedByAdmin},
		rollout.Event{Type: rollout.EventRolledBack, Remedy: rollout.Partial, Trigger: rollout.TriggerEmail, Stage: &rollout.Stage{Kind: rollout.InPhase, Phase: 2}, Percentage: new(25.0)})
	require.Equal(t, rollout.PausedByAdmin, s.Pause.Cause)
	require.Equal(t, 1, s.Epoch)
	require.Equal(t, 2, s.Apply(rollout.Event{Type: rollout.EventResumed}).Epoch, "calls may have failed for all on end")
}

// Time spent paused does not count as the phase's. After a trigger's pause its time is over at the earliest now: what is judged of the
// new evidence has to come first.
func TestHowLongAResumedPhaseHasLasted(t *testing.T) {
	t.Parallel()
	for cause, want := range map[rollout.PauseCause]time.Duration{
		rollout.PausedByAdmin: 5 * day, rollout.PausedByOutage: 5 * day, rollout.PausedByTriggers: day, rollout.PausedBySharedFate: day, rollout.PausedByGate: 0,
	} {
		at := noon.Add(6 * day)
		s := paused(rollout.Event{Type: rollout.EventPaused, Cause: cause, At: noon.Add(5 * day)}, rollout.Event{Type: rollout.EventResumed, At: at})
		require.Equal(t, want, at.Sub(s.EnteredAt), cause)
	}
}
