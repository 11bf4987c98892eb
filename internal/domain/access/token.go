package access

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"time"

	"marketplace.example/trials/internal/domain/trial"
)

// Prefix is the beginning of every token's text, so that secret
// scanners recognize one.
const Prefix = "trials_"

// LongestLife is how long a token may be valid at most.
const LongestLife = 366 * 24 * time.Hour

// idLength is how many digits of its key identify a token to people.
const idLength = 16

// Key is what a token is stored and looked up under: the SHA-256 of its text, in
// hexadecimal digits. A slow hash, as for passwords, would gain nothing: a token
// is 256 random bits, so nobody can guess it at any speed, and
// every request would pay for it. The time of a look-up reveals nothing
// either, since nobody can choose a text by its hash.
type Key string

// KeyOf returns the key of a token's text.
func KeyOf(text string) Key {
	sum := sha256.Sum256([]byte(text))
	return Key(hex.EncodeToString(sum[:]))
}

// ID identifies a token to people and in logs. It grants nothing.
func (k Key) ID() string { return string(k[:min(idLength, len(k))]) }

// Token is the record of a token. Its text is not recorded: only its creator
// sees it, once.
type Token struct {
	ID string `json:"id"`
	// Name is the name that its holder's changes are attributed to. Two tokens may share one, so
	// that a new one can replace an old one.
	Name      string    `json:"name"`
	Role      Role      `json:"role"`
	CreatedAt time.Time `json:"createdAt"`
	CreatedBy string    `json:"createdBy"`
	// ExpiresAt is the first time at which it is no longer valid.
	ExpiresAt time.Time `json:"expiresAt"`
	// RevokedAt is nil unless it was revoked.
	RevokedAt *time.Time `json:"revokedAt,omitempty"`
	RevokedBy string     `json:"revokedBy,omitempty"`
}

// Status says whether a token is valid, and if not, why.
type Status string

// The statuses of a token.
const (
	Good    Status = "good"
	Expired Status = "expired"
	Revoked Status = "revoked"
)

// Status returns the token's status now. One without an end has expired.
func (t Token) Status(now time.Time) Status {
	switch {
	case t.RevokedAt != nil:
		return Revoked
	case !now.Before(t.ExpiresAt):
		return Expired
	}
	return Good
}

// Request is a request for a token.
type Request struct {
	Name      string
	Role      Role
	ExpiresAt time.Time
}

// NamePattern is the form of a token's name. It stays in
// histories and is sent to stakeholders.
const NamePattern = "^[a-z0-9][a-z0-9._-]{0,39}$"

var validName = regexp.MustCompile(NamePattern)

// taken are names that are attributed to others:
// the two tokens of the environment, and parts of the system.
var taken = []string{nameOfAdmin, nameOfMarketplace, "billing", "setup", "rollout", "flags", "signal", "system", "starter"}

// Issue creates a token with the given key. An invalid request is a
// *trial.Error that names the field.
func Issue(key Key, r Request, by string, now time.Time) (Token, error) {
	switch {
	case !validName.MatchString(r.Name):
		return Token{}, trial.Invalid("name", "must match %s", NamePattern)
	case slices.Contains(taken, r.Name):
		return Token{}, trial.Invalid("name", "%s is the name of a part of the system: choose another", r.Name)
	case !slices.Contains(Roles(), r.Role):
		return Token{}, trial.Invalid("role", "must be one of %v", Roles())
	case !r.ExpiresAt.After(now):
		return Token{}, trial.Invalid("expiresAt", "must lie in the future")
	case r.ExpiresAt.Sub(now) > LongestLife:
		return Token{}, trial.Invalid("expiresAt", "must be at most %d days from now", int(LongestLife.Hours())/24)
	}
	return Token{ID: key.ID(), Name: r.Name, Role: r.Role, CreatedAt: now, CreatedBy: by, ExpiresAt: r.ExpiresAt}, nil
}

// NoToken is the error for an unknown token id.
func NoToken(id string) error {
	return &trial.Error{Code: trial.CodeNotFound, Field: "token", Message: fmt.Sprintf("there is no token %q", id)}
}

// RoleAt is the role that somebody had at a time, by the attributed
// name, as far as the existing tokens tell. It is empty for a part of the
// system, and if tokens of that name had different roles then.
func RoleAt(tokens []Token, name string, at time.Time) Role {
	if name == nameOfAdmin {
		return Admin
	}
	var role Role
	for _, t := range tokens {
		revoked := t.RevokedAt != nil && !at.Before(*t.RevokedAt)
		if t.Name != name || revoked || at.Before(t.CreatedAt) || !at.Before(t.ExpiresAt) {
			continue
		}
		if role != "" && role != t.Role {
			return ""
		}
		role = t.Role
	}
	return role
}
