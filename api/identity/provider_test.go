package identity_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"marketplace.example/trials/api/identity"
	"marketplace.example/trials/internal/domain/access"
)

// provider answers as a test has it, also as none should.
type provider struct {
	*httptest.Server
	t   *testing.T
	mu  sync.Mutex
	key *rsa.PrivateKey
	kid string
	// claims are changed, or left out where they are nil, in ID tokens.
	claims map[string]any
	// header changes an ID token's, sign signs it; RS256 by key where it is nil.
	sign func(*jwt.Token) (string, error)
	// tokens answers for the token endpoint, before is called first; nil for nothing special.
	tokens http.HandlerFunc
	// info is what the userinfo endpoint says.
	info map[string]any
	// asked are the forms that came to the token endpoint.
	asked []url.Values
	down  bool
	// failing are the paths that fail.
	failing []string
	nonce   string
}

func newKey(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	return key
}

func newProvider(t *testing.T) *provider {
	t.Helper()
	p := &provider{t: t, key: newKey(t), kid: "first", claims: map[string]any{}}
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		p.answer(w, map[string]any{
			"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token", "jwks_uri": p.URL + "/keys",
			"userinfo_endpoint": p.URL + "/userinfo", "id_token_signing_alg_values_supported": []string{"RS256", "none", "HS256"}, "scopes_supported": []string{"openid", "groups"},
		})
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		p.answer(w, map[string]any{"keys": []any{map[string]any{
			"kty": "RSA", "kid": p.kid, "use": "sig", "alg": "RS256",
			"n": base64.RawURLEncoding.EncodeToString(p.key.N.Bytes()), "e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(p.key.E)).Bytes()),
		}}})
	})
	mux.HandleFunc("/userinfo", func(w http.ResponseWriter, _ *http.Request) { p.answer(w, p.info) })
	mux.HandleFunc("/token", p.token)
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.down || slices.Contains(p.failing, r.URL.Path) {
			http.Error(w, "ada@example.com is down", http.StatusInternalServerError)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *provider) answer(w http.ResponseWriter, what any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(what); err != nil {
		p.t.Error(err)
	}
}

func (p *provider) token(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		p.t.Error(err)
	}
	p.asked = append(p.asked, r.PostForm)
	if p.tokens != nil {
		p.tokens(w, r)
		return
	}
	p.answer(w, map[string]any{"access_token": "access", "token_type": "Bearer", "refresh_token": "refresh-2", "id_token": p.idToken()})
}

func (p *provider) idToken() string {
	now := time.Now()
	claims := jwt.MapClaims{
		"iss": p.URL, "aud": "trials", "sub": "248289761001", "iat": now.Unix(), "exp": now.Add(time.Minute).Unix(), "nonce": p.nonce,
		"groups": []string{"on-call", "others"}, "preferred_username": "ada",
	}
	maps.Copy(claims, p.claims)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, claims)
	token.Header["kid"] = p.kid
	sign := p.sign
	if sign == nil {
		sign = func(token *jwt.Token) (string, error) { return token.SignedString(p.key) }
	}
	text, err := sign(token)
	if err != nil {
		p.t.Error(err)
	}
	return text
}

func (p *provider) options() identity.Options {
	return identity.Options{
		Issuer: p.URL, ClientID: "trials", ClientSecret: "a secret of the tests", Redirect: "https://trials.example/admin/sign-in/callback",
		Groups: access.Groups{"on-call": access.Operator, "support": access.Viewer}, Claim: "groups", Client: &http.Client{Timeout: 5 * time.Second},
	}
}

// party is the party that relies on it, which has found it.
func (p *provider) party() *identity.Provider {
	p.t.Helper()
	party := identity.New(p.options())
	require.NoError(p.t, party.Discover(p.t.Context()))
	return party
}

// signIn begins and finishes a sign-in, as if a person had agreed.
func (p *provider) signIn(party *identity.Provider) (access.Person, error) {
	p.t.Helper()
	_, pending := party.Begin(false)
	p.mu.Lock()
	p.nonce = pending.Nonce
	p.mu.Unlock()
	return party.Finish(p.t.Context(), pending, url.Values{"state": {pending.State}, "code": {"a code"}})
}

func refusal(t *testing.T, err error) (says string, asks bool) {
	t.Helper()
	var refused *access.NotVouchedError
	require.ErrorAs(t, err, &refused)
	require.NotContains(t, refused.Message, "secret")
	return refused.Message, refused.Asks
}

// requireRefused fails unless an error says this to the person.
func requireRefused(t *testing.T, err error, words string) {
	t.Helper()
	says, _ := refusal(t, err)
	require.Contains(t, says, words)
}

func TestWhomAProviderVouchesFor(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	party := p.party()
	address, pending := party.Begin(false)
	sent, err := url.Parse(address)
	require.NoError(t, err)
	challenge := sha256.Sum256([]byte(pending.Verifier))
	require.Equal(t, url.Values{
		"client_id": {"trials"}, "response_type": {"code"}, "redirect_uri": {"https://trials.example/admin/sign-in/callback"}, "scope": {"openid profile groups"},
		"state": {pending.State}, "nonce": {pending.Nonce}, "code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])}, "code_challenge_method": {"S256"},
	}, sent.Query())
	silent, again := party.Begin(true)
	require.Contains(t, silent, "prompt=none")
	require.NotContains(t, []string{pending.State, pending.Nonce, pending.Verifier}, again.State)

	person, err := p.signIn(party)
	require.NoError(t, err)
	require.Equal(t, access.Person{
		Name: access.PersonName("ada", "248289761001"), Role: access.Operator, Subject: access.SubjectHash("248289761001"), Refresh: "refresh-2",
	}, person)
	require.Len(t, p.asked, 1)
	require.NotEmpty(t, p.asked[0].Get("code_verifier"))
}

func TestWhatIsNotVouchedFor(t *testing.T) {
	t.Parallel()
	const invalid = "The identity provider's answer is not valid"
	elsewhere := newKey(t)
	hash := sha256.Sum256([]byte("another access token"))
	for name, c := range map[string]struct {
		change func(*provider)
		says   string
	}{
		"another nonce":          {func(p *provider) { p.claims["nonce"] = "another" }, invalid},
		"no nonce":               {func(p *provider) { p.claims["nonce"] = nil }, invalid},
		"another audience":       {func(p *provider) { p.claims["aud"] = "another" }, invalid},
		"two audiences":          {func(p *provider) { p.claims["aud"] = []string{"trials", "another"} }, invalid},
		"another party":          {func(p *provider) { p.claims["azp"] = "another" }, invalid},
		"another issuer":         {func(p *provider) { p.claims["iss"] = "https://evil.example" }, invalid},
		"an expired one":         {func(p *provider) { p.claims["exp"] = time.Now().Add(-time.Second).Unix() }, invalid},
		"one without an end":     {func(p *provider) { p.claims["exp"] = nil }, invalid},
		"one from the future":    {func(p *provider) { p.claims["nbf"] = time.Now().Add(time.Hour).Unix() }, invalid},
		"no subject":             {func(p *provider) { p.claims["sub"] = nil }, invalid},
		"another access token":   {func(p *provider) { p.claims["at_hash"] = base64.RawURLEncoding.EncodeToString(hash[:16]) }, invalid},
		"an unsigned one":        {func(p *provider) { p.sign = unsigned }, invalid},
		"one signed by a secret": {func(p *provider) { p.sign = bySecret("a secret of the tests") }, invalid},
		"one by another's key":   {func(p *provider) { p.sign = func(t *jwt.Token) (string, error) { return t.SignedString(elsewhere) } }, invalid},
		"no ID token": {func(p *provider) {
			p.tokens = func(w http.ResponseWriter, _ *http.Request) {
				p.answer(w, map[string]any{"access_token": "x", "token_type": "Bearer"})
			}
		}, invalid},
		"no group of ours":      {func(p *provider) { p.claims["groups"] = []string{"others"} }, "none of its groups may use these pages"},
		"groups of an odd kind": {func(p *provider) { p.claims["groups"] = map[string]any{"on-call": true} }, "none of its groups may use these pages"},
		"somebody else's groups": {func(p *provider) {
			p.claims["groups"], p.info = nil, map[string]any{"sub": "another", "groups": []string{"on-call"}}
		}, invalid},
		"nobody's groups":    {func(p *provider) { p.claims["groups"], p.info = nil, map[string]any{"groups": []string{"on-call"}} }, invalid},
		"a code used before": {func(p *provider) { p.tokens = fails(http.StatusBadRequest, "invalid_grant") }, "does not know this sign-in any more"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProvider(t)
			c.change(p)
			person, err := p.signIn(p.party())
			requireRefused(t, err, c.says)
			require.Zero(t, person)
		})
	}
}

func unsigned(token *jwt.Token) (string, error) {
	none := jwt.NewWithClaims(jwt.SigningMethodNone, token.Claims)
	return none.SignedString(jwt.UnsafeAllowNoneSignatureType)
}

func bySecret(secret string) func(*jwt.Token) (string, error) {
	return func(token *jwt.Token) (string, error) {
		return jwt.NewWithClaims(jwt.SigningMethodHS256, token.Claims).SignedString([]byte(secret))
	}
}

// fails has the token endpoint refuse, with words that nobody is to see.
func fails(status int, code string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(`{"error":"` + code + `","error_description":"ada@example.com sent a secret of the tests"}`))
	}
}

// What the browser brings back is looked at before the provider is asked.
func TestWhatABrowserBringsBack(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	party := p.party()
	_, pending := party.Begin(false)
	for name, c := range map[string]struct {
		pending access.SignIn
		answer  url.Values
		says    string
		asks    bool
	}{
		"another state":       {pending, url.Values{"state": {"another"}, "code": {"x"}}, "was not begun in this browser", false},
		"no state":            {pending, url.Values{"code": {"x"}}, "was not begun in this browser", false},
		"nothing begun":       {access.SignIn{}, url.Values{"state": {""}, "code": {"x"}}, "was not begun in this browser", false},
		"another issuer":      {pending, url.Values{"state": {pending.State}, "code": {"x"}, "iss": {"https://evil.example"}}, "is not valid", false},
		"no code":             {pending, url.Values{"state": {pending.State}}, "is not valid", false},
		"refused":             {pending, url.Values{"state": {pending.State}, "error": {"access_denied"}, "error_description": {"a secret"}}, "did not let you in", false},
		"not silent any more": {pending, url.Values{"state": {pending.State}, "error": {"login_required"}}, "Sign in again", true},
	} {
		_, err := party.Finish(t.Context(), c.pending, c.answer)
		says, asks := refusal(t, err)
		require.Contains(t, says, c.says, name)
		require.Equal(t, c.asks, asks, name)
	}
	_, err := party.Finish(t.Context(), pending, url.Values{"state": {pending.State}, "error": {"server_error"}, "error_description": {"a secret"}})
	require.EqualError(t, err, "the identity provider answered a sign-in with an error")
	require.Empty(t, p.asked)
}

func TestGroupsFromElsewhereInTheAnswer(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	p.claims["groups"], p.claims["preferred_username"] = nil, nil
	p.info = map[string]any{"sub": "248289761001", "groups": "support", "preferred_username": "ada@example.com"}
	person, err := p.signIn(p.party())
	require.NoError(t, err)
	require.Equal(t, access.Viewer, person.Role)
	require.Equal(t, access.PersonName("", "248289761001"), person.Name, "an address is no name")
}

func TestKeysThatChange(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	party := p.party()
	_, err := p.signIn(party)
	require.NoError(t, err)
	p.mu.Lock()
	p.key, p.kid = newKey(t), "second"
	p.mu.Unlock()
	_, err = p.signIn(party)
	require.NoError(t, err)
}

// A provider that does not answer is asked again, and keeps nothing from starting.
func TestAProviderThatIsAway(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	p.down = true
	party := identity.New(p.options())
	err := party.Discover(t.Context())
	require.Error(t, err)
	require.NotContains(t, err.Error(), "ada")
	require.False(t, party.Ready())
	address, pending := party.Begin(false)
	require.Empty(t, address)
	_, err = party.Finish(t.Context(), pending, url.Values{})
	require.EqualError(t, err, "the identity provider does not answer")
	_, err = party.Renew(t.Context(), "refresh", "")
	require.EqualError(t, err, "the identity provider does not answer")

	p.mu.Lock()
	p.down = false
	p.mu.Unlock()
	require.NoError(t, party.Discover(t.Context()))
	require.True(t, party.Ready())
	_, err = p.signIn(party)
	require.NoError(t, err)

	for name, answer := range map[string]http.HandlerFunc{
		"the identity provider gave no token: status 500":                     fails(http.StatusInternalServerError, ""),
		"the identity provider refuses OIDC_CLIENT_ID and OIDC_CLIENT_SECRET": fails(http.StatusUnauthorized, "invalid_client"),
		"the identity provider does not answer":                               func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		p.mu.Lock()
		p.tokens = answer
		p.mu.Unlock()
		_, err = p.signIn(party)
		require.EqualError(t, err, name)
	}
	p.Close()
	_, err = p.signIn(party)
	require.EqualError(t, err, "the identity provider does not answer")
}

// A provider that takes long is given up.
func TestAProviderThatIsSlow(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	party := p.party()
	done := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-done }))
	t.Cleanup(slow.Close)
	t.Cleanup(func() { close(done) })
	o := p.options()
	o.Issuer, o.Client = slow.URL, &http.Client{Timeout: 50 * time.Millisecond}
	require.Error(t, identity.New(o).Discover(t.Context()))

	p.mu.Lock()
	p.tokens = func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	p.mu.Unlock()
	party.Client.Timeout = 50 * time.Millisecond
	_, err := p.signIn(party)
	require.EqualError(t, err, "the identity provider does not answer")
}

func TestRenewals(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	party := p.party()
	p.claims["nonce"] = nil
	subject := access.SubjectHash("248289761001")
	person, err := party.Renew(t.Context(), "refresh-1", subject)
	require.NoError(t, err)
	require.Equal(t, access.Operator, person.Role)
	require.Equal(t, "refresh-2", person.Refresh)
	require.Equal(t, "refresh-1", p.asked[0].Get("refresh_token"))

	p.tokens = func(w http.ResponseWriter, _ *http.Request) {
		p.answer(w, map[string]any{"access_token": "x", "token_type": "Bearer"})
	}
	p.info = map[string]any{"sub": "248289761001", "groups": []string{"support"}}
	person, err = party.Renew(t.Context(), "refresh-1", subject)
	require.NoError(t, err)
	require.Equal(t, access.Viewer, person.Role, "from what the provider says of the person, where it gives no ID token")
	require.Equal(t, "refresh-1", person.Refresh, "it stays")

	p.info["groups"] = []string{}
	_, err = party.Renew(t.Context(), "refresh-1", subject)
	requireRefused(t, err, "none of its groups")
	p.info = map[string]any{"sub": "another", "groups": []string{"on-call"}}
	_, err = party.Renew(t.Context(), "refresh-1", subject)
	requireRefused(t, err, "is not valid")
	p.tokens = fails(http.StatusBadRequest, "invalid_grant")
	_, err = party.Renew(t.Context(), "refresh-1", subject)
	requireRefused(t, err, "does not know this sign-in")
}

// What a provider does not answer in the middle of a renewal refuses nobody, and the refresh token that it has given by then is kept.
func TestARenewalThatIsBrokenOff(t *testing.T) {
	t.Parallel()
	for path, says := range map[string]string{
		"/keys":     "the identity provider does not give the keys that it signs with",
		"/userinfo": "the identity provider did not say what it knows of the person",
	} {
		p := newProvider(t)
		party := p.party()
		p.claims["nonce"], p.claims["groups"], p.failing = nil, nil, []string{path}
		p.info = map[string]any{"sub": "248289761001", "groups": []string{"support"}}
		person, err := party.Renew(t.Context(), "refresh-1", access.SubjectHash("248289761001"))
		require.EqualError(t, err, says)
		require.Equal(t, access.Person{Refresh: "refresh-2"}, person)
		p.mu.Lock()
		p.failing = nil
		p.mu.Unlock()
		person, err = party.Renew(t.Context(), person.Refresh, access.SubjectHash("248289761001"))
		require.NoError(t, err)
		require.Equal(t, access.Viewer, person.Role)
	}
}
