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
// in its name, more if quiet days have moved it, or fewer if it is late; 0 for other kinds.
func (s State) DaysLeft(step Step, now time.Time) int {
	return max(0, min(s.plannedDays(step), s.Calendar().daysUntil(now, s.EndsAt)))
}

// plannedDays is how many days are left when a reminder is due; 0 for other kinds.
func (s State) plannedDays(step Step) int {
	if len(s.Policy.QuietDays) == 0 || !step.Kind.IsReminder() {
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
// the revisions and the zone, and of whether the welcome is pending: that
// belongs to revision 0 and outlives it. A trial that is not automated has
// only its ends.
func (s State) Schedule() []Step {
	var steps []Step
	add := func(kind Kind, at time.Time) {
		steps = append(steps, Step{Kind: kind, Revision: s.Revision, At: at})
	}
	if s.Automated {
		if welcome := (Step{Kind: Welcome, At: s.StartedAt}); s.Revision == 0 || !s.finished(welcome) {
			steps = append(steps, welcome)
		}
		planned := s.Policy.ReminderDays
		if last, ok := s.Calendar().lastDay(s.EndsAt); ok && len(s.Policy.QuietDays) > 0 {
			planned = s.Policy.reminderDays(last)
		}
		for i, days := range s.Policy.ReminderDays {
			add(Reminder(days), s.Calendar().reminder(s.EndsAt, planned[i], s.Policy.SendHour))
		}
	}
	add(Expiry, s.EndsAt)
	if s.Policy.GraceDays > 0 {
		add(GraceEnd, s.GraceEndsAt)
	}
	// A reminder may lie before a short trial's start; it is overtaken then.
	slices.SortStableFunc(steps, func(a, b Step) int { return a.At.Compare(b.At) })
	return steps
}

// Pending lists the steps of the schedule that are still to come.
func (s State) Pending() []Step {
	if s.Status.Final() {
		return nil
	}
	var pending []Step
	for _, step := range s.Schedule() {
		if !s.finished(step) {
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
