package fakeapi

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"marketplace.example/trials/client"
	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/trial"
)

func (a *API) handleAlerts(mux *http.ServeMux) {
	const all = "/api/admin/monitoring/alerts"
	mux.HandleFunc("GET "+all, a.listAlerts)
	mux.HandleFunc("GET "+all+"/{alert}/history", a.alertHistory)
	mux.HandleFunc("POST "+all+"/{alert}/{what}", a.changeAlert)
}

func (a *API) alert(id monitoring.RuleID) monitoring.Alert {
	alert := monitoring.NewAlert(id)
	for _, e := range a.Alerts[id] {
		alert, alert.EvaluatedAt, alert.Observation = alert.Apply(e), e.At, e.Observation
	}
	return alert
}

func (a *API) listAlerts(w http.ResponseWriter, _ *http.Request) {
	var alerts []monitoring.Alert
	for _, id := range monitoring.RuleIDs() {
		alerts = append(alerts, a.alert(id))
	}
	answer(w, http.StatusOK, monitoring.ViewOfAlerts(a.flags.FeatureFlags.Monitoring, monitoring.Rules(), alerts, a.now(), trial.RealDay))
}

func (a *API) alertHistory(w http.ResponseWriter, r *http.Request) {
	limit, err := strconv.Atoi(r.URL.Query().Get("limit"))
	if err != nil {
		Refuse(w, http.StatusBadRequest, "limit", "must be a whole number")
		return
	}
	events := a.Alerts[monitoring.RuleID(r.PathValue("alert"))]
	answer(w, http.StatusOK, client.AlertHistory{Events: append([]client.AlertEvent{}, events[max(0, len(events)-limit):]...)})
}

// changeAlert carries out what an admin wants of an alert.
func (a *API) changeAlert(w http.ResponseWriter, r *http.Request) {
	var body client.AlertSilence // has the fields of every change's body
	if err := a.note(r, &body); err != nil {
		Refuse(w, http.StatusBadRequest, "", err.Error())
		return
	}
	id := monitoring.RuleID(r.PathValue("alert"))
	alert, note := a.alert(id), monitoring.Note{At: a.now(), By: "admin", Reason: body.Reason}
	var e *monitoring.AlertEvent
	var err error
	switch r.PathValue("what") {
	case "acknowledge":
		alert, e, err = alert.Acknowledge(note)
	case "silence":
		until := body.Until
		if body.Minutes != nil {
			until = new(a.now().Add(time.Duration(*body.Minutes) * time.Minute))
		}
		alert, e, err = alert.SilenceUntil(*until, note)
	case "unsilence":
		alert, e = alert.Unsilence(note)
	}
	if err != nil {
		Refuse(w, http.StatusConflict, "alert", err.Error())
		return
	}
	if e != nil {
		a.Alerts[id] = append(a.Alerts[id], *e)
	}
	rules := monitoring.Rules()
	rule := rules[slices.IndexFunc(rules, func(r monitoring.Rule) bool { return r.ID == id })]
	answer(w, http.StatusOK, monitoring.ViewOfAlert(rule, alert, a.now()))
}
