package dashboard_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/api/dashboard"
	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/internal/domain/experiment"
	"marketplace.example/trials/test/sample"
)

const running = "/admin/experiments/experiment-20260110-090000-5d2f0a"

func withExperiments(w *sample.World) func(*dashboard.Options) {
	return func(o *dashboard.Options) { o.Experiments = w }
}

func experimentSite(t *testing.T, w *sample.World) *site {
	t.Helper()
	return signedIn(t, w, withExperiments(w))
}

func TestTheExperimentIsShown(t *testing.T) {
	t.Parallel()
	w := sample.Experimenting()
	s := experimentSite(t, w)
	a := s.get("/admin/experiments")
	require.Equal(t, http.StatusOK, a.status)
	shown, err := w.Experiment(t.Context(), "current")
	require.NoError(t, err)
	text := a.text()
	require.Contains(t, text, "shorter-trial")
	require.Contains(t, text, shown.Sentence)
	require.Contains(t, text, shown.Next)
	require.Contains(t, a.body, "<svg")
	require.Contains(t, a.body, `href="`+running+`/end"`)
	require.NotContains(t, a.body, "/experiments/start", "one runs")
	require.Contains(t, text, "one-reminder standard-14d one-reminder ended, picked A")

	earlier := s.get("/admin/experiments/experiment-20251001-080000-aa0193").text()
	require.Contains(t, earlier, "Picked A: Nothing speaks for fewer reminders.")
	require.Equal(t, http.StatusNotFound, s.get("/admin/experiments/nothing").status)

	empty := sample.Empty()
	text = experimentSite(t, empty).get("/admin/experiments").text()
	require.Contains(t, text, "There was no experiment yet. Start one …")
	require.Equal(t, http.StatusNotFound, signedIn(t, empty).get("/admin/experiments").status, "where none are kept")
	broken := sample.Broken()
	require.Equal(t, http.StatusServiceUnavailable, experimentSite(t, broken).get("/admin/experiments").status)
}

func TestAnExperimentIsStartedAfterItsForecast(t *testing.T) {
	t.Parallel()
	w := sample.Busy()
	s := experimentSite(t, w)
	const question = "/admin/experiments/start?name=shorter&armA=standard-14d&armB=week&difference=5&perDay=&conversion="
	require.NotContains(t, s.get("/admin/experiments/start").body, `method="post" action="/admin/experiments/start"`)
	a := s.get(question)
	require.Contains(t, a.text(), "It cannot start now: an experiment starts only once the rollout is at 100 % and on; it is at 25 %.")
	require.NotContains(t, a.body, `method="post" action="/admin/experiments/start"`)
	require.Contains(t, s.get("/admin/experiments/start?name=shorter&armA=week&armB=week&difference=5").text(), "armB is the same policy as armA.")
	require.Contains(t, s.get("/admin/experiments/start?name=shorter&armA=week&armB=month&difference=five").text(), "difference must be a number of points.")

	w.Document.FeatureFlags.TrialAutomation.RolloutPercentage = 100
	filled := s.filledAt(question, "")
	require.Equal(t, "none", filled.Get("seen"))
	done := s.post("/admin/experiments/start", filled)
	require.Equal(t, http.StatusSeeOther, done.status)
	require.Equal(t, "/admin/experiments?asked=start", done.header.Get("Location"))
	require.Equal(t, "shorter", w.Experimented[0].Name)
	require.InDelta(t, 0.05, w.Experimented[0].Difference, 1e-9)
	require.Equal(t, "week", w.Experimented[0].ArmB)
	again := s.post("/admin/experiments/start", filled)
	require.Equal(t, http.StatusConflict, again.status)
	require.Contains(t, again.text(), "Nothing was done: the experiment shorter is dealing: end it first.")
}

func TestAnExperimentIsEnded(t *testing.T) {
	t.Parallel()
	w := sample.Experimenting()
	s := experimentSite(t, w)
	stale := s.filledAt(running+"/end", "B sells more")
	require.Equal(t, http.StatusBadRequest, s.post(running+"/end", stale).status, "nothing is picked")
	stale.Set("picked", "b")
	rows := w.Rows
	w.Rows = nil
	for day := range 60 {
		w.Rows = append(w.Rows, experiment.Row{Day: day, A: experiment.Count{Dealt: 12, Converted: 1}, B: experiment.Count{Dealt: 12, Converted: 4}})
	}
	a := s.post(running+"/end", stale)
	require.Equal(t, http.StatusConflict, a.status, "there is a verdict by now")
	require.Contains(t, a.text(), "have gone on since this page was opened")
	require.Nil(t, w.Experimented[1].Ended)

	w.Rows = rows
	fresh := s.filledAt(running+"/end", "B sells more")
	fresh.Set("picked", "b")
	done := s.post(running+"/end", fresh)
	require.Equal(t, http.StatusSeeOther, done.status)
	require.Equal(t, experiment.ArmB, w.Experimented[1].Ended.Picked)
	text := s.get(done.header.Get("Location")).text()
	require.Contains(t, text, "The experiment has ended.")
	require.Contains(t, text, `For week, write "default: week" in the file that POLICIES names`)
	require.Contains(t, s.get(running+"/end").text(), "This does not apply now: it has ended.")
}

func TestWhoMayDoWhatToAnExperiment(t *testing.T) {
	t.Parallel()
	for role, sees := range map[access.Role][2]bool{access.Viewer: {false, false}, access.Operator: {true, false}, access.Admin: {true, true}} {
		w := sample.Experimenting()
		s := newSite(t, w, withExperiments(w))
		issue(t, w, role)
		s.signIn(string(role))
		require.Equal(t, sees[0], s.get(running+"/end").status == http.StatusOK, role)
		require.Equal(t, sees[1], s.get("/admin/experiments/start").status == http.StatusOK, role)
		page := s.get("/admin/experiments").body
		if sees[0] {
			require.Contains(t, page, "End it …", role)
		} else {
			require.NotContains(t, page, "End it …", role)
			require.Equal(t, http.StatusForbidden, s.post(running+"/end", url.Values{}).status)
		}
	}
}
