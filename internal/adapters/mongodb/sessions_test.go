package mongodb

import (
	"errors"
	"fmt"
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
	all, next, err := s.Sessions(t.Context(), at, "", 2)
	require.NoError(t, err)
	require.Len(t, all, 2)
	require.Empty(t, next)

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

// However many sessions were begun, a page reads those that it shows: the good ones, the latest first.
func TestGoodSessionsAreListedByPages(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	var want []string
	for i := range 9 {
		key, since := access.KeyOf(fmt.Sprintf("session %d", i)), at.Add(-time.Duration(i)*time.Second)
		if i == 3 {
			since = at.Add(-access.SessionLife) // just over
		}
		session := access.NewSession(key, access.Person{Name: "oidc:ada", Role: access.Viewer, Subject: fmt.Sprint(i % 2)}, since)
		require.NoError(t, s.AddSession(t.Context(), key, session))
		if i == 5 {
			_, err := s.EndSession(t.Context(), session.ID, "admin", at)
			require.NoError(t, err)
		}
		if i != 3 && i != 5 {
			want = append(want, session.ID)
		}
	}
	var got []string
	for after, more := "", true; more; more = after != "" {
		page, next, err := s.Sessions(t.Context(), at, after, 2)
		require.NoError(t, err)
		require.LessOrEqual(t, len(page), 2)
		for _, session := range page {
			got = append(got, session.ID)
		}
		after = next
	}
	require.Equal(t, want, got)
	_, _, err := s.Sessions(t.Context(), at, "nowhere", 2)
	requireCode(t, trial.CodeInvalid, err)

	theirs, err := s.SessionsOf(t.Context(), "1", at)
	require.NoError(t, err)
	require.Len(t, theirs, 2, "of four, one is over and one was ended")
	over, err := s.SessionByID(t.Context(), access.KeyOf("session 3").ID())
	require.NoError(t, err)
	require.Equal(t, access.Expired, over.Status(at))
	_, err = s.SessionByID(t.Context(), "0000000000000000")
	requireCode(t, trial.CodeNotFound, err)
}
