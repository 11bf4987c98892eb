package trial

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// MaxReason bounds the reason given with a request, in characters.
const MaxReason = 500

// Request is an admin's or billing's request to a running trial: the
// payload of the signals and updates convert, extend, shorten, cancel, revive
// and policy. Its reason is stored in histories: no names or addresses in it.
type Request struct {
	// ID makes the request idempotent; a second message with the same ID
	// is refused. With an empty ID each arrival counts.
	ID string `json:"id"`
	// Days is how many days to extend by, from the end or, if that has
	// passed, from now; to shorten by; or the length of a revived trial from now on.
	Days int `json:"days"`
	// Reason is why, for the record.
	Reason string `json:"reason"`
	// By is who asked: the name of a token, "billing" or "system".
	By string `json:"by"`
	// At is when it happened, for convert; zero means the time of receipt.
	At time.Time `json:"at"`
	// EndsAt is the new end itself, instead of Days, for extend, shorten, revive
	// and policy: undoing a change restores the old end to the millisecond.
	EndsAt *time.Time `json:"endsAt,omitempty"`
	// IfRevision is the revision that the request is meant for: a trial that has
	// changed since refuses it. Nil means any.
	IfRevision *int `json:"ifRevision,omitempty"`
	// FlagsVersion is the version of the flags that make a trial automated, for adopt; 0 if unknown.
	FlagsVersion int `json:"flagsVersion,omitempty"`
	// Policy is the policy to move to, for policy, whole: a later file changes no history.
	Policy *Policy `json:"policy,omitempty"`
}

// FieldRevision is the wrong field if a trial has changed since the revision that a
// request was meant for.
const FieldRevision = "ifRevision"

// Validate checks a request of a message name by itself, without the trial's
// state.
func (r Request) Validate(name string) error {
	if len(r.ID) > 128 {
		return Invalid("id", "must be at most 128 bytes")
	}
	switch name {
	case MessageConvert:
		return nil
	case MessageExtend, MessageShorten, MessageRevive:
		if r.EndsAt != nil && r.Days != 0 {
			return Invalid("endsAt", "cannot be combined with days: give one of them")
		}
		if r.EndsAt == nil && (r.Days < 1 || r.Days > MaxDays) {
			return Invalid("days", "must be 1 to %d, is %d", MaxDays, r.Days)
		}
	case MessagePolicy:
		if err := r.validatePolicy(); err != nil {
			return err
		}
	}
	switch {
	case strings.TrimSpace(r.Reason) == "":
		return Invalid("reason", "is missing")
	case utf8.RuneCountInString(r.Reason) > MaxReason:
		return Invalid("reason", "must be at most %d characters", MaxReason)
	}
	return nil
}

// causes are the events that the messages cause.
var causes = map[string]EventType{
	MessageConvert: EventConverted, MessageExtend: EventExtended, MessageShorten: EventShortened,
	MessageCancel: EventCancelled, MessageRevive: EventRevived, MessagePolicy: EventMoved,
}

// Request turns a message into the event it causes. A nil event without an
// error means that there is nothing to do: the request was carried out before.
// An *Error says why it is refused; nothing has changed then.
func (s State) Request(name string, r Request, now time.Time) (*Event, error) {
	r.At = millisecond(r.At)
	e := &Event{Seq: s.Seq + 1, At: millisecond(now), Request: &r}
	if name == MessageConvert {
		return s.requestConvert(e), nil
	}
	if name == MessageAdopt || name == MessageRelease {
		return s.requestHandover(name, e), nil
	}
	switch known, same := s.carriedOut(causes[name], r.ID); {
	case same:
		return nil, nil //nolint:nilnil // documented: nothing to do and nothing wrong
	case known:
		return nil, Conflict("the request id %q was used for another message", r.ID)
	}
	if err := r.Validate(name); err != nil {
		return nil, err
	}
	if r.IfRevision != nil && *r.IfRevision != s.Revision {
		return nil, &Error{Code: CodeConflict, Field: FieldRevision, Message: "the trial has changed since"}
	}
	if name != MessageCancel {
		return s.requestEnd(name, e)
	}
	if s.Over() {
		return nil, Conflict("the trial is %s and cannot be cancelled", s.Status)
	}
	e.Type = EventCancelled
	return e, nil
}

// requestConvert never refuses, not even what Validate would: the payment was
// made. A trial converts once, so the id adds nothing, and sharing one with an
// admin's request must not lose the conversion.
func (s State) requestConvert(e *Event) *Event {
	if s.ConvertedAt != nil {
		return nil // converted already: nothing to do
	}
	r := e.Request
	if r.At.IsZero() || r.At.After(e.At) {
		r.At = e.At
	}
	e.Type = EventConverted
	// The vendor's time of conversion counts, not the arrival of billing's message.
	e.Late = s.Status == Cancelled && !r.At.Before(*s.CancelledAt) || s.Status == Expired && !r.At.Before(*s.ExpiredAt)
	return e
}

// requestHandover makes a trial and its pending steps automated or unautomated;
// a trial that is over, or already so, stays as it is.
func (s State) requestHandover(name string, e *Event) *Event {
	if s.Over() || s.Automated == (name == MessageAdopt) {
		return nil
	}
	e.Type = EventReleased
	if name == MessageAdopt {
		e.Type = EventAdopted
	}
	return e
}

// requestEnd handles the messages that give the trial a new end.
func (s State) requestEnd(name string, e *Event) (*Event, error) {
	end, applies := s.newEnd(name, e)
	if !applies {
		return nil, Conflict("the trial is %s: %s does not apply", s.Status, name)
	}
	field := "days"
	if name == MessagePolicy {
		field = FieldPolicy
	}
	if at := e.Request.EndsAt; at != nil {
		field, end = "endsAt", *at
	}
	end = millisecond(end)
	switch {
	case s.ConvertedAt != nil:
		return nil, Conflict("the vendor has converted: %s does not apply", name)
	case s.Revision >= MaxRevisions:
		return nil, Conflict("the schedule has been changed %d times; no further change is allowed", MaxRevisions)
	case name == MessagePolicy && s.Policy.Equal(*e.Request.Policy):
		return nil, &Error{Code: CodeConflict, Field: FieldPolicy, Message: "the trial has this policy already"}
	}
	if err := s.checkEnd(name, e, field, end); err != nil {
		return nil, err
	}
	e.EndsAt = &end
	e.KeepWelcome = slices.ContainsFunc(s.Pending(), func(step Step) bool { return step.Kind == Welcome })
	return e, nil
}

// newEnd is the end that a message's days or its policy mean, and gives the event its type; applies is false where the trial's status
// has none.
func (s State) newEnd(name string, e *Event) (end time.Time, applies bool) {
	running := s.Status == Active || s.Status == Grace
	switch {
	case name == MessageExtend && running:
		from := s.EndsAt
		if e.At.After(from) {
			from = e.At // support means so many days that the vendor can use
		}
		e.Type, end = EventExtended, s.Calendar().AddDays(from, e.Request.Days)
	case name == MessageShorten && s.Status == Active:
		e.Type, end = EventShortened, s.Calendar().AddDays(s.EndsAt, -e.Request.Days)
	case name == MessageRevive && (s.Status == Expired || s.Status == Cancelled):
		e.Type, end = EventRevived, s.Calendar().AddDays(e.At, e.Request.Days)
	case name == MessagePolicy && running:
		e.Type, end = EventMoved, s.endUnder(*e.Request.Policy)
	default:
		return end, false
	}
	return end, true
}

// checkEnd checks a requested new end; field is the field to name in the error.
func (s State) checkEnd(name string, e *Event, field string, end time.Time) error {
	switch {
	case e.Request.EndsAt != nil && (name == MessageExtend && !end.After(s.EndsAt) || name == MessageShorten && !end.Before(s.EndsAt)):
		return Invalid(field, "the new end, %s, is on the wrong side of the present one", end.Format(time.RFC3339))
	case !end.After(e.At):
		return Invalid(field, "the new end, %s, would not be in the future", end.Format(time.RFC3339))
	case end.After(s.Calendar().AddDays(s.StartedAt, MaxTotalDays)):
		return Invalid(field, "the trial would last more than %d days in all", MaxTotalDays)
	}
	return nil
}
