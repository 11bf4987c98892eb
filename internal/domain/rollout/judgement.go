package rollout

import (
	"cmp"
	"fmt"
	"time"

	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/feedback"
	"marketplace.example/trials/internal/domain/flags"
)

// Judgement says what the known facts mean: whether the rollout must be rolled
// back, and whether it may advance.
type Judgement struct {
	Formula string    `json:"formula"`
	At      time.Time `json:"at"`
	// Snapshot is the number of the last one judged.
	Snapshot int             `json:"snapshot"`
	Position Position        `json:"position"`
	Triggers []TriggerResult `json:"triggers"`
	Gates    []GateResult    `json:"gates"`
	Outage   *Outage         `json:"outage"`
	// Adopted is what became of adopted vendors, whom triggers and gates count like all others; nil for none.
	Adopted *AdoptedTally `json:"adopted,omitempty"`
	// Feedback is what automated vendors have answered in the position's phase; nil if it was not read.
	Feedback *feedback.Tally `json:"feedback,omitempty"`
	// Enabled, Percentage and Version are those of the flags.
	Enabled    bool    `json:"enabled"`
	Percentage float64 `json:"percentage"`
	Version    int     `json:"version"`
	// DisabledVersion and Rollback are those of the flag document.
	DisabledVersion int                    `json:"disabledVersion,omitempty"`
	Rollback        *flags.RollbackRequest `json:"rollback,omitempty"`
}

// Trigger names what rolls back a rollout.
type Trigger string

// The triggers.
const (
	TriggerEmail       Trigger = "email-delivery"
	TriggerErrors      Trigger = "error-rate"
	TriggerAPI         Trigger = "api-error-rate"
	TriggerPerformance Trigger = "performance"
	TriggerConversion  Trigger = "conversion"
)

// Remedy is how far a trigger rolls back the rollout.
type Remedy string

// The remedies.
const (
	// Immediate disables the automation and admits nobody.
	Immediate Remedy = "immediate"
	// Partial returns to the percentage of the phase before.
	Partial Remedy = "partial"
)

// TriggerResult is the evaluation of one trigger.
type TriggerResult struct {
	Trigger Trigger `json:"trigger"`
	Remedy  Remedy  `json:"remedy"`
	// Firing says that the evidence reaches Needed.
	Firing bool `json:"raised"`
	// Evidence is E, and Needed is 1/alpha; with the threshold rule they are the
	// estimate and the limit.
	Evidence float64 `json:"evidence"`
	Needed   float64 `json:"needed"`
	// Estimate is the observed rate, Limit the allowed one, Seen the number of observations.
	Estimate float64 `json:"estimate"`
	Limit    float64 `json:"limit"`
	Seen     int     `json:"seen"`
	// SharedFate says that it fires because of what strikes vendors outside the rollout alike: a rollback would not help.
	SharedFate bool `json:"sharedFate,omitempty"`
	// Reason sums it up in a sentence.
	Reason string `json:"reason"`
	// DecidableFrom is the earliest time of a verdict; nil if a verdict is possible
	// now, or if the time is unknown.
	DecidableFrom *time.Time `json:"decidableFrom"`
	// Weighed is the sample that conversion is weighed from when there is a curve; nil otherwise.
	Weighed *evidence.Weighed `json:"weighed,omitempty"`
}

// Verdict is the result of a gate or a check.
type Verdict string

// The verdicts.
const (
	Pass         Verdict = "PASS"
	Fail         Verdict = "FAIL"
	Insufficient Verdict = "INSUFFICIENT"
)

// GateResult is the evaluation of one gate.
type GateResult struct {
	Gate    Gate    `json:"gate"`
	Verdict Verdict `json:"verdict"`
	// Evidence against the gate, from the phase's start; the gate fails when it reaches Needed.
	Evidence float64 `json:"evidence"`
	Needed   float64 `json:"needed"`
	// Estimate is the rate among Seen, Limit the required one. A proportional gate that does not fail counts from the
	// rollout's start, any other from the phase's.
	Estimate float64 `json:"estimate"`
	Limit    float64 `json:"limit"`
	Seen     int     `json:"seen"`
	// Enough is the sample that a verdict other than INSUFFICIENT needs: 1 of a proportional gate.
	Enough int    `json:"enough"`
	Reason string `json:"reason"`
	// Odds are how many times better what a proportional gate weighs fits a broken system than a healthy one: it passes
	// below 1. 0 where nothing is weighed. They are for pictures, and not stored with decisions: they follow from the ledger.
	Odds float64 `json:"-"`
}

// HighIsBad reports whether the rate breaks its limit by exceeding it.
func (r GateResult) HighIsBad() bool { return r.Gate == GateAPI || r.Gate == GateErrors }

// Within reports whether the rate keeps its limit. A gate may pass without: a small sample may be off by chance.
func (r GateResult) Within() bool { return Within(r.Estimate, r.Limit, r.HighIsBad()) }

// Within reports whether a rate keeps its limit, which is the highest allowed one if highIsBad.
func Within(rate, limit float64, highIsBad bool) bool {
	if highIsBad {
		return rate <= limit
	}
	return rate >= limit
}

// LeastToCompare is the sample from which Estimate may be compared with Limit, as whoever reads both does: that of the plain rule. A
// proportional gate has a verdict sooner, since it weighs the sample and not the rate.
func (r GateResult) LeastToCompare() int { return max(r.Enough, leastFor[r.Gate]) }

// Telling reports whether the sample is large enough for Estimate to be shown.
func (r GateResult) Telling() bool { return Telling(r.Seen, r.Enough, r.Verdict) }

// The accepted probabilities of a false alarm, in the first epoch.
const (
	alphaEmail      = 0.05
	alphaErrors     = 0.01
	alphaAPI        = 0.01
	alphaSlow       = 0.05
	alphaConversion = 0.05
	// gateNeeded is the evidence at which a gate fails.
	gateNeeded = 20
)

// The sample sizes that a plain comparison needs; under either rule conversion needs enoughMatured ended trials.
const (
	enoughEmail      = 20
	enoughAutomation = 10
	enoughCalls      = 100
	enoughIntervals  = 10
	enoughMatured    = 30
)

// Judge judges the state of a ledger after a snapshot.
func Judge(p Plan, t evidence.Times, l Ledger, s Snapshot) Judgement {
	j := judge{Plan: p, Times: t, Ledger: l, now: s.To, epoch: l.Epoch, canary: s.Canary}
	var adopted *AdoptedTally
	if l.Adopted != (AdoptedTally{}) {
		adopted = &l.Adopted
	}
	return Judgement{
		Adopted: adopted, Formula: evidence.FormulaVersion, At: s.At, Snapshot: s.Number, Position: s.Position, Outage: s.Outage, Feedback: s.Feedback,
		Enabled: s.Enabled, Percentage: s.Percentage, Version: s.Version, DisabledVersion: s.DisabledVersion, Rollback: s.Rollback,
		Triggers: []TriggerResult{j.email(), j.errors(), j.api(), j.performance(), j.conversion()},
		Gates:    j.gates(),
	}
}

type judge struct {
	Plan
	evidence.Times
	Ledger
	now   time.Time
	epoch int
	// canary is the snapshot's.
	canary string
}

// planned is from how many starts evidence is weighed: the phases that admit vendors and,
// after a rollback, the stage it returned to, which may be at 0 %.
func (j judge) planned() int {
	if j.epoch > 0 {
		return j.starts() + 1
	}
	return j.starts()
}

func (j judge) email() TriggerResult {
	a, _ := j.observed(TriggerResult{Trigger: TriggerEmail, Remedy: Partial}, observation{
		Evidence: j.Email, alpha: alphaEmail, enough: enoughEmail,
		rates: "%s of the e-mails were delivered, at least %s must be", unit: mailDays,
	})
	return a
}

func (j judge) errors() TriggerResult {
	a, _ := j.observed(TriggerResult{Trigger: TriggerErrors, Remedy: Immediate}, observation{
		Evidence: j.Errors, alpha: alphaErrors, enough: enoughAutomation,
		rates: "%s of the automated steps failed, at most %s may", unit: stepDays,
	})
	return a
}

// What a conversion rate counts. A conversion ends a trial at once, and a trial that does not
// convert is known only when trial and grace are over: among trials that merely ended, too many converted.
const couldConvert = "of the trials that could have ended converted"

var couldEnd = unit{"trial that began long enough ago", "trials that began long enough ago"}

// converted is the share of the trials that could have ended which converted, and their number.
func (j judge) converted() (share float64, seen int) {
	over, converted := j.matured(j.TrialDays, j.now, j.Day)
	return evidence.Ratio(converted, over), over
}

func (j judge) conversion() TriggerResult {
	share, over := j.converted()
	null := evidence.Null{Limit: j.Triggers.Conversion, Side: evidence.TooLow}
	a := TriggerResult{Trigger: TriggerConversion, Remedy: Immediate, Estimate: share, Limit: null.Limit, Seen: over}
	// An immediate rollback ends the rollout: its epochs are all one.
	j.epoch = 0
	a = j.weighed(a, evidence.TooLow, j.conversions(null, j.CurveOrMatured(), j.now, j.Day).Log(), alphaConversion, enoughMatured)
	a.Reason = j.words(a, "%s "+couldConvert+", at least %s must", couldEnd, "")
	if over > 0 && over < enoughMatured && !a.Firing {
		a.Reason = fmt.Sprintf("%s began long enough ago to have ended; a rate takes at least %d", evidence.Counted(over, "trial", "trials"), enoughMatured)
	}
	if len(j.Curve) > 0 && j.Rule == RuleEvidence {
		j.ripening(&a, null)
		return a
	}
	if at, least := j.decidable(null); !a.Firing && over < least {
		a.DecidableFrom = at
		a.Reason += fmt.Sprintf("; no verdict is possible before %d trials have ended", least)
		if at != nil {
			a.Reason += ", on " + at.UTC().Format(ClockFormat) + " at the earliest"
		}
	}
	return a
}

// ripening extends the conversion result by the younger trials that the curve lets count,
// and by the earliest time of a verdict. The estimate stays that of the ended trials:
// by a late curve it would be too high.
func (j judge) ripening(a *TriggerResult, null evidence.Null) {
	w := evidence.Weigh(j.Curve, j.Admissions, j.today(j.now, j.Day))
	a.Weighed = &w
	if w.Vendors > 0 {
		a.Reason += fmt.Sprintf("; with younger trials, weighed by the ages of earlier conversions, %d of %d converted, which is worth %.0f ended trials", w.Converted, w.Vendors, w.Full)
	}
	from, known := evidence.EarliestVerdict(null, j.Curve, j.Admissions, alphaConversion)
	switch at := j.Since.Add(Days(from, j.Day)); {
	case a.Firing:
	case !known:
		a.Reason += "; no verdict is possible before more are admitted"
	case at.After(j.now):
		a.DecidableFrom = &at
		a.Reason += "; no verdict is possible before " + at.UTC().Format(ClockFormat)
	}
}

// decidable is how many ended trials a verdict takes if none of them
// converted, and when that many will have ended; nil if too few vendors
// are admitted yet.
func (j judge) decidable(n evidence.Null) (*time.Time, int) {
	least := evidence.LeastMatured(n, alphaConversion)
	admitted := 0
	for _, d := range j.Admissions {
		if admitted += d.Admitted; admitted >= least {
			at := j.Since.Add(Days(float64(d.Day)+1+j.TrialDays, j.Day))
			return &at, least
		}
	}
	return nil, least
}

// Firing is the trigger that decides: the first immediate alarm, or else the
// first partial one, or else one of shared fate; nil if there is none. Calls that fail for all are
// slow for all, so performance comes after shared fate. During an outage of
// e-mail that affects all vendors, only conversion and failing API calls count.
func (j Judgement) Firing() *TriggerResult {
	var partial, shared *TriggerResult
	for i, a := range j.Triggers {
		switch {
		case !a.Firing, j.Outage != nil && a.Trigger != TriggerConversion && a.Trigger != TriggerAPI:
		case a.SharedFate:
			shared = &j.Triggers[i]
		case a.Remedy == Immediate:
			return &j.Triggers[i]
		case partial == nil:
			partial = &j.Triggers[i]
		}
	}
	if shared != nil && partial != nil && partial.Trigger == TriggerPerformance {
		return shared
	}
	return cmp.Or(partial, shared)
}

// doubt is the conversion trigger if its rate is below the limit, over enough
// trials to matter, without an alarm; nil otherwise.
func (j *Judgement) doubt() *TriggerResult {
	if j == nil {
		return nil
	}
	for i, a := range j.Triggers {
		if a.Trigger == TriggerConversion && !a.Firing && a.Seen >= enoughMatured && a.Estimate < a.Limit {
			return &j.Triggers[i]
		}
	}
	return nil
}

// GateResult returns the result of a gate; insufficient if the gate was not judged.
func (j Judgement) GateResult(g Gate) GateResult {
	for _, r := range j.Gates {
		if r.Gate == g {
			return r
		}
	}
	return GateResult{Gate: g, Verdict: Insufficient, Reason: "not judged yet"}
}
