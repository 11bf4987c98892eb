package audit

import (
	"strings"
	"time"
)

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

// Means tells whether an entry is one of those that are meant.
func (f Filter) Means(e Entry) bool {
	below := strings.HasPrefix(e.Subject, f.Subject+"/")
	return (f.Actor == "" || f.Actor == e.Actor) &&
		(f.Action == "" || f.Action == e.Action) &&
		(f.Subject == "" || f.Subject == e.Subject || below) &&
		(f.Outcome == "" || f.Outcome == e.Outcome) &&
		!e.At.Before(f.From) &&
		(f.To.IsZero() || e.At.Before(f.To))
}
