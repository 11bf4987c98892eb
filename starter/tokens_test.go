package main

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/client"
	"marketplace.example/trials/internal/domain/access"
)

func TestTokenCommands(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.Equal(t, "No token was issued: ADMIN_TOKEN opens everything.\n", w.run(t, "token", "list").out)
	made := w.run(t, "token", "create", "--name", "support-1", "--role", "operator", "--days", "30")
	require.Zero(t, made.code, made.err)
	secret := regexp.MustCompile(access.Prefix + `\S+`).FindString(made.out)
	id := access.KeyOf(secret).ID()
	hidden := strings.NewReplacer(secret, "SECRET", id, "ID-OF-SUPPORT---")
	golden(t, "token-create", hidden.Replace(made.out))
	require.Zero(t, w.run(t, "token", "create", "--name", "grafana", "--role", "viewer").code)
	revoked := w.run(t, "token", "revoke", id)
	require.Equal(t, result{0, "Token " + id + " of support-1 was revoked 2026-03-10 12:00:00 UTC, now.\n", ""}, revoked)
	require.Equal(t, revoked, w.run(t, "token", "revoke", id))
	old, err := access.Issue(access.KeyOf("old"), access.Request{Name: "ada", Role: access.Admin, ExpiresAt: present.Add(-time.Hour)}, "admin", present.AddDate(0, 0, -9))
	require.NoError(t, err)
	w.Issued[access.KeyOf("old")] = old
	for key, token := range w.Issued {
		if token.Name == "grafana" {
			hidden = strings.NewReplacer(id, "ID-OF-SUPPORT---", key.ID(), "ID-OF-GRAFANA---")
		}
	}
	golden(t, "token-list", hidden.Replace(w.run(t, "token", "list").out))

	require.Equal(t, w.ask(t, "/api/admin/tokens")+"\n", w.run(t, "token", "list", "--json").out)
	var issued client.TokenIssued
	require.NoError(t, json.Unmarshal([]byte(w.run(t, "token", "create", "--name", "bot", "--role", "admin", "--json").out), &issued))
	require.Equal(t, access.KeyOf(issued.Secret).ID(), issued.Token.Id)
	require.Equal(t, present.AddDate(0, 0, 90).Add(-time.Minute), issued.Token.ExpiresAt)
	var methods []string
	for _, c := range w.Calls() {
		methods = append(methods, c.Method)
	}
	require.Equal(t, []string{http.MethodPost, http.MethodPost, http.MethodDelete, http.MethodDelete, http.MethodPost}, methods)
}

func TestWrongUseOfTokenCommands(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for message, args := range map[string][]string{
		`required flag(s) "name", "role" not set`:                     {"create"},
		`--role: "root" is not one of viewer, operator, admin`:        {"create", "--name", "ada", "--role", "root"},
		`--role: "service" is not one of viewer, operator, admin`:     {"create", "--name", "ada", "--role", "service"},
		`--days: must be 1 to 366, is 0`:                              {"create", "--name", "ada", "--role", "viewer", "--days", "0"},
		`--days: must be 1 to 366, is 367`:                            {"create", "--name", "ada", "--role", "viewer", "--days", "367"},
		`needs one token's id, 16 digits of 0 to 9 and a to f`:        {"revoke"},
		`needs one token's id, 16 digits of 0 to 9 and a to f; start`: {"revoke", "trials_a-secret-that-is-not-repeated"},
	} {
		r := w.run(t, append([]string{"token"}, args...)...)
		require.Equal(t, exitUsage, r.code, args)
		require.Contains(t, r.err, message)
		require.NotContains(t, r.err, "a-secret")
	}
	require.Empty(t, w.Calls())
	r := w.run(t, "token", "revoke", "0000000000000000")
	require.Equal(t, exitFailure, r.code)
	require.Contains(t, r.err, `token: there is no token "0000000000000000"`)
	r = w.run(t, "token", "create", "--name", "admin", "--role", "viewer")
	require.Equal(t, exitFailure, r.code)
	require.Contains(t, r.err, "name: admin is the name of a part of the system")
}
