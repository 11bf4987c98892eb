package access_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/internal/domain/trial"
)

func TestTheNamesOfPersons(t *testing.T) {
	t.Parallel()
	require.Regexp(t, `^oidc:ada:[0-9a-f]{8}$`, access.PersonName("Ada", "248289761001"))
	require.Regexp(t, `^oidc:[0-9a-f]{16}$`, access.PersonName("ada@example.com", "ada@example.com"))
	require.Regexp(t, `^oidc:[0-9a-f]{16}$`, access.PersonName("", "248289761001"))
	require.NotEqual(t, access.PersonName("ada", "1"), access.PersonName("ada", "2"), "a username that somebody else has taken over")
	rapid.Check(t, func(t *rapid.T) {
		name := access.PersonName(rapid.String().Draw(t, "username"), rapid.String().Draw(t, "subject"))
		require.False(t, trial.HoldsAddress(name))
		require.NotRegexp(t, access.NamePattern, name, "it is no token's")
		require.Less(t, len(name), 60)
		require.NotContains(t, name, " ")
	})
}

func TestWhatGroupsGive(t *testing.T) {
	t.Parallel()
	groups, err := access.ParseGroups([]string{"support=viewer", " on-call = operator", "cn=x=admin"})
	require.NoError(t, err)
	for of, want := range map[string]access.Role{
		"": "", "others": "", "support": access.Viewer, "support on-call": access.Operator, "on-call support": access.Operator, "cn=x others support": access.Admin, "Support": "",
	} {
		require.Equal(t, want, groups.Strongest(strings.Fields(of)), of)
	}
	for _, wrong := range []string{"support", "=viewer", " =viewer", "support=", "support=root", "support=service", "a=viewer,a=admin"} {
		_, err := access.ParseGroups(strings.Split(wrong, ","))
		require.Error(t, err, wrong)
	}
}

func TestHowASessionGoesOn(t *testing.T) {
	t.Parallel()
	key := access.KeyOf("a text")
	s := access.NewSession(key, access.Person{Name: "oidc:1", Role: access.Admin, Subject: "1"}, now)
	require.Equal(t, access.Identity{Name: "oidc:1", Role: access.Admin, TokenID: key.ID()}, s.Holder())
	require.Equal(t, access.Good, s.Status(now.Add(15*time.Minute-1)))
	require.Equal(t, access.Expired, s.Status(now.Add(15*time.Minute)))

	later := now.Add(10 * time.Minute)
	renewed := s.Renewed(access.Person{Role: access.Viewer}, later)
	require.Equal(t, access.Viewer, renewed.Holder().Role)
	require.Equal(t, later.Add(5*time.Minute), renewed.RenewAt)
	require.Equal(t, access.Good, renewed.Status(later.Add(15*time.Minute-1)))
	require.Equal(t, now, renewed.Since)

	last := s.Renewed(access.Person{Role: access.Admin}, now.Add(8*time.Hour-time.Minute))
	require.Equal(t, access.Expired, last.Status(now.Add(8*time.Hour)), "no renewal makes it last longer")
	last.EndedAt = new(now)
	require.Equal(t, access.Revoked, last.Status(now.Add(time.Minute)))
}
