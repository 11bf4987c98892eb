package dashboard_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/test/sample"
)

const (
	rolloutStartPath = "/admin/rollout/start"
	shortYAML        = `name: short # kept as it was written
noticeDays: 0.5
phases:
  - {name: half, percentage: 50, soakDays: 1, gates: [email]}
  - {name: all, percentage: 100, soakDays: 2, gates: [], criteria: [feedback-positive]}
`
)

// The configured plan is looked at and started, once.
func TestStartingARolloutWithTheConfiguredPlan(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Empty())
	require.Contains(t, s.get("/admin/").body, `href="/admin/rollout/start"`)
	page := s.get(rolloutStartPath)
	require.Equal(t, http.StatusOK, page.status)
	inOrder(t, page.text(), "The plan default, if it started now", "notice 0 % 2026-03-14 10:20:00 UTC 2026-03-15 10:20:00 UTC stakeholders are told",
		"phase 1 of 6, validation (0 %) 0 % 2026-03-15 10:20:00 UTC 2026-03-17 10:20:00 UTC no gate; the preflight",
		"phase 2 of 6, limited (10 %) 10 % 2026-03-17 10:20:00 UTC 2026-03-19 10:20:00 UTC email, automation, api, errors, conversion",
		"guard 100 %", "Rolled back at once: more than 20 % of steps or calls fail, less than 10 % convert.", "What it risks", "Vendors if e-mail is broken", "Start it", "Reason")
	require.Less(t, len(page.body), 100<<10)

	values := page.fields()
	values.Set("reason", " ")
	a := s.post(rolloutStartPath, values)
	require.Equal(t, http.StatusBadRequest, a.status)
	require.Contains(t, a.text(), "The reason is missing.")
	require.Empty(t, s.world.Rollout)

	values = a.fields()
	values.Set("reason", "All is ready")
	for range 2 { // also where the button is pressed twice
		a = s.post(rolloutStartPath, values)
		require.Equal(t, http.StatusSeeOther, a.status, a.text())
	}
	require.Equal(t, []string{"All is ready"}, s.world.BegunFor)
	state := rollout.Fold(s.world.Rollout)
	require.Equal(t, rollout.DefaultPlan(), state.Plan)
	require.Equal(t, "admin", state.StartedBy)
	require.Contains(t, s.get(a.header.Get("Location")).text(), "The rollout was asked to start.")
	page = s.get(rolloutStartPath)
	require.Contains(t, page.text(), "is running: only one runs at a time")
	require.NotContains(t, page.text(), "Start it")
}

// A plan that was pasted or chosen is shown as it was written, and it is what starts.
func TestStartingARolloutWithAnotherPlan(t *testing.T) {
	t.Parallel()
	for name, preview := range map[string]func(*site) answer{
		"pasted": func(s *site) answer {
			return s.post(rolloutStartPath, url.Values{"plan": {strings.ReplaceAll(shortYAML, "\n", "\r\n")}})
		},
		"a file": func(s *site) answer {
			return s.upload(rolloutStartPath, url.Values{"plan": {"what stood there"}}, shortYAML)
		},
		"json": func(s *site) answer {
			return s.post(rolloutStartPath, url.Values{"plan": {`{"name": "short", "noticeDays": 0.5, "phases": [
	{"name": "half", "percentage": 50, "soakDays": 1, "gates": ["email"]},
	{"name": "all", "percentage": 100, "soakDays": 2, "gates": [], "criteria": ["feedback-positive"]}
]}`}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := signedIn(t, sample.Empty())
			a := preview(s)
			require.Equal(t, http.StatusOK, a.status, a.text())
			require.Empty(t, s.world.Rollout, "it was only looked at")
			inOrder(t, a.text(), "The plan short, if it started now", "notice 0 % 2026-03-14 10:20:00 UTC 2026-03-14 22:20:00 UTC", "phase 2 of 2, all (100 %)", "no gate; a person ticks feedback positive")
			require.Contains(t, a.body, "short")
			values := a.fields()
			values.Set("reason", "A quick one")
			a = s.post(rolloutStartPath, values)
			require.Equal(t, http.StatusSeeOther, a.status, a.text())
			state := rollout.Fold(s.world.Rollout)
			require.Equal(t, "short", state.Plan.Name)
			require.Equal(t, 2.0, state.Plan.Phases[1].SoakDays) //nolint:testifylint // as it was entered, not reckoned
		})
	}
}

// What is wrong with a plan is said beside it, with its line, and what was pasted stays.
func TestAWrongPlanStartsNothing(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Empty())
	for text, says := range map[string]string{
		"name: short\nphases: []":                       "Is not right: line 2: phases: must be 1 to 20 phases.",
		strings.Replace(shortYAML, "50", "150", 1):      "phases[0].percentage: must be 0 to 100",
		strings.Replace(shortYAML, "[email]", "[e]", 1): `"e" is no gate`,
		"{":                                   "Is not right: ",
		"name: " + strings.Repeat("x", 17000): "Must have at most 16,384 bytes.",
	} {
		for _, confirmed := range []string{"", "yes"} {
			a := s.post(rolloutStartPath, url.Values{"plan": {text}, "confirmed": {confirmed}, "reason": {"as I see it"}, "request": {"k"}, "seen": {"none"}})
			require.Equal(t, http.StatusBadRequest, a.status, a.text())
			require.Contains(t, a.text(), says)
			require.Contains(t, a.body, `id="plan-problem"`)
			require.Contains(t, a.text(), strings.Fields(text)[0])
			require.NotContains(t, a.text(), "if it started now")
		}
	}
	require.Equal(t, http.StatusConflict, s.post(rolloutStartPath, url.Values{"confirmed": {"yes"}, "reason": {"x"}}).status, "a form without what it showed is of nothing")
	require.Empty(t, s.world.Rollout)
}

// Two people start a rollout: the second one's page is of before, and starts nothing.
func TestTwoPeopleStartARollout(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Empty())
	mine, theirs := s.filledAt(rolloutStartPath, "as I see it"), s.filledAt(rolloutStartPath, "they were faster")
	require.Equal(t, http.StatusSeeOther, s.post(rolloutStartPath, theirs).status)
	a := s.post(rolloutStartPath, mine)
	require.Equal(t, http.StatusConflict, a.status)
	require.Contains(t, a.text(), "Nothing was done: another rollout has started since this page was opened: look again.")
	require.Contains(t, a.body, "default", "what was entered stays")
	require.Equal(t, []string{"they were faster"}, s.world.BegunFor)

	s.world.Rollout = append(s.world.Rollout, rollout.Event{Seq: 2, Type: rollout.EventCompleted, At: s.world.Moment})
	require.Equal(t, http.StatusConflict, s.post(rolloutStartPath, mine).status, "though none runs now")
}

// A rollout that was rolled back goes on at a phase, with its own plan.
func TestRestartingARolloutAtAPhase(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Rollouts()["switched-off"]())
	before := rollout.Fold(s.world.Rollout)
	require.Contains(t, s.get("/admin/").body, `href="/admin/rollout/start"`)
	inOrder(t, s.get(rolloutStartPath).text(), "A new one, from its first phase on.", "Restart "+before.ID, "3: expansion 25, 25 %")
	for phase, says := range map[string]string{"x": "Must be a whole number.", "0": "Must be 1 to 6.", "7": "Must be 1 to 6."} {
		a := s.post(rolloutStartPath, url.Values{"restart": {before.ID}, "phase": {phase}})
		require.Equal(t, http.StatusBadRequest, a.status)
		require.Contains(t, a.text(), says)
	}
	a := s.post(rolloutStartPath, url.Values{"restart": {before.ID}, "phase": {"3"}})
	require.Equal(t, http.StatusOK, a.status, a.text())
	inOrder(t, a.text(), "notice 0 %", "phase 3 of 6, expansion-25 (25 %)", "Restart "+before.ID+" at phase 3")
	require.NotContains(t, a.text(), "phase 2 of 6, limited (10 %) 10 %")
	require.Contains(t, a.body, `<option value="3" selected>`)
	values := a.fields()
	values.Set("reason", "Mended")
	for range 2 { // also where the button is pressed twice
		a = s.post(rolloutStartPath, values)
		require.Equal(t, http.StatusSeeOther, a.status, a.text())
	}
	state := rollout.Fold(s.world.Rollout)
	require.Equal(t, before.ID, state.RestartOf)
	require.Equal(t, []string{"Mended"}, s.world.BegunFor, "it counts once")
	require.Equal(t, rollout.Stage{Kind: rollout.Notice, Phase: 2}, state.Stage)

	s = signedIn(t, sample.Rollouts()["complete"]())
	require.NotContains(t, s.get(rolloutStartPath).text(), "Restart", "only what was rolled back is restarted")
	complete := rollout.Fold(s.world.Rollout).ID
	require.Equal(t, http.StatusConflict, s.post(rolloutStartPath, url.Values{"restart": {complete}, "phase": {"1"}}).status)
}

func TestStartingARolloutWithTheDatabaseAway(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Broken())
	require.Equal(t, http.StatusServiceUnavailable, s.get(rolloutStartPath).status)
	require.Equal(t, http.StatusServiceUnavailable, s.get("/admin/rollout/calendar").status)
}

// A check is waived from where the preflight is shown, by whoever may, as long as it finds what the page showed.
func TestWaivingAPreflightCheck(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Rollouts()["preflight"]())
	const page = "/admin/rollout/waive/backup"
	require.Contains(t, s.get("/admin/").body, `<a href="`+page+`">Waive …</a>`)
	require.NotContains(t, s.get("/admin/").body, "/waive/health", "it passes")
	inOrder(t, s.get(page).text(), "Waive the preflight check backup", "for as long as this rollout lasts", "INSUFFICIENT no backup is on record", "Reason")
	require.Equal(t, http.StatusNotFound, s.get("/admin/rollout/waive/odd").status)
	require.Contains(t, s.get("/admin/rollout/waive/health").text(), "This does not apply now.")
	a := s.post("/admin/rollout/waive/health", s.filledAt("/admin/rollout/waive/health", "to be sure"))
	require.Equal(t, http.StatusConflict, a.status)
	require.Contains(t, a.text(), "check health passes: there is nothing to waive")

	values := s.filledAt(page, "Dump of 6 March, in the vault")
	old := url.Values{}
	for field := range values {
		old.Set(field, values.Get(field))
	}
	old.Set("found", "FAIL: there is no full backup")
	a = s.post(page, old)
	require.Equal(t, http.StatusConflict, a.status)
	inOrder(t, a.text(), "Nothing was done: the check finds something else than when this page was opened: look again.", "Dump of 6 March")
	for range 2 {
		a = s.post(page, values)
		require.Equal(t, http.StatusSeeOther, a.status, a.text())
	}
	require.Equal(t, []string{rollout.SignalWaive}, s.world.Controls)
	require.Equal(t, "backup", s.world.Steered[0].Subject)
	text := s.get(a.header.Get("Location")).text()
	inOrder(t, text, "The rollout was asked to take the check as passed.", "backup no backup is on record", "waived by admin")
	require.NotContains(t, s.get("/admin/").body, page)
}

// The calendar has the planned stages above those that the rollout went through, and both in words.
func TestPlanAndActualCalendar(t *testing.T) {
	t.Parallel()
	for name, parts := range map[string][]string{
		"in-phase":         {"notice", "phase 1 of 6, validation (0 %)", "phase 2 of 6, limited (10 %)", "guard"},
		"announced":        {"notice", "phase 1 of 6, validation (0 %)"},
		"rolled-back-once": {"phase 2 of 6, limited (10 %)", "phase 3 of 6, expansion-25 (25 %)"},
		"paused-by-person": {"phase 2 of 6, limited (10 %)", "paused at 10 %"},
		"complete":         {"phase 6 of 6, full (100 %)", "stability", "guard"},
		"switched-off":     {"phase 1 of 6, validation (0 %)", "guard"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := signedIn(t, sample.Rollouts()[name]())
			require.Contains(t, s.get("/admin/").body, `href="/admin/rollout/calendar"`)
			a := s.get("/admin/rollout/calendar")
			require.Equal(t, http.StatusOK, a.status)
			inOrder(t, a.text(), append([]string{"Plan and actual calendar", "Stage Planned As it went"}, parts...)...)
			require.Contains(t, a.body, "<svg")
			require.Contains(t, a.body, "span-planned")
			require.Contains(t, a.body, "span-actual")
			require.Equal(t, !rollout.Fold(s.world.Rollout).Status.Final(), strings.Contains(a.body, "span-ahead"))
			require.Contains(t, a.body, `aria-label="Planned: 9 stages from`)
			require.Less(t, len(a.body), 100<<10)
		})
	}
	require.Contains(t, signedIn(t, sample.Empty()).get("/admin/rollout/calendar").text(), "There was no rollout yet.")
}
