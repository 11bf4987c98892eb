package identity

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"marketplace.example/trials/internal/domain/access"
)

// asking are the errors by which a provider says that it has to ask the person something.
var asking = []string{"login_required", "interaction_required", "consent_required", "account_selection_required"}

func notVouched(message string) error { return &access.NotVouchedError{Message: message} }

// notValid refuses a token, for a reason that says how.
func notValid(reason string) error {
	return fmt.Errorf("%w (%s)", notVouched("The identity provider's answer is not valid, so nobody was signed in. Try again."), reason)
}

// checkAnswer looks at what the browser brought back before any of it is used.
func (p *Provider) checkAnswer(pending access.SignIn, answer url.Values) error {
	state := answer.Get("state")
	if pending.State == "" || subtle.ConstantTimeCompare([]byte(state), []byte(pending.State)) != 1 {
		return notVouched("This sign-in was not begun in this browser, or more than ten minutes ago. Begin it again.")
	}
	if issuer := answer.Get("iss"); issuer != "" && issuer != p.Issuer {
		return notValid("it comes from another issuer")
	}
	switch code := answer.Get("error"); {
	case slices.Contains(asking, code):
		return &access.NotVouchedError{Message: "Your session is over. Sign in again.", Asks: true}
	case code == "access_denied":
		return notVouched("The identity provider did not let you in.")
	case code != "":
		return errors.New("the identity provider answered a sign-in with an error")
	case answer.Get("code") == "":
		return notValid("it has no code")
	}
	return nil
}

// ofToken is the error of a request for tokens, without the provider's words: those may hold anything.
func ofToken(err error) error {
	answered, ok := errors.AsType[*oauth2.RetrieveError](err)
	switch {
	case !ok || answered.Response == nil:
		return errUnavailable
	case answered.ErrorCode == "invalid_grant":
		return notVouched("The identity provider does not know this sign-in any more. Begin it again.")
	case answered.ErrorCode == "invalid_client" || answered.ErrorCode == "unauthorized_client":
		return errors.New("the identity provider refuses OIDC_CLIENT_ID and OIDC_CLIENT_SECRET")
	}
	return fmt.Errorf("the identity provider gave no token: status %d", answered.Response.StatusCode)
}

// keysUnknown begins the error of an ID token whose signature could not be checked, as the provider did not give its keys: go-oidc
// has no type for it.
const keysUnknown = "failed to verify signature: fetching keys"

// errKeys says that a token is neither good nor bad.
var errKeys = errors.New("the identity provider does not give the keys that it signs with")

// verify reads the ID token of an answer, nil where there is none.
func (d *discovered) verify(ctx context.Context, token *oauth2.Token) (*oidc.IDToken, error) {
	raw, _ := token.Extra("id_token").(string)
	if raw == "" {
		return nil, nil //nolint:nilnil // a renewal may come without
	}
	said, err := d.verifier.Verify(ctx, raw)
	if err != nil && strings.HasPrefix(err.Error(), keysUnknown) {
		return nil, errKeys
	}
	if err != nil {
		return nil, notValid("its ID token is not good: " + err.Error())
	}
	if said.AccessTokenHash != "" {
		if err := said.VerifyAccessToken(token.AccessToken); err != nil {
			return nil, notValid("its access token belongs to another ID token")
		}
	}
	claims := map[string]any{}
	if err := said.Claims(&claims); err != nil {
		return nil, notValid("its ID token cannot be read")
	}
	if party, several := claims["azp"], len(said.Audience) > 1; party != d.client.ClientID && (party != nil || several) {
		return nil, notValid("its ID token is for another client")
	}
	return said, nil
}

// person is whom a token is about. What an ID token does not say, the provider is asked for.
func (p *Provider) person(ctx context.Context, found *discovered, token *oauth2.Token, said *oidc.IDToken, subject string) (access.Person, error) {
	claims := map[string]any{}
	if said != nil {
		if err := said.Claims(&claims); err != nil {
			return access.Person{}, notValid("its ID token cannot be read")
		}
	}
	if _, ok := claims[p.Claim]; !ok && found.provider.UserInfoEndpoint() != "" {
		info, err := found.provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
		if err != nil {
			return access.Person{}, ofUserInfo(err)
		}
		if info.Subject == "" || said != nil && info.Subject != subject {
			return access.Person{}, notValid("what it says of the person is about somebody else")
		}
		subject = info.Subject
		if err := info.Claims(&claims); err != nil {
			return access.Person{}, notValid("what it says of the person cannot be read")
		}
	}
	if subject == "" {
		return access.Person{}, notValid("it does not say who the person is")
	}
	role := p.Groups.Strongest(textsOf(claims[p.Claim]))
	if role == "" {
		return access.Person{}, notVouched("You have an account, and none of its groups may use these pages. Ask whoever manages the groups of your organization.")
	}
	username, _ := claims["preferred_username"].(string)
	return access.Person{Name: access.PersonName(username, subject), Role: role, Subject: access.SubjectHash(subject), Refresh: token.RefreshToken}, nil
}

// ofUserInfo is the error of a request for what a provider says of a person, again without its words.
func ofUserInfo(err error) error {
	if _, unanswered := errors.AsType[*url.Error](err); unanswered {
		return errUnavailable
	}
	return errors.New("the identity provider did not say what it knows of the person")
}

// textsOf are the texts of a claim: a list, or one alone. Whatever else it is gives none.
func textsOf(claim any) (texts []string) {
	switch c := claim.(type) {
	case string:
		return []string{c}
	case []any:
		for _, one := range c {
			if text, ok := one.(string); ok {
				texts = append(texts, text)
			}
		}
	}
	return texts
}
