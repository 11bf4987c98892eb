package dashboard

import (
	"maps"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Attempts to sign in: a handful at once, then one in twelve seconds.
const (
	attemptsAtOnce = 5
	attemptEvery   = 12 * time.Second
	// maxSources bounds how many sources are remembered one by one.
	maxSources = 1000
)

// attempts slows those down who try tokens.
type attempts struct {
	mu      sync.Mutex
	sources map[string]*rate.Limiter
	// others is shared by those who come while maxSources are remembered.
	others *rate.Limiter
}

func newAttempts() *attempts {
	return &attempts{sources: map[string]*rate.Limiter{}, others: newLimiter()}
}

func newLimiter() *rate.Limiter { return rate.NewLimiter(rate.Every(attemptEvery), attemptsAtOnce) }

// allow tells whether a source may try now, and counts that it does.
func (a *attempts) allow(source string, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	limiter, known := a.sources[source]
	if !known {
		limiter = a.admit(source, now)
	}
	return limiter.AllowN(now, 1)
}

// admit remembers a source, in the place of those that are as if they had never come.
func (a *attempts) admit(source string, now time.Time) *rate.Limiter {
	if len(a.sources) >= maxSources {
		maps.DeleteFunc(a.sources, func(_ string, l *rate.Limiter) bool { return l.TokensAt(now) >= attemptsAtOnce })
	}
	if len(a.sources) >= maxSources {
		return a.others
	}
	a.sources[source] = newLimiter()
	return a.sources[source]
}

// source is who asks: the address of the connection or, behind a proxy, the one
// that the proxy saw, which it puts last.
func (d *dashboard) source(r *http.Request) string {
	if forwarded := r.Header.Values("X-Forwarded-For"); d.BehindProxy && len(forwarded) > 0 {
		all := strings.Split(forwarded[len(forwarded)-1], ",")
		return strings.TrimSpace(all[len(all)-1])
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
