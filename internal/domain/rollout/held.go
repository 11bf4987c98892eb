package rollout

import (
	"fmt"
	"time"
)

// Held is how long a rollout has held a percentage or more, without a pause or a rollback: either begins the time anew.
type Held struct {
	// Since is when the present time began; nil while the rollout is paused, over or below the percentage.
	Since *time.Time `json:"since,omitempty"`
	// Longest is the longest earlier time.
	Longest time.Duration `json:"longest,omitempty"`
}

// after returns it after an event; broken says that the event is a rollback.
func (h Held) after(holds, broken bool, at time.Time) Held {
	if h.Since != nil && (broken || !holds) {
		h.Longest, h.Since = max(h.Longest, at.Sub(*h.Since)), nil
	}
	if holds && h.Since == nil {
		h.Since = &at
	}
	return h
}

// span is the longest time by now.
func (h Held) span(now time.Time) time.Duration {
	if h.Since == nil {
		return h.Longest
	}
	return max(h.Longest, now.Sub(*h.Since))
}

// The percentages that the success criteria want held, and for how many days.
const (
	heldLimited, daysLimited = 10, 1
	heldFull, daysFull       = 100, 7
)

// hold follows how long the percentages of the success criteria are held.
func (s *State) hold(e Event) {
	broken := e.Type == EventRolledBack
	steady := func(percentage float64) bool { return s.Status == Running && s.Enabled && s.Percentage >= percentage }
	s.HeldLimited = s.HeldLimited.after(steady(heldLimited), broken, e.At)
	s.HeldFull = s.HeldFull.after(steady(heldFull), broken, e.At)
}

// holding judges whether a percentage or more was held for so many days. Neither the plan's gates nor its stages matter, only
// whether the plan leaves time enough.
func (s State) holding(h Held, percentage, days float64, now time.Time) CriterionResult {
	at := fmt.Sprintf("%v %% or more", percentage)
	if percentage == 100 {
		at = "100 %"
	}
	inDays := func(d time.Duration) string {
		return fmt.Sprintf("%.1f days (needs %v)", float64(d)/float64(s.Times.Day), days)
	}
	span, needed := h.span(now), Days(days, s.Times.Day)
	planned := s.Plan.daysAt(percentage)
	switch {
	case needed > 0 && span >= needed:
		return CriterionResult{Verdict: Pass, Reason: fmt.Sprintf("held at %s for %s, without a pause or a rollback", at, inDays(span))}
	case planned == 0:
		return CriterionResult{Verdict: Insufficient, Reason: "cannot be measured in this plan: it never admits " + at}
	case planned < days:
		return CriterionResult{Verdict: Insufficient, Reason: fmt.Sprintf("cannot be measured in this plan: it admits %s for %.3g days, and %v are needed", at, planned, days)}
	case s.Status.Final():
		return CriterionResult{Verdict: Fail, Reason: fmt.Sprintf("the rollout is over; it held at %s for at most %s, without a pause or a rollback", at, inDays(span))}
	case h.Since != nil:
		reason := fmt.Sprintf("at %s since %s, for %s; a pause or a rollback begins them anew", at, s.FormatTime(*h.Since), inDays(now.Sub(*h.Since)))
		if ends := s.planEnds(); h.Since.Add(needed).After(ends) {
			reason += "; by its plan the rollout is over before, on " + s.FormatTime(ends)
		}
		return CriterionResult{Verdict: Insufficient, Reason: reason}
	case span > 0:
		return CriterionResult{Verdict: Insufficient, Reason: fmt.Sprintf("held at %s for %s, until a pause or a rollback", at, inDays(span))}
	}
	return CriterionResult{Verdict: Insufficient, Reason: "the rollout has not been at " + at + " yet"}
}

// daysAt is how many days the plan admits a percentage or more.
func (p Plan) daysAt(percentage float64) float64 {
	days := 0.0
	for _, phase := range p.Phases {
		if phase.Percentage >= percentage {
			days += phase.SoakDays
		}
	}
	if p.Phases[len(p.Phases)-1].Percentage >= percentage {
		days += p.StabilityDays + p.GuardDays
	}
	return days
}

// planEnds is when the rollout is over if nothing delays it any more.
func (s State) planEnds() time.Time {
	calendar := s.Calendar()
	last := calendar[len(calendar)-1]
	return last.From.Add(s.Plan.soak(last.Stage, s.Times.Day))
}
