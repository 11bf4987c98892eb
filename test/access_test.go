package test

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"

	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/test/system"
)

// An operator gets a token, pauses the rollout over the API and resumes it on
// the page, may not change tokens, and is out at the next request once the token is revoked.
func TestAnOperatorSteersUntilTheTokenIsRevoked(t *testing.T) {
	s := begin(t, system.Options{Day: 10 * time.Second})
	plan := shortPlan()
	plan.NoticeDays, plan.Phases[0].SoakDays = 0, 100
	s.startRollout(plan)
	var issued struct {
		Token  struct{ ID string }
		Secret string
	}
	require.NoError(t, json.Unmarshal([]byte(s.starter("token", "create", "--name", "on-call", "--role", "operator", "--json")), &issued))
	ask := func(method, path string, body any) system.Answer {
		t.Helper()
		a, err := system.Call(s.ctx, method, s.API+path, issued.Secret, body, http.Header{"Idempotency-Key": {rand.Text()}})
		require.NoError(t, err)
		return a
	}

	s.answered(http.StatusAccepted, ask(http.MethodPost, rollouts+"/current/pause", map[string]any{"reason": "to look"}), nil)
	s.awaitRollout(wholeLife, func(v rollout.View) error {
		if v.Rollout.Status != rollout.Paused {
			return fmt.Errorf("it is not paused yet")
		}
		require.Equal(t, "on-call", v.Rollout.Pause.By)
		return nil
	})
	const tokens = "/api/admin/tokens"
	for _, refused := range []system.Answer{
		ask(http.MethodPost, tokens, map[string]any{"name": "another", "role": "admin", "expiresAt": time.Now().Add(time.Hour)}),
		ask(http.MethodDelete, tokens+"/"+issued.Token.ID, nil),
		ask(http.MethodPatch, "/api/admin/feature-flags", map[string]any{"featureFlags": map[string]any{"monitoring": map[string]any{"enabled": false}}}),
	} {
		s.answered(http.StatusForbidden, refused, nil)
		require.Contains(t, readProblem(t, refused).Detail, "needs the role admin")
	}
	require.Equal(t, http.StatusForbidden, ask(http.MethodPost, "/api/vendors", map[string]any{}).Status, "that is the marketplace's")

	open := s.signIn(issued.Secret)
	page := func(path string) int { return open(path).Status }
	require.Equal(t, http.StatusOK, page("/admin/"))
	require.Equal(t, http.StatusOK, page("/admin/rollout/resume"))
	require.Contains(t, s.starter("token", "revoke", issued.Token.ID), "was revoked")
	require.Equal(t, http.StatusUnauthorized, ask(http.MethodGet, rollouts+"/current", nil).Status)
	require.Equal(t, http.StatusSeeOther, page("/admin/"))
	require.Contains(t, s.starter("token", "list"), "revoked")
	s.keepsNoToken(issued.Secret)
}

// signIn signs in to the pages, and returns what asks for a page then.
func (s *scenario) signIn(token string) func(path string) system.Answer {
	s.t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(s.t, err)
	browser := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := browser.PostForm(s.API+"/admin/sign-in", url.Values{"token": {token}})
	require.NoError(s.t, err)
	defer answer.Body.Close()
	require.Equal(s.t, http.StatusSeeOther, answer.StatusCode)
	return func(path string) system.Answer {
		s.t.Helper()
		answer, err := browser.Get(s.API + path)
		require.NoError(s.t, err)
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		require.NoError(s.t, err)
		return system.Answer{Request: http.MethodGet + " " + path, Status: answer.StatusCode, Header: answer.Header, Body: text}
	}
}

// keepsNoToken looks for a token's text in the database.
func (s *scenario) keepsNoToken(text string) {
	s.t.Helper()
	cursor, err := s.database.Collection("tokens").Find(s.ctx, bson.M{})
	require.NoError(s.t, err)
	var all []bson.M
	require.NoError(s.t, cursor.All(s.ctx, &all))
	require.Len(s.t, all, 1)
	require.NotContains(s.t, fmt.Sprint(all), text)
}
