package rest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/api/rest"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

const rolloutsPath = "/api/admin/rollouts"

// steering sends one of the controls.
func (a *api) steer(control, key, body string) answered {
	a.t.Helper()
	return a.call(request{method: http.MethodPost, path: rolloutsPath + "/current/" + control, token: adminToken, key: key, body: body})
}

// running is an API with a rollout that is at 25 %.
func running(t *testing.T) *api {
	t.Helper()
	a := newAPI(t)
	a.enter(t)
	return a
}

// enter starts a rollout and has it enter its phase of 25 %.
func (a *api) enter(t *testing.T) {
	t.Helper()
	require.Equal(t, http.StatusAccepted, a.inside(http.MethodPost, rolloutsPath, "start-1", `{}`).Code)
	for i, e := range []rollout.Event{
		{Type: rollout.EventEntered, Stage: &rollout.Stage{Kind: rollout.InPhase}, Enabled: new(true), Percentage: new(0.0)},
		{Type: rollout.EventPreflight, Checks: []rollout.Check{{ID: "backup", Verdict: rollout.Insufficient}, {ID: "health", Verdict: rollout.Pass}}},
		{Type: rollout.EventEntered, Stage: &rollout.Stage{Kind: rollout.InPhase, Phase: 2}, Enabled: new(true), Percentage: new(25.0)},
	} {
		e.Seq, e.At = i+2, present
		a.store.Store.Rollout = append(a.store.Store.Rollout, e)
	}
	a.store.Document.FeatureFlags.TrialAutomation.RolloutPercentage = 25
}

func (a *api) view() rollout.View {
	a.t.Helper()
	return into[rollout.View](a.get(rolloutsPath+"/current", adminToken), http.StatusOK)
}

func TestARolloutIsStartedOnceAndSeen(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	require.Equal(t, http.StatusNotFound, a.get(rolloutsPath+"/current", adminToken).status)
	started := into[rest.RolloutStarted](a.ask(rolloutsPath, "start-2", `{}`), http.StatusAccepted)
	require.Equal(t, "rollout-20260310-120000-207bd0", started.Id)
	view := a.view()
	require.Equal(t, rollout.DefaultPlan(), view.Rollout.Plan)
	require.Equal(t, rollout.Notice, view.Rollout.Stage.Kind)
	require.Equal(t, present.AddDate(0, 0, 1), *view.NextMoment)
	require.Len(t, view.Criteria, 12)
	require.Equal(t, http.StatusConflict, a.ask(rolloutsPath, "start-3", `{}`).status)
	require.Equal(t, http.StatusOK, a.get(rolloutsPath+"/"+started.Id, adminToken).status)
	require.Equal(t, http.StatusNotFound, a.get(rolloutsPath+"/other", adminToken).status)
}

func TestRollbackWritesTheFlagsFirst(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body       string
		enabled    bool
		percentage float64
	}{
		"immediate": {`{"percentage": 0, "reason": "harm", "inFlight": "release"}`, false, 0},
		"partial":   {`{"percentage": 10, "reason": "harm", "inFlight": "release"}`, true, 10},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := running(t)
			a.workflows.unavailable = errUnavailable // Temporal is down
			require.Equal(t, http.StatusAccepted, a.steer("rollback", "k1", c.body).status)
			current := a.store.Document.FeatureFlags.TrialAutomation
			require.Equal(t, c.enabled, current.Enabled)
			require.InDelta(t, c.percentage, current.RolloutPercentage, 0)
			asked := a.store.Document.Rollback
			require.Equal(t, a.view().Rollout.ID, asked.RolloutID)
			require.Equal(t, flags.Request{ID: "k1", By: "admin", Reason: "harm", Percentage: c.percentage, InFlight: flags.Release}, asked.Request,
				"the rollout finds it beside the flags")
			require.Equal(t, !c.enabled, a.store.Document.DisabledVersion == a.store.Document.Version)
		})
	}
}

// The rollout has not heard of the first one: what that was to hand over is handed over by the second.
func TestASecondRollbackHandsOverWhatTheFirstWould(t *testing.T) {
	t.Parallel()
	for second, want := range map[string]flags.InFlight{
		`{"percentage": 0, "reason": "harm"}`:                     flags.Release,
		`{"percentage": 0, "reason": "harm", "inFlight": "keep"}`: flags.Keep,
	} {
		a := running(t)
		a.workflows.unavailable = errUnavailable
		require.Equal(t, http.StatusAccepted, a.steer("rollback", "k1", `{"percentage": 10, "reason": "slow", "inFlight": "release"}`).status)
		require.Equal(t, http.StatusAccepted, a.steer("rollback", "k2", second).status)
		require.Equal(t, want, a.store.Document.Rollback.Request.InFlight)
		require.Equal(t, "k2", a.store.Document.Rollback.Request.ID)
	}
}

func TestControls(t *testing.T) {
	t.Parallel()
	a := running(t)
	require.Equal(t, http.StatusAccepted, a.steer("pause", "k1", `{"reason": "lunch"}`).status)
	require.Equal(t, rollout.Paused, a.view().Rollout.Status)
	require.Equal(t, http.StatusAccepted, a.steer("pause", "k1", `{"reason": "lunch"}`).status, "the same key is the same request")
	require.Equal(t, http.StatusConflict, a.steer("pause", "k2", `{"reason": "lunch"}`).status)
	require.Equal(t, http.StatusAccepted, a.steer("resume", "k3", `{"reason": "back"}`).status)
	require.Equal(t, http.StatusAccepted, a.steer("advance", "k4", `{"reason": "all is well"}`).status)
	require.InDelta(t, 50, a.view().Rollout.Percentage, 0)
	require.Equal(t, http.StatusAccepted, a.steer("set-percentage", "k5", `{"percentage": 33.33, "reason": "try"}`).status)
	require.Equal(t, rollout.PausedByOverride, a.view().Rollout.Pause.Cause)
	require.Equal(t, http.StatusAccepted, a.steer("criteria/feedback-positive", "k6", `{"met": true, "reason": "they like it"}`).status)
	require.Equal(t, http.StatusAccepted, a.steer("preflight/backup/waiver", "k7", `{"reason": "taken by hand"}`).status)
	decisions := into[rest.RolloutDecisions](a.get(rolloutsPath+"/current/decisions?after=4&limit=2", adminToken), http.StatusOK)
	require.Len(t, decisions.Decisions, 2)
	require.Equal(t, "Paused: lunch", decisions.Decisions[0].Reason)
	require.Equal(t, http.StatusConflict, func() int {
		a.steer("rollback", "k8", `{"percentage": 0, "reason": "harm"}`)
		return a.steer("resume", "k9", `{"reason": "again"}`).status
	}(), "it is over")
}

// Somebody may lower the flags by hand before the rollout hears of it.
func TestWhatMayRaiseSaysOnWhichFlagsItWasAsked(t *testing.T) {
	t.Parallel()
	a := running(t)
	a.store.Document.Version = 7
	for i, control := range []string{"pause", "resume", "advance"} {
		require.Equal(t, http.StatusAccepted, a.steer(control, fmt.Sprint("k", i), `{"reason": "lunch"}`).status)
	}
	a.post(rolloutPath, adminToken, `{"enabled":true,"rolloutPercentage":40}`)
	require.Equal(t, http.StatusAccepted, a.steer("set-percentage", "k5", `{"percentage": 60, "reason": "try"}`).status)
	require.Equal(t, []int{0, 7, 7, 8}, a.store.rollouts.steered)
}

func TestBadRolloutRequestsChangeNothing(t *testing.T) {
	t.Parallel()
	plan := func(change func(*rollout.Plan)) string {
		p := rollout.DefaultPlan()
		change(&p)
		raw, err := json.Marshal(map[string]any{"plan": p})
		require.NoError(t, err)
		return string(raw)
	}
	for name, c := range map[string]struct{ control, body, field string }{
		"no reason":                   {"pause", `{}`, "reason"},
		"blank reason":                {"pause", `{"reason": " "}`, "reason"},
		"long reason":                 {"pause", `{"reason": "` + strings.Repeat("a", 501) + `"}`, "reason"},
		"unknown field":               {"pause", `{"reason": "a", "by": "me"}`, "by"},
		"percentage missing":          {"rollback", `{"reason": "a"}`, "percentage"},
		"percentage negative":         {"rollback", `{"percentage": -1, "reason": "a"}`, "percentage"},
		"percentage above 100":        {"set-percentage", `{"percentage": 101, "reason": "a"}`, "percentage"},
		"percentage too fine":         {"set-percentage", `{"percentage": 10.005, "reason": "a"}`, "percentage"},
		"back to more":                {"rollback", `{"percentage": 25, "reason": "a"}`, "percentage"},
		"in flight":                   {"rollback", `{"percentage": 0, "reason": "a", "inFlight": "drop"}`, "inFlight"},
		"no such criterion":           {"criteria/nonsense", `{"met": true, "reason": "a"}`, "criterion"},
		"criterion judged by figures": {"criteria/email-delivery", `{"met": true, "reason": "a"}`, "criterion"},
		"no such check":               {"preflight/nonsense/waiver", `{"reason": "a"}`, "check"},
		"falling percentages":         {"", plan(func(p *rollout.Plan) { p.Phases[2].Percentage = 5 }), "plan.phases[2].percentage"},
		"repeated percentages":        {"", plan(func(p *rollout.Plan) { p.Phases[2].Percentage = 10 }), "plan.phases[2].percentage"},
		"no soak":                     {"", plan(func(p *rollout.Plan) { p.Phases[1].SoakDays = 0 }), "plan.phases[1].soakDays"},
		"negative soak":               {"", plan(func(p *rollout.Plan) { p.Phases[1].SoakDays = -1 }), "plan.phases[1].soakDays"},
		"unknown gate":                {"", plan(func(p *rollout.Plan) { p.Phases[1].Gates = []rollout.Gate{"luck"} }), "plan.phases[1].gates[0]"},
		"unknown rule":                {"", plan(func(p *rollout.Plan) { p.Rule = "luck" }), "plan.rule"},
		"phase without a restart":     {"", `{"phase": 3}`, "phase"},
		"restart of nothing":          {"", `{"restartOf": "rollout-x"}`, "restartOf"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := running(t)
			before := a.store.Document
			var got answered
			if c.control == "" {
				got = a.ask(rolloutsPath, "start-4", c.body)
			} else {
				got = a.steer(c.control, "k", c.body)
			}
			require.Contains(t, []int{http.StatusBadRequest, http.StatusNotFound}, got.status, string(got.body))
			require.Equal(t, c.field, *into[rest.Problem](got, got.status).Field)
			require.Equal(t, before, a.store.Document)
			require.Len(t, a.store.Store.Rollout, 4)
		})
	}
}

func TestAKeyStartsOneRollout(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	require.Equal(t, "Idempotency-Key", *a.post(rolloutsPath, adminToken, `{}`).problem(http.StatusBadRequest).Field)
	require.Empty(t, a.store.Store.Rollout)
	first := into[rest.RolloutStarted](a.ask(rolloutsPath, "k", `{}`), http.StatusAccepted)
	require.Equal(t, first, into[rest.RolloutStarted](a.ask(rolloutsPath, "k", `{}`), http.StatusAccepted))
	other := `{"plan": {"name": "other", "noticeDays": 1, "phases": [{"name": "all", "percentage": 100, "soakDays": 1, "gates": []}],
		"stabilityDays": 1, "guardDays": 1, "backfill": false, "backfillPerHour": 0, "rule": "evidence",
		"triggers": {"emailDelivery": 0.9, "errorRate": 0.2, "slowdown": 0.5, "conversion": 0.1}}}`
	require.Equal(t, "Idempotency-Key", *a.ask(rolloutsPath, "k", other).problem(http.StatusUnprocessableEntity).Field)
	require.Equal(t, http.StatusConflict, a.ask(rolloutsPath, "later", other).status, "another one runs")
	require.Len(t, a.store.Store.Rollout, 1)

	// The worker may not have come to it yet: then only the workflow knows that it runs.
	kept := a.store.Store.Rollout
	a.store.Store.Rollout = nil
	require.Equal(t, first, into[rest.RolloutStarted](a.ask(rolloutsPath, "k", `{}`), http.StatusAccepted))
	a.store.Store.Rollout = nil
	claim := a.store.Keys["k"]
	earlier := claim
	earlier.At = present.Add(-time.Minute)
	a.store.Keys["k"] = earlier
	require.Contains(t, into[rest.RolloutStarted](a.ask(rolloutsPath, "k", `{}`), http.StatusAccepted).Id, "-115900-", "the same as then")
	a.store.Keys["k"] = claim
	a.store.Store.Rollout = kept

	a.steer("rollback", "k-2", `{"percentage": 0, "reason": "harm"}`)
	require.Equal(t, first, into[rest.RolloutStarted](a.ask(rolloutsPath, "k", `{}`), http.StatusAccepted), "it was started, and is over")
	require.Equal(t, rollout.RolledBack, a.view().Rollout.Status)
	second := into[rest.RolloutStarted](a.ask(rolloutsPath, "later", other), http.StatusAccepted)
	require.NotEqual(t, first.Id, second.Id)
	require.Equal(t, "other", a.view().Rollout.Plan.Name, "what was refused starts once it may")
}

func TestWithoutARolloutThereIsNothingToSteer(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	before := a.store.Document
	for _, control := range []string{"pause", "resume", "advance"} {
		require.Equal(t, http.StatusNotFound, a.steer(control, "k", `{"reason": "a"}`).status)
	}
	require.Equal(t, http.StatusNotFound, a.steer("rollback", "k", `{"percentage": 0, "reason": "a"}`).status)
	require.Equal(t, before, a.store.Document)
}

func TestARolledBackRolloutIsRestartedAtAPhase(t *testing.T) {
	t.Parallel()
	a := running(t)
	body := fmt.Sprintf(`{"restartOf": %q, "phase": 3}`, a.view().Rollout.ID)
	require.Equal(t, http.StatusConflict, a.ask(rolloutsPath, "start-5", body).status, "it still runs")
	a.steer("rollback", "k", `{"percentage": 0, "reason": "harm"}`)
	require.Equal(t, http.StatusAccepted, a.ask(rolloutsPath, "start-6", body).status)
	require.Equal(t, 2, a.view().Rollout.Stage.Phase)
}

func TestAForecastSaysWhatCanBeDecided(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	f := into[rollout.Forecast](a.post(rolloutsPath+"/forecast", adminToken, `{"registrationsPerDay": 12}`), http.StatusOK)
	require.Equal(t, "the 10 % phase admits about 2 vendors in 2 days; the email gate needs 1, which is enough", f.Phases[1].Text)
	require.Positive(t, *f.Phases[1].Risk.Email.Median)
	require.Empty(t, f.Others)
	require.False(t, f.Recent)
	again := into[rollout.Forecast](a.post(rolloutsPath+"/forecast", adminToken, `{"registrationsPerDay": 12}`), http.StatusOK)
	require.Equal(t, f, again)
}

func TestAForecastAtTheRateOfFourWeeks(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.store.counters = monitoring.Tally{
		{Period: monitoring.DayOf(present.AddDate(0, 0, -10), trial.RealDay), Cohort: trial.Automated, Name: monitoring.Began}: 20,
		{Period: monitoring.DayOf(present.AddDate(0, 0, -1), trial.RealDay), Cohort: trial.Control, Name: monitoring.Began}:    149,
	}
	short := rollout.DefaultPlan() // four forecasts of it are made well before a request's time is over, on a busy machine too
	short.Phases = short.Phases[:2]
	document, err := json.Marshal(map[string]any{"plan": short})
	require.NoError(t, err)
	asked := string(document)
	f := into[rollout.Forecast](a.post(rolloutsPath+"/forecast", viewerToken, asked), http.StatusOK)
	require.True(t, f.Recent)
	require.InDelta(t, 16.9, f.RegistrationsPerDay, 1e-9)
	require.Len(t, f.Others, 3)
	for i, rate := range []float64{10, 30, 50} {
		require.InDelta(t, rate, f.Others[i].RegistrationsPerDay, 0)
		require.False(t, f.Others[i].Recent)
	}
	again := into[rollout.Forecast](a.post(rolloutsPath+"/forecast", viewerToken, asked), http.StatusOK)
	require.Equal(t, f, again, "what is remembered stays as it was")
	a.post(rolloutsPath+"/forecast", "", asked).problem(http.StatusUnauthorized)
	a.store.Err = errUnavailable
	a.post(rolloutsPath+"/forecast", adminToken, asked).problem(http.StatusServiceUnavailable)
}

func TestCallsAreObserved(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.get("/healthz", "")
	require.Zero(t, a.store.rollouts.calls.Count(), "probes do not count")
	a.get(flagsPath, adminToken)
	require.Equal(t, 1, a.store.rollouts.calls.Count())
	a.store.Err = errUnavailable
	a.get(flagsPath, adminToken)
	require.Equal(t, 2, a.store.rollouts.calls.Count())
	require.Equal(t, 1, a.store.rollouts.calls.Failed)
}
