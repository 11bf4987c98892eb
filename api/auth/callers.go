// Package auth finds out who calls: by which token, from where, and how often.
package auth

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"time"

	"golang.org/x/time/rate"

	"marketplace.example/trials/internal/domain/access"
)

// Attempts with tokens that are none: a handful at once, then one in twelve seconds.
const (
	attemptsAtOnce = 5
	attemptEvery   = 12 * time.Second
)

// How many sources are remembered one by one.
const (
	attempting = 1000
	requesting = 10_000
)

// Tokens keep the tokens that were issued.
type Tokens interface {
	// Token is the token of a key, and whether there is one. Where the database is
	// away the error is a *trial.Error with trial.CodeUnavailable.
	Token(ctx context.Context, key access.Key) (t access.Token, found bool, err error)
}

// Options are what callers are known by.
type Options struct {
	// AdminToken is the first admin's, ServiceToken that of the marketplace's
	// backend. Both are needed, and must differ.
	AdminToken, ServiceToken string
	// Tokens keep all others.
	Tokens Tokens
	// BehindProxy says that X-Forwarded-For and X-Forwarded-Proto are set by a
	// proxy of ours, and can be believed.
	BehindProxy bool
	// RateLimit is how many requests a second one source may make, and twice as
	// many at once; 0 for as many as it likes.
	RateLimit int
	// Failed is told of each attempt with a token that opens nothing; nil for nobody.
	Failed func(Reason)
	// Now is the clock; time.Now where it is nil.
	Now func() time.Time
}

// Callers knows those who call. It is safe for concurrent use.
type Callers struct {
	Options
	admin, service access.Key
	// attempts are those with tokens that are none, requests are all.
	attempts, requests *sources
}

// New makes one. The error is about the tokens.
func New(o Options) (*Callers, error) {
	if o.AdminToken == "" || o.ServiceToken == "" || o.AdminToken == o.ServiceToken {
		return nil, errors.New("the API needs an admin token and a service token that differ")
	}
	if o.Failed == nil {
		o.Failed = func(Reason) {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	perSecond := rate.Limit(o.RateLimit)
	if o.RateLimit == 0 {
		perSecond = rate.Inf
	}
	return &Callers{
		Options: o, admin: access.KeyOf(o.AdminToken), service: access.KeyOf(o.ServiceToken),
		attempts: newSources(rate.Every(attemptEvery), attemptsAtOnce, attempting),
		requests: newSources(perSecond, 2*o.RateLimit, requesting),
	}, nil
}

// Wait is how long a source has to wait before it may make this request, 0 for
// not at all.
func (c *Callers) Wait(r *http.Request) time.Duration {
	return c.requests.take(c.Source(r), c.Now())
}

// Identify is who brings a token. A token that opens nothing is a
// *RefusedError; any other error says that it could not be looked up.
//
// A good token is always recognized, wherever it comes from and whoever guesses
// meanwhile. Whoever brings wrong ones is told after a few to wait, by source.
func (c *Callers) Identify(r *http.Request, text string) (access.Identity, error) {
	who, err := c.Holder(r.Context(), access.KeyOf(text))
	refused, isRefused := errors.AsType[*RefusedError](err)
	if !isRefused {
		return who, err
	}
	if refused.Reason == Unknown { // else it was good once, and nothing was guessed
		if wait := c.attempts.take(c.Source(r), c.Now()); wait > 0 {
			refused = &RefusedError{Reason: Slowed, Wait: wait}
		}
	}
	c.Failed(refused.Reason)
	return access.Identity{}, refused
}

// Holder is who has the token of a key, as things stand now. Nothing is
// remembered between two calls, so that one revoked opens nothing from then on.
func (c *Callers) Holder(ctx context.Context, key access.Key) (access.Identity, error) {
	// Both are compared, each in the same time whatever is compared.
	isAdmin, isService := same(key, c.admin), same(key, c.service)
	switch {
	case isAdmin:
		return access.FirstAdmin(), nil
	case isService:
		return access.Marketplace(), nil
	}
	token, found, err := c.Tokens.Token(ctx, key)
	switch {
	case err != nil:
		return access.Identity{}, fmt.Errorf("looking a token up: %w", err)
	case !found:
		return access.Identity{}, &RefusedError{Reason: Unknown}
	}
	switch token.Status(c.Now()) {
	case access.Expired:
		return access.Identity{}, &RefusedError{Reason: Expired}
	case access.Revoked:
		return access.Identity{}, &RefusedError{Reason: Revoked}
	case access.Good:
	}
	return token.Holder(key), nil
}

func same(a, b access.Key) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
