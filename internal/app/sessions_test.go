package app

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"marketplace.example/trials/internal/domain/access"
)

// signedIn is a store that knows good sessions, by their ids, and lists a hundred of them at once.
type signedIn struct {
	Store
	good map[string]access.Session
}

func (s signedIn) EndSession(_ context.Context, id, _ string, _ time.Time) (access.Session, error) {
	session := s.good[id]
	delete(s.good, id)
	if session.Name == signsOut {
		return session, access.NoSession(id)
	}
	return session, nil
}

func (s signedIn) SessionsOf(_ context.Context, subject string, _ time.Time) ([]access.Session, error) {
	theirs := slices.DeleteFunc(slices.Collect(maps.Values(s.good)), func(session access.Session) bool { return session.Subject != subject })
	return theirs[:min(len(theirs), 100)], nil
}

// signsOut is the name of a session that its person ends by signing out, before it is ended here.
const signsOut = "signs out"

// However many sessions a person has, all of them end; the audit record names some of them, and counts them.
func TestAllSessionsOfAPersonEnd(t *testing.T) {
	t.Parallel()
	const many = 250
	s := signedIn{good: map[string]access.Session{"another": {ID: "another", Subject: "ben"}}}
	for i := range many {
		id := fmt.Sprint(i)
		s.good[id] = access.Session{ID: id, Subject: "ada"}
	}
	s.good["gone"] = access.Session{ID: "gone", Subject: "ada", Name: signsOut}
	a, ctx := &App{Options: Options{Store: s, Now: time.Now, Log: zap.NewNop()}}, context.WithValue(t.Context(), notedKey{}, new(noted))
	require.NoError(t, a.endSessions(ctx, SessionEnd{ID: "7", Everywhere: true}))
	require.Equal(t, []string{"another"}, slices.Collect(maps.Keys(s.good)))
	note, is := ctx.Value(notedKey{}).(*noted).after.(map[string]any)
	require.True(t, is)
	require.Equal(t, many, note["count"])
	require.Len(t, note["ended"], mostEndedShown)
}
