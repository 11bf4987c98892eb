// Package migration decides what the existing users of a marketplace lack
// for their trials to be automated: a start that is a date, and the result of
// a registration. It decides each document by itself, by its content
// and its record; documents that it cannot decide it names and leaves unchanged.
package migration

import (
	"time"

	"marketplace.example/trials/internal/domain/trial"
)

// Kind is the type of a field's value.
type Kind int

// The kinds of value. Absent also means null.
const (
	Absent Kind = iota
	Date
	Text
	Number
	Flag
	Document
	Other
)

// Value is a field's value as found. Besides Kind only the matching field is set.
type Value struct {
	Kind   Kind
	At     time.Time
	Text   string
	Number float64
	Flag   bool
}

// User is the relevant part of a user's document. It contains no name or
// address.
type User struct {
	// ID is the id as text, empty if it is neither text nor an ObjectID.
	ID string
	// MadeAt is the time in an ObjectID, zero for other ids.
	MadeAt    time.Time
	IsVendor  Value
	Start     Value // trialStartDate
	CreatedAt Value
	// Zone is the vendor's IANA time zone, empty if unknown.
	Zone string
	// Automation is trialAutomation, and Held its content if it is a document.
	Automation Value
	Held       Held
	// Known is the record of the vendor's trial besides the document; nil
	// for none.
	Known *Known
}

// Held is what registration writes into trialAutomation, and Status, which the
// trial writes once it has begun.
type Held struct {
	Cohort, Bucket, RolloutPercentage, FlagsVersion, Policy, RegisteredAt, Status Value
}

// Known is a recorded registration or trial.
type Known struct {
	StartedAt time.Time
	Cohort    trial.Cohort
}
