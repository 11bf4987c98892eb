package auth_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/api/auth"
	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/internal/domain/trial"
)

const (
	adminToken   = "admin-token-of-the-tests"
	serviceToken = "service-token-of-the-tests"
)

var now = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

var errUnavailable = &trial.Error{Code: trial.CodeUnavailable, Message: "the database does not answer"}

// world is what callers are known by, and how often each reason was counted.
type world struct {
	*auth.Callers
	mu          sync.Mutex
	moment      time.Time
	tokens      map[access.Key]access.Token
	unavailable error
	asked       int
	reasons     map[auth.Reason]int
}

func newWorld(t *testing.T, change func(*auth.Options)) *world {
	t.Helper()
	w := &world{moment: now, tokens: map[access.Key]access.Token{}, reasons: map[auth.Reason]int{}}
	o := auth.Options{
		AdminToken: adminToken, ServiceToken: serviceToken, Tokens: w, BehindProxy: true,
		Failed: func(r auth.Reason) { w.reasons[r]++ }, Now: func() time.Time { return w.moment },
	}
	if change != nil {
		change(&o)
	}
	var err error
	w.Callers, err = auth.New(o)
	require.NoError(t, err)
	return w
}

func (w *world) Token(_ context.Context, key access.Key) (access.Token, bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked++
	t, found := w.tokens[key]
	return t, found, w.unavailable
}

// issue makes a token of a text, good for an hour.
func (w *world) issue(t *testing.T, text string, role access.Role) access.Key {
	t.Helper()
	key := access.KeyOf(text)
	token, err := access.Issue(key, access.Request{Name: "ada", Role: role, ExpiresAt: now.Add(time.Hour)}, "admin", now)
	require.NoError(t, err)
	w.tokens[key] = token
	return key
}

func from(source string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
	r.Header.Set("X-Forwarded-For", source)
	return r
}

// reason is why an identity was refused, empty where it was not.
func reason(t *testing.T, err error) auth.Reason {
	t.Helper()
	if err == nil {
		return ""
	}
	var refused *auth.RefusedError
	require.ErrorAs(t, err, &refused)
	return refused.Reason
}

func TestWhoBringsAToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	key := w.issue(t, "a text", access.Operator)
	for text, want := range map[string]access.Identity{
		adminToken: access.FirstAdmin(), serviceToken: access.Marketplace(),
		"a text": {Name: "ada", Role: access.Operator, TokenID: key.ID(), Key: key},
	} {
		who, err := w.Identify(from("192.0.2.1"), text)
		require.NoError(t, err)
		require.Equal(t, want, who)
	}
	for i, text := range []string{"", "a tex", adminToken + "x", adminToken[1:], string(key), "A text"} {
		who, err := w.Identify(from(fmt.Sprintf("192.0.2.%d", 10+i)), text)
		require.Equal(t, auth.Unknown, reason(t, err), text)
		require.Zero(t, who)
	}
}

// What happened to a token counts at the next request, though it was good a
// moment ago.
func TestARevokedTokenOpensNothingFromThenOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	key := w.issue(t, "a text", access.Admin)
	is := func(want auth.Reason) {
		t.Helper()
		_, err := w.Identify(from("192.0.2.1"), "a text")
		require.Equal(t, want, reason(t, err))
		_, err = w.Holder(t.Context(), key)
		require.Equal(t, want, reason(t, err))
	}
	is("")
	w.moment = now.Add(time.Hour - time.Millisecond)
	is("")
	w.moment = now.Add(time.Hour)
	is(auth.Expired)
	token := w.tokens[key]
	token.RevokedAt, w.moment = &now, now
	w.tokens[key] = token
	is(auth.Revoked)
	delete(w.tokens, key)
	is(auth.Unknown)
}

// With the database away nobody gets in but those of the environment, and
// nobody is told that a token is wrong.
func TestWithTheDatabaseAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.issue(t, "a text", access.Admin)
	_, err := w.Identify(from("192.0.2.1"), "a text")
	require.NoError(t, err)
	w.unavailable = errUnavailable
	for range 20 {
		who, err := w.Identify(from("192.0.2.1"), "a text")
		require.ErrorIs(t, err, errUnavailable, "who was known is not slowed down for it")
		require.Zero(t, who)
		who, err = w.Identify(from("192.0.2.1"), "no token")
		require.ErrorIs(t, err, errUnavailable, "it may be a good one")
		require.Zero(t, who)
	}
	w.moment = now.Add(time.Minute)
	for _, text := range []string{adminToken, serviceToken} {
		_, err := w.Identify(from("192.0.2.1"), text)
		require.NoError(t, err)
	}
	require.Empty(t, w.reasons)
}

func TestWhoeverFailsIsSlowedDown(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.issue(t, "a text", access.Viewer)
	try := func(source, text string) auth.Reason {
		t.Helper()
		_, err := w.Identify(from("198.51.100.9, "+source), text) // the first may be made up
		return reason(t, err)
	}
	require.Empty(t, try("203.0.113.1", serviceToken))
	for range 5 {
		require.Equal(t, auth.Unknown, try("203.0.113.1", "wrong"))
	}
	for range 3 {
		require.Equal(t, auth.Slowed, try("203.0.113.1", "wrong"))
	}
	require.Equal(t, map[auth.Reason]int{auth.Unknown: 5, auth.Slowed: 3}, w.reasons)
	for _, good := range []string{adminToken, serviceToken, "a text"} {
		require.Empty(t, try("203.0.113.1", good), "also where it was never seen from there")
	}
	require.Equal(t, auth.Unknown, try("203.0.113.2", "wrong"), "others are not held up")
	_, err := w.Identify(from("203.0.113.1"), "wrong")
	var refused *auth.RefusedError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, 12*time.Second, refused.Wait)
	w.moment = now.Add(12 * time.Second)
	require.Empty(t, try("203.0.113.1", "a text"))
}

// Good tokens cost no attempts, however many, and neither do old ones: nobody
// guesses those.
func TestTokensThatAreKnownAreNotSlowedDown(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	key := w.issue(t, "old", access.Viewer)
	token := w.tokens[key]
	token.ExpiresAt = now
	w.tokens[key] = token
	for i := range 50 {
		text := fmt.Sprint("text ", i)
		w.issue(t, text, access.Viewer)
		_, err := w.Identify(from("192.0.2.1"), text)
		require.NoError(t, err)
		_, err = w.Identify(from("192.0.2.1"), "old")
		require.Equal(t, auth.Expired, reason(t, err))
	}
}

// Of many attempts at once no more are answered than of as many one after the other.
func TestAttemptsAtOnceAreAttempts(t *testing.T) {
	t.Parallel()
	var slowed atomic.Int64
	w := newWorld(t, func(o *auth.Options) {
		o.Failed = func(r auth.Reason) {
			if r == auth.Slowed {
				slowed.Add(1)
			}
		}
	})
	var trying sync.WaitGroup
	for range 100 {
		trying.Go(func() { _, _ = w.Identify(from("192.0.2.1"), "wrong") })
	}
	trying.Wait()
	require.EqualValues(t, 95, slowed.Load())
}

// Guessers from everywhere keep nobody out, wherever the good token comes from.
func TestAGoodTokenIsRecognizedWhoeverGuesses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.issue(t, "a text", access.Operator)
	guessed := map[auth.Reason]int{}
	for i := range 1010 {
		for range 2 {
			_, err := w.Identify(from(fmt.Sprintf("2001:db8:%x::1", i)), "wrong")
			guessed[reason(t, err)]++
		}
		if i%100 == 9 {
			for _, good := range []string{adminToken, serviceToken, "a text"} {
				for _, source := range []string{"203.0.113.1", fmt.Sprintf("2001:db8:%x::2", i), fmt.Sprintf("2001:db8:ffff:%x::1", i)} {
					_, err := w.Identify(from(source), good)
					require.NoError(t, err, source)
				}
			}
		}
	}
	require.Equal(t, map[auth.Reason]int{auth.Unknown: 2005, auth.Slowed: 15}, guessed, "those beyond a thousand share one allowance")
}

// However many sources try, no more than a thousand are remembered, and those
// beyond share one place.
func TestTheNumberOfSourcesIsBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	try := func(i int) auth.Reason {
		t.Helper()
		_, err := w.Identify(from(fmt.Sprintf("10.%d.%d.1", i/200, i%200)), "wrong")
		return reason(t, err)
	}
	for i := range 1005 {
		require.Equal(t, auth.Unknown, try(i), i)
	}
	require.Equal(t, auth.Slowed, try(1005))
	w.moment = now.Add(time.Minute)
	for i := range 20 { // more than may share one place
		require.Equal(t, auth.Unknown, try(1006+i), "the others are forgotten")
	}
}

func TestRequestsAreLimitedBySource(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *auth.Options) { o.RateLimit = 10 })
	for range 20 {
		require.Zero(t, w.Wait(from("192.0.2.1")))
	}
	require.Equal(t, 100*time.Millisecond, w.Wait(from("192.0.2.1")))
	require.Equal(t, 100*time.Millisecond, w.Wait(from("192.0.2.1")), "what is refused costs nothing")
	require.Zero(t, w.Wait(from("192.0.2.2")))
	w.moment = now.Add(time.Second)
	for range 10 {
		require.Zero(t, w.Wait(from("192.0.2.1")))
	}
	require.NotZero(t, w.Wait(from("192.0.2.1")))

	unlimited := newWorld(t, nil)
	for range 1000 {
		require.Zero(t, unlimited.Wait(from("192.0.2.1")))
	}
}

// What is refused costs nothing, also where many come at once: else whoever shares an
// address with somebody who floods would wait for all that was refused.
func TestManyRefusedAtOnceCostNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *auth.Options) { o.RateLimit, o.Failed = 1, nil })
	for range 2 {
		require.Zero(t, w.Wait(from("192.0.2.1")))
	}
	var flood sync.WaitGroup
	for range 8 {
		flood.Go(func() {
			for range 2000 {
				w.Wait(from("192.0.2.1"))
			}
		})
	}
	flood.Wait()
	require.Equal(t, time.Second, w.Wait(from("192.0.2.1")))
}

func TestWhereARequestComesFrom(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		remote, forwarded string
		behind            bool
		want              string
	}{
		{"192.0.2.1:1234", "", true, "192.0.2.1"},
		{"192.0.2.1:1234", "203.0.113.1", false, "192.0.2.1"}, // anybody can send the header
		{"192.0.2.1:1234", "203.0.113.1", true, "203.0.113.1"},
		{"192.0.2.1:1234", "made-up, 203.0.113.1", true, "203.0.113.1"},
		{"[2001:db8:1:2:3:4:5:6]:1234", "", false, "2001:db8:1:2::/64"},
		{"[fe80::1%eth0]:1234", "", false, "fe80::/64"},
		{"[::ffff:192.0.2.1]:1234", "", false, "192.0.2.1"},
		{"@", "", false, "unreadable"},
		{"192.0.2.1:1234", "a name", true, "unreadable"},
		{"192.0.2.1:1234", "203.0.113.6:40001", true, "203.0.113.6"},
		{"192.0.2.1:1234", "made-up,203.0.113.6:40002 ", true, "203.0.113.6"},
		{"192.0.2.1:1234", "[2001:db8:1:2:3::9]:40001", true, "2001:db8:1:2::/64"},
		{"192.0.2.1:1234", "[2001:db8:1:2:4::9]", true, "2001:db8:1:2::/64"},
		{"192.0.2.1:1234", "2001:db8:1:2:5::9", true, "2001:db8:1:2::/64"},
		{"192.0.2.1:1234", "[fe80::1%eth1]:7", true, "fe80::/64"},
		{"192.0.2.1:1234", "fe80::2%25x", true, "fe80::/64"},
		{"192.0.2.1:1234", "::ffff:203.0.113.6", true, "203.0.113.6"},
		{"192.0.2.1:1234", "::ffff:203.0.113.6%x", true, "203.0.113.6"},
		{"192.0.2.1:1234", "[::ffff:203.0.113.6]:80", true, "203.0.113.6"},
		{"192.0.2.1:1234", "unknown", true, "unreadable"},
		{"192.0.2.1:1234", "203.0.113.6:port", true, "unreadable"},
		{"192.0.2.1:1234", "203.0.113.6:99999", true, "unreadable"},
		{"192.0.2.1:1234", "203.0.113.006", true, "unreadable"},
		{"192.0.2.1:1234", "203.0.113.1, ", true, "unreadable"},
		{"192.0.2.1:1234", "_hidden", true, "unreadable"},
	} {
		callers := newWorld(t, func(o *auth.Options) { o.BehindProxy = c.behind })
		r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
		r.RemoteAddr = c.remote
		if c.forwarded != "" {
			r.Header.Set("X-Forwarded-For", c.forwarded)
		}
		require.Equal(t, c.want, callers.Source(r), "%+v", c)
	}
}

func TestWhoSpeaksTLS(t *testing.T) {
	t.Parallel()
	for _, behind := range []bool{false, true} {
		callers := newWorld(t, func(o *auth.Options) { o.BehindProxy = behind })
		r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
		require.False(t, callers.OverTLS(r))
		r.Header.Set("X-Forwarded-Proto", "HTTPS")
		require.Equal(t, behind, callers.OverTLS(r))
		r.TLS = &tls.ConnectionState{}
		require.True(t, callers.OverTLS(r))
	}
}

func TestTokensMustDiffer(t *testing.T) {
	t.Parallel()
	for _, tokens := range [][2]string{{"", "b"}, {"a", ""}, {"same", "same"}} {
		_, err := auth.New(auth.Options{AdminToken: tokens[0], ServiceToken: tokens[1]})
		require.ErrorContains(t, err, "token")
	}
}

func TestReasonsAreSaid(t *testing.T) {
	t.Parallel()
	said := map[string]bool{}
	for _, r := range auth.Reasons() {
		text := (&auth.RefusedError{Reason: auth.Reason(r)}).Error()
		require.False(t, said[text], r)
		said[text] = true
	}
	require.Len(t, said, 4)
}
