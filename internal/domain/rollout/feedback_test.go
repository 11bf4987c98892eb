package rollout_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/feedback"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// answered is a judgement in which all is well, and vendors have answered.
func answered(t feedback.Tally) func(rollout.State, time.Time) *rollout.Judgement {
	return func(s rollout.State, now time.Time) *rollout.Judgement {
		j := healthy(s, now)
		j.Feedback = &t
		return j
	}
}

func (l *life) criterion(id string) rollout.CriterionResult {
	l.t.Helper()
	for _, c := range rollout.JudgeCriteria(l.state, l.last, l.now) {
		if c.ID == id {
			return c
		}
	}
	require.Fail(l.t, "there is no such criterion", id)
	return rollout.CriterionResult{}
}

func TestVendorsAnswersJudgeTheCriterion(t *testing.T) {
	t.Parallel()
	const positive = "15 of 20 answers say that it helped (75 %, 95 % interval 53 % to 89 %)"
	for name, c := range map[string]struct {
		answers feedback.Tally
		ticked  *bool
		verdict rollout.Verdict
		reason  string
	}{
		"none":                    {feedback.Tally{}, nil, rollout.Insufficient, "a person must judge it; no vendor has answered"},
		"too few":                 {feedback.Tally{Answers: 19, Helpful: 19}, nil, rollout.Insufficient, "a person must judge it; 19 of 19 answers say that it helped (100 %, 95 % interval 83 % to 100 %)"},
		"too few, and ticked":     {feedback.Tally{Answers: 1, Helpful: 1}, new(false), rollout.Fail, "why; in this phase 1 of 1 answer says that it helped (100 %, 95 % interval 21 % to 100 %)"},
		"none, and ticked":        {feedback.Tally{}, new(true), rollout.Pass, "why"},
		"positive":                {feedback.Tally{Answers: 20, Helpful: 15}, nil, rollout.Pass, positive},
		"positive, and overruled": {feedback.Tally{Answers: 20, Helpful: 15}, new(false), rollout.Fail, "why; in this phase " + positive},
		"may be chance":           {feedback.Tally{Answers: 20, Helpful: 14}, nil, rollout.Insufficient, "a person must judge it; 14 of 20 answers say that it helped (70 %, 95 % interval 48 % to 85 %)"},
		"negative":                {feedback.Tally{Answers: 20, Helpful: 5}, nil, rollout.Fail, "5 of 20 answers say that it helped (25 %, 95 % interval 11 % to 47 %)"},
		"negative, and overruled": {feedback.Tally{Answers: 20, Helpful: 5}, new(true), rollout.Pass, "why; in this phase 5 of 20 answers say that it helped (25 %, 95 % interval 11 % to 47 %)"},
	} {
		l := initial(t, rollout.DefaultPlan())
		l.judge = answered(c.answers)
		l.toPhase(3)
		if c.ticked != nil {
			tick(l, *c.ticked, "why")
		}
		got := l.criterion(feedbackCriterion)
		require.Equal(t, c.verdict, got.Verdict, name)
		require.Equal(t, c.reason, got.Reason, name)
		asked := c.verdict == rollout.Insufficient
		require.Equal(t, asked, len(l.state.Asked(l.last)) == 2, "%s: a person is asked only where the answers do not tell", name)
		require.Equal(t, rollout.Insufficient, l.criterion("dashboards-operational").Verdict, "%s: they judge nothing else", name)
	}
}

func TestVendorsAnswersOpenTheirPhase(t *testing.T) {
	t.Parallel()
	steps := []rollout.EventType{rollout.EventDelayed, rollout.EventPaused, rollout.EventEntered}
	after := func(l *life) []string { return l.of(steps...)[3:] }
	l := initial(t, holding())
	l.toPhase(2)
	l.judge = answered(feedback.Tally{Answers: 20, Helpful: 15})
	l.days(3)
	require.Equal(t, []string{"entered phase/3 50% day 7"}, after(l), "nobody has to tick it")

	l = initial(t, holding())
	l.toPhase(2)
	l.judge = answered(feedback.Tally{Answers: 19, Helpful: 19})
	l.days(10)
	require.Equal(t, []string{"delayed phase/2 25% day 9"}, after(l), "too few: it waits for a person, as without any")
	require.Contains(t, l.state.SentenceAt(l.last, l.now), "; 19 of 19 answers say that it helped")
	l.judge = answered(feedback.Tally{Answers: 20, Helpful: 20})
	require.True(t, l.state.ShouldSignal(*l.judge(l.state, l.now), l.now), "the watch wakes the workflow")
	l.days(0.1)
	require.Len(t, after(l), 2, "or for one more answer")

	l = initial(t, holding())
	l.toPhase(2)
	l.judge = answered(feedback.Tally{Answers: 20, Helpful: 5})
	l.days(3)
	require.Equal(t, []string{"paused phase/2 25% day 7"}, after(l))
	require.Equal(t, "Paused at the gate. User feedback positive: 5 of 20 answers say that it helped (25 %, 95 % interval 11 % to 47 %).", l.state.Pause.Reason)
	tick(l, true, "They were about another thing")
	l.ask(rollout.SignalResume, flags.Request{})
	l.days(2.1)
	require.Equal(t, rollout.Stage{Kind: rollout.InPhase, Phase: 3}, l.state.Stage, "a person overrules them")

	l = initial(t, holding())
	l.toPhase(2)
	l.judge = answered(feedback.Tally{Answers: 20, Helpful: 15})
	tick(l, false, "Three complaints by phone")
	l.days(3)
	require.Equal(t, []string{"paused phase/2 25% day 7"}, after(l), "either way")
}

// Answers of before a rollback, or of another phase, say nothing of this one.
func TestAnswersJudgeTheirOwnPhase(t *testing.T) {
	t.Parallel()
	l := initial(t, rollout.DefaultPlan())
	l.judge = answered(feedback.Tally{Answers: 20, Helpful: 15})
	l.toPhase(3)
	require.Equal(t, rollout.Pass, l.criterion(feedbackCriterion).Verdict)
	for name, change := range map[string]func(*rollout.Judgement){
		"another epoch": func(j *rollout.Judgement) { j.Position.Epoch++ },
		"another phase": func(j *rollout.Judgement) { j.Position.Stage.Phase-- },
		"not read":      func(j *rollout.Judgement) { j.Feedback = nil },
	} {
		before := *l.last
		change(l.last)
		require.Equal(t, "a person must judge it", l.criterion(feedbackCriterion).Reason, name)
		*l.last = before
	}
	l.last = nil
	require.Equal(t, rollout.Insufficient, l.criterion(feedbackCriterion).Verdict)

	require.Equal(t, feedback.Phase{RolloutID: "r1", Phase: 3}, l.state.FeedbackPhase())
	l.until(noon.Add(30 * day))
	require.Equal(t, rollout.Guard, l.state.Stage.Kind)
	require.Equal(t, feedback.Phase{RolloutID: "r1", Phase: 5}, l.state.FeedbackPhase(), "as its last phase")
	require.Equal(t, rollout.Pass, l.criterion(feedbackCriterion).Verdict)
	l.until(noon.Add(35 * day))
	require.Equal(t, rollout.Completed, l.state.Status)
	require.Equal(t, rollout.Pass, l.criterion(feedbackCriterion).Verdict, "the final report has it")
	require.Zero(t, l.state.FeedbackPhase(), "nothing more counts for it")
}

// Whatever is answered and ticked, in any order, the last tick decides, and the answers where there is none.
func TestALastTickOverrulesAnyAnswers(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := rollout.State{Plan: holding(), Status: rollout.Running, Stage: rollout.Stage{Kind: rollout.InPhase, Phase: 2}}
		n := rapid.IntRange(0, 100).Draw(t, "answers")
		tally := feedback.Tally{Answers: n, Helpful: rapid.IntRange(0, n).Draw(t, "yes")}
		j := answered(tally)(s, noon)
		want := map[feedback.Opinion]rollout.Verdict{
			feedback.Open: rollout.Insufficient, feedback.Positive: rollout.Pass, feedback.Negative: rollout.Fail,
		}[tally.Opinion()]
		if ticked := rapid.SampledFrom([]*bool{nil, new(true), new(false)}).Draw(t, "ticked"); ticked != nil {
			s.Criteria = map[string]rollout.Tick{feedbackCriterion: {Met: *ticked}}
			want = rollout.VerdictOf(*ticked)
		}
		passed, failed, insufficient := s.GatesNow(j)
		for verdict, gates := range map[rollout.Verdict][]rollout.GateResult{rollout.Pass: passed, rollout.Fail: failed, rollout.Insufficient: insufficient} {
			held := 0
			for _, g := range gates {
				if g.Gate == feedbackCriterion {
					held++
				}
			}
			require.Equal(t, verdict == want, held == 1)
		}
	})
}

// What the watch has read is in its snapshot, so that judging it again comes to the same.
func TestAJudgementHasTheAnswersOfItsSnapshot(t *testing.T) {
	t.Parallel()
	plan := rollout.DefaultPlan()
	s := rollout.Snapshot{RolloutID: "r1", Number: 1, At: noon, To: noon, Feedback: &feedback.Tally{Answers: 3, Helpful: 2}}
	require.Equal(t, s.Feedback, rollout.Judge(plan, inDays, rollout.NewLedger(plan), s).Feedback)
	s.Feedback = nil
	require.NotContains(t, jsonOf(t, rollout.Judge(plan, inDays, rollout.NewLedger(plan), s)), "feedback", "as in what is stored already")
}

func TestFeedbackByPhase(t *testing.T) {
	t.Parallel()
	s := rollout.State{ID: "r1", Plan: rollout.DefaultPlan()}
	tally := feedback.Tally{Answers: 20, Helpful: 15}
	low, high := evidence.Wilson(0.75, 20)
	require.Equal(t, []rollout.PhaseFeedback{
		{Phase: 2, Name: "limited (10 %)", Cohort: trial.Automated, Answers: 20, Helpful: 15, Share: 0.75, Low: low, High: high},
		{Epoch: 1, Phase: 9, Cohort: trial.Control, Answers: 20, Helpful: 15, Share: 0.75, Low: low, High: high},
	}, s.Feedback([]feedback.Count{
		{Group: feedback.Group{Phase: feedback.Phase{RolloutID: "r1", Phase: 1}, Cohort: trial.Automated}, Tally: tally},
		{Group: feedback.Group{Phase: feedback.Phase{RolloutID: "r1", Epoch: 1, Phase: 8}, Cohort: trial.Control}, Tally: tally},
	}))
	require.NotNil(t, s.Feedback(nil), "an empty list in JSON")
}
