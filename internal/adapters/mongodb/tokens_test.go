package mongodb

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/internal/domain/trial"
)

// issue stores a token of a text.
func issue(t *testing.T, s *Store, text string) (access.Key, access.Token) {
	t.Helper()
	key := access.KeyOf(text)
	token, err := access.Issue(key, access.Request{Name: "support-1", Role: access.Operator, ExpiresAt: at.Add(time.Hour)}, "admin", at)
	require.NoError(t, err)
	require.NoError(t, s.AddToken(t.Context(), key, token))
	return key, token
}

// inUTC is a token as it was before it was stored.
func inUTC(t access.Token) access.Token {
	t.CreatedAt, t.ExpiresAt = t.CreatedAt.UTC(), t.ExpiresAt.UTC()
	if t.RevokedAt != nil {
		t.RevokedAt = new(t.RevokedAt.UTC())
	}
	return t
}

func TestTokensAreKeptUnderTheirKeys(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	none, err := s.Tokens(t.Context())
	require.NoError(t, err)
	require.Empty(t, none)
	key, token := issue(t, s, "one")
	_, other := issue(t, s, "two")

	read, found, err := s.Token(t.Context(), key)
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, token, inUTC(read))
	for _, stranger := range []access.Key{access.KeyOf("three"), access.Key(token.ID), "", key + "0"} {
		_, found, err = s.Token(t.Context(), stranger)
		require.NoError(t, err)
		require.False(t, found, stranger)
	}
	all, err := s.Tokens(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 2)
	require.ElementsMatch(t, []access.Token{token, other}, []access.Token{inUTC(all[0]), inUTC(all[1])})
	require.Error(t, s.AddToken(t.Context(), key, other), "a key is one token's")
	require.NotContains(t, document(t, s.tokens, string(key)), "revokedAt")
}

func TestTheFirstRevocationCounts(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	key, token := issue(t, s, "one")
	_, other := issue(t, s, "two")
	const people = 6
	errs := make([]error, people)
	together(people, func(i int) {
		_, errs[i] = s.RevokeToken(t.Context(), token.ID, "admin", at.Add(time.Minute))
	})
	require.NoError(t, errors.Join(errs...))
	later, err := s.RevokeToken(t.Context(), token.ID, "somebody", at.Add(time.Hour))
	require.NoError(t, err)
	require.Equal(t, at.Add(time.Minute), later.RevokedAt.UTC())
	require.Equal(t, "admin", later.RevokedBy)
	read, _, err := s.Token(t.Context(), key)
	require.NoError(t, err)
	require.Equal(t, access.Revoked, read.Status(at))
	untouched, _, err := s.Token(t.Context(), access.KeyOf("two"))
	require.NoError(t, err)
	require.Equal(t, other, inUTC(untouched))

	for _, stranger := range []string{"0000000000000000", "zz"} {
		_, err = s.RevokeToken(t.Context(), stranger, "admin", at)
		requireCode(t, trial.CodeNotFound, err)
	}
}

func TestTokensWithTheDatabaseAway(t *testing.T) {
	t.Parallel()
	s, err := Connect(t.Context(), "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=100", "nowhere")
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.client.Disconnect(t.Context()) })
	_, found, err := s.Token(t.Context(), access.KeyOf("one"))
	requireCode(t, trial.CodeUnavailable, err)
	require.False(t, found)
	_, err = s.Tokens(t.Context())
	requireCode(t, trial.CodeUnavailable, err)
	_, err = s.RevokeToken(t.Context(), "0000000000000000", "admin", at)
	requireCode(t, trial.CodeUnavailable, err)
}
