package rest_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/api/auth"
	"marketplace.example/trials/internal/domain/access"
)

// The texts of tokens that every API of the tests knows, and their role's name.
const (
	viewerToken   = "viewer-token-of-the-tests"
	operatorToken = "operator-token-of-the-tests"
	secondAdmin   = "another-admin-token-of-the-tests"
)

// tokens keeps tokens by their keys, as the database does.
type tokens map[access.Key]access.Token

// issued are the tokens of the tests, one of each role.
func issued() tokens {
	all := tokens{}
	for text, role := range map[string]access.Role{viewerToken: access.Viewer, operatorToken: access.Operator, secondAdmin: access.Admin} {
		key := access.KeyOf(text)
		all[key] = access.Token{
			ID: key.ID(), Name: string(role) + "-1", Role: role, CreatedAt: present.Add(-time.Hour), CreatedBy: "admin", ExpiresAt: present.Add(time.Hour),
		}
	}
	return all
}

// callers know who calls a store's API, by the X-Forwarded-For of a proxy.
func callers(tb testing.TB, s *store, change func(*auth.Options)) *auth.Callers {
	tb.Helper()
	o := auth.Options{
		AdminToken: adminToken, ServiceToken: serviceToken, Tokens: s, BehindProxy: true, Now: func() time.Time { return present },
	}
	if change != nil {
		change(&o)
	}
	c, err := auth.New(o)
	require.NoError(tb, err)
	return c
}

func (s *store) Token(_ context.Context, key access.Key) (t access.Token, found bool, err error) {
	err = s.guarded(func() error {
		t, found = s.tokens[key]
		return nil
	})
	return t, found, err
}

func (s *store) AddToken(_ context.Context, key access.Key, t access.Token) error {
	return s.guarded(func() error {
		s.tokens[key] = t
		s.writes++
		return nil
	})
}

func (s *store) Tokens(context.Context) (all []access.Token, err error) {
	err = s.guarded(func() error {
		for _, key := range slices.Sorted(maps.Keys(s.tokens)) {
			all = append(all, s.tokens[key])
		}
		return nil
	})
	return all, err
}

func (s *store) RevokeToken(_ context.Context, id, by string, at time.Time) (t access.Token, err error) {
	err = s.guarded(func() error {
		for key, known := range s.tokens {
			if !strings.HasPrefix(string(key), id) {
				continue
			}
			if t = known; t.RevokedAt == nil {
				t.RevokedAt, t.RevokedBy = &at, by
				s.tokens[key] = t
				s.writes++
			}
			return nil
		}
		return access.NoToken(id)
	})
	return t, err
}
