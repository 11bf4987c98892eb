package rollout_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/rollout"
)

const feedbackCriterion = "feedback-positive"

// holding is the default plan, whose phase of 25 % waits until a person has judged the feedback.
func holding() rollout.Plan {
	p := rollout.DefaultPlan()
	p.Phases[2].Criteria = []string{feedbackCriterion}
	return p
}

func tick(l *life, isMet bool, reason string) {
	l.t.Helper()
	l.ask(rollout.SignalTick, flags.Request{Subject: feedbackCriterion, Met: isMet, Reason: reason})
}

func TestACriterionOfAPersonsHoldsItsPhase(t *testing.T) {
	t.Parallel()
	steps := []rollout.EventType{rollout.EventDelayed, rollout.EventPaused, rollout.EventEntered}
	const asks = "User feedback positive: a person must judge it, on the dashboard's page /admin/rollout/tick/feedback-positive"
	l := initial(t, holding())
	l.toPhase(2)
	view := rollout.ViewOf(l.state, l.last, l.now)
	require.Equal(t, rollout.GateResult{Gate: feedbackCriterion, Verdict: rollout.Insufficient, Reason: "a person must judge it"}, view.Gates[0])
	l.days(20)
	require.Equal(t, []string{"entered phase/2 25% day 5", "delayed phase/2 25% day 9"}, l.of(steps...)[2:], "people are told once, and nothing stops")
	require.Contains(t, l.state.SentenceAt(l.last, l.now), "it waits for a person ("+asks+"), and advances by itself once that is there.")
	tick(l, true, "Two questions in a week")
	l.days(0.1)
	require.Equal(t, "entered phase/3 50% day 25.25", l.of(steps...)[4], "as soon as it is ticked")

	l = initial(t, holding())
	l.toPhase(2)
	tick(l, false, "Three complaints")
	l.days(5)
	require.Equal(t, []string{"entered phase/2 25% day 5", "paused phase/2 25% day 7"}, l.of(steps...)[2:], "not met, it pauses when the phase's time is over")
	require.Equal(t, "Paused at the gate. User feedback positive: Three complaints.", l.state.Pause.Reason)
	tick(l, true, "They were about another thing")
	l.ask(rollout.SignalResume, flags.Request{})
	l.days(2.1)
	require.Equal(t, rollout.Stage{Kind: rollout.InPhase, Phase: 3}, l.state.Stage)

	l = initial(t, holding())
	l.judge = result(rollout.GateEmail, rollout.Insufficient)
	l.ask(rollout.SignalAdvance, flags.Request{})
	l.ask(rollout.SignalAdvance, flags.Request{})
	l.ask(rollout.SignalAdvance, flags.Request{})
	l.days(10)
	require.Equal(t, []string{"delayed phase/2 25% day 4", "paused phase/2 25% day 6"}, l.of(rollout.EventDelayed, rollout.EventPaused), "a gate that has seen nothing pauses all the same")
	require.Contains(t, l.state.Pause.Reason, "E-mails delivered: so it is; "+asks)
}

func TestACriterionThatNoPhaseNamesHoldsNothing(t *testing.T) {
	t.Parallel()
	for name, ticked := range map[string]*bool{"not ticked": nil, "ticked as not met": new(false)} {
		l := initial(t, rollout.DefaultPlan())
		if ticked != nil {
			tick(l, *ticked, "Three complaints")
		}
		l.until(noon.Add(35 * day))
		require.Equal(t, rollout.Completed, l.state.Status, name)
		require.Empty(t, l.of(rollout.EventDelayed, rollout.EventPaused), name)
	}
}

func TestAPersonIsAskedFromTheCriterionsPartOn(t *testing.T) {
	t.Parallel()
	asked := func(s rollout.State) (all []string) {
		for _, c := range s.Asked(nil) {
			id := c.ID
			if c.Holds {
				id += " holds"
			}
			all = append(all, id)
		}
		return all
	}
	stages := []rollout.Stage{{Kind: rollout.Notice}, {Kind: rollout.InPhase}, {Kind: rollout.InPhase, Phase: 1}, {Kind: rollout.InPhase, Phase: 2}, {Kind: rollout.Stability, Phase: 5}, {Kind: rollout.Guard, Phase: 5}}
	first, both := []string{"dashboards-operational"}, []string{"dashboards-operational", feedbackCriterion}
	early := rollout.DefaultPlan()
	early.Phases[1].Criteria = []string{feedbackCriterion}
	for i, want := range [][]string{nil, first, first, both, both, both} {
		s := rollout.State{Plan: rollout.DefaultPlan(), Status: rollout.Running, Stage: stages[i]}
		require.Equal(t, want, asked(s), "%v", stages[i])
		s.Criteria = map[string]rollout.Tick{feedbackCriterion: {}, "dashboards-operational": {Met: true}}
		require.Empty(t, asked(s), "both have an answer")
		s.Status = rollout.RolledBack
		s.Criteria = nil
		require.Empty(t, asked(s), "it is over")
	}
	require.Equal(t, []string{"dashboards-operational", feedbackCriterion + " holds"}, asked(rollout.State{Plan: early, Stage: stages[2]}), "what holds a phase is asked for in it")
	works := []rollout.Check{{ID: rollout.CheckDashboards, Verdict: rollout.Pass}}
	require.Empty(t, asked(rollout.State{Plan: early, Stage: stages[1], Checks: works}), "they say themselves that they work")
	require.Equal(t, first, asked(rollout.State{Plan: rollout.Plan{Phases: rollout.DefaultPlan().Phases[1:]}, Stage: stages[1]}), "the first that admits is the strategy's second part, whatever its place")
}

// Whenever it is ticked, and ticked again, a phase that it holds is left only while the last tick says that it is met.
func TestAHeldPhaseIsLeftOnlyOnceTheCriterionIsMet(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := initial(t, holding())
		for range rapid.IntRange(0, 40).Draw(t, "ticks") {
			l.until(l.now.Add(time.Duration(rapid.IntRange(1, 40).Draw(t, "hours")) * time.Hour))
			if l.state.Status.Final() {
				break
			}
			tick(l, rapid.Bool().Draw(t, "met"), "so it is")
			if l.state.Status == rollout.Paused && rapid.Bool().Draw(t, "resume") {
				l.ask(rollout.SignalResume, flags.Request{})
			}
		}
		s := rollout.State{}
		for _, e := range l.events {
			if e.Type == rollout.EventEntered && s.Stage.Kind == rollout.InPhase && s.Stage.Phase == 2 {
				require.True(t, s.Criteria[feedbackCriterion].Met, "%+v", e)
			}
			s = s.Apply(e)
		}
		require.Equal(t, jsonOf(t, l.state), jsonOf(t, rollout.Fold(l.events)))
	})
}

func TestARehearsalWaitsForNoPerson(t *testing.T) {
	t.Parallel()
	l := initial(t, rollout.DefaultPlan())
	anew, err := rollout.Rehearse(holding(), l.events, func(number int) (rollout.Snapshot, bool, error) {
		at := noon.Add(time.Duration(number) * time.Hour)
		return rollout.Snapshot{RolloutID: l.state.ID, Number: number, At: at, From: at.Add(-time.Hour), To: at}, number < 24, nil
	})
	require.NoError(t, err)
	require.Empty(t, anew.State.Plan.Phases[2].Criteria, "nobody is there to tick it")
}
