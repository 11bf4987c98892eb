package audit

import (
	"strings"
	"time"
)

// Filter selects entries; a zero field selects all.
type Filter struct {
	Actor, Action string
	// Subject is a subject, or the beginning of a path: "rollouts" also selects
	// "rollouts/r-1".
	Subject string
	Outcome Outcome
	// From is the first time to select, To the first one after the selection.
	From, To time.Time
}

// Means reports whether the filter selects an entry.
func (f Filter) Means(e Entry) bool {
	below := strings.HasPrefix(e.Subject, f.Subject+"/")
	return (f.Actor == "" || f.Actor == e.Actor) &&
		(f.Action == "" || f.Action == e.Action) &&
		(f.Subject == "" || f.Subject == e.Subject || below) &&
		(f.Outcome == "" || f.Outcome == e.Outcome) &&
		!e.At.Before(f.From) &&
		(f.To.IsZero() || e.At.Before(f.To))
}
