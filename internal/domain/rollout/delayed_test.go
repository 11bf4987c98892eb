package rollout_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/rollout"
)

// waiting is a judgement with one open gate, of so many vendors with e-mail and with steps.
func waiting(gate rollout.Gate, mailed, stepped int) func(rollout.State, time.Time) *rollout.Judgement {
	return func(s rollout.State, now time.Time) *rollout.Judgement {
		j := result(gate, rollout.Insufficient)(s, now)
		for i := range j.Gates {
			switch j.Gates[i].Gate {
			case rollout.GateEmail:
				j.Gates[i].Seen = mailed
			case rollout.GateAutomation:
				j.Gates[i].Seen = stepped
			default:
				j.Gates[i].Seen = 100
			}
		}
		return j
	}
}

func TestAnOpenGateDelaysAndNotifiesOnce(t *testing.T) {
	t.Parallel()
	steps := []rollout.EventType{rollout.EventDelayed, rollout.EventPaused, rollout.EventEntered}
	l := initial(t, rollout.DefaultPlan())
	l.toPhase(1)
	l.judge = waiting(rollout.GateEmail, 3, 4)
	l.days(20)
	require.Equal(t, []string{"delayed phase/1 10% day 7"}, l.of(steps...)[2:], "once, after twice its time; nothing stops")
	require.Equal(t, rollout.Running, l.state.Status)
	require.Equal(t, "Still at 10 % after twice the phase's time; open gates: E-mails delivered: so it is.", l.events[len(l.events)-17].Reason)
	require.Contains(t, l.state.SentenceAt(l.last, l.now), "it waits for the figures (E-mails delivered: so it is), and advances by itself once that is there.")
	require.Equal(t, jsonOf(t, l.state), jsonOf(t, rollout.Fold(l.events)), "a replay does not notify again")
	l.judge = healthy
	l.days(1)
	require.Equal(t, "entered phase/2 25% day 23.25", l.of(steps...)[3], "as soon as the gate passes")
	l.judge = waiting(rollout.GateAutomation, 3, 4)
	l.days(10)
	require.Equal(t, []string{"delayed phase/2 25% day 27.25"}, l.of(steps...)[4:], "once per phase")
	require.True(t, l.state.Delayed())
	l.judge = result(rollout.GateEmail, rollout.Fail)
	l.days(1)
	require.Equal(t, "Paused at the gate. E-mails delivered: so it is.", l.state.Pause.Reason)
	require.False(t, l.state.Delayed(), "it waits for a person")
	l.ask(rollout.SignalResume, flags.Request{})
	l.judge = waiting(rollout.GateAutomation, 3, 4)
	l.days(5)
	require.Len(t, l.of(rollout.EventDelayed), 3, "resumed, it begins anew")
}

func TestAPhaseWithoutDataPauses(t *testing.T) {
	t.Parallel()
	plain := rollout.DefaultPlan()
	plain.Rule = rollout.RuleThreshold
	for name, c := range map[string]struct {
		plan  rollout.Plan
		judge func(rollout.State, time.Time) *rollout.Judgement
		want  []string
		says  string
	}{
		"no vendor": {rollout.DefaultPlan(), waiting(rollout.GateEmail, 0, 0), []string{"delayed phase/1 10% day 7", "paused phase/1 10% day 9"},
			"3 times the phase's time has passed without any data. E-mails delivered"},
		"no report on any e-mail": {rollout.DefaultPlan(), waiting(rollout.GateEmail, 0, 9), []string{"delayed phase/1 10% day 7", "paused phase/1 10% day 9"},
			"3 times the phase's time has passed without any data. E-mails delivered"},
		"the plain rule": {plain, waiting(rollout.GateEmail, 3, 4), []string{"paused phase/1 10% day 7"}, "still no verdict. E-mails delivered"},
	} {
		l := initial(t, c.plan)
		l.toPhase(1)
		l.judge = c.judge
		pauses, _ := l.state.PausesAt(l.judge(l.state, l.now))
		l.days(20)
		require.Equal(t, c.want, l.of(rollout.EventDelayed, rollout.EventPaused), name)
		require.Contains(t, l.state.Pause.Reason, c.says, name)
		require.Equal(t, pauses, l.state.Pause.Since, "%s: it says when", name)
	}
}

// A phase that was rolled back to lasts as long as its cooldown at least, and twice its time is twice that.
func TestACooldownLengthensAShortPhase(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		soak  float64
		rule  rollout.Rule
		judge func(rollout.State, time.Time) *rollout.Judgement
		want  []string
	}{
		"a quarter of a day":     {0.25, rollout.RuleEvidence, waiting(rollout.GateEmail, 3, 4), []string{"delayed phase/1 10% day 5.5"}},
		"three quarters":         {0.75, rollout.RuleEvidence, waiting(rollout.GateEmail, 3, 4), []string{"delayed phase/1 10% day 6"}},
		"longer than a cooldown": {2, rollout.RuleEvidence, waiting(rollout.GateEmail, 3, 4), []string{"delayed phase/1 10% day 9.25"}},
		"without any data": {0.25, rollout.RuleEvidence, waiting(rollout.GateEmail, 0, 0),
			[]string{"delayed phase/1 10% day 5.5", "paused phase/1 10% day 6.5"}},
		"the plain rule": {0.25, rollout.RuleThreshold, waiting(rollout.GateEmail, 3, 4), []string{"paused phase/1 10% day 5.5"}},
	} {
		plan := rollout.DefaultPlan()
		plan.Rule, plan.Phases[1].SoakDays = c.rule, c.soak
		l := initial(t, plan)
		l.toPhase(2)
		l.judge = raising(rollout.TriggerEmail, rollout.Partial)
		l.until(l.now)
		l.judge = c.judge
		l.days(5)
		require.Equal(t, c.want, l.of(rollout.EventDelayed, rollout.EventPaused), name)
	}
}

// The watch may have died after it judged that all is well.
func TestAJudgementOfLongAgoOpensNoPhase(t *testing.T) {
	t.Parallel()
	l := initial(t, rollout.DefaultPlan())
	l.toPhase(1)
	l.judge = func(s rollout.State, now time.Time) *rollout.Judgement { return healthy(s, now.Add(-time.Hour)) }
	l.days(3.5)
	require.InDelta(t, 10, l.state.Percentage, 0)
	l.days(2)
	require.Equal(t, []string{"paused phase/1 10% day 7"}, l.of(rollout.EventPaused), "nobody watches")
	require.Contains(t, l.state.Pause.Reason, "still no verdict")
}

func TestAJudgementOfAnEarlierEpochOrStageOpensNoPhase(t *testing.T) {
	t.Parallel()
	for name, earlier := range map[string]rollout.Position{"epoch": {Epoch: 1}, "stage": {StageSeq: 1}} {
		old := func(s rollout.State, now time.Time) *rollout.Judgement {
			j := healthy(s, now)
			j.Position.Epoch -= earlier.Epoch
			j.Position.StageSeq -= earlier.StageSeq
			return j
		}
		l := initial(t, rollout.DefaultPlan())
		l.toPhase(1)
		l.judge = old
		l.days(3.5)
		require.InDelta(t, 10, l.state.Percentage, 0, name)
		l.judge = healthy
		l.days(0.25)
		require.InDelta(t, 25, l.state.Percentage, 0, name)

		l = initial(t, rollout.DefaultPlan())
		l.toPhase(1)
		l.judge = old
		l.days(20)
		require.Equal(t, []string{"paused phase/1 10% day 7"}, l.of(rollout.EventDelayed, rollout.EventPaused), "%s: nobody judges what is now", name)
	}
}

// The watch signals only what the rollout must act on, so the judgement at hand may be old.
func TestADelayIsDecidedOnTheLatestJudgement(t *testing.T) {
	t.Parallel()
	require.True(t, rollout.Event{Type: rollout.EventDelayed}.WantsLatest())
}
