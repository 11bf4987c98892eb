package rollout

import (
	"fmt"
	"time"

	"marketplace.example/trials/internal/domain/evidence"
)

// Criterion is one of the success criteria.
type Criterion struct {
	ID string `json:"id"`
	// Part is the phase of the deployment strategy that it belongs to, 1 to 4.
	Part int    `json:"part"`
	Text string `json:"text"`
	// ByPerson says that a person judges it and ticks it; figures judge the others, and user feedback until then.
	ByPerson bool `json:"byPerson"`
}

// Criteria are the deployment strategy's success criteria.
func Criteria() []Criterion {
	return []Criterion{
		{criterionDashboards, 1, "All monitoring dashboards operational", true},
		{"flags-working", 1, "Feature flags working correctly", false},
		{"no-setup-errors", 1, "No system errors during setup", false},
		{"stable-at-10", 2, "10% rollout stable for 24 hours", false},
		{"email-delivery", 2, "Email delivery rate > 95%", false},
		{"no-critical-errors", 2, "No critical errors", false},
		{"conversion-maintained", 3, "Conversion rate maintained or improved", false},
		{"performance-stable", 3, "System performance stable", false},
		{criterionFeedback, 3, "User feedback positive", true},
		{"stable-at-100", 4, "100% rollout stable for 7 days", false},
		{"all-metrics-met", 4, "All success metrics met", false},
		{"no-rollback", 4, "No rollback required", false},
	}
}

// CriterionResult is the verdict on a criterion.
type CriterionResult struct {
	Criterion
	Verdict Verdict `json:"verdict"`
	Reason  string  `json:"reason"`
}

// JudgeCriteria judges every criterion now: by the figures, or by what a person ticked.
func JudgeCriteria(s State, j *Judgement, now time.Time) []CriterionResult {
	results := make([]CriterionResult, 0, len(Criteria()))
	for _, c := range Criteria() {
		a := CriterionResult{Criterion: c, Verdict: Insufficient, Reason: "there is no data yet"}
		if c.ByPerson {
			a = s.judgedByPerson(c, j)
		} else if judged, ok := s.criterionResult(c.ID, j, now); ok {
			a.Verdict, a.Reason = judged.Verdict, judged.Reason
		}
		results = append(results, a)
	}
	return results
}

// VerdictOf is Pass or Fail.
func VerdictOf(ok bool) Verdict {
	if ok {
		return Pass
	}
	return Fail
}

// criterionResult judges one criterion by figures; false without data.
func (s State) criterionResult(id string, j *Judgement, now time.Time) (CriterionResult, bool) {
	switch id {
	case "flags-working", "no-setup-errors":
		check, ok := s.check(map[string]string{"flags-working": CheckFlags, "no-setup-errors": CheckHealth}[id])
		if !ok {
			return CriterionResult{}, false
		}
		return CriterionResult{Verdict: s.Checks[check].Verdict, Reason: s.Checks[check].Reason}, true
	case "stable-at-10":
		return s.holding(s.HeldLimited, heldLimited, daysLimited, now), true
	case "stable-at-100":
		return s.holding(s.HeldFull, heldFull, daysFull, now), true
	case "no-critical-errors", "no-rollback":
		if s.PartialRollbacks > 0 || s.Status == RolledBack {
			return CriterionResult{Verdict: Fail, Reason: "the rollout was rolled back"}, true
		}
		if s.Stage.Kind == Notice {
			return CriterionResult{}, false
		}
		return CriterionResult{Verdict: Pass, Reason: "the rollout has not been rolled back so far"}, true
	}
	return criterionOfGates(id, j)
}

// leastFor is the sample that a criterion needs, as the plain comparison does.
var leastFor = map[Gate]int{
	GateEmail: enoughEmail, GateAutomation: enoughAutomation, GateAPI: enoughCalls, GateErrors: enoughCalls, GateConversion: enoughMatured,
}

func criterionOfGates(id string, j *Judgement) (CriterionResult, bool) {
	gates, known := map[string][]Gate{
		"email-delivery": {GateEmail}, "conversion-maintained": {GateConversion}, "performance-stable": {GateAPI, GateErrors},
		"all-metrics-met": Gates(),
	}[id]
	if !known || j == nil {
		return CriterionResult{}, false
	}
	worst := CriterionResult{Verdict: Pass}
	for _, gate := range gates {
		r := j.GateResult(gate)
		if least := leastFor[gate]; r.Verdict == Pass && (r.Seen < least || !r.Within()) { // enough to advance only
			bound := "at least"
			if r.HighIsBad() {
				bound = "at most"
			}
			r.Verdict, r.Reason = Insufficient, fmt.Sprintf("%s; the criterion asks for %s %s of %d or more", r.Reason, bound, evidence.Percent(r.Limit), least)
		}
		switch {
		case r.Verdict == Fail, r.Verdict == Insufficient && worst.Verdict == Pass:
			worst = CriterionResult{Verdict: r.Verdict, Reason: r.Reason}
		case worst.Reason == "":
			worst.Reason = r.Reason
		}
	}
	return worst, true
}

// The preflight's checks.
const (
	CheckMigration  = "migration"
	CheckHealth     = "health"
	CheckMonitoring = "monitoring"
	CheckDashboards = "dashboards"
	CheckFlags      = "flags"
	CheckBackup     = "backup"
	CheckConversion = "conversion"
	CheckCanary     = "canary"
)

// CheckIDs are the ids of all preflight checks.
func CheckIDs() []string {
	return []string{CheckMigration, CheckHealth, CheckMonitoring, CheckDashboards, CheckFlags, CheckBackup, CheckConversion, CheckCanary}
}

// TimesInWords counts for people: never, once, 3 times.
func TimesInWords(n int) string {
	switch n {
	case 0:
		return "never"
	case 1:
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}
