package rollout

import (
	"slices"

	"marketplace.example/trials/internal/domain/feedback"
)

// criterionDashboards is judged by the preflight's check until a person has ticked it.
const criterionDashboards = "dashboards-operational"

// CriterionByPerson returns a criterion that a person ticks, and whether there is one of that id.
func CriterionByPerson(id string) (Criterion, bool) {
	all := Criteria()
	i := slices.IndexFunc(all, func(c Criterion) bool { return c.ID == id && c.ByPerson })
	if i < 0 {
		return Criterion{}, false
	}
	return all[i], true
}

// Page is the path of the dashboard's page on which a person ticks the criterion.
func (c Criterion) Page() string { return tickPage + c.ID }

// tickPage is before the id of what is ticked.
const tickPage = "/admin/rollout/tick/"

// judgedByPerson is the verdict on a criterion that a person ticks. What a person has ticked overrules what figures say.
func (s State) judgedByPerson(c Criterion, j *Judgement) CriterionResult {
	var answers *feedback.Tally
	if c.ID == criterionFeedback {
		answers = s.answers(j)
	}
	if tick, ticked := s.Criteria[c.ID]; ticked {
		r := CriterionResult{Criterion: c, Verdict: VerdictOf(tick.Met), Reason: tick.Reason}
		if answers != nil && answers.Answers > 0 {
			r.Reason += "; in this phase " + answers.String()
		}
		return r
	}
	if answers != nil {
		return judgedByAnswers(c, *answers)
	}
	if i, checked := s.check(CheckDashboards); checked && c.ID == criterionDashboards {
		return CriterionResult{Criterion: c, Verdict: s.Checks[i].Verdict, Reason: s.Checks[i].Reason}
	}
	return CriterionResult{Criterion: c, Verdict: Insufficient, Reason: "a person must judge it"}
}

// personGates are the gates of the criteria that hold the present phase until they are met, by figures or because a person has
// ticked them.
func (s State) personGates(j *Judgement) []GateResult {
	if s.Stage.Kind != InPhase {
		return nil
	}
	var gates []GateResult
	for _, id := range s.Plan.Phases[s.Stage.Phase].Criteria {
		c, _ := CriterionByPerson(id)
		judged := s.judgedByPerson(c, j)
		gates = append(gates, GateResult{Gate: Gate(id), Verdict: judged.Verdict, Reason: judged.Reason})
	}
	return gates
}

// ByPerson reports whether the gate is a criterion that a person ticks.
func (g Gate) ByPerson() bool {
	_, byPerson := CriterionByPerson(string(g))
	return byPerson
}

// ForPerson reports whether there are gates, and all are criteria that a person ticks.
func ForPerson(gates []GateResult) bool {
	return len(gates) > 0 && !slices.ContainsFunc(gates, func(r GateResult) bool { return !r.Gate.ByPerson() })
}

// Asked is a criterion that a person is asked to tick.
type Asked struct {
	Criterion
	// Holds says that the present phase waits for it; otherwise nothing does.
	Holds bool
}

// Asked lists the criteria that neither a person nor figures have judged though their part of the deployment strategy has come,
// and those that hold the present phase; none once the rollout is over.
func (s State) Asked(j *Judgement) []Asked {
	if s.Status.Final() {
		return nil
	}
	var asked []Asked
	for _, c := range Criteria() {
		holds := s.Stage.Kind == InPhase && slices.Contains(s.Plan.Phases[s.Stage.Phase].Criteria, c.ID)
		if c.ByPerson && (holds || c.Part <= s.part()) && s.judgedByPerson(c, j).Verdict == Insufficient {
			asked = append(asked, Asked{Criterion: c, Holds: holds})
		}
	}
	return asked
}

// The parts of the deployment strategy, which it calls phases.
const (
	partValidation = 1
	partLimited    = 2
	partExpansion  = 3
	partFull       = 4
)

// part is the part of the deployment strategy that the rollout is in; 0 during its notice.
func (s State) part() int {
	switch s.Stage.Kind {
	case Notice:
		return 0
	case InPhase:
		switch {
		case s.Plan.PercentageIn(s.Stage) == 0:
			return partValidation
		case s.Stage.Phase == 0 || s.Plan.Phases[s.Stage.Phase-1].Percentage == 0:
			return partLimited
		}
		return partExpansion
	case Stability, Guard:
	}
	return partFull
}

// withoutPersons returns the plan without the criteria that a person ticks.
func (p Plan) withoutPersons() Plan {
	p.Phases = slices.Clone(p.Phases)
	for i := range p.Phases {
		p.Phases[i].Criteria = nil
	}
	return p
}
