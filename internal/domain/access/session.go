package access

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"marketplace.example/trials/internal/domain/trial"
)

const (
	// SessionLife is how long a session lasts that is not renewed.
	SessionLife = 15 * time.Minute
	// RenewEvery is how long a session is used before the identity provider is asked again.
	RenewEvery = 5 * time.Minute
	// RenewalPatience is how long one renewal may take: another may be tried then.
	RenewalPatience = 30 * time.Second
	// SessionLimit is how long a session lasts at most, however often it is renewed.
	SessionLimit = 8 * time.Hour
)

// personPrefix begins the names of those whom an identity provider vouches for. No token's name has a colon.
const personPrefix = "oidc:"

// Person is somebody whom an identity provider vouches for.
type Person struct {
	// Name is what changes are attributed to, see PersonName.
	Name string
	Role Role
	// Subject is the hash of the provider's id of the person.
	Subject string
	// Refresh is a secret that asks the provider about the person again; empty where it gives none.
	Refresh string
}

// PersonName is the name of somebody whom an identity provider knows by a subject: its username, where that may stand on record,
// with a hash of the subject, which does not change and tells apart who have the same username one after the other. Without such a
// username it is the hash alone: an address, in either, is never in it.
func PersonName(username, subject string) string {
	const short = 8
	hash := SubjectHash(subject)
	if name := strings.ToLower(username); validName.MatchString(name) {
		return personPrefix + name + ":" + hash[:short]
	}
	return personPrefix + hash[:idLength]
}

// SubjectHash is what is kept of a provider's id of a person, which may be an address.
func SubjectHash(subject string) string {
	sum := sha256.Sum256([]byte(subject))
	return hex.EncodeToString(sum[:])
}

// NotVouchedError says, to the person itself, why an identity provider does not vouch for it.
type NotVouchedError struct {
	// Message is a whole sentence.
	Message string
	// Asks says that the provider has to ask the person something first.
	Asks bool
}

func (e *NotVouchedError) Error() string { return e.Message }

// SignIn is what is remembered of a sign-in while its person is at the identity provider: all of it is secret, and used once.
type SignIn struct {
	State, Nonce, Verifier string
}

// Groups are the roles that an identity provider's groups give.
type Groups map[string]Role

// ParseGroups reads them as group=role. The error names the one that is wrong.
func ParseGroups(texts []string) (Groups, error) {
	groups := Groups{}
	for _, text := range texts {
		i := strings.LastIndex(text, "=")
		if i < 1 {
			return nil, fmt.Errorf("%q is not like trials-operators=operator", text)
		}
		group, role := strings.TrimSpace(text[:i]), Role(strings.TrimSpace(text[i+1:]))
		if _, twice := groups[group]; twice || group == "" {
			return nil, fmt.Errorf("%q: a group is named once", text)
		}
		if !slices.Contains(Roles(), role) {
			return nil, fmt.Errorf("%q: the role must be one of %v", text, Roles())
		}
		groups[group] = role
	}
	return groups, nil
}

// Strongest is the strongest role that any of the groups gives; empty where none gives one.
func (g Groups) Strongest(of []string) (strongest Role) {
	for _, group := range of {
		if role := g[group]; role.Covers(strongest) || strongest == "" {
			strongest = role
		}
	}
	return strongest
}

// Session is the record of somebody who signed in at an identity provider. It is kept under the key of a text that only the
// browser has, as a token is.
type Session struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Role Role   `json:"role"`
	// Subject is the person's, and Sealed its secret to ask again, which only the browser's text opens; empty for none.
	Subject string    `json:"subject"`
	Sealed  []byte    `json:"sealed,omitempty"`
	Since   time.Time `json:"since"`
	// RenewedAt is when the provider last vouched for the person, and RenewAt when it is to be asked again.
	RenewedAt time.Time `json:"renewedAt"`
	RenewAt   time.Time `json:"renewAt"`
	// ExpiresAt is the end unless it is renewed, EndsAt the end however often it is.
	ExpiresAt time.Time `json:"expiresAt"`
	EndsAt    time.Time `json:"endsAt"`
	// EndedAt is nil unless an admin ended it.
	EndedAt *time.Time `json:"endedAt,omitempty"`
	EndedBy string     `json:"endedBy,omitempty"`
}

// NewSession begins the session of a person.
func NewSession(key Key, p Person, now time.Time) Session {
	s := Session{ID: key.ID(), Name: p.Name, Subject: p.Subject, Since: now, EndsAt: now.Add(SessionLimit)}
	return s.Renewed(p, now)
}

// Renewed is the session after the provider has vouched for its person again, whose role may be another one by now.
func (s Session) Renewed(p Person, now time.Time) Session {
	s.Role, s.RenewedAt, s.RenewAt = p.Role, now, now.Add(RenewEvery)
	if s.ExpiresAt = now.Add(SessionLife); s.ExpiresAt.After(s.EndsAt) {
		s.ExpiresAt = s.EndsAt
	}
	return s
}

// Status says whether the session is good, ended by an admin (Revoked), or over (Expired).
func (s Session) Status(now time.Time) Status {
	switch {
	case s.EndedAt != nil:
		return Revoked
	case !now.Before(s.ExpiresAt):
		return Expired
	}
	return Good
}

// Holder is the identity of the session's person.
func (s Session) Holder() Identity { return Identity{Name: s.Name, Role: s.Role, TokenID: s.ID} }

// NoSession is the error for an unknown session id.
func NoSession(id string) error {
	return &trial.Error{Code: trial.CodeNotFound, Field: "session", Message: fmt.Sprintf("there is no session %q", id)}
}
