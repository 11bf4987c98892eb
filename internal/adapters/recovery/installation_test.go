package recovery

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/adapters/backup"
)

// The id is drawn once, whoever asks first, and goes with the database into its backups.
func TestAnInstallationHasOneID(t *testing.T) {
	t.Parallel()
	r := newPast(t)
	_, found, err := r.store.KnownOrigin(t.Context())
	require.NoError(t, err)
	require.False(t, found)
	const callers = 8
	origins := make(chan backup.Origin, callers)
	for range callers {
		go func() {
			origin, _ := r.store.Origin(t.Context())
			origins <- origin
		}()
	}
	origin := <-origins
	require.NotEmpty(t, origin.Installation)
	for range callers - 1 {
		require.Equal(t, origin, <-origins)
	}
	r.backUp(t, backup.Full)
	listed, err := r.repository.List(t.Context())
	require.NoError(t, err)
	require.Equal(t, origin, listed.Good[0].Origin)

	restored, found, err := r.restore(t, r.now).KnownOrigin(t.Context())
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, origin.Installation, restored.Installation, "its backups go on with those of before")
	into := newTestStore(t)
	_, err = into.Restore(t.Context(), Moment{At: r.now, Before: r.source(t, listed.Good[0])})
	require.NoError(t, err)
	_, found, err = into.KnownOrigin(t.Context())
	require.NoError(t, err)
	require.False(t, found, "a copy to look at is no installation")
	now, err := r.store.Clock(t.Context())
	require.NoError(t, err)
	require.WithinDuration(t, time.Now(), now, time.Hour, "one machine, one clock")
}
