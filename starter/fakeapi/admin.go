package fakeapi

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"

	"marketplace.example/trials/client"
	"marketplace.example/trials/internal/domain/trial"
)

// state is a trial's state and events.
func (a *API) state(id string) (trial.State, []trial.Event, bool) {
	if events, ok := a.Events[id]; ok {
		return trial.Fold(events), events, true
	}
	if v, ok := a.vendors[id]; ok {
		return v.state, []trial.Event{}, true
	}
	return trial.State{}, nil, false
}

func (a *API) details(w http.ResponseWriter, r *http.Request) {
	state, events, ok := a.state(r.PathValue("id"))
	if !ok {
		Refuse(w, http.StatusNotFound, "id", "no vendor \""+r.PathValue("id")+"\"")
		return
	}
	answer(w, http.StatusOK, client.TrialDetails{Trial: state.Overview(), Timetable: state.Timetable(), Events: events})
}

// list takes the filter status only.
func (a *API) list(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	a.calls = append(a.calls, Call{Method: r.Method, Path: r.URL.Path, Body: r.URL.RawQuery})
	limit, err := strconv.Atoi(query.Get("limit"))
	if err != nil || limit < 1 || limit > 500 {
		Refuse(w, http.StatusBadRequest, "limit", "must be 1 to 500")
		return
	}
	page := client.TrialPage{Trials: []client.Trial{}}
	for _, id := range slices.Sorted(maps.Keys(a.Events)) {
		state, _, _ := a.state(id)
		if id <= query.Get("cursor") || query.Has("status") && query.Get("status") != string(state.Status) {
			continue
		}
		if len(page.Trials) == limit {
			page.NextCursor = page.Trials[limit-1].VendorID
			break
		}
		page.Trials = append(page.Trials, state.Overview())
	}
	answer(w, http.StatusOK, page)
}

// change carries out what an admin asks of a trial in Events.
func (a *API) change(w http.ResponseWriter, r *http.Request) {
	var body client.DaysChange // a cancellation is one without days
	if err := a.note(r, &body); err != nil {
		Refuse(w, http.StatusBadRequest, "", err.Error())
		return
	}
	state, events, ok := a.state(r.PathValue("id"))
	if !ok {
		Refuse(w, http.StatusNotFound, "id", "no vendor \""+r.PathValue("id")+"\"")
		return
	}
	request := trial.Request{ID: r.Header.Get("Idempotency-Key"), Days: body.Days, Reason: body.Reason, By: "admin"}
	event, err := state.Request(r.PathValue("message"), request, a.now())
	if err != nil {
		Refuse(w, http.StatusConflict, "", err.Error())
		return
	}
	if event != nil {
		a.Events[r.PathValue("id")] = append(events, *event)
		state = state.Apply(*event)
	}
	answer(w, http.StatusOK, state.Overview())
}

func (a *API) getFlags(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, a.flags) }

func (a *API) patchFlags(w http.ResponseWriter, r *http.Request) {
	var body json.RawMessage
	if err := a.note(r, &body); err != nil {
		Refuse(w, http.StatusBadRequest, "", err.Error())
		return
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	patched := struct {
		FeatureFlags *client.FeatureFlags `json:"featureFlags"`
	}{&a.flags.FeatureFlags}
	if err := decoder.Decode(&patched); err != nil {
		Refuse(w, http.StatusBadRequest, "", err.Error())
		return
	}
	a.flagsChanged(w)
}

func (a *API) setRollout(w http.ResponseWriter, r *http.Request) {
	var body client.Rollout
	if err := a.note(r, &body); err != nil {
		Refuse(w, http.StatusBadRequest, "", err.Error())
		return
	}
	a.flags.FeatureFlags.TrialAutomation.Enabled = body.Enabled
	a.flags.FeatureFlags.TrialAutomation.RolloutPercentage = body.RolloutPercentage
	a.flagsChanged(w)
}

func (a *API) flagsChanged(w http.ResponseWriter) {
	a.flags.Version++
	a.flags.UpdatedAt, a.flags.UpdatedBy = a.now().UTC(), "admin"
	answer(w, http.StatusOK, a.flags)
}
