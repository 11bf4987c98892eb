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

// Prefix is what every token's text begins with, so that programs that look
// for secrets where none should be know one.
const Prefix = "trials_"

// LongestLife is how long a token may be good at most.
const LongestLife = 366 * 24 * time.Hour

// idLength is how many digits of its key name a token to people.
const idLength = 16

// Key is what a token is kept and looked up under: the SHA-256 of its text, in
// hexadecimal digits. A slow hash, as for passwords, would gain nothing: a token
// is 256 random bits, so nobody finds it by trying, however fast the trying; and
// every request would pay for it. How long a look-up takes tells nothing
// either, since nobody can choose a text by its hash.
type Key string

// KeyOf is the key of a token's text.
func KeyOf(text string) Key {
	sum := sha256.Sum256([]byte(text))
	return Key(hex.EncodeToString(sum[:]))
}

// ID names a token to people and in logs. It opens nothing.
func (k Key) ID() string { return string(k[:min(idLength, len(k))]) }

// Token is what is known of a token. Its text is not: it is shown once, to
// whoever has it made.
type Token struct {
	ID string `json:"id"`
	// Name is what its holder's changes are put down to. Two may have the same, so
	// that a new one can take the place of an old one.
	Name      string    `json:"name"`
	Role      Role      `json:"role"`
	CreatedAt time.Time `json:"createdAt"`
	CreatedBy string    `json:"createdBy"`
	// ExpiresAt is the first moment at which it opens nothing any more.
	ExpiresAt time.Time `json:"expiresAt"`
	// RevokedAt is nil for one that was not revoked.
	RevokedAt *time.Time `json:"revokedAt,omitempty"`
	RevokedBy string     `json:"revokedBy,omitempty"`
}

// Status is whether a token opens anything, and if not, why.
type Status string

// The standings of a token.
const (
	Good    Status = "good"
	Expired Status = "expired"
	Revoked Status = "revoked"
)

// Statuses are all there are.
func Statuses() []Status { return []Status{Good, Expired, Revoked} }

// Status is how a token stands at a moment. One without an end has expired.
func (t Token) Status(now time.Time) Status {
	switch {
	case t.RevokedAt != nil:
		return Revoked
	case !now.Before(t.ExpiresAt):
		return Expired
	}
	return Good
}

// Request asks for a token.
type Request struct {
	Name      string
	Role      Role
	ExpiresAt time.Time
}

// NamePattern is the form of a token's name. What is put down to it stays in
// histories and goes to stakeholders.
const NamePattern = "^[a-z0-9][a-z0-9._-]{0,39}$"

var validName = regexp.MustCompile(NamePattern)

// taken are names that stand for somebody else where something is put down to
// them: the two tokens of the environment, and parts of the system.
var taken = []string{nameOfAdmin, nameOfMarketplace, "billing", "setup", "rollout", "flags", "signal", "system", "starter"}

// Issue makes a token of the key given. A request that is not in order is a
// *trial.Error that names the field.
func Issue(key Key, r Request, by string, now time.Time) (Token, error) {
	switch {
	case !validName.MatchString(r.Name):
		return Token{}, trial.Invalid("name", "must match %s", NamePattern)
	case slices.Contains(taken, r.Name):
		return Token{}, trial.Invalid("name", "%s stands for a part of the system: take another", r.Name)
	case !slices.Contains(Roles(), r.Role):
		return Token{}, trial.Invalid("role", "must be one of %v", Roles())
	case !r.ExpiresAt.After(now):
		return Token{}, trial.Invalid("expiresAt", "must lie in the future")
	case r.ExpiresAt.Sub(now) > LongestLife:
		return Token{}, trial.Invalid("expiresAt", "must be at most %d days from now", int(LongestLife.Hours())/24)
	}
	return Token{ID: key.ID(), Name: r.Name, Role: r.Role, CreatedAt: now, CreatedBy: by, ExpiresAt: r.ExpiresAt}, nil
}

// NoToken says that no token has this id.
func NoToken(id string) error {
	return &trial.Error{Code: trial.CodeNotFound, Field: "token", Message: fmt.Sprintf("there is no token %q", id)}
}

// RoleAt is the role that somebody had at a moment, by the name that changes are
// put down to, as far as the tokens there are tell. It is empty for a part of the
// system, and where tokens of that name with different roles were good then.
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
