package rollout

import (
	"marketplace.example/trials/internal/domain/evidence"
)

// HighIsBad tells whether the rate breaks its limit above it.
func (a TriggerResult) HighIsBad() bool {
	return a.Trigger == TriggerErrors || a.Trigger == TriggerAPI || a.Trigger == TriggerPerformance
}

// LeastToCompare is the sample from which Estimate may be compared with Limit, as whoever reads both does: that of the plain rule.
func (a TriggerResult) LeastToCompare() int {
	return map[Trigger]int{
		TriggerEmail: enoughEmail, TriggerErrors: enoughAutomation, TriggerAPI: enoughIntervals, TriggerPerformance: enoughCalls,
		TriggerConversion: enoughMatured,
	}[a.Trigger]
}

// Verdict turns a trigger's result into a verdict and its reason: a figure beyond
// its limit without an alarm may be chance, and stays open.
func (a TriggerResult) Verdict() (Verdict, string) {
	beyond := a.Estimate < a.Limit
	if a.HighIsBad() {
		beyond = a.Estimate > a.Limit
	}
	switch {
	case a.Firing:
		return Fail, a.Reason
	case a.Undecidable():
		return Insufficient, a.Reason
	case beyond:
		return Insufficient, a.Reason + "; this may still be chance"
	}
	return Pass, a.Reason
}

// Undecidable reports whether no verdict is possible yet, whatever the figures.
func (a TriggerResult) Undecidable() bool {
	switch {
	case a.Firing:
		return false
	case a.Weighed != nil:
		return a.DecidableFrom != nil || a.Weighed.Vendors < evidence.LeastMatured(evidence.Null{Limit: a.Limit, Side: evidence.TooLow}, alphaConversion)
	case a.Seen == 0:
		return true
	case a.Trigger == TriggerConversion:
		return a.Seen < evidence.LeastMatured(evidence.Null{Limit: a.Limit, Side: evidence.TooLow}, alphaConversion)
	}
	return a.Trigger == TriggerPerformance && a.Seen < enoughCalls
}
