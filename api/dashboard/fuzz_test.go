package dashboard

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/access"
)

// Of whatever a browser sends only what was issued is a session.
func FuzzSessionCookie(f *testing.F) {
	now := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	s, err := newSessions("a secret")
	require.NoError(f, err)
	issued := map[string]access.Key{}
	for _, key := range []access.Key{"", access.KeyOf("a token")} {
		value := s.issue(key, now.Add(time.Hour))
		issued[value] = key
		f.Add(value)
		f.Add(value + ".")
		f.Add("." + value)
	}
	f.Add(s.issue("", now))                   // over
	f.Add(s.issue("", now.Add(9*time.Hour)))  // longer than any
	f.Add(s.issue("a.b", now.Add(time.Hour))) // no key
	f.Add("..")
	f.Fuzz(func(t *testing.T, value string) {
		token, valid := s.read(value, now)
		key, ours := issued[value]
		require.Equal(t, ours, valid)
		if valid {
			require.Equal(t, key, token)
		}
	})
}
