package trial

import (
	"regexp"
	"strings"
	"time"
	"unicode/utf8"
)

// Vendor is the part of a user document with isVendor: true that this application reads.
type Vendor struct {
	ID    string
	Email string
	Name  string
	// Zone is the IANA time zone, empty if unknown or invalid.
	Zone string
	// Locale is the language of BCP 47 for e-mails, empty if unknown or invalid.
	Locale string
	// StartedAt is the trial's start, zero for a vendor that is not registered yet.
	StartedAt time.Time
	// CreatedAt is when the marketplace made the document, zero if unknown.
	CreatedAt time.Time
	// Automation is set at registration.
	Automation *Automation
	// ErasedAt is when name and address were removed, nil if they were not.
	ErasedAt *time.Time
	// Suppression is why no e-mail may go to the vendor's present address, nil for none: the weightiest of Stops.
	Suppression *Suppression
	// Stops are all that stop e-mail to the present address, LiftedAt is when that was lifted last; zero for never.
	Stops    []Stop
	LiftedAt time.Time
}

// Automation is the field trialAutomation of a user document.
type Automation struct {
	Cohort Cohort `json:"cohort"`
	// Bucket, RolloutPercentage and FlagsVersion are the inputs of the cohort's decision.
	Bucket            float64   `json:"bucket"`
	RolloutPercentage float64   `json:"rolloutPercentage"`
	FlagsVersion      int       `json:"flagsVersion"`
	Policy            string    `json:"policy"`
	RegisteredAt      time.Time `json:"registeredAt"`
	// PolicyBy and Attributes say why it is that policy; empty if that is not on record. An erasure removes the attributes.
	PolicyBy   PolicyBy   `json:"policyBy,omitempty"`
	Attributes Attributes `json:"attributes,omitempty"`
	// Experiment is the arm that a policy experiment dealt the vendor, with its policy; nil for none.
	Experiment *Assignment `json:"experiment,omitempty"`
	// MovedTo is the name of the policy that the trial was moved to since, empty for none.
	MovedTo string `json:"movedTo,omitempty"`
	// Status and EndsAt follow the trial; empty and nil until its workflow has begun.
	Status Status     `json:"status"`
	EndsAt *time.Time `json:"endsAt"`
	// Conversion is billing's report, kept until and after the trial has recorded it.
	Conversion *Conversion `json:"conversion"`
}

// Assignment is a vendor's arm in a policy experiment. It is dealt once, at registration, and stays whatever policy the trial
// is moved to later.
type Assignment struct {
	// Experiment is the experiment's id, Arm the name of its arm.
	Experiment string `json:"experiment"`
	Arm        string `json:"arm"`
}

// Conversion is billing's report that a vendor has converted.
type Conversion struct {
	At        time.Time `json:"at"`
	RequestID string    `json:"requestId"`
	// Recorded says that the trial has recorded it.
	Recorded bool `json:"recorded"`
}

// SameTime reports whether an external time equals one of ours: many sources have
// whole seconds only, and truncate the rest.
func SameTime(theirs, ours time.Time) bool {
	return theirs.Equal(ours) || theirs.Nanosecond() == 0 && theirs.Equal(ours.Truncate(time.Second))
}

// Erasure records that a vendor's name and address were removed.
type Erasure struct {
	At time.Time `json:"at"`
	// By is who asked, Reason why.
	By     string `json:"by"`
	Reason string `json:"reason"`
}

// shortestName is the shortest name to search for in a text, in
// characters: shorter names are ordinary words too often.
const shortestName = 6

// NamedIn reports whether a text contains the vendor's address, or its name.
func (v Vendor) NamedIn(text string) bool {
	text = strings.ToLower(text)
	holds := func(part string, shortest int) bool {
		part = strings.ToLower(strings.TrimSpace(part))
		return utf8.RuneCountInString(part) >= shortest && strings.Contains(text, part)
	}
	mailed, _ := MailAddress(v.Email) // empty where it cannot be written to
	return holds(v.Email, 1) || holds(mailed, 1) || holds(v.Name, shortestName)
}

// address matches an e-mail address within a text.
var address = regexp.MustCompile(`[^\s@]@[^\s@.]+\.[^\s@.]`)

// HoldsAddress reports whether a text contains what looks like any e-mail address.
func HoldsAddress(text string) bool { return address.MatchString(text) }

// NoMail is why the vendor cannot be written to, empty if it can. It alone decides that;
// the store has merged its own knowledge into Suppression.
func (v Vendor) NoMail() Reason {
	switch {
	case v.Email == "" || v.ErasedAt != nil:
		return ReasonNoAddress // an address that arrives after an erasure is not ours to use
	case v.Suppression != nil && v.Suppression.stops(v.Email):
		return v.Suppression.Reason
	}
	return ""
}

// Registration returns the input of the vendor's trial.
func (v Vendor) Registration(p Policy, day time.Duration) Registration {
	return Registration{
		VendorID: v.ID, Cohort: v.Automation.Cohort, Policy: p, Day: day, Zone: v.Zone, At: v.StartedAt, FlagsVersion: v.Automation.FlagsVersion,
		Experiment: v.Automation.Experiment,
	}
}
