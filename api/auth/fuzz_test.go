package auth_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/api/auth"
	"marketplace.example/trials/internal/domain/access"
)

// Whatever is brought, from wherever, only the tokens that there are let
// anybody in, and everything else is refused with a reason.
func FuzzIdentify(f *testing.F) {
	good := map[string]bool{adminToken: true, serviceToken: true, "a text": true}
	for text := range good {
		f.Add(text, "192.0.2.1", "192.0.2.1:1")
		f.Add(text+"\x00", "2001:db8::1, ::1", "[::1]:1")
		f.Add(" "+text, ",", "")
	}
	f.Add(string(access.KeyOf("a text")), "fe80::1%eth0", "@")
	f.Fuzz(func(t *testing.T, text, forwarded, remote string) {
		w := &world{moment: now, tokens: map[access.Key]access.Token{}}
		w.issue(t, "a text", access.Viewer)
		callers, err := auth.New(auth.Options{AdminToken: adminToken, ServiceToken: serviceToken, Tokens: w, BehindProxy: true, RateLimit: 1, Now: func() time.Time { return now }})
		require.NoError(t, err)
		w.Callers = callers
		r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
		r.RemoteAddr = remote
		r.Header.Set("X-Forwarded-For", forwarded)
		require.Zero(t, w.Wait(r))
		who, err := w.Identify(r, text)
		require.Equal(t, good[text], err == nil)
		if err != nil {
			require.NotEmpty(t, reason(t, err))
			require.Zero(t, who)
		}
	})
}
