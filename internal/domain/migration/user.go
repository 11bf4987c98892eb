// Package migration decides what the users that a marketplace has already lack
// for their trials to be automated: a start that is a date, and what
// registration would have decided. It decides each document by itself, on what
// is in it and on record beside it; what it cannot decide it names and leaves.
package migration

import (
	"time"

	"marketplace.example/trials/internal/domain/trial"
)

// Kind is what a field of a document holds.
type Kind int

// The kinds of value. Absent also stands for null.
const (
	Absent Kind = iota
	Date
	Text
	Number
	Flag
	Document
	Other
)

// Value is a field's value as it was found. Beside Kind only what it names is set.
type Value struct {
	Kind   Kind
	At     time.Time
	Text   string
	Number float64
	Flag   bool
}

// User is a user's document as far as it matters here. No name or address is
// part of it.
type User struct {
	// ID is the id as text, empty where it is neither text nor an ObjectID.
	ID string
	// MadeAt is the moment that an ObjectID holds, zero for other ids.
	MadeAt    time.Time
	IsVendor  Value
	Start     Value // trialStartDate
	CreatedAt Value
	// Zone is the vendor's IANA time zone, empty where unknown.
	Zone string
	// Automation is trialAutomation, and Held what it holds where it is a document.
	Automation Value
	Held       Held
	// Known is what is on record of the vendor's trial beside the document; nil
	// for nothing.
	Known *Known
}

// Held is what registration puts into trialAutomation, and Status, which its
// trial does once it has begun.
type Held struct {
	Cohort, Bucket, RolloutPercentage, FlagsVersion, Policy, RegisteredAt, Status Value
}

// Known is a registration or a trial on record.
type Known struct {
	StartedAt time.Time
	Cohort    trial.Cohort
}
