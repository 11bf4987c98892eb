package trial

import (
	"regexp"
	"slices"
	"strings"
)

// Anchor is the moment from which the distance of an e-mail is counted.
type Anchor string

// The anchors.
const (
	// AfterStart counts from the registration.
	AfterStart Anchor = "start"
	// BeforeEnd counts back from the trial's end, as reminders do.
	BeforeEnd Anchor = "beforeEnd"
	// AfterExpiry counts from the trial's expiry: the end of its grace, if it has one.
	AfterExpiry Anchor = "afterExpiry"
)

// Anchors lists every anchor, in the order of a trial's life.
func Anchors() []Anchor { return []Anchor{AfterStart, BeforeEnd, AfterExpiry} }

// Condition drops a mailing that is due.
type Condition string

// The conditions.
const (
	// UnlessConverted: the vendor has converted. It holds for every mailing, listed or not.
	UnlessConverted Condition = "converted"
	// UnlessExtended: the trial ends later than its policy says, because it was extended or revived.
	UnlessExtended Condition = "extended"
)

// Conditions lists every condition.
func Conditions() []Condition { return []Condition{UnlessConverted, UnlessExtended} }

// Mailing is an e-mail of a policy's own, beside the welcome, the reminders and the e-mails about the end.
type Mailing struct {
	// ID is the kind of its step.
	ID    Kind   `json:"id"`
	After Anchor `json:"after"`
	// Days or Hours is the distance, the other is 0. Days go out at the policy's SendHour, hours exactly then; see State.mails.
	Days  int `json:"days,omitempty"`
	Hours int `json:"hours,omitempty"`
	// Template is the name of its wording.
	Template string `json:"template"`
	// Unless are the conditions of which one drops it.
	Unless []Condition `json:"unless"`
}

var (
	mailingID    = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,39}$`)
	templateName = regexp.MustCompile(`^[a-z0-9-]{1,40}$`)
)

// Validate names the first field that is out of bounds in a policy of that length. The distance is named hours if that is
// given, otherwise days.
func (m Mailing) Validate(lengthDays int) error {
	switch {
	case !mailingID.MatchString(string(m.ID)):
		return Invalid("id", "must be 1 to 40 small letters, digits and dashes, beginning with a letter or digit")
	case !m.ID.IsOwn():
		return Invalid("id", "%s is not free for an e-mail of one's own", m.ID)
	case !slices.Contains(Anchors(), m.After):
		return Invalid("after", "must be one of %v", Anchors())
	}
	if err := m.validateDistance(lengthDays); err != nil {
		return err
	}
	switch {
	case m.Template == "":
		return Invalid("template", "is missing: the name of its wording")
	case !templateName.MatchString(m.Template):
		return Invalid("template", "must be 1 to 40 small letters, digits and dashes")
	}
	for i, c := range m.Unless {
		switch {
		case !slices.Contains(Conditions(), c):
			return Invalid("unless", "%.20q is none of %v", c, Conditions())
		case slices.Contains(m.Unless[:i], c):
			return Invalid("unless", "has %s twice", c)
		}
	}
	return nil
}

func (m Mailing) validateDistance(lengthDays int) error {
	field, n, day := "days", m.Days, 1
	if m.Hours != 0 {
		field, n, day = "hours", m.Hours, 24
	}
	switch {
	case m.Days != 0 && m.Hours != 0:
		return Invalid("hours", "cannot be combined with days: give one of them")
	case n < 1:
		return Invalid(field, "must be 1 or more, is %d", n)
	case m.After == AfterStart && n >= lengthDays*day:
		return Invalid(field, "lies after the end: the trial lasts %d days; %s counts from its expiry", lengthDays, AfterExpiry)
	case m.After == BeforeEnd && (n > lengthDays*day || m.Hours == lengthDays*day):
		return Invalid(field, "lies before the start: the trial lasts %d days", lengthDays)
	case n > MaxDays*day:
		return Invalid(field, "must be at most %d, is %d", MaxDays*day, n)
	}
	return nil
}

// validateMailings names the first mailing that is out of bounds, or whose kind another one has.
func (p Policy) validateMailings() error {
	for i, m := range p.Mailings {
		if err := m.Validate(p.LengthDays); err != nil {
			return err
		}
		if slices.ContainsFunc(p.Mailings[:i], func(o Mailing) bool { return o.ID == m.ID }) {
			return Invalid("mailings", "have %s twice", m.ID)
		}
	}
	return nil
}

// Mailing returns the mailing of a kind; false for any other kind of step.
func (p Policy) Mailing(kind Kind) (Mailing, bool) {
	i := slices.IndexFunc(p.Mailings, func(m Mailing) bool { return m.ID == kind })
	if i < 0 {
		return Mailing{}, false
	}
	return p.Mailings[i], true
}

// IsOwn reports whether the kind is none of the kinds built in, so that it is or may be a mailing's. What begins like the
// key of a resent e-mail is not.
func (k Kind) IsOwn() bool {
	return !slices.Contains([]Kind{"", Welcome, Expiry, GraceEnd}, k) && !k.IsReminder() && !strings.HasPrefix(string(k), "resend-")
}

// anchor is what a mailing's distance counts from; empty for other kinds.
func (s State) anchor(kind Kind) Anchor {
	m, _ := s.Policy.Mailing(kind)
	return m.After
}

// ofStart reports whether a step belongs to the trial's start, so to revision 0 or that of a move: a new end leaves it as it is.
func (s State) ofStart(kind Kind) bool { return kind == Welcome || s.anchor(kind) == AfterStart }

// Dropped reports whether a condition of a mailing drops it. That of conversion is decided with the fact.
func (s State) Dropped(kind Kind) bool {
	m, _ := s.Policy.Mailing(kind)
	if !slices.Contains(m.Unless, UnlessExtended) {
		return false
	}
	planned := s.Calendar().AddDays(s.StartedAt, s.Policy.LengthDays)
	return s.EndsAt.Sub(planned) > s.Day/2 // in another zone it is an hour more or less
}
