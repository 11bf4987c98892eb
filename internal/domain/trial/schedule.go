package trial

import (
	"fmt"
	"slices"
	"time"
)

// Step is something due at a time.
type Step struct {
	Kind     Kind      `json:"kind"`
	Revision int       `json:"revision"`
	At       time.Time `json:"at"`
}

// Key identifies a step, and the send that belongs to it: "trialID/kind/revision".
func (s Step) Key(vendorID string) string {
	return fmt.Sprintf("%s/%s/%d", vendorID, s.Kind, s.Revision)
}

// Days is the distance of a reminder from the end, in days; 0 for other kinds.
func (s Step) Days() int {
	var days int
	if _, err := fmt.Sscanf(string(s.Kind), "reminder-%dd", &days); err != nil {
		return 0
	}
	return days
}

// DaysLeft is how many days are left at a reminder that is sent now: the days
// in its name, more if quiet days have moved it, or fewer if it is late. At a mailing it is how many are left then, none after the
// end; 0 for other kinds.
func (s State) DaysLeft(step Step, now time.Time) int {
	return max(0, min(s.plannedDays(step), s.Calendar().daysUntil(now, s.EndsAt)))
}

// plannedDays is how many days are left when a reminder or a mailing is due; 0 for other kinds.
func (s State) plannedDays(step Step) int {
	if !step.Kind.IsOwn() && (len(s.Policy.QuietDays) == 0 || !step.Kind.IsReminder()) {
		return step.Days()
	}
	return max(step.Days(), s.Calendar().daysUntil(step.At, s.EndsAt))
}

// LengthLeft is how many days of the trial remain, at least one: the number in a
// welcome, which may be sent late or after an extension.
func (s State) LengthLeft(now time.Time) int {
	return max(1, s.Calendar().daysUntil(now, s.EndsAt))
}

// Schedule lists every step of the current revision with its time, in order,
// including finished ones. It is a function of the policy, the start,
// the revisions and the zone, of when the trial expired, and of which steps of
// the start are pending: those belong to revision 0, or to that of a move, and outlive it. A trial
// that is not automated has only its ends.
func (s State) Schedule() []Step {
	var steps []Step
	add := func(kind Kind, at time.Time) {
		steps = append(steps, Step{Kind: kind, Revision: s.Revision, At: at})
	}
	if s.Automated {
		before, taken := s.mails(BeforeEnd, s.EndsAt, nil), []time.Time{s.EndsAt, s.GraceEndsAt}
		for _, step := range before {
			taken = append(taken, step.At)
		}
		for _, step := range append([]Step{{Kind: Welcome, At: s.StartedAt}}, s.mails(AfterStart, s.StartedAt, taken)...) {
			if step.Revision == s.Revision || !s.finished(step) {
				steps = append(steps, step)
			}
		}
		steps = append(append(steps, before...), s.mails(AfterExpiry, s.expiry(), nil)...)
	}
	add(Expiry, s.EndsAt)
	if s.Policy.GraceDays > 0 {
		add(GraceEnd, s.GraceEndsAt)
	}
	// A reminder may lie before a short trial's start; it is overtaken then.
	slices.SortStableFunc(steps, func(a, b Step) int { return a.At.Compare(b.At) })
	return steps
}

// expiry is the moment from which mailings after the expiry count: the planned one, and the actual one from then on, so that
// none comes together with the e-mail of a late expiry.
func (s State) expiry() time.Time {
	if s.ExpiredAt != nil {
		return *s.ExpiredAt
	}
	return s.GraceEndsAt
}

// open reports whether a step of the schedule is still to come. After the expiry those are mailings.
func (s State) open(step Step) bool {
	if s.Status.Final() && (s.Status != Expired || s.anchor(step.Kind) != AfterExpiry) {
		return false
	}
	return !s.finished(step)
}

// Over reports whether nothing more happens by itself: the status is final, and no mailing after the expiry is to come.
func (s State) Over() bool { return s.Status.Final() && len(s.Pending()) == 0 }

// Pending lists the steps of the schedule that are still to come.
func (s State) Pending() []Step {
	if s.Status.Final() && (s.Status != Expired || len(s.Policy.Mailings) == 0) {
		return nil
	}
	var pending []Step
	for _, step := range s.Schedule() {
		if s.open(step) {
			pending = append(pending, step)
		}
	}
	return pending
}

// Next is the first pending step; false if there is none.
func (s State) Next() (Step, bool) {
	pending := s.Pending()
	if len(pending) == 0 {
		return Step{}, false
	}
	return pending[0], true
}
