// Package identity has an OpenID Connect provider say who somebody is, and which role that gives.
package identity

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync/atomic"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"marketplace.example/trials/internal/domain/access"
)

const (
	// answerTimeout bounds one request to the provider.
	answerTimeout = 5 * time.Second
	// exchangeTimeout bounds all requests of one sign-in or renewal.
	exchangeTimeout = 8 * time.Second
)

// Options say which provider, and what its word is worth.
type Options struct {
	// Issuer is the provider's URL, as its tokens name it.
	Issuer                 string
	ClientID, ClientSecret string
	// Redirect is the URL that the provider sends people back to.
	Redirect string
	// Groups give roles; Claim is where the provider names the groups of a person.
	Groups access.Groups
	Claim  string
	// Client makes the requests; one that does not wait long where it is nil.
	Client *http.Client
	// Now is the clock; time.Now where it is nil.
	Now func() time.Time
}

// Provider is an OpenID Connect provider. It is safe for concurrent use.
type Provider struct {
	Options
	found atomic.Pointer[discovered]
}

// discovered is what the provider says of itself.
type discovered struct {
	provider *oidc.Provider
	verifier *oidc.IDTokenVerifier
	client   oauth2.Config
}

// New prepares for a provider, which need not answer yet: Discover finds out.
func New(o Options) *Provider {
	if o.Client == nil {
		o.Client = &http.Client{Timeout: answerTimeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Provider{Options: o}
}

// Discover asks the provider where its parts are, unless that is known.
func (p *Provider) Discover(ctx context.Context) error {
	if p.Ready() {
		return nil
	}
	ctx = oidc.ClientContext(ctx, p.Client)
	provider, err := oidc.NewProvider(ctx, p.Issuer)
	if err != nil {
		return fmt.Errorf("asking the identity provider where its parts are: %w", withoutBody(err))
	}
	says := map[string]any{}
	if err := provider.Claims(&says); err != nil {
		return fmt.Errorf("reading what the identity provider says of itself: %w", err)
	}
	// By the specification a provider that names no method takes the header.
	endpoint := provider.Endpoint()
	endpoint.AuthStyle = oauth2.AuthStyleInHeader
	if methods := textsOf(says["token_endpoint_auth_methods_supported"]); len(methods) > 0 && !slices.Contains(methods, "client_secret_basic") {
		endpoint.AuthStyle = oauth2.AuthStyleInParams
	}
	scopes := []string{oidc.ScopeOpenID, "profile"}
	if slices.Contains(textsOf(says["scopes_supported"]), p.Claim) { // others refuse a scope that they do not know
		scopes = append(scopes, p.Claim)
	}
	p.found.Store(&discovered{
		provider: provider,
		verifier: provider.VerifierContext(ctx, &oidc.Config{
			ClientID: p.ClientID, Now: p.Now,
			SupportedSigningAlgs: []string{oidc.RS256, oidc.PS256, oidc.ES256, oidc.EdDSA},
		}),
		client: oauth2.Config{ClientID: p.ClientID, ClientSecret: p.ClientSecret, Endpoint: endpoint, RedirectURL: p.Redirect, Scopes: scopes},
	})
	return nil
}

// withoutBody is why a provider was not found, without the page that it may have answered with.
func withoutBody(err error) error {
	if unanswered, ok := errors.AsType[*url.Error](err); ok {
		return unanswered.Err
	}
	if mismatch, ok := errors.AsType[*oidc.IssuerMismatchError](err); ok {
		return mismatch
	}
	return errors.New("its answer is no discovery document")
}

// Ready tells whether the provider has answered since the start.
func (p *Provider) Ready() bool { return p.found.Load() != nil }

// errUnavailable says that the provider has never answered.
var errUnavailable = errors.New("the identity provider does not answer")

// Begin is the address at which the provider asks a person who it is, and what to remember until the person is back. Silent is for
// one who was just here: the provider answers at once, and asks nothing. Before the provider is Ready the address is empty.
func (p *Provider) Begin(silent bool) (address string, pending access.SignIn) {
	found := p.found.Load()
	if found == nil {
		return "", pending
	}
	pending = access.SignIn{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier()}
	options := []oauth2.AuthCodeOption{oidc.Nonce(pending.Nonce), oauth2.S256ChallengeOption(pending.Verifier)}
	if silent {
		options = append(options, oauth2.SetAuthURLParam("prompt", "none"))
	}
	return found.client.AuthCodeURL(pending.State, options...), pending
}

// Finish is whom the provider vouches for, by the query with which it sent the person back. An error is an
// *access.NotVouchedError, or says that it cannot be found out now. Its message for the person repeats nothing that the provider has answered.
func (p *Provider) Finish(ctx context.Context, pending access.SignIn, answer url.Values) (access.Person, error) {
	found := p.found.Load()
	if found == nil {
		return access.Person{}, errUnavailable
	}
	if err := p.checkAnswer(pending, answer); err != nil {
		return access.Person{}, err
	}
	ctx, cancel := context.WithTimeout(oidc.ClientContext(ctx, p.Client), exchangeTimeout)
	defer cancel()
	token, err := found.client.Exchange(ctx, answer.Get("code"), oauth2.VerifierOption(pending.Verifier))
	if err != nil {
		return access.Person{}, ofToken(err)
	}
	said, err := found.verify(ctx, token)
	switch {
	case err != nil:
		return access.Person{}, err
	case said == nil || said.Nonce != pending.Nonce:
		return access.Person{}, notValid("its nonce is not the one of this sign-in")
	}
	return p.person(ctx, found, token, said, said.Subject)
}

// Renew asks the provider about a person again, by its refresh token. Errors are as those of Finish; beside one, of the person there is
// the refresh token alone, where the provider had given one by then: the one before may count no more.
func (p *Provider) Renew(ctx context.Context, refresh, subjectHash string) (access.Person, error) {
	found := p.found.Load()
	if found == nil {
		return access.Person{}, errUnavailable
	}
	ctx, cancel := context.WithTimeout(oidc.ClientContext(ctx, p.Client), exchangeTimeout)
	defer cancel()
	token, err := found.client.TokenSource(ctx, &oauth2.Token{RefreshToken: refresh}).Token()
	if err != nil {
		return access.Person{}, ofToken(err)
	}
	person, err := p.renewed(ctx, found, token, subjectHash)
	if err != nil {
		return access.Person{Refresh: token.RefreshToken}, err
	}
	return person, nil
}

func (p *Provider) renewed(ctx context.Context, found *discovered, token *oauth2.Token, subjectHash string) (access.Person, error) {
	said, err := found.verify(ctx, token) // a provider may leave it out here
	if err != nil {
		return access.Person{}, err
	}
	var subject string
	if said != nil {
		subject = said.Subject
	}
	person, err := p.person(ctx, found, token, said, subject)
	if err == nil && person.Subject != subjectHash {
		return access.Person{}, notValid("it is about somebody else")
	}
	return person, err
}
