package evidence

import (
	"fmt"
	"math"
	"time"
)

// Times gives the lengths of a rollout's days and trials.
type Times struct {
	Day time.Duration `json:"day"`
	// TrialDays is how many days a trial and its grace last.
	TrialDays float64 `json:"trialDays"`
	// Curve gives the share of conversions by age; empty counts no conversion
	// before a trial is over.
	Curve Curve `json:"curve"`
	// History summarizes the trials behind Curve, as of the start; nil if nobody read them.
	History *History `json:"past,omitempty"`
}

// CurveOrMatured is the curve that conversions are weighed with: the one learned, or none before a trial is over.
func (t Times) CurveOrMatured() Curve {
	if len(t.Curve) > 0 {
		return t.Curve
	}
	return Matured(t.TrialDays)
}

// FromLog converts a logarithm to evidence, capped to stay printable.
func FromLog(log float64) float64 { return math.Exp(min(log, 690)) }

// LeastMatured is how many ended trials without a conversion it takes for the
// evidence to reach 1/alpha: 43 at a limit of 0.1 and alpha 0.05.
func LeastMatured(n Null, alpha float64) int {
	var s Sums
	failure := n.increments(0)
	for count := 1; ; count++ {
		s.add(failure, 1)
		if Reaches(s.Log(), alpha) {
			return count
		}
	}
}

// Percent writes a share for people: 12 %, and below 10 % with a decimal, 3.4 %.
func Percent(x float64) string {
	if x > 0 && x < 0.0995 {
		return fmt.Sprintf("%.1f %%", 100*x)
	}
	return fmt.Sprintf("%.0f %%", 100*x)
}

// Percents writes a rate and its limit for people, with as many decimals as tell them apart: 5.04 % and 5.00 %.
func Percents(rate, limit float64) (rateText, limitText string) {
	const most, least = 4, 1e-6 // what 4 decimals show
	rateText, limitText = Percent(rate), Percent(limit)
	for decimals := 1; rateText == limitText && math.Abs(rate-limit) >= least && decimals <= most; decimals++ {
		rateText, limitText = fmt.Sprintf("%.*f %%", decimals, 100*rate), fmt.Sprintf("%.*f %%", decimals, 100*limit)
	}
	return rateText, limitText
}

// Counted writes a number of things for people: 1 call, 3 calls.
func Counted[N int | int64 | float64](n N, one, many string) string {
	if n == 1 {
		many = one
	}
	return fmt.Sprintf("%v %s", n, many)
}

// Ratio is a share; 0 of nothing.
func Ratio(part, whole int) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}
