package dashboard_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/internal/domain/audit"
	"marketplace.example/trials/test/sample"
)

func TestTheBackupsThatThereAre(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	inOrder(t, s.get("/admin/backups").text(), "The next one begins 2026-03-14 12:20:00 UTC (2 hours from now).", "running", "incremental", "18,240", "4.8 MB",
		"failed", "none: the worker was not told where to keep one", "Take one now", "In bucket nordic-backups", "read back to its end when it was taken",
		"full", "96 MB", "What is no good", "20260312T081500.000Z-full.backup is refused", "How a restore goes", "Not from here", "starter restore --replace --yes")
	empty := sample.Empty()
	inOrder(t, signedIn(t, empty).get("/admin/backups").text(), "No run is planned.", "The schedule has taken none yet.", "This API was not told where backups are kept")
	empty.Stored.Storage, empty.Schedule.Paused, empty.Schedule.Note = "folder /var/backups", true, "no rollout runs"
	inOrder(t, signedIn(t, empty).get("/admin/backups").text(), "By themselves none are taken now: no rollout runs.", "There is no backup.")
	broken := signedIn(t, sample.Broken()).get("/admin/backups")
	require.Equal(t, http.StatusOK, broken.status)
	inOrder(t, broken.text(), "The schedule cannot be read now", "cannot be read now. The API's log says why", "How a restore goes")
}

func TestTakingABackup(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	values := s.get("/admin/backups").fields()
	for range 2 { // also where the button is pressed twice
		a := s.post("/admin/backups", values)
		require.Equal(t, http.StatusSeeOther, a.status, a.text())
		require.Contains(t, s.get(a.header.Get("Location")).text(), "A worker takes one now")
	}
	require.Equal(t, 1, s.world.BackupsTaken)
	last := s.world.Record[len(s.world.Record)-1]
	require.Equal(t, "takeBackup", last.Action)
	require.Equal(t, audit.Done, last.Outcome)

	s.world.BackupsErr = sample.ErrUnavailable
	a := s.post("/admin/backups", s.get("/admin/backups").fields())
	require.Equal(t, http.StatusServiceUnavailable, a.status)
	require.Contains(t, a.text(), "it is not known whether this was done. It is safe to send this again.")

	s.world.BackupsErr, s.world.Document.FeatureFlags.AdminTools.Enabled = nil, false
	a = s.post("/admin/backups", s.get("/admin/backups").fields())
	require.Equal(t, http.StatusConflict, a.status)
	require.Contains(t, a.text(), "the flag adminTools.enabled is false")
	require.Equal(t, 1, s.world.BackupsTaken)
}

func TestViewersAreNotOfferedToTakeABackup(t *testing.T) {
	t.Parallel()
	s := newSite(t, sample.Busy())
	issue(t, s.world, access.Viewer)
	s.signIn(string(access.Viewer))
	require.NotContains(t, s.get("/admin/backups").text(), "Take one now")
}
