package rollout

import (
	"fmt"
	"math"
	"time"

	"marketplace.example/trials/internal/domain/evidence"
)

// observation is what a trigger of vendors' days or of API calls weighs.
type observation struct {
	evidence.Evidence
	alpha float64
	// enough is the sample that a plain comparison takes; least is the one that evidence takes.
	enough, least int
	// rates says what the rate and its limit are of.
	rates string
	unit
}

// unit is what is counted.
type unit struct{ one, many string }

var (
	apiCalls = unit{"call", "calls"}
	mailDays = unit{"vendor day with e-mail", "vendor days with e-mail"}
	stepDays = unit{"vendor day with steps", "vendor days with steps"}
)

func (u unit) counted(n int) string { return evidence.Counted(n, u.one, u.many) }

func (u unit) more(n int) string { return evidence.Counted(n, "more "+u.one, "more "+u.many) }

// observed judges a trigger, and returns the start that its figures count from. If it fires, that is the one with the most
// evidence: the mean since then lies beyond the limit, and the mean since the first start may not.
func (j judge) observed(a TriggerResult, o observation) (TriggerResult, int) {
	run, start, since := o.Total(), 0, ""
	a.Estimate, a.Limit, a.Seen = run.Mean(), o.Null.Limit, run.Seen
	a = j.weighed(a, o.Null.Side, o.Log(j.planned()), o.alpha, o.enough)
	if a.Firing && j.Rule == RuleEvidence {
		strongest := o.Strongest()
		if run = o.Runs[strongest]; run.Seen < o.least {
			a.Firing = false
		} else {
			a.Estimate, a.Seen, start = run.Mean(), run.Seen, strongest
		}
	}
	if start > 0 {
		since = " since " + o.Runs[start].Since.UTC().Format(ClockFormat)
	}
	a.Reason = j.words(a, o.rates, o.unit, since)
	return a, start
}

// weighed decides an alarm by the evidence, or by plain comparison if the plan
// says so. A new epoch needs twice the evidence.
func (j judge) weighed(a TriggerResult, side evidence.Side, log, alpha float64, least int) TriggerResult {
	if j.Rule == RuleThreshold {
		a.Evidence, a.Needed = a.Estimate, a.Limit
		beyond := a.Estimate < a.Limit
		if side == evidence.TooHigh {
			beyond = a.Estimate > a.Limit
		}
		a.Firing = beyond && a.Seen >= least
		return a
	}
	a.Needed = math.Pow(2, float64(j.epoch)) / alpha
	a.Evidence = evidence.FromLog(log)
	a.Firing = log >= math.Log(a.Needed)
	return a
}

// words gives a trigger's reason; since says from when on its figures count, empty for the first admission.
func (j judge) words(a TriggerResult, rates string, of unit, since string) string {
	if a.Seen == 0 {
		return "no data yet"
	}
	rate, limit := evidence.Percents(a.Estimate, a.Limit)
	text := fmt.Sprintf(rates+" (of %s%s)", rate, limit, of.counted(a.Seen), since)
	if a.Firing && j.Rule == RuleEvidence {
		text += fmt.Sprintf("; chance alone would show this less than once in %.0f rollouts", a.Needed)
	}
	return text
}

// performance judges whether calls have become slower than their own route was before the rollout.
func (j judge) performance() TriggerResult {
	a := TriggerResult{Trigger: TriggerPerformance, Remedy: Partial}
	if route, n := j.busiest(); n < LeastBaseline {
		a.Limit, a.Needed, a.Evidence = SlowShare, 1/alphaSlow, 1
		a.Reason = fmt.Sprintf("cannot be judged: to know the normal speed of a route of the API takes %d calls before the rollout", LeastBaseline)
		if n > 0 {
			a.Reason += fmt.Sprintf(", and the most were %d, of %s", n, route)
		}
		return a
	}
	a, start := j.observed(a, observation{
		Evidence: j.Slow, alpha: alphaSlow, enough: enoughCalls, least: enoughCalls, // calls that come together are slow together
		rates: "%s of the API calls took much longer than their route did before, at most %s may", unit: apiCalls,
	})
	if a.Seen > 0 && a.Seen < enoughCalls {
		a.Reason += fmt.Sprintf("; it takes %d to judge", enoughCalls)
	}
	if route, of := j.slowest(start); of.Slow > 0 {
		limit, _ := j.slowLimit(j.Plan, route)
		a.Reason += fmt.Sprintf("; of %s %d of %d took longer than %s", route, of.Slow, of.Seen, limit.Round(time.Millisecond))
	}
	return a
}

// api judges whether too many calls of the API fail.
func (j judge) api() TriggerResult {
	a, start := j.observed(TriggerResult{Trigger: TriggerAPI, Remedy: Immediate}, observation{
		Evidence: j.API, alpha: alphaAPI, enough: enoughIntervals,
		rates: "%s of the API calls failed, at most %s may", unit: unit{"interval", "intervals, on average"},
	})
	if !a.Firing || start >= len(j.Starts) {
		return a
	}
	of := j.Starts[start]
	a.SharedFate = of.sharedFate(a.Limit)
	a.Reason += "; " + failingAbout("automated", of.Automated) + ", and " + failingAbout("control", of.Control)
	return a
}

func failingAbout(cohort string, c CallCount) string {
	if c.Seen == 0 {
		return "none was about " + cohort + " vendors"
	}
	return fmt.Sprintf("of %d about %s vendors %s failed", c.Seen, cohort, evidence.Percent(c.share()))
}

// sharedFate reports whether calls fail for a cause that no rollback would remove: those about automated vendors keep the
// limit, by intervals as it is meant, or those about control vendors fit the automated ones' share of failures no worse than
// a healthy share. By calls that share may be small: few fail by night.
func (s CallStart) sharedFate(limit float64) bool {
	if s.ByInterval.mean() <= limit {
		return true
	}
	share := s.Automated.share()
	return s.Control.Seen > 0 && !evidence.NewBreakage(min(healthyBad, share/2), share, share).Speaks(float64(s.Control.Failed), float64(s.Control.Seen))
}
