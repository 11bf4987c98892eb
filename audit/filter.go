package audit

import "time"

// Filter says which entries are meant; a zero field leaves them all.
type Filter struct {
	Actor, Action string
	// Subject is a subject, or the beginning of a path: "rollouts/r-1" is also
	// meant by "rollouts".
	Subject string
	Outcome Outcome
	// From is the first moment that is meant, To the first one after it that is not.
	From, To time.Time
}
