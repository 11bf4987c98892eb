package mongodb

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/internal/domain/trial"
)

// signIn stores the session of a text.
func signIn(t *testing.T, s *Store, text string) (access.Key, access.Session) {
	t.Helper()
	key := access.KeyOf(text)
	session := access.NewSession(key, access.Person{Name: "oidc:ada:12345678", Role: access.Operator, Subject: "s"}, at)
	session.Sealed = []byte("sealed")
	require.NoError(t, s.AddSession(t.Context(), key, session))
	return key, session
}

// atUTC is a session as it was before it was stored.
func atUTC(s access.Session) access.Session {
	for _, moment := range []*time.Time{&s.Since, &s.RenewedAt, &s.RenewAt, &s.ExpiresAt, &s.EndsAt} {
		*moment = moment.UTC()
	}
	return s
}

func TestSessionsAreKeptUnderTheirKeys(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	key, session := signIn(t, s, "one")
	_, other := signIn(t, s, "two")
	require.Error(t, s.AddSession(t.Context(), key, other), "a key is one session's")
	read, found, err := s.Session(t.Context(), key)
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, session, atUTC(read))
	for _, stranger := range []access.Key{access.KeyOf("three"), access.Key(session.ID), ""} {
		_, found, err = s.Session(t.Context(), stranger)
		require.NoError(t, err)
		require.False(t, found, stranger)
	}
	all, err := s.Sessions(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 2)

	require.NoError(t, s.DropSession(t.Context(), key))
	require.NoError(t, s.DropSession(t.Context(), key), "there need not be one")
	_, found, err = s.Session(t.Context(), key)
	require.NoError(t, err)
	require.False(t, found)
	goesOn, err := s.RenewSession(t.Context(), key, session)
	require.NoError(t, err)
	require.False(t, goesOn, "none comes back")
}

func TestOneOfManyRenewsASession(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	key, session := signIn(t, s, "one")
	const requests = 6
	errs := make([]error, requests)
	var claimed atomic.Int64
	together(requests, func(i int) {
		mine, err := s.ClaimRenewal(t.Context(), key, session.RenewAt, at.Add(time.Hour))
		if errs[i] = err; mine {
			claimed.Add(1)
		}
	})
	require.NoError(t, errors.Join(errs...))
	require.EqualValues(t, 1, claimed.Load())
	renewed := session.Renewed(access.Person{Role: access.Viewer}, at.Add(time.Minute))
	renewed.Sealed = []byte("another")
	goesOn, err := s.RenewSession(t.Context(), key, renewed)
	require.NoError(t, err)
	require.True(t, goesOn)
	read, _, err := s.Session(t.Context(), key)
	require.NoError(t, err)
	require.Equal(t, renewed, atUTC(read))
}

func TestAnEndedSessionStaysEnded(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	key, session := signIn(t, s, "one")
	_, other := signIn(t, s, "two")
	_, err := s.EndSession(t.Context(), session.ID, "admin", at.Add(time.Minute))
	require.NoError(t, err)
	later, err := s.EndSession(t.Context(), session.ID, "somebody", at.Add(time.Hour))
	require.NoError(t, err)
	require.Equal(t, at.Add(time.Minute), later.EndedAt.UTC())
	require.Equal(t, "admin", later.EndedBy, "the first end counts")
	goesOn, err := s.RenewSession(t.Context(), key, session)
	require.NoError(t, err)
	require.False(t, goesOn)
	untouched, _, err := s.Session(t.Context(), access.KeyOf("two"))
	require.NoError(t, err)
	require.Equal(t, other, atUTC(untouched))
	_, err = s.EndSession(t.Context(), "0000000000000000", "admin", at)
	requireCode(t, trial.CodeNotFound, err)
}
