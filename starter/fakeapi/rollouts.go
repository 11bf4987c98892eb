package fakeapi

import (
	"net/http"
	"strconv"

	"marketplace.example/trials/client"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// latest stands for the one rollout that there is, which Decisions tells of.
const latest = "current"

// rolloutOf is the rollout that a path names.
func (a *API) rolloutOf(w http.ResponseWriter, r *http.Request) (rollout.State, bool) {
	state := rollout.Fold(a.Decisions)
	if id := r.PathValue("id"); state.ID == "" || id != latest && id != state.ID {
		Refuse(w, http.StatusNotFound, "id", "there is no rollout \""+id+"\"")
		return state, false
	}
	return state, true
}

func (a *API) startRollout(w http.ResponseWriter, r *http.Request) {
	var body client.RolloutStart
	if err := a.note(r, &body); err != nil {
		Refuse(w, http.StatusBadRequest, "", err.Error())
		return
	}
	if state := rollout.Fold(a.Decisions); state.ID != "" && !state.Status.Final() {
		Refuse(w, http.StatusConflict, "", "a rollout is running already")
		return
	}
	start := rollout.Start{ID: "rollout-" + a.now().UTC().Format("20060102-150405"), Plan: rollout.DefaultPlan(), By: "admin", Times: rollout.Times{Day: trial.RealDay, TrialDays: 17}}
	if body.Plan != nil {
		start.Plan = *body.Plan
	}
	if body.RestartOf != nil {
		start.RestartOf = *body.RestartOf
	}
	if body.Phase != nil {
		start.Phase = *body.Phase - 1
	}
	a.Decisions = []rollout.Event{rollout.Begin(start, a.now())}
	answer(w, http.StatusAccepted, client.RolloutStarted{Id: start.ID, Plan: start.Plan.Name})
}

func (a *API) forecast(w http.ResponseWriter, r *http.Request) {
	var body client.ForecastRequest
	if err := a.note(r, &body); err != nil {
		Refuse(w, http.StatusBadRequest, "", err.Error())
		return
	}
	plan := rollout.DefaultPlan()
	if body.Plan != nil {
		plan = *body.Plan
	}
	answer(w, http.StatusOK, rollout.NewForecast(plan, rollout.Times{Day: trial.RealDay, TrialDays: 17}, body.RegistrationsPerDay))
}

func (a *API) getRollout(w http.ResponseWriter, r *http.Request) {
	if state, ok := a.rolloutOf(w, r); ok {
		answer(w, http.StatusOK, rollout.ViewOf(state, a.Judged, a.now()))
	}
}

func (a *API) listDecisions(w http.ResponseWriter, r *http.Request) {
	if _, ok := a.rolloutOf(w, r); !ok {
		return
	}
	query := r.URL.Query()
	a.calls = append(a.calls, Call{Method: r.Method, Path: r.URL.Path, Body: r.URL.RawQuery})
	after, err := strconv.Atoi(query.Get("after"))
	limit, err2 := strconv.Atoi(query.Get("limit"))
	if err != nil || err2 != nil || after < 0 || limit < 1 || limit > 200 {
		Refuse(w, http.StatusBadRequest, "limit", "must be 1 to 200")
		return
	}
	from := min(after, len(a.Decisions))
	answer(w, http.StatusOK, client.RolloutDecisions{Decisions: a.Decisions[from:min(from+limit, len(a.Decisions))]})
}

func (a *API) listReports(w http.ResponseWriter, r *http.Request) {
	state, ok := a.rolloutOf(w, r)
	if !ok {
		return
	}
	all := client.RolloutReports{RolloutId: state.ID, Reports: []rollout.ReportEntry{}}
	for _, p := range state.Periods() {
		var made *rollout.Report
		if report, found := a.Reports[p.ID()]; found {
			made = &report
		}
		all.Reports = append(all.Reports, rollout.EntryOf(p, made))
	}
	answer(w, http.StatusOK, all)
}

func (a *API) getReport(w http.ResponseWriter, r *http.Request) {
	if _, ok := a.rolloutOf(w, r); !ok {
		return
	}
	report, found := a.Reports[r.PathValue("report")]
	if !found {
		Refuse(w, http.StatusNotFound, "reportId", r.PathValue("report")+" has not been made")
		return
	}
	answer(w, http.StatusOK, report)
}

// steer carries out one of the rollout's controls.
func (a *API) steer(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var body rollout.Request // has the fields of every control's body
		if err := a.note(r, &body); err != nil {
			Refuse(w, http.StatusBadRequest, "", err.Error())
			return
		}
		state, ok := a.rolloutOf(w, r)
		if !ok {
			return
		}
		body.ID, body.By, body.Subject = r.Header.Get("Idempotency-Key"), "admin", r.PathValue("subject")
		event, err := state.Request(name, body, a.Judged, a.now())
		if err != nil {
			Refuse(w, http.StatusConflict, "", err.Error())
			return
		}
		if event != nil {
			a.Decisions = append(a.Decisions, *event)
		}
		answer(w, http.StatusAccepted, client.RolloutTaken{RolloutId: state.ID, Taken: name})
	}
}

func (a *API) handleRollouts(mux *http.ServeMux) {
	const one = "/api/admin/rollouts/{id}"
	mux.HandleFunc("POST /api/admin/rollouts", a.startRollout)
	mux.HandleFunc("POST /api/admin/rollouts/forecast", a.forecast)
	mux.HandleFunc("GET "+one, a.getRollout)
	mux.HandleFunc("GET "+one+"/decisions", a.listDecisions)
	mux.HandleFunc("GET "+one+"/reports", a.listReports)
	mux.HandleFunc("GET "+one+"/reports/{report}", a.getReport)
	for _, name := range []string{rollout.SignalRollback, rollout.SignalPause, rollout.SignalResume, rollout.SignalAdvance, rollout.SignalSetPercentage} {
		mux.HandleFunc("POST "+one+"/"+name, a.steer(name))
	}
	mux.HandleFunc("POST "+one+"/criteria/{subject}", a.steer(rollout.SignalTick))
	mux.HandleFunc("POST "+one+"/preflight/{subject}/waiver", a.steer(rollout.SignalWaive))
}
