package rollout

import (
	"fmt"

	"marketplace.example/trials/internal/domain/feedback"
	"marketplace.example/trials/internal/domain/trial"
)

// criterionFeedback is judged by the vendors' answers, if there are enough, until a person has ticked it.
const criterionFeedback = "feedback-positive"

// FeedbackPhase is what answers that are given now belong to: stability and guard to the last phase; to none once the rollout
// is over.
func (s State) FeedbackPhase() feedback.Phase {
	if s.Status.Final() {
		return feedback.Phase{}
	}
	return feedback.Phase{RolloutID: s.ID, Epoch: s.Epoch, Phase: s.Stage.Phase}
}

// answers is what vendors have answered in the present phase; nil where the judgement is about another, or is of a version that
// did not read them.
func (s State) answers(j *Judgement) *feedback.Tally {
	if !s.current(j) || j.Position.Stage.Phase != s.Stage.Phase {
		return nil
	}
	return j.Feedback
}

// judgedByAnswers is the verdict of the vendors' answers on the criterion: open, unless they are enough to tell.
func judgedByAnswers(c Criterion, t feedback.Tally) CriterionResult {
	r := CriterionResult{Criterion: c, Verdict: Insufficient, Reason: "a person must judge it; " + t.String()}
	switch t.Opinion() {
	case feedback.Positive:
		r.Verdict, r.Reason = Pass, t.String()
	case feedback.Negative:
		r.Verdict, r.Reason = Fail, t.String()
	case feedback.Open:
	}
	return r
}

// PhaseFeedback is what the vendors of one cohort answered in one phase.
type PhaseFeedback struct {
	// Epoch counts the restarts of the evidence, Phase the plan's phases, from 1.
	Epoch int `json:"epoch"`
	Phase int `json:"phase"`
	// Name is the phase's for people.
	Name    string       `json:"name"`
	Cohort  trial.Cohort `json:"cohort"`
	Answers int          `json:"answers"`
	// Helpful are those that say yes.
	Helpful int `json:"helpful"`
	// Share is that of yes, Low and High its 95 % interval (Wilson).
	Share float64 `json:"share"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// Feedback describes the counts of the answers that were given while the rollout ran.
func (s State) Feedback(counts []feedback.Count) []PhaseFeedback {
	all := make([]PhaseFeedback, 0, len(counts))
	for _, c := range counts {
		share := c.Share()
		f := PhaseFeedback{
			Epoch: c.Phase.Epoch, Phase: c.Phase.Phase + 1, Cohort: c.Cohort,
			Answers: c.Answers, Helpful: c.Helpful, Share: share.Share, Low: share.Low, High: share.High,
		}
		if i := c.Phase.Phase; i < len(s.Plan.Phases) {
			f.Name = fmt.Sprintf("%s (%v %%)", s.Plan.Phases[i].Name, s.Plan.Phases[i].Percentage)
		}
		all = append(all, f)
	}
	return all
}
