package trial

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"time"
)

// Stopped sets what stops e-mail to the vendor's present address. Of two of a cause, as where another vendor has the same address,
// the later counts: a lift has to end both.
func (v *Vendor) Stopped(stops []Stop) {
	for _, s := range stops {
		switch i := slices.IndexFunc(v.Stops, s.isLike); {
		case i < 0:
			v.Stops = append(v.Stops, s)
		case v.Stops[i].From.Before(s.From):
			v.Stops[i] = s
		}
		v.Suppress(s.Suppression)
	}
}

// The fields of a refusal to lift, which name its cause beside those of Cause.
const (
	LiftErased  = "erased"
	LiftNothing = "suppression"
	LiftSeen    = "seen"
)

// LiftRefusal is why nobody may lift what stops e-mail to the vendor's present address, nil where a person may. Its field is the
// cause. What the vendor has said itself only the vendor takes back.
func (v Vendor) LiftRefusal() *Error {
	refuse := func(field, message string) *Error {
		return &Error{Code: CodeConflict, Field: field, Message: message, Detail: message}
	}
	switch {
	case v.ErasedAt != nil:
		return refuse(LiftErased, "the vendor was erased: no e-mail goes to it, at whatever address")
	case len(v.Stops) == 0:
		return refuse(LiftNothing, "nothing stops e-mail to the vendor's present address")
	}
	for _, s := range v.Stops {
		switch why := s.Why(); {
		case why == CauseUnsubscribed:
			return refuse(string(why), "the vendor has unsubscribed: only the vendor takes that back, on the page that its e-mails link to")
		case s.Asked, why == CauseBounce:
		case why == CauseComplaint:
			return refuse(string(why), "somebody at this address has called an e-mail spam, which is asking for no more: that can be lifted once the "+
				"vendor has asked for e-mail again, on the page that its e-mails link to")
		default:
			return refuse(string(why), "it is not on record whether this address bounced or complained, and who complained is not written to: that can be "+
				"lifted once the vendor has asked for e-mail again, on the page that its e-mails link to")
		}
	}
	return nil
}

// LiftAt is the moment of a lift that is made now: later than all that it lifts, also by a clock that is behind.
func (v Vendor) LiftAt(now time.Time) time.Time {
	at := now.UTC().Truncate(time.Millisecond)
	for _, s := range v.Stops {
		if !s.From.Before(at) {
			at = s.From.UTC().Truncate(time.Millisecond).Add(time.Millisecond)
		}
	}
	return at
}

// StopMark stands for what stops e-mail to the vendor and for its address, without telling either: where it is another than was
// shown, something has changed.
func (v Vendor) StopMark() string {
	type stop struct {
		Cause Cause
		From  time.Time
		Asked bool
	}
	shown := struct {
		Address string
		Stops   []stop
	}{Address: AddressHash(v.Email)}
	for _, s := range v.Stops {
		shown.Stops = append(shown.Stops, stop{s.Why(), s.From.UTC(), s.Asked})
	}
	text, err := json.Marshal(shown)
	if err != nil {
		panic(err) // words and moments can be written
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}

// SuppressedVendor is a vendor to whose present address no e-mail may go, as lists show it: without the address.
type SuppressedVendor struct {
	VendorID string `json:"vendorId"`
	// Cause and At are those of the weightiest of Stops.
	Cause Cause         `json:"cause"`
	At    time.Time     `json:"at"`
	Stops []StoppedFrom `json:"stops"`
	// Refusal is why it cannot be lifted, empty where it can; Mark is the vendor's StopMark.
	Refusal string `json:"refusal"`
	Mark    string `json:"mark"`
}

// StoppedFrom is one cause, and since when it stops e-mail.
type StoppedFrom struct {
	Cause Cause     `json:"cause"`
	At    time.Time `json:"at"`
}

// SuppressedView is the vendor as lists show it, and whether it belongs there.
func (v Vendor) SuppressedView() (s SuppressedVendor, suppressed bool) {
	if v.Suppression == nil || v.ErasedAt != nil {
		return s, false
	}
	s = SuppressedVendor{VendorID: v.ID, Cause: v.Suppression.Why(), At: v.Suppression.At.UTC(), Mark: v.StopMark()}
	for _, stop := range v.Stops {
		s.Stops = append(s.Stops, StoppedFrom{stop.Why(), stop.At.UTC()})
	}
	if refusal := v.LiftRefusal(); refusal != nil {
		s.Refusal = refusal.Message
	}
	return s, true
}

// HasCause reports whether a cause is among those that stop e-mail; the empty one is any.
func (s SuppressedVendor) HasCause(cause Cause) bool {
	return cause == "" || slices.ContainsFunc(s.Stops, func(f StoppedFrom) bool { return f.Cause == cause })
}

// Lift is what came of lifting what stopped e-mail to a vendor.
type Lift struct {
	VendorID string    `json:"vendorId"`
	LiftedAt time.Time `json:"liftedAt"`
	// Lifted are the causes that stopped its present address until then; none in the answer to a repetition.
	Lifted []StoppedFrom `json:"lifted"`
	// Note says what the lift cannot do.
	Note string `json:"note"`
}

// LiftNote is what whoever lifts has to know.
const LiftNote = "E-mails that are due from now on go out; those that were skipped do not: send them again on the trial's page. If the address is also on the " +
	"mail service's own list, SES refuses it, and it is stopped again: remove it there with aws sesv2 delete-suppressed-destination --email-address ADDRESS."
