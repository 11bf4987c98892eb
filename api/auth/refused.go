package auth

import "time"

// Reason is why a token opens nothing.
type Reason string

// The reasons.
const (
	Unknown Reason = "unknown"
	Expired Reason = "expired"
	Revoked Reason = "revoked"
	// Slowed: too many tokens came from there that were none, as this one is.
	Slowed Reason = "slowed"
)

// Reasons are all there are, as words.
func Reasons() []string {
	return []string{string(Unknown), string(Expired), string(Revoked), string(Slowed)}
}

// RefusedError says that a token opens nothing. Whoever brought it may be told why: the
// text of one that expired or was revoked is known to nobody else.
type RefusedError struct {
	Reason Reason
	// Wait is how long to wait before another attempt, where it was slowed.
	Wait time.Duration
}

// Error says it in a sentence for whoever brought the token.
func (e *RefusedError) Error() string {
	switch e.Reason {
	case Expired:
		return "the token has expired"
	case Revoked:
		return "the token was revoked"
	case Slowed:
		return "too many tokens came from your address that are none of ours; wait before you try another"
	case Unknown:
	}
	return "the token is not one of ours"
}
