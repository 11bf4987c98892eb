package rest_test

import (
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

// issued are the tokens of the tests, one of each role.
func issued() map[access.Key]access.Token {
	all := map[access.Key]access.Token{}
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
