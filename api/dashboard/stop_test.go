package dashboard_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/test/sample"
)

// Whoever may stop the automation finds the way on every page, and needs two clicks and a reason.
func TestStoppingTheAutomation(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	for _, page := range []string{"/admin/", "/admin/trials/vendor-013", "/admin/audit", "/admin/nowhere"} {
		require.Contains(t, s.get(page).body, `href="/admin/stop"`, page)
	}
	page := s.get("/admin/stop").text()
	inOrder(t, page, "Automation is on for 25 %", "no e-mail to vendors leaves any more", "The rollout is rolled back completely", "Reason", "docker compose stop worker")

	values := s.filledAt("/admin/stop", "  ")
	a := s.post("/admin/stop", values)
	require.Equal(t, http.StatusBadRequest, a.status)
	require.Contains(t, a.text(), "The reason is missing.")
	require.True(t, s.world.Document.FeatureFlags.TrialAutomation.Enabled)

	values.Set("reason", "Wrong e-mails go out")
	for range 2 { // also where the button is pressed twice
		a = s.post("/admin/stop", values)
		require.Equal(t, http.StatusSeeOther, a.status, a.text())
	}
	require.Equal(t, rollout.RolledBack, rollout.Fold(s.world.Rollout).Status)
	require.Len(t, s.world.Steered, 1)
	inOrder(t, s.get(a.header.Get("Location")).text(), "The automation is stopped", "by admin", "How to go on", "starter flags set trialAutomation.enabled=true")
}

func TestStoppingWithoutARollout(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Empty())
	page := s.get("/admin/stop").text()
	require.NotContains(t, page, "rolled back")
	require.Equal(t, http.StatusSeeOther, s.post("/admin/stop", s.filledAt("/admin/stop", "Wrong e-mails go out")).status)
	require.False(t, s.world.Document.FeatureFlags.TrialAutomation.Enabled)
	require.Contains(t, s.get("/admin/stop").text(), "The automation is stopped")
}

// The form is there although nothing can be read, and what is typed stays.
func TestStoppingWhileNothingAnswers(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Broken())
	inOrder(t, s.get("/admin/stop").text(), "could not be read", "Reason", "docker compose stop worker")
	a := s.post("/admin/stop", s.filledAt("/admin/stop", "Wrong e-mails go out"))
	require.Equal(t, http.StatusServiceUnavailable, a.status)
	inOrder(t, a.text(), "it is not known whether this was done", "Wrong e-mails go out")
}

func TestViewersAreNotOfferedToStop(t *testing.T) {
	t.Parallel()
	s := newSite(t, sample.Busy())
	issue(t, s.world, access.Viewer)
	s.signIn(string(access.Viewer))
	require.NotContains(t, s.get("/admin/").body, "/admin/stop")
}
