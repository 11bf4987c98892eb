package mail

import (
	"errors"
	"fmt"
	"net/url"
	"time"
)

// The kinds of e-mail that [Render] words.
const (
	KindWelcome  = "welcome"   // the trial has begun
	KindReminder = "reminder"  // the trial ends in some days
	KindExpiry   = "expiry"    // the trial has ended, the grace begins
	KindGraceEnd = "grace-end" // the grace has ended, selling is paused
)

// fullDay is how long a day lasts where nothing says otherwise.
const fullDay = 24 * time.Hour

// Content is what an e-mail says.
type Content struct {
	// Kind is one of the Kind constants.
	Kind string
	// VendorName is how the e-mail greets; empty greets without a name, and so
	// does one with what a mail program could make a link of.
	VendorName string
	// DaysLeft counts the days to the trial's end; used by reminders, where 0
	// reads "today" and 1 "tomorrow".
	DaysLeft int
	// GraceDays is how many days of grace follow the trial; 0 means none.
	GraceDays int
	// LengthDays is how many days the trial lasts from now on; used by the welcome.
	LengthDays int
	// EndsAt is when the trial ends or ended.
	EndsAt time.Time
	// GraceEndsAt is when the grace ends or ended; the zero time leaves that
	// date out of the e-mail.
	GraceEndsAt time.Time
	// Zone is the vendor's IANA time zone, in which dates are written; empty
	// or unknown means UTC.
	Zone string
	// Day is how long a day lasts; zero means 24 hours. Any other length makes
	// the e-mail speak of numbered days to the second, never of "tomorrow",
	// and say that this is a demonstration.
	Day time.Duration
	// ActionURL is where the button leads.
	ActionURL string
	// UnsubscribeURL ends these e-mails; see [Links.Unsubscribe].
	UnsubscribeURL string
}

// Rendered is an e-mail in words: a subject of one line and two equal bodies.
type Rendered struct {
	Subject, Text, HTML string
}

// validate reports the first field that would make an e-mail untrue or unsafe.
func (c Content) validate() error {
	switch c.Kind {
	case KindWelcome, KindReminder, KindExpiry, KindGraceEnd:
	default:
		return fmt.Errorf("kind: %q is not a kind of e-mail", c.Kind)
	}
	if c.EndsAt.IsZero() {
		return errors.New("endsAt: missing")
	}
	for _, days := range []struct {
		field string
		value int
	}{{"daysLeft", c.DaysLeft}, {"graceDays", c.GraceDays}, {"lengthDays", c.LengthDays}} {
		if days.value < 0 {
			return fmt.Errorf("%s: %d is negative", days.field, days.value)
		}
	}
	if c.Kind == KindWelcome && c.LengthDays == 0 {
		return errors.New("lengthDays: a welcome needs the trial's length")
	}
	if c.Day < 0 {
		return fmt.Errorf("day: %s is negative", c.Day)
	}
	if err := validateURL(c.ActionURL); err != nil {
		return fmt.Errorf("actionURL: %w", err)
	}
	if err := validateURL(c.UnsubscribeURL); err != nil {
		return fmt.Errorf("unsubscribeURL: %w", err)
	}
	return nil
}

// compressed tells whether a day is not a day here, as in a demonstration.
func (c Content) compressed() bool { return c.Day != 0 && c.Day != fullDay }

func validateURL(raw string) error {
	u, err := url.Parse(raw)
	if err != nil {
		// The parser's error quotes the URL, which may hold a signed token.
		return errors.New("not a URL")
	}
	if (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" {
		return errors.New("not an absolute http or https URL")
	}
	return nil
}
