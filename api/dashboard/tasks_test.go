package dashboard_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/test/sample"
)

const task = "/admin/rollout/tick/daily-monitoring-review"

// A task of a rollout that is complete is ticked on its page, once, as it was shown.
func TestATaskAfterTheDeploymentIsTickedOnItsPage(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Completed())
	page := s.get("/admin/")
	inOrder(t, page.text(), "Tasks after the deployment", "open Daily monitoring review", "Tick …", "to come Long-term trend analysis")
	require.Contains(t, page.body, `<a href="`+task+`">Tick …</a>`)
	require.NotContains(t, page.body, `tick/next-feature-planning`, "it has not begun")
	inOrder(t, s.get(task).text(), "Tick: Daily monitoring review", "open", "Is it done?", "Done.", "Not done.", "Reason")

	values, old := s.filledAt(task, "Looked at each day"), s.filledAt(task, "An old tab")
	a := s.post(task, values)
	require.Equal(t, http.StatusBadRequest, a.status)
	inOrder(t, a.text(), "must be chosen", "Looked at each day")
	values.Set("met", "yes")
	old.Set("met", "no")
	for range 2 { // the button is pressed twice
		a = s.post(task, values)
		require.Equal(t, http.StatusSeeOther, a.status, a.text())
	}
	require.Len(t, s.world.Steered, 1)
	require.Equal(t, rollout.Tick{Met: true, By: "admin", Reason: "Looked at each day"}, rollout.Fold(s.world.Rollout).Criteria["daily-monitoring-review"])
	page = s.get("/admin/")
	inOrder(t, page.text(), "done Daily monitoring review", "Looked at each day.")
	require.NotContains(t, page.body, `href="`+task+`"`)
	inOrder(t, s.get(task).text(), "done", "Ticked before: Looked at each day.")

	a = s.post(task, old)
	require.Equal(t, http.StatusConflict, a.status)
	inOrder(t, a.text(), "Nothing was done: somebody has ticked the task since this page was opened: look again.", "An old tab")
	require.Len(t, s.world.Steered, 1)

	viewer := newSite(t, sample.Completed())
	issue(t, viewer.world, access.Viewer)
	viewer.signIn(string(access.Viewer))
	require.NotContains(t, viewer.get("/admin/").text(), "Tick …")
}

// That a task's time has come is nobody's tick: a page that was opened before still ticks it.
func TestATaskIsTickedFromAPageThatWasOpenedBeforeItsTime(t *testing.T) {
	t.Parallel()
	w := sample.Completed()
	const id = "long-term-trend-analysis"
	tasks := rollout.TasksOf(rollout.Fold(w.Rollout), w.Moment)
	i := slices.IndexFunc(tasks, func(v rollout.TaskView) bool { return v.ID == id })
	require.GreaterOrEqual(t, i, 0)
	w.Moment = tasks[i].From.Add(-time.Minute)
	s := signedIn(t, w)
	const path = "/admin/rollout/tick/" + id
	require.Contains(t, s.get(path).text(), "to come")
	values := s.filledAt(path, "The curve is flat")
	values.Set("met", "yes")
	w.Moment = *tasks[i].From
	require.Contains(t, s.get(path).text(), "open")
	a := s.post(path, values)
	require.Equal(t, http.StatusSeeOther, a.status, a.text())
	require.Len(t, w.Steered, 1)
}

// Who ticked, and what, are a tick as well as its reason.
func TestATaskThatSomebodyElseHasTickedIsNotTickedUnseen(t *testing.T) {
	t.Parallel()
	const id, reason = "daily-monitoring-review", "Two days are missing:\nMonday, Friday"
	for name, c := range map[string]struct {
		done bool
		by   string
	}{"by somebody else": {false, "bea"}, "as done": {true, "ada"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := sample.Completed()
			ticks := func(done bool, by, request string) {
				e, err := rollout.Fold(w.Rollout).Request(rollout.SignalTick, flags.Request{ID: request, Subject: id, Met: done, By: by, Reason: reason}, nil, w.Moment)
				require.NoError(t, err)
				w.Rollout = append(w.Rollout, *e)
			}
			ticks(false, "ada", "first")
			s := signedIn(t, w)
			values := s.filledAt(task, "All seven are there")
			require.NotContains(t, values.Get("found"), "\n", "browsers send line ends of their own")
			values.Set("met", "yes")
			ticks(c.done, c.by, "second")
			a := s.post(task, values)
			require.Equal(t, http.StatusConflict, a.status)
			require.Contains(t, a.text(), "Nothing was done: somebody has ticked the task since this page was opened: look again.")
			require.Empty(t, w.Steered)
		})
	}
}

func TestATaskThatHasNotBegunIsNotTicked(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	const early = "The tasks come after the last phase: there is nothing to tick yet."
	require.NotContains(t, s.get("/admin/").text(), "Tasks after the deployment")
	require.Contains(t, s.get(task).text(), early)
	values := s.filledAt(task, "done early")
	values.Set("met", "yes")
	a := s.post(task, values)
	require.Equal(t, http.StatusConflict, a.status)
	require.Contains(t, a.text(), "Nothing was done: the tasks come after the last phase")

	back := s.filled(rollout.SignalRollback, "bounces")
	back.Set("percentage", "0")
	require.Equal(t, http.StatusSeeOther, s.post("/admin/rollout/rollback", back).status)
	require.Contains(t, s.get(task).text(), "The rollout was not completed: there are no tasks after it.")
	require.Equal(t, http.StatusConflict, s.post(task, values).status)
	require.Equal(t, http.StatusServiceUnavailable, signedIn(t, sample.Broken()).get(task).status)
	require.Equal(t, http.StatusNotFound, s.get("/admin/rollout/tick/no-such-task").status)
}
