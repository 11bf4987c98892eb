package rest_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/api/rest"
	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/internal/domain/rollout"
)

const tokensPath = "/api/admin/tokens"

// createToken makes a token that is good for an hour.
func (a *api) createToken(name string, role access.Role) rest.TokenIssued {
	a.t.Helper()
	body := `{"name":"` + name + `","role":"` + string(role) + `","expiresAt":"` + present.Add(time.Hour).Format(time.RFC3339) + `"}`
	return into[rest.TokenIssued](a.post(tokensPath, adminToken, body), http.StatusCreated)
}

func (a *api) revoke(id, token string) answered {
	a.t.Helper()
	return a.call(request{method: http.MethodDelete, path: tokensPath + "/" + id, token: token})
}

func TestATokenFromItsIssueToItsEnd(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	made := a.createToken("support-1", access.Operator)
	require.Regexp(t, `^trials_[A-Za-z0-9_-]{43}$`, made.Secret)
	require.NotEqual(t, made.Secret, a.createToken("support-1", access.Operator).Secret, "a name may have several")
	require.Equal(t, rest.Token{
		Id: access.KeyOf(made.Secret).ID(), Name: "support-1", Role: access.Operator, Standing: access.Good,
		CreatedAt: present, CreatedBy: "admin", ExpiresAt: present.Add(time.Hour),
	}, made.Token)

	require.Equal(t, http.StatusOK, a.get("/api/admin/trials", made.Secret).status)
	revoked := into[rest.Token](a.revoke(made.Token.Id, secondAdmin), http.StatusOK)
	require.Equal(t, access.Revoked, revoked.Standing)
	require.Equal(t, "admin-1", *revoked.RevokedBy)
	require.Equal(t, present, *revoked.RevokedAt)
	p := a.get("/api/admin/trials", made.Secret).problem(http.StatusUnauthorized)
	require.Equal(t, "the token was revoked", *p.Detail)
	require.Equal(t, revoked, into[rest.Token](a.revoke(made.Token.Id, adminToken), http.StatusOK), "the first time counts")

	answer := a.get(tokensPath, viewerToken)
	list := into[rest.TokenList](answer, http.StatusOK)
	require.Len(t, list.Tokens, 5)
	require.Contains(t, list.Tokens, revoked)
	stored, err := json.Marshal(a.store.Issued)
	require.NoError(t, err)
	for _, entry := range a.logs.All() {
		for _, value := range entry.ContextMap() {
			require.NotEqual(t, made.Secret, value)
		}
	}
	require.NotContains(t, string(stored), made.Secret)
	require.NotContains(t, string(answer.body), made.Secret)
	require.NotContains(t, string(answer.body), string(access.KeyOf(made.Secret)))
}

func TestATokenEndsAtItsMoment(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	key := access.KeyOf(viewerToken)
	token := a.store.Issued[key]
	token.ExpiresAt = present
	a.store.Issued[key] = token
	p := a.get("/api/admin/trials", viewerToken).problem(http.StatusUnauthorized)
	require.Equal(t, "the token has expired", *p.Detail)
}

func TestTokensThatAreNotIssued(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	const good = `"expiresAt":"2026-03-11T12:00:00Z"`
	for body, field := range map[string]string{
		``: "body", `{}`: "expiresAt", `[]`: "body",
		`{"role":"viewer",` + good + `}`:                                          "name",
		`{"name":"Ada","role":"viewer",` + good + `}`:                             "name",
		`{"name":"ada@example.com","role":"viewer",` + good + `}`:                 "name",
		`{"name":"` + strings.Repeat("a", 41) + `","role":"viewer",` + good + `}`: "name",
		`{"name":"admin","role":"viewer",` + good + `}`:                           "name",
		`{"name":"rollout","role":"viewer",` + good + `}`:                         "name",
		`{"name":"ada","role":"root",` + good + `}`:                               "role",
		`{"name":"ada","role":"service",` + good + `}`:                            "role",
		`{"name":"ada","role":"viewer"}`:                                          "expiresAt",
		`{"name":"ada","role":"viewer","expiresAt":"never"}`:                      "expiresAt",
		`{"name":"ada","role":"viewer","expiresAt":"2026-03-10T12:00:00Z"}`:       "expiresAt",
		`{"name":"ada","role":"viewer","expiresAt":"2027-03-11T12:00:01Z"}`:       "expiresAt",
		`{"name":"ada","role":"viewer",` + good + `,"secret":"mine"}`:             "secret",
	} {
		p := a.post(tokensPath, adminToken, body).problem(http.StatusBadRequest)
		require.Equal(t, field, *p.Field, body)
	}
	p := a.revoke("0000000000000000", adminToken).problem(http.StatusNotFound)
	require.Equal(t, "token", *p.Field)
	a.revoke("abc", adminToken).problem(http.StatusBadRequest)
	writes, _ := a.store.written()
	require.Zero(t, writes)
}

// What is changed is put down to who has changed it.
func TestChangesArePutDownToWhoMadeThem(t *testing.T) {
	t.Parallel()
	a := running(t)
	a.register()
	send := func(method, path, token, key, body string) {
		t.Helper()
		answer := a.call(request{method: method, path: path, token: token, key: key, body: body})
		require.Less(t, answer.status, http.StatusMultipleChoices, "%s", answer.body)
	}
	send(http.MethodPatch, "/api/admin/feature-flags", secondAdmin, "", `{"featureFlags":{"trialAutomation":{"emailReminders":false}}}`)
	require.Equal(t, "admin-1", a.store.Document.UpdatedBy)
	send(http.MethodPost, "/api/admin/trials/v-1/extend", operatorToken, "k-1", `{"days":3,"reason":"asked"}`)
	events := a.store.History["v-1"]
	require.Equal(t, "operator-1", events[len(events)-1].Request.By)
	send(http.MethodPost, "/api/admin/monitoring/alerts/sesPaused/silence", operatorToken, "", `{"minutes":5,"reason":"known"}`)
	for _, e := range a.store.AlertHistory["sesPaused"] {
		require.Equal(t, "operator-1", e.By)
	}
	send(http.MethodPost, rolloutsPath+"/current/pause", operatorToken, "k-2", `{"reason":"to look"}`)
	require.Equal(t, "operator-1", rollout.Fold(a.store.Store.Rollout).Pause.By)
	logged := a.logs.FilterMessage("request").All()
	require.Equal(t, access.KeyOf(operatorToken).ID(), logged[len(logged)-1].ContextMap()["token"])
}
