package access_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/internal/domain/trial"
)

var now = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

func TestWhatARoleCovers(t *testing.T) {
	t.Parallel()
	for role, covered := range map[access.Role][]access.Role{
		access.Viewer: {access.Viewer}, access.Operator: {access.Viewer, access.Operator}, access.Admin: access.Roles(),
		access.Service: nil, "": nil, "root": nil,
	} {
		for _, needed := range []access.Role{access.Viewer, access.Operator, access.Admin, access.Service, "", "root"} {
			want := strings.Contains(fmt.Sprint(covered), string(needed)) && needed != ""
			require.Equal(t, want, role.Covers(needed), "%q covers %q", role, needed)
		}
	}
}

func TestHowATokenStands(t *testing.T) {
	t.Parallel()
	revoked := now.Add(-time.Hour)
	for want, tokens := range map[access.Status][]access.Token{
		access.Good:    {{ExpiresAt: now.Add(time.Millisecond)}},
		access.Expired: {{ExpiresAt: now}, {ExpiresAt: now.Add(-time.Hour)}, {}},
		access.Revoked: {{ExpiresAt: now.Add(time.Hour), RevokedAt: &revoked}, {ExpiresAt: now.Add(-time.Hour), RevokedAt: &revoked}},
	} {
		for _, token := range tokens {
			require.Equal(t, want, token.Status(now), "%+v", token)
		}
	}
}

func TestIssuing(t *testing.T) {
	t.Parallel()
	key := access.KeyOf("a text")
	good := access.Request{Name: "support-1", Role: access.Operator, ExpiresAt: now.Add(access.LongestLife)}
	token, err := access.Issue(key, good, "admin", now)
	require.NoError(t, err)
	require.Equal(t, access.Token{
		ID: string(key[:16]), Name: "support-1", Role: access.Operator, CreatedAt: now, CreatedBy: "admin", ExpiresAt: good.ExpiresAt,
	}, token)
	require.Equal(t, access.Identity{Name: "support-1", Role: access.Operator, TokenID: token.ID, Key: key}, token.Holder(key))

	for field, wrong := range map[string][]access.Request{
		"name": {
			{}, {Name: "Ada"}, {Name: "ada@example.com"}, {Name: "-a"}, {Name: "a b"}, {Name: strings.Repeat("a", 41)},
			{Name: "admin"}, {Name: "marketplace"}, {Name: "billing"}, {Name: "rollout"},
		},
		"role":      {{Name: "ada"}, {Name: "ada", Role: "root"}, {Name: "ada", Role: access.Service}},
		"expiresAt": {{Name: "ada", Role: access.Viewer}, {Name: "ada", Role: access.Viewer, ExpiresAt: now}, {Name: "ada", Role: access.Viewer, ExpiresAt: now.Add(access.LongestLife + 1)}},
	} {
		for _, r := range wrong {
			_, err := access.Issue(key, r, "admin", now)
			var refused *trial.Error
			require.ErrorAs(t, err, &refused, "%+v", r)
			require.Equal(t, trial.CodeInvalid, refused.Code)
			require.Equal(t, field, refused.Field, "%+v", r)
		}
	}
}

// A key is the SHA-256 of the text, whatever the text; and an id is too short
// to be a key.
func TestKeys(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		key := access.KeyOf(text)
		require.Equal(t, fmt.Sprintf("%x", sha256.Sum256([]byte(text))), string(key))
		require.Equal(t, string(key[:16]), key.ID())
	})
	require.Empty(t, access.Key("").ID())
}

func TestWhoActs(t *testing.T) {
	t.Parallel()
	require.Zero(t, access.Of(context.Background()))
	require.Equal(t, "admin", access.Of(access.With(t.Context(), access.FirstAdmin())).Name)
	require.Equal(t, access.Service, access.Of(access.With(t.Context(), access.Marketplace())).Role)
}

func TestTheRoleSomebodyHad(t *testing.T) {
	t.Parallel()
	hours := func(n int) time.Time { return now.Add(time.Duration(n) * time.Hour) }
	tokens := []access.Token{
		{Name: "ada", Role: access.Viewer, CreatedAt: hours(0), ExpiresAt: hours(9), RevokedAt: new(hours(3))},
		{Name: "ada", Role: access.Operator, CreatedAt: hours(2), ExpiresAt: hours(6)},
		{Name: "ben", Role: access.Viewer, CreatedAt: hours(0), ExpiresAt: hours(2)},
		{Name: "ben", Role: access.Viewer, CreatedAt: hours(1), ExpiresAt: hours(4)},
	}
	for after, want := range map[int]access.Role{-1: "", 0: access.Viewer, 1: access.Viewer, 2: "", 3: access.Operator, 5: access.Operator, 6: "", 8: ""} {
		require.Equal(t, want, access.RoleAt(tokens, "ada", hours(after)), after)
	}
	require.Equal(t, access.Viewer, access.RoleAt(tokens, "ben", hours(1)), "two of one role leave no doubt")
	require.Equal(t, access.Admin, access.RoleAt(nil, "admin", now))
	require.Empty(t, access.RoleAt(tokens, "rollout", now))
}
