package ses

import (
	"errors"
	"fmt"
	"net/url"
	"time"

	"marketplace.example/trials/internal/domain/brand"
	"marketplace.example/trials/internal/domain/layout"
	"marketplace.example/trials/internal/domain/wording"
)

// The kinds of e-mail that are built in; a marketplace may have others.
const (
	KindWelcome  = "welcome"   // the trial has begun
	KindReminder = "reminder"  // the trial ends in some days
	KindExpiry   = "expiry"    // the trial has ended, the grace begins
	KindGraceEnd = "grace-end" // the grace has ended, selling is paused
)

// fullDay is the default length of a day.
const fullDay = 24 * time.Hour

// Content is the content of an e-mail.
type Content struct {
	// Kind is one that Words has.
	Kind string
	// Words are what e-mails say.
	Words *wording.Set
	// Layout is how it is laid out; nil for the built-in one.
	Layout *layout.Layout
	// Locale is the vendor's language, such as pt-BR; empty or unknown means the default one.
	Locale string
	// VendorName is the name in the greeting; the greeting has no name if it is empty,
	// or if a mail program could turn it into a link.
	VendorName string
	// DaysLeft counts the days to the trial's end; used by reminders, where 0
	// reads "today" and 1 "tomorrow".
	DaysLeft int
	// GraceDays is how many days of grace follow the trial; 0 means none.
	GraceDays int
	// LengthDays is how many days the trial still lasts; used by the welcome.
	LengthDays int
	// EndsAt is when the trial ends or ended.
	EndsAt time.Time
	// Ended says that it has ended, for kinds that are not built in.
	Ended bool
	// GraceEndsAt is when the grace ends or ended; the zero time omits that
	// date.
	GraceEndsAt time.Time
	// Zone is the vendor's IANA time zone for dates; empty
	// or unknown means UTC.
	Zone string
	// Day is the length of a day; zero means 24 hours. With any other length
	// the e-mail counts numbered days and gives times to the second, never "tomorrow",
	// and says that this is a demonstration.
	Day time.Duration
	// VendorID is the vendor's id, for the target of the button.
	VendorID string
	// ButtonToken is the token in that target; needed only if it has one. See [Buttons.Token].
	ButtonToken string
	// Brand is the marketplace's. Where it has no target there is no button.
	Brand brand.Brand
	// UnsubscribeURL ends these e-mails; see [Links.Unsubscribe].
	UnsubscribeURL string
	// FeedbackURL asks whether this e-mail helped; empty for no question. See [Links.Feedback].
	FeedbackURL string
	// GuideURL is the page that tells the vendor of its trial; see [Links.Guide].
	GuideURL string
}

// Rendered is a finished e-mail: a subject of one line and two bodies with the same text.
type Rendered struct {
	Subject, Text, HTML string
}

// validate reports the first field that would make an e-mail false or unsafe.
func (c Content) validate() error {
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
	if c.ButtonToken == "" && len(c.Brand.Buttons.Signed()) > 0 {
		return errors.New("buttonToken: missing")
	}
	if target := c.actionURL(); target != "" {
		if err := validateURL(target); err != nil {
			return fmt.Errorf("actionURL: %w", err)
		}
	}
	for _, link := range []struct {
		field, value string
		optional     bool
	}{{"unsubscribeURL", c.UnsubscribeURL, false}, {"guideURL", c.GuideURL, false}, {"feedbackURL", c.FeedbackURL, true}} {
		if link.optional && link.value == "" {
			continue
		}
		if err := validateURL(link.value); err != nil {
			return fmt.Errorf("%s: %w", link.field, err)
		}
	}
	return nil
}

// actionURL is where the button leads; empty for no button.
func (c Content) actionURL() string { return c.Brand.Target(c.Kind, c.VendorID, c.ButtonToken) }

// compressed reports whether a day is not 24 hours long, as in a demonstration.
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
