package trial

import (
	"slices"
	"time"
)

// EventType names what happened to a trial.
type EventType string

// The events of a trial.
const (
	EventStarted   EventType = "started"
	EventStep      EventType = "step"
	EventHeld      EventType = "held"
	EventExtended  EventType = "extended"
	EventShortened EventType = "shortened"
	EventCancelled EventType = "cancelled"
	EventRevived   EventType = "revived"
	EventConverted EventType = "converted"
	EventAdopted   EventType = "adopted"
	EventReleased  EventType = "released"
	// EventRezoned replans the pending steps in the vendor's new time zone.
	EventRezoned EventType = "rezoned"
	// EventMoved replans the pending steps by the policy of its request.
	EventMoved EventType = "moved"
)

// Event is one thing that happened to a trial. A trial's events, in order, are
// its source of truth; its State is folded from them.
type Event struct {
	// Seq counts from 1 without gaps.
	Seq  int       `json:"seq"`
	Type EventType `json:"type"`
	At   time.Time `json:"at"`
	// Registration is set on EventStarted.
	Registration *Registration `json:"registration,omitempty"`
	// Step, Decision, and Facts are set on EventStep and EventHeld. Mailed
	// says that the step's e-mail was sent.
	Step     *Step      `json:"step,omitempty"`
	Decision *Decision  `json:"decision,omitempty"`
	Facts    *StepFacts `json:"facts,omitempty"`
	Mailed   bool       `json:"mailed,omitempty"`
	// Request is set if an admin or billing caused the event.
	Request *Request `json:"request,omitempty"`
	// EndsAt is the new end after EventExtended, EventShortened, EventRevived and EventMoved.
	EndsAt *time.Time `json:"endsAt,omitempty"`
	// KeepWelcome is set on EventExtended, EventShortened and EventMoved if the welcome
	// is still pending: a new end does not affect it.
	KeepWelcome bool `json:"keepWelcome,omitempty"`
	// Zone is the vendor's new zone, on EventRezoned, and with a new end if it has changed.
	Zone string `json:"zone,omitempty"`
	// Late is set on an EventConverted that came after the trial was over.
	Late bool `json:"late,omitempty"`
	// Untracked is set on an EventConverted that the figures leave out.
	Untracked bool `json:"untracked,omitempty"`
	// HandledSignals identifies the signals that the workflow had handled by then; empty for none.
	HandledSignals string `json:"handledSignals,omitempty"`
}

// Registration is a trial's input; decided once, at registration.
type Registration struct {
	VendorID string        `json:"vendorId"`
	Cohort   Cohort        `json:"cohort"`
	Policy   Policy        `json:"policy"`
	Day      time.Duration `json:"day"`
	Zone     string        `json:"zone"`
	At       time.Time     `json:"at"`
	// FlagsVersion is the version of the flags that decided the cohort; 0 if unknown.
	FlagsVersion int `json:"flagsVersion,omitempty"`
	// Experiment is the arm that a policy experiment dealt the vendor; nil for none.
	Experiment *Assignment `json:"experiment,omitempty"`
}

// Start returns a trial's first event.
func Start(r Registration, now time.Time) Event {
	r.At = millisecond(r.At)
	return Event{Seq: 1, Type: EventStarted, At: millisecond(now), Registration: &r}
}

// NewState returns the state right after registration, before any step.
func NewState(r Registration) State { return State{}.Apply(Start(r, r.At)) }

// Fold returns the state after a trial's events, given in order.
func Fold(events []Event) State {
	var s State
	for _, e := range events {
		s = s.Apply(e)
	}
	return s
}

// Same reports whether two events record the same thing, perhaps
// at different times by attempts that did not know of each other.
func (e Event) Same(o Event) bool {
	if e.Seq != o.Seq || e.Type != o.Type || (e.Step == nil) != (o.Step == nil) || (e.Request == nil) != (o.Request == nil) {
		return false
	}
	if e.Step != nil && (e.Step.Kind != o.Step.Kind || e.Step.Revision != o.Step.Revision) {
		return false
	}
	return e.Request == nil || e.Request.ID == o.Request.ID
}

// StepEvent is the event of a step decided at facts.Now: held if the
// decision is to wait, finished otherwise.
func (s State) StepEvent(step Step, d Decision, f StepFacts, mailed bool) Event {
	f.Now = millisecond(f.Now)
	e := Event{Seq: s.Seq + 1, Type: EventStep, At: f.Now, Step: &step, Decision: &d, Facts: &f, Mailed: mailed}
	if d.Action == Hold {
		e.Type = EventHeld
	}
	return e
}

// Apply returns the state after one more event. It neither checks nor refuses.
// Only a step that was already finished, superseded while
// it was being carried out, changes nothing but Seq: each step ends
// once. The receiver is left unchanged.
func (s State) Apply(e Event) State {
	s.Steps, s.Requests = slices.Clone(s.Steps), slices.Clone(s.Requests)
	s.Seq, s.HandledSignals = e.Seq, e.HandledSignals
	if e.Request != nil && e.Request.ID != "" {
		s.Requests = append(s.Requests, joinRequest(e.Type, e.Request.ID))
	}
	if e.Step != nil && s.finished(*e.Step) {
		return s
	}
	switch e.Type {
	case EventStarted:
		s.begin(*e.Registration)
	case EventHeld:
		s.Held = &HeldStep{Step: *e.Step, Reason: e.Decision.Reason, Since: e.At}
	case EventStep:
		s.endStep(e)
	case EventExtended, EventShortened, EventRevived:
		s.supersede(ReasonRevised, e.At, func(step Step) bool { return s.ofStart(step.Kind) && (step.Kind != Welcome || e.KeepWelcome) })
		if e.Zone != "" {
			s.Zone = e.Zone
		}
		s.revise(*e.EndsAt, e.At)
	case EventRezoned:
		s.rezone(e)
	case EventMoved:
		s.move(e)
	case EventCancelled:
		s.cancel(e.At)
	case EventConverted:
		s.convert(e)
	case EventAdopted, EventReleased:
		s.handOver(e)
	}
	return s
}

// handOver has whoever owns the trial now decide again on a held step.
func (s *State) handOver(e Event) {
	s.Automated, s.Held, s.AutomatedUnder = e.Type == EventAdopted, nil, 0
	if s.Automated {
		s.AdoptedAt = &e.At
		if e.Request != nil {
			s.AutomatedUnder = e.Request.FlagsVersion
		}
	}
}

func (s *State) begin(r Registration) {
	s.VendorID, s.Cohort, s.Automated = r.VendorID, r.Cohort, r.Cohort == Automated
	s.Policy, s.Day, s.Zone, s.Experiment = r.Policy, r.Day, r.Zone, r.Experiment
	if s.Automated {
		s.AutomatedUnder = r.FlagsVersion
	}
	s.StartedAt, s.RevisedAt, s.Status = r.At, r.At, Active
	s.setEnd(s.Calendar().AddDays(r.At, r.Policy.LengthDays))
}

func (s *State) setEnd(end time.Time) {
	s.EndsAt = end
	s.GraceEndsAt = s.Calendar().AddDays(end, s.Policy.GraceDays)
}

func (s *State) endStep(e Event) {
	s.Held = nil
	outcome := Ran
	if e.Decision.Action == Skip {
		outcome = Skipped
	}
	s.Steps = append(s.Steps, StepRecord{Step: *e.Step, Outcome: outcome, Reason: e.Decision.Reason, At: e.At, Mailed: e.Mailed})
	if outcome != Ran {
		return
	}
	switch {
	case e.Step.Kind == Expiry && s.Policy.GraceDays > 0:
		s.Status = Grace
		s.keepGrace(*e.Step, e.At)
	case e.Step.Kind == Expiry || e.Step.Kind == GraceEnd:
		s.supersede(ReasonExpired, e.At, func(step Step) bool { return !step.Kind.IsOwn() || s.anchor(step.Kind) == AfterExpiry })
		s.Status, s.ExpiredAt = Expired, &e.At
	}
}

// keepGrace gives the whole grace to a vendor whose trial's end was held or
// late by more than an hour (of a day of 24): no vendor expires as soon as
// it is notified.
func (s *State) keepGrace(expiry Step, at time.Time) {
	if at.Sub(expiry.At) > s.Day/24 {
		s.GraceEndsAt = s.Calendar().AddDays(at, s.Policy.GraceDays)
	}
}

// supersede records every pending step as superseded, except for those that are kept.
func (s *State) supersede(reason Reason, at time.Time, kept func(Step) bool) {
	for _, step := range s.Pending() {
		if !kept(step) {
			s.Steps = append(s.Steps, StepRecord{Step: step, Outcome: Superseded, Reason: reason, At: at})
		}
	}
	s.Held = nil
}

func none(Step) bool { return false }

func (s *State) revise(end, at time.Time) {
	s.Status, s.ExpiredAt, s.CancelledAt = Active, nil, nil
	s.Revision++
	s.RevisedAt = at
	s.setEnd(end)
}

// Rezone is the event of a vendor's move to another zone; nil if that changes
// nothing: it ignores an invalid zone, and a trial that is over.
func (s State) Rezone(zone string, now time.Time) *Event {
	if zone == s.Zone || !ValidZone(zone) || !s.Rezonable() {
		return nil
	}
	return &Event{Seq: s.Seq + 1, Type: EventRezoned, At: millisecond(now), Zone: zone}
}

// Rezonable reports whether the trial follows its vendor to another zone at all.
func (s State) Rezonable() bool {
	return s.Day == RealDay && !s.Over() && s.Revision < MaxRevisions
}

// rezone replans the pending steps. The end stays the same time, finished
// steps stay finished, and a reminder whose new time has just passed is due at once.
func (s *State) rezone(e Event) {
	pending := map[Kind]bool{}
	for _, step := range s.Pending() {
		pending[step.Kind] = true
	}
	s.supersede(ReasonRevised, e.At, func(step Step) bool { return s.ofStart(step.Kind) })
	s.Zone = e.Zone
	s.Revision++
	for _, step := range s.Schedule() {
		if !s.ofStart(step.Kind) && !pending[step.Kind] {
			s.Steps = append(s.Steps, StepRecord{Step: step, Outcome: Superseded, Reason: ReasonRevised, At: e.At})
		}
	}
}

// cancel ends the trial. One that has expired stays so: only mailings were left of it.
func (s *State) cancel(at time.Time) {
	s.supersede(ReasonCancelled, at, none)
	if s.Status != Expired {
		s.Status, s.CancelledAt = Cancelled, &at
	}
}

func (s *State) convert(e Event) {
	s.supersede(ReasonConverted, e.At, none)
	s.ConvertedAt, s.ConvertedLate, s.ConvertedUntracked = &e.Request.At, e.Late, e.Untracked
	if e.Late {
		return
	}
	s.Status, s.ExpiredAt, s.CancelledAt = Converted, nil, nil
}
