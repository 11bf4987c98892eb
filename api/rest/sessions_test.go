package rest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/internal/domain/audit"
	"marketplace.example/trials/internal/domain/trial"
)

// signedIn has people signed in by their accounts, and returns their sessions' ids.
func (a *api) signedIn(t *testing.T, names ...string) (ids []string) {
	t.Helper()
	for i, name := range names {
		key := access.KeyOf(fmt.Sprint("session ", i))
		session := access.NewSession(key, access.Person{Name: name, Role: access.Viewer, Subject: "a subject of " + name}, present)
		session.Sealed = []byte("sealed")
		require.NoError(t, a.store.AddSession(t.Context(), key, session))
		ids = append(ids, key.ID())
	}
	return ids
}

// status is how a person's sessions stand, in their order.
func (a *api) status(t *testing.T, ids []string) (all []access.Status) {
	t.Helper()
	for _, id := range ids {
		s, err := a.store.SessionByID(t.Context(), id)
		require.NoError(t, err)
		all = append(all, s.Status(present.Add(time.Minute)))
	}
	return all
}

func TestEndingSessionsIsOnRecord(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.store.Document.FeatureFlags.AdminTools.Enabled = false // which does not keep anybody signed in
	ids := a.signedIn(t, "oidc:ada", "oidc:ada", "oidc:ben", "oidc:ada")
	ctx := access.With(t.Context(), access.FirstAdmin())
	end := app.SessionEnd{ID: ids[0], Reason: "has left", Key: "k-1"}
	for range 2 {
		require.NoError(t, a.app.EndSessionsRecorded(ctx, end))
	}
	require.Equal(t, []access.Status{access.Revoked, access.Good, access.Good, access.Good}, a.status(t, ids))

	end.Everywhere, end.Key = true, "k-2"
	require.NoError(t, a.app.EndSessionsRecorded(ctx, end))
	require.Equal(t, []access.Status{access.Revoked, access.Revoked, access.Good, access.Revoked}, a.status(t, ids))
	last := a.store.Record[len(a.store.Record)-1]
	require.Equal(t, audit.Done, last.Outcome)
	require.Equal(t, "sessions/"+ids[0], last.Subject)
	require.Equal(t, "admin", last.Actor)
	require.Contains(t, fmt.Sprint(last.After), ids[3])
	for _, private := range []string{"a subject", "sealed"} {
		require.NotContains(t, fmt.Sprint(a.store.Record), private)
	}
	requireWhole(t, a.store.Record)

	for _, reason := range []string{" ", strings.Repeat("x", 501), "ada@example.com has left"} {
		err := a.app.EndSessionsRecorded(ctx, app.SessionEnd{ID: ids[2], Reason: reason})
		require.Equal(t, trial.CodeInvalid, app.ErrorOf(err).Code, reason)
	}
	err := a.app.EndSessionsRecorded(ctx, app.SessionEnd{ID: "0000000000000000", Reason: "has left"})
	require.Equal(t, trial.CodeNotFound, app.ErrorOf(err).Code)
	require.Equal(t, access.Good, a.status(t, ids)[2])
}
