package trial

import "time"

// Reason names why a step ran, was skipped, was superseded or is held.
type Reason string

// The reasons of a decision.
const (
	ReasonDue                Reason = "due"
	ReasonAutomationDisabled Reason = "automation-disabled"
	ReasonExpirationOff      Reason = "auto-expiration-off"
	ReasonRemindersOff       Reason = "email-reminders-off"
	ReasonAlreadyConverted   Reason = "already-converted"
	ReasonOvertaken          Reason = "overtaken"
	ReasonNotAutomated       Reason = "not-automated"
	ReasonBeforeAdoption     Reason = "before-adoption"
	ReasonSuppressedAddress  Reason = "suppressed-address"
	ReasonUnsubscribed       Reason = "unsubscribed"
	ReasonResubscribed       Reason = "resubscribed"
	ReasonLifted             Reason = "lifted"
	ReasonNoAddress          Reason = "no-address"
	ReasonAddressRefused     Reason = "address-refused"
	ReasonRevised            Reason = "schedule-revised"
	ReasonCancelled          Reason = "trial-cancelled"
	ReasonConverted          Reason = "trial-converted"
	ReasonExpired            Reason = "trial-expired"
	ReasonExtended           Reason = "trial-extended"
	ReasonNotRendered        Reason = NotRendered
)

// Action is what to do with a due step.
type Action string

// The actions.
const (
	Run  Action = "run"
	Skip Action = "skip"
	Hold Action = "hold"
)

// StepFacts are the inputs of a decision, read when a step is due.
type StepFacts struct {
	Now               time.Time `json:"now"`
	AutomationEnabled bool      `json:"automationEnabled"`
	EmailReminders    bool      `json:"emailReminders"`
	AutoExpiration    bool      `json:"autoExpiration"`
	// Converted says that billing's conversion is on record, even if its
	// signal has not arrived.
	Converted bool `json:"converted"`
	// NoMail is why the vendor's address cannot be written to: ReasonSuppressedAddress,
	// ReasonUnsubscribed or ReasonNoAddress; empty if it can.
	NoMail Reason `json:"noMail"`
}

// Decision says what to do with a step and why.
type Decision struct {
	Action Action `json:"action"`
	Reason Reason `json:"reason"`
	// Mail says to send the step's e-mail; only with Run.
	Mail bool `json:"mail"`
}

// Decide decides what to do with a due step. A step that ends
// the trial or its grace runs even if its e-mail cannot be sent; then the
// reason says why there is none.
func Decide(s State, step Step, f StepFacts) Decision {
	switch {
	case step.Revision != s.Revision && !s.ofStart(step.Kind) || !s.open(step):
		return Decision{Action: Skip, Reason: ReasonRevised}
	case f.Converted:
		return Decision{Action: Skip, Reason: ReasonAlreadyConverted}
	case !s.Automated:
		return Decision{Action: Run, Reason: ReasonNotAutomated}
	case step.Kind.mailOnly() && s.pointless(step, f.Now) != "":
		return Decision{Action: Skip, Reason: s.pointless(step, f.Now)}
	case !f.AutomationEnabled:
		return Decision{Action: Hold, Reason: ReasonAutomationDisabled}
	case step.Kind.Reminds() && !f.EmailReminders:
		return Decision{Action: Skip, Reason: ReasonRemindersOff}
	case !step.Kind.mailOnly() && !f.AutoExpiration:
		return Decision{Action: Hold, Reason: ReasonExpirationOff}
	case s.BeforeAdoption(step):
		return Decision{Action: Run, Reason: ReasonBeforeAdoption}
	case f.NoMail != "" && step.Kind.mailOnly():
		return Decision{Action: Skip, Reason: f.NoMail}
	case f.NoMail != "":
		return Decision{Action: Run, Reason: f.NoMail}
	}
	return Decision{Action: Run, Reason: ReasonDue, Mail: true}
}

// lateTolerated is how late a reminder may always be: if
// days last seconds, a busy machine delays it by some of them.
const lateTolerated = 5 * time.Second

// pointless is why a step's message is pointless; empty if it is not.
func (s State) pointless(step Step, now time.Time) Reason {
	switch {
	case s.BeforeAdoption(step):
		return ReasonBeforeAdoption
	case s.Dropped(step.Kind):
		return ReasonExtended
	case s.overtaken(step, now):
		return ReasonOvertaken
	}
	return ""
}

// overtaken reports whether a step's message comes too late: it was due
// before the change that planned it, it would announce another number of days
// than its name says, the trial has ended before it, or a later step is due as well.
// Two reminders are never sent at once.
func (s State) overtaken(step Step, now time.Time) bool {
	anchor := s.anchor(step.Kind)
	switch {
	case (step.Kind.IsReminder() || anchor == BeforeEnd) && !step.At.After(s.RevisedAt),
		anchor == AfterStart && s.past(step),
		anchor == AfterStart && !step.At.Before(s.EndsAt),
		step.Kind.Reminds() && s.outdated(step, now):
		return true
	}
	for _, later := range s.Pending() {
		if later.At.After(step.At) && !later.At.After(now) {
			return true
		}
	}
	return false
}

// outdated reports whether a reminder is so late, by more than half a day, that
// another number of days is left, or a mailing so late that it is another day. The next reminder is
// near then.
func (s State) outdated(step Step, now time.Time) bool {
	if now.Sub(step.At) <= max(s.Day/2, lateTolerated) {
		return false
	}
	if step.Kind.IsOwn() {
		return s.Calendar().daysUntil(step.At, now) > 0
	}
	return s.DaysLeft(step, now) != s.plannedDays(step)
}
