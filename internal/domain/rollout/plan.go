package rollout

import (
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/trial"
)

// Rule names how a plan judges.
type Rule string

// The rules.
const (
	// RuleEvidence weighs evidence that stays valid however often it is evaluated.
	RuleEvidence Rule = "evidence"
	// RuleThreshold compares rates with limits, from a minimum sample on.
	RuleThreshold Rule = "threshold"
)

// Gate names a condition for the next phase.
type Gate string

// The gates.
const (
	GateEmail      Gate = "email"
	GateAutomation Gate = "automation"
	GateAPI        Gate = "api"
	GateErrors     Gate = "errors"
	GateConversion Gate = "conversion"
)

// Gates lists every gate, in the order in which they are shown.
func Gates() []Gate {
	return []Gate{GateEmail, GateAutomation, GateAPI, GateErrors, GateConversion}
}

// Plan is a rollout from its announcement to the end of its guard. Its times
// are in days of the trials, whose length is TRIAL_DAY.
type Plan struct {
	Name string `json:"name" yaml:"name"`
	// NoticeDays is how long before the first phase stakeholders are notified.
	NoticeDays float64 `json:"noticeDays" yaml:"noticeDays"`
	Phases     []Phase `json:"phases" yaml:"phases"`
	// StabilityDays is how long everything must hold at the last percentage
	// before the final report.
	StabilityDays float64 `json:"stabilityDays" yaml:"stabilityDays"`
	// GuardDays is how long the rollout is watched after that: a trial's length
	// and grace, since the conversions of the last vendors are known only then.
	GuardDays float64 `json:"guardDays" yaml:"guardDays"`
	// Backfill automates the trials that still run unautomated, once the last
	// phase is over.
	Backfill bool `json:"backfill" yaml:"backfill"`
	// BackfillPerHour bounds how many of them are backfilled in an hour of a day of 24.
	BackfillPerHour int      `json:"backfillPerHour" yaml:"backfillPerHour"`
	Rule            Rule     `json:"rule" yaml:"rule"`
	Triggers        Triggers `json:"triggers" yaml:"triggers"`
}

// Phase is a percentage held for a while, and the gates before the next phase.
type Phase struct {
	Name       string  `json:"name" yaml:"name"`
	Percentage float64 `json:"percentage" yaml:"percentage"`
	// SoakDays is the phase's minimum length; it lasts longer while a gate is open. After
	// twice as long people are notified, or under RuleThreshold it pauses.
	SoakDays float64 `json:"soakDays" yaml:"soakDays"`
	Gates    []Gate  `json:"gates" yaml:"gates"`
	// Criteria are the success criteria that a person must tick before the next phase. Those that no phase names hold
	// nothing: people are only reminded of them.
	Criteria []string `json:"criteria,omitempty" yaml:"criteria"`
}

// Triggers are the limits beyond which the rollout rolls itself back.
type Triggers struct {
	// EmailDelivery is the least share of e-mails delivered; below it: partial.
	EmailDelivery float64 `json:"emailDelivery" yaml:"emailDelivery"`
	// ErrorRate is the largest share of automated steps failing, and of API calls; above it: immediate.
	ErrorRate float64 `json:"errorRate" yaml:"errorRate"`
	// Slowdown is by how much calls may slow down against their route's baseline, 0.5 for
	// half as slow again, and within SlowFloor by any amount; beyond it: partial.
	Slowdown float64 `json:"slowdown" yaml:"slowdown"`
	// Conversion is the least share of trials converted; below it: immediate.
	Conversion float64 `json:"conversion" yaml:"conversion"`
}

// DefaultTriggers are the deployment strategy's.
func DefaultTriggers() Triggers {
	return Triggers{EmailDelivery: 0.90, ErrorRate: 0.20, Slowdown: 0.50, Conversion: 0.10}
}

// DefaultPlan is the deployment strategy's: 0 % on days 1 and 2, 10 % on days 3
// and 4, 25 % from day 5, 50 % from day 7, 75 % on day 9, 100 % on day 10, from day
// 11 a week of stability, then guard for a trial's length and grace.
func DefaultPlan() Plan {
	all := Gates()
	return Plan{
		Name: "default", NoticeDays: 1,
		Phases: []Phase{
			{Name: "validation", Percentage: 0, SoakDays: 2, Gates: []Gate{}},
			{Name: "limited", Percentage: 10, SoakDays: 2, Gates: all},
			{Name: "expansion-25", Percentage: 25, SoakDays: 2, Gates: all},
			{Name: "expansion-50", Percentage: 50, SoakDays: 2, Gates: all},
			{Name: "expansion-75", Percentage: 75, SoakDays: 1, Gates: all},
			{Name: "full", Percentage: 100, SoakDays: 1, Gates: all},
		},
		StabilityDays: 7, GuardDays: 17, Backfill: true, BackfillPerHour: 60,
		Rule: RuleEvidence, Triggers: DefaultTriggers(),
	}
}

// Bounds of a plan.
const (
	maxPhases   = 20
	maxPlanDays = 365
	maxNotice   = 30
	maxBackfill = 3600
	maxPlanName = 64
)

// Validate checks a plan; the error is a *trial.Error that names the field.
func (p Plan) Validate() error {
	checks := []struct {
		field string
		ok    bool
		must  string
	}{
		{"name", p.Name != "" && utf8.RuneCountInString(p.Name) <= maxPlanName, fmt.Sprintf("must have 1 to %d characters", maxPlanName)},
		{"noticeDays", p.NoticeDays >= 0 && p.NoticeDays <= maxNotice, fmt.Sprintf("must be 0 to %d", maxNotice)},
		{"phases", len(p.Phases) >= 1 && len(p.Phases) <= maxPhases, fmt.Sprintf("must be 1 to %d phases", maxPhases)},
		{"stabilityDays", p.StabilityDays >= 0 && p.StabilityDays <= maxPlanDays, fmt.Sprintf("must be 0 to %d", maxPlanDays)},
		{"guardDays", p.GuardDays >= 0 && p.GuardDays <= maxPlanDays, fmt.Sprintf("must be 0 to %d", maxPlanDays)},
		{"backfillPerHour", p.BackfillPerHour >= 1 && p.BackfillPerHour <= maxBackfill || !p.Backfill && p.BackfillPerHour == 0, fmt.Sprintf("must be 1 to %d", maxBackfill)},
		{"rule", p.Rule == RuleEvidence || p.Rule == RuleThreshold, "must be evidence or threshold"},
		{"triggers.emailDelivery", inside(p.Triggers.EmailDelivery), "must be 0.001 to 0.999"},
		{"triggers.errorRate", inside(p.Triggers.ErrorRate), "must be 0.001 to 0.999"},
		{"triggers.slowdown", p.Triggers.Slowdown > 0 && p.Triggers.Slowdown <= 10, "must be more than 0 and at most 10"},
		{"triggers.conversion", inside(p.Triggers.Conversion), "must be 0.001 to 0.999"},
	}
	for _, c := range checks {
		if !c.ok {
			return trial.Invalid(c.field, "%s", c.must)
		}
	}
	return p.validatePhases()
}

// inside reports whether a limit lies strictly between 0 and 1; NaN does not.
// inside keeps a limit so far from 0 and 1 that a verdict is possible with a number of trials that can be counted.
func inside(x float64) bool { return x >= 0.001 && x <= 0.999 }

func (p Plan) validatePhases() error {
	names := map[string]bool{}
	for i, phase := range p.Phases {
		at := func(field string) string { return fmt.Sprintf("phases[%d].%s", i, field) }
		switch {
		case phase.Name == "" || utf8.RuneCountInString(phase.Name) > maxPlanName:
			return trial.Invalid(at("name"), "must have 1 to %d characters", maxPlanName)
		case names[phase.Name]:
			return trial.Invalid(at("name"), "%q is the name of an earlier phase", phase.Name)
		case !(phase.SoakDays > 0 && phase.SoakDays <= maxPlanDays):
			return trial.Invalid(at("soakDays"), "must be more than 0 and at most %d, is %v", maxPlanDays, phase.SoakDays)
		case flags.ValidPercentage(phase.Percentage) != nil:
			return trial.Invalid(at("percentage"), "must be 0 to 100 in steps of 0.01, is %v", phase.Percentage)
		case i > 0 && phase.Percentage <= p.Phases[i-1].Percentage:
			return trial.Invalid(at("percentage"), "must be above the %v of the phase before, is %v", p.Phases[i-1].Percentage, phase.Percentage)
		}
		names[phase.Name] = true
		for k, gate := range phase.Gates {
			field := fmt.Sprintf("phases[%d].gates[%d]", i, k)
			if !slices.Contains(Gates(), gate) {
				return trial.Invalid(field, "%q is no gate: there are %v", gate, Gates())
			}
			if slices.Contains(phase.Gates[:k], gate) {
				return trial.Invalid(field, "%q is named twice", gate)
			}
		}
		if err := validateCriteria(phase.Criteria, at("criteria")); err != nil {
			return err
		}
	}
	if last := p.Phases[len(p.Phases)-1]; last.Percentage == 0 {
		return trial.Invalid("phases", "must lead above 0 %%")
	}
	return nil
}

func validateCriteria(ids []string, field string) error {
	for k, id := range ids {
		at := fmt.Sprintf("%s[%d]", field, k)
		if _, known := CriterionByPerson(id); !known {
			return trial.Invalid(at, "%.80q is no criterion that a person ticks", id)
		}
		if slices.Contains(ids[:k], id) {
			return trial.Invalid(at, "%q is named twice", id)
		}
	}
	return nil
}

// starts is how many phases admit vendors: evidence is weighed from each of them.
func (p Plan) starts() int {
	n := 0
	for _, phase := range p.Phases {
		if phase.Percentage > 0 {
			n++
		}
	}
	return n
}

// Days converts days of a plan to a duration, given the length of a day.
func Days(n float64, day time.Duration) time.Duration { return time.Duration(n * float64(day)) }
