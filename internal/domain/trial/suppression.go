package trial

import "time"

// Cause is what stops e-mail to a vendor.
type Cause string

// The causes. CauseUnknown is a bounce or a complaint: which of the two is not on record where it was stored before causes were,
// or learned from a trial's history.
const (
	CauseUnsubscribed Cause = "unsubscribed"
	CauseBounce       Cause = "bounce"
	CauseComplaint    Cause = "complaint"
	CauseUnknown      Cause = "unknown"
)

// Words are the cause as people read it.
func (c Cause) Words() string {
	switch c {
	case CauseBounce:
		return "bounced"
	case CauseComplaint:
		return "complained"
	case CauseUnknown:
		return "bounced or complained"
	case CauseUnsubscribed:
	}
	return string(c)
}

// Causes are all of them, as lists offer them.
func Causes() []Cause { return []Cause{CauseBounce, CauseComplaint, CauseUnknown, CauseUnsubscribed} }

// Suppression stops e-mail to a vendor.
type Suppression struct {
	// Reason is ReasonSuppressedAddress or ReasonUnsubscribed. ReasonResubscribed and ReasonLifted stop nothing: they are on record
	// beside the others where a vendor has asked to be written to again, and where a person has lifted what stopped an address.
	Reason Reason    `json:"reason"`
	At     time.Time `json:"at"`
	// AddressHash is the address that bounced or complained; another address
	// of the same vendor may be written to. Empty suppresses every address.
	AddressHash string `json:"addressHash"`
	// Cause is CauseBounce or CauseComplaint; empty for an unsubscription, and where it is not known.
	Cause Cause `json:"cause,omitempty"`
	// SentAt is when the e-mail that bounced was sent; zero if unknown. It is kept apart from the rest.
	SentAt time.Time `json:"-"`
}

// Why is the cause; CauseUnknown where a bounce and a complaint are not told apart.
func (s Suppression) Why() Cause {
	switch {
	case s.Reason == ReasonUnsubscribed:
		return CauseUnsubscribed
	case s.Cause == "":
		return CauseUnknown
	}
	return s.Cause
}

// from is the moment that only a later lift ends. A bounce is as old as its e-mail: what an address did before the lift is what
// was lifted. A complaint is a person's word, and counts from when it was given.
func (s Suppression) from() time.Time {
	if s.Cause == CauseBounce && !s.SentAt.IsZero() {
		return s.SentAt
	}
	return s.At
}

// Covers reports whether s already stops everything that o stops, or has ended that.
func (s *Suppression) Covers(o Suppression) bool {
	if s != nil && s.Reason == ReasonResubscribed {
		return o.Reason == ReasonUnsubscribed && !o.At.After(s.At)
	}
	return s != nil && (s.Reason == ReasonUnsubscribed || s.Reason == o.Reason && (s.AddressHash == "" || s.AddressHash == o.AddressHash))
}

// Rank orders suppressions by how much they stop.
func (s Suppression) Rank() int {
	switch {
	case s.Reason == ReasonUnsubscribed:
		return 3
	case s.AddressHash == "":
		return 2
	}
	return 1
}

func (s Suppression) stops(address string) bool {
	return s.AddressHash == "" || s.AddressHash == AddressHash(address)
}

// Suppress sets a suppression, unless it is for another address than the present
// one, stops nothing or stops no more than the stored one.
func (v *Vendor) Suppress(s Suppression) {
	stopping := s.Reason == ReasonUnsubscribed || s.Reason == ReasonSuppressedAddress
	if stopping && s.stops(v.Email) && (v.Suppression == nil || v.Suppression.Rank() < s.Rank()) {
		v.Suppression = &s
	}
}
