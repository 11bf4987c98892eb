package rollout

import (
	"fmt"
	"math"

	"marketplace.example/trials/internal/domain/evidence"
)

// What a proportional gate takes for healthy and for broken, as shares of bad observations.
const (
	// healthyBad is the share of e-mails not delivered, and of steps that fail, in a healthy system.
	healthyBad = 0.03
	// brokenSpan is how far beyond its trigger's limit a broken share may lie.
	brokenSpan = 0.60
	// leastBroken and mostBroken bound the share of API calls that are slow, or fail, in a broken system.
	leastBroken, mostBroken = 0.10, 0.80
)

// gates evaluates each gate for the present phase.
func (j judge) gates() []GateResult {
	var results []GateResult
	for _, gate := range Gates() {
		results = append(results, j.held(j.rule(gate)))
	}
	return results
}

// canaryHolds begins the reason of a gate that a canary holds. It is the same for each, so that people read it once.
const canaryHolds = "a canary must be well again: "

// held holds a proportional gate while a canary has found something broken: what was seen of vendors before may be past. A canary
// is no vendor, so it neither opens a gate nor makes one fail.
func (j judge) held(r GateResult) GateResult {
	if j.canary == "" || r.Verdict != Pass || r.Gate == GateConversion || j.Rule == RuleThreshold {
		return r
	}
	r.Verdict = Insufficient
	r.Reason = canaryHolds + j.canary
	return r
}

func (j judge) rule(gate Gate) GateResult {
	if gate == GateConversion {
		share, over := j.converted()
		null := evidence.Null{Limit: LimitConversion, Side: evidence.TooLow}
		return ruled(GateResult{Gate: gate, Estimate: share, Limit: LimitConversion, Seen: over, Enough: enoughMatured},
			evidence.TooLow, j.conversions(null, j.CurveOrMatured(), j.now, j.Day).Log(), couldConvert, couldEnd)
	}
	e := j.Gates[gate]
	run := e.Total()
	r := GateResult{Gate: gate, Estimate: run.Mean(), Limit: e.Null.Limit, Seen: run.Seen, Enough: enoughCalls}
	of := apiCalls
	switch gate {
	case GateEmail:
		r.Seen, r.Enough, of = len(j.EmailVendors), enoughEmail, unit{"vendor with e-mail", "vendors with e-mail"}
	case GateAutomation:
		r.Seen, r.Enough, of = len(j.StepVendors), enoughAutomation, unit{"vendor with steps", "vendors with steps"}
	case GateAPI, GateErrors, GateConversion:
	}
	r = ruled(r, e.Null.Side, e.Log(1), gateRates[gate], of)
	if j.Rule == RuleThreshold || r.Enough == enoughCalls && r.Seen > 0 && j.Served.Seen == 0 { // at 0 % calls make the baseline
		return r
	}
	r.Enough = 1
	if r.Verdict == Fail {
		return r
	}
	return j.proportional(r)
}

// gateRates say what a gate's rate is of.
var gateRates = map[Gate]string{
	GateEmail: "of the e-mails were delivered", GateAutomation: "of the automated steps succeeded",
	GateAPI: "of the API calls took longer than 2 s", GateErrors: "of the API calls failed",
}

// ruled gives a gate's verdict by the plain rule: FAIL by evidence, PASS by the estimate if the
// sample is large enough, INSUFFICIENT otherwise.
func ruled(r GateResult, side evidence.Side, log float64, what string, of unit) GateResult {
	r.Evidence, r.Needed = evidence.FromLog(log), gateNeeded
	bound := "at least %s must"
	if side == evidence.TooHigh {
		bound = "at most %s may"
	}
	rate, limit := evidence.Percents(r.Estimate, r.Limit)
	r.Reason = fmt.Sprintf("%s %s, "+bound+"; sample: %s", rate, what, limit, of.counted(r.Seen))
	switch {
	case log >= math.Log(gateNeeded):
		r.Verdict = Fail
	case r.Seen < r.Enough:
		r.Verdict = Insufficient
		r.Reason = fmt.Sprintf("too little data: %d of %d %s", r.Seen, r.Enough, of.many)
	case r.Within():
		r.Verdict = Pass
	default:
		r.Verdict = Insufficient
		r.Reason += "; this may still be chance"
	}
	return r
}

// sample is what a proportional gate weighs: how many observations since the rollout began were bad.
type sample struct {
	bad  float64
	seen int
	unit
	// lacking says what is missing while nothing was seen.
	lacking string
	broken  evidence.Breakage
	// unknown is set without a baseline: what is normal is not known.
	unknown bool
}

// proportional gives the verdict of a gate that does not fail: PASS if this phase has brought data, and all of it since
// the rollout began speaks for health against a real break; otherwise INSUFFICIENT with what is missing. Where few vendors
// are admitted, waiting for more data buys little, and the triggers watch meanwhile.
func (j judge) proportional(r GateResult) GateResult {
	of := j.sample(r.Gate)
	r.Verdict = Insufficient
	since := "since the rollout began"
	if j.epoch > 0 {
		since = "since the evidence began anew"
	}
	if r.Seen == 0 || of.seen == 0 { // the channel that brought earlier data may be broken
		within := "in this phase"
		if j.epoch > 0 && of.seen == 0 { // there may have been some before a person resumed it
			within = since
		}
		r.Seen, r.Estimate, r.Reason = 0, 0, "no data "+within+"; "+of.lacking
		return r
	}
	r.Seen = of.seen
	seen := float64(of.seen)
	bad := min(max(of.bad, 0), seen)
	r.Estimate = bad / seen
	if !r.HighIsBad() {
		r.Estimate = 1 - r.Estimate
	}
	if !of.unknown {
		r.Odds = evidence.FromLog(of.broken.LogRatio(bad, seen))
	}
	r.Reason = fmt.Sprintf("%s %s, of %s %s", evidence.Percent(r.Estimate), gateRates[r.Gate], of.counted(of.seen), since)
	switch {
	case of.unknown:
		r.Verdict = Pass
		r.Reason += fmt.Sprintf("; not judged: before the rollout %s seen, %d are needed to know what is normal",
			evidence.Counted(j.Baseline.Count(), "API call was", "API calls were"), LeastBaseline)
	case !r.HighIsBad() && !(j.Gates[r.Gate].Total().Sum > 0): // an e-mail that was never reported on counts as data too
		r.Reason += "; in this phase " + of.lacking
	case of.broken.Speaks(bad, seen):
		r.Verdict = Pass
		r.Reason += ", which fits a healthy system better than a broken one"
		if !r.Within() {
			r.Reason += "; " + evidence.Percent(r.Limit) + " is not ruled out"
		}
	default:
		wanted := of.broken.Wanted(bad, seen)
		r.Reason += fmt.Sprintf(", which fits a broken system no worse than a healthy one; it needs %s without a failure%s", of.more(wanted), j.takes(r.Gate, wanted))
	}
	return r
}

// takes says how long it takes to see so many more at the rate of this phase; empty if nothing was seen in it.
func (j judge) takes(gate Gate, more int) string {
	run := j.Gates[gate].Total()
	elapsed := j.now.Sub(run.Since)
	if run.Seen == 0 || run.Since.IsZero() || elapsed <= 0 {
		return ""
	}
	days := float64(more) / float64(run.Seen) * float64(elapsed) / float64(j.Day)
	return fmt.Sprintf(", which takes about %.1f days at the rate of this phase", max(days, 0.1))
}

func (j judge) sample(gate Gate) sample {
	// A trigger's limit lies between what is healthy and what is broken.
	beyond := func(limit float64) evidence.Breakage {
		return evidence.NewBreakage(min(healthyBad, limit/2), limit, limit+brokenSpan)
	}
	calls := func(bad, baseline int) sample {
		known := j.Baseline.Count()
		return sample{
			bad: float64(bad), seen: j.Served.Seen, unit: apiCalls, lacking: "one API call is needed",
			broken: evidence.NewBreakage(evidence.Ratio(baseline, known), leastBroken, mostBroken), unknown: known < LeastBaseline,
		}
	}
	switch gate {
	case GateEmail:
		run := j.Email.Total()
		return sample{bad: float64(run.Seen) - run.Sum, seen: run.Seen, unit: mailDays, lacking: "one delivered e-mail is needed", broken: beyond(1 - j.Triggers.EmailDelivery)}
	case GateAutomation:
		run := j.Errors.Total()
		return sample{bad: run.Sum, seen: run.Seen, unit: stepDays, lacking: "one automated step that succeeds is needed", broken: beyond(j.Triggers.ErrorRate)}
	case GateAPI:
		return calls(j.Served.Slow, j.Baseline.SlowerThan(SlowCall))
	case GateErrors:
		return calls(j.Served.Failed, j.Baseline.Failed)
	case GateConversion:
	}
	return sample{}
}
