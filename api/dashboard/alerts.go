package dashboard

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/mux"
	"go.uber.org/zap"

	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/trial"
)

// maxAlertEvents is how many of an alert's latest events a page shows.
const maxAlertEvents = 20

var alertControls = map[monitoring.AlertControl]controlWords{
	monitoring.ControlAcknowledge: {string(monitoring.ControlAcknowledge), "Acknowledge", "You see to it: nobody is notified again that it fires, until it has cleared. " +
		"That it has cleared, they are notified.", false},
	monitoring.ControlSilence: {string(monitoring.ControlSilence), "Silence", "While it is silenced nobody is notified of it, neither that it fires nor that it is over. " +
		"It is evaluated all the same, and its history goes on.", false},
	monitoring.ControlUnsilence: {string(monitoring.ControlUnsilence), "End the silence", "People are notified of it again: if it fires, at the next evaluation, " +
		"unless they were notified a short while ago.", false},
}

// alertAsked is what the page thanks with.
var alertAsked = map[monitoring.AlertControl]string{
	monitoring.ControlAcknowledge: "It is acknowledged.", monitoring.ControlSilence: "It is silenced.", monitoring.ControlUnsilence: "Its silence has ended.",
}

// silenceLength is how long a silence may be asked to last.
type silenceLength struct {
	Minutes int
	Words   string
}

var silenceLengths = []silenceLength{{60, "an hour"}, {8 * 60, "eight hours"}, {24 * 60, "a day"}, {3 * 24 * 60, "three days"}, {7 * 24 * 60, "seven days"}}

// alertView is what the page of one alert shows.
type alertView struct {
	frame
	Asked string
	// Troubles are what keeps this from being the whole truth.
	Troubles []trouble
	Alert    monitoring.AlertView
	Controls []controlWords
	// Events are the latest first; Earlier counts those that are not shown.
	Events  []monitoring.AlertEvent
	Earlier int
}

func (d *dashboard) alert(w http.ResponseWriter, r *http.Request) {
	view := alertView{frame: d.live(r, "Alert", "overview"), Asked: alertAsked[monitoring.AlertControl(r.URL.Query().Get("asked"))]}
	if err := d.readAlert(r.Context(), mux.Vars(r)["alert"], &view); err != nil {
		d.fail(w, r, "overview", err)
		return
	}
	d.show(w, r, http.StatusOK, "alert", view)
}

func (d *dashboard) readAlert(ctx context.Context, name string, view *alertView) error {
	all, err := d.alertsNow(ctx)
	if err != nil {
		return err
	}
	if view.Alert, err = alertNamed(all.Alerts, name); err != nil {
		return err
	}
	view.Title, view.Troubles = "Alert "+name, evaluationTroubles(*all)
	for _, control := range view.Alert.Controls() {
		if access.Of(ctx).Role.Covers(steers) {
			view.Controls = append(view.Controls, alertControls[control])
		}
	}
	view.Earlier = max(0, view.Alert.Events-maxAlertEvents)
	view.Events, err = d.Store.AlertEvents(ctx, view.Alert.Rule.ID, view.Earlier+1, maxAlertEvents)
	slices.Reverse(view.Events)
	return err
}

// alertsNow are the alerts as they stand.
func (d *dashboard) alertsNow(ctx context.Context) (*monitoring.AlertsView, error) {
	if d.Alerts == nil {
		return nil, &trial.Error{Code: trial.CodeNotFound, Message: "no alerts are kept here"}
	}
	return d.Alerts.AlertsView(ctx)
}

func alertNamed(alerts []monitoring.AlertView, name string) (monitoring.AlertView, error) {
	for _, a := range alerts {
		if string(a.Rule.ID) == name {
			return a, nil
		}
	}
	return monitoring.AlertView{}, &trial.Error{Code: trial.CodeNotFound, Message: fmt.Sprintf("there is no alert %.80q", name)}
}

// alertControlView is the page on which a control of an alert is confirmed.
type alertControlView struct {
	frame
	form
	Control controlWords
	Alert   monitoring.AlertView
	// Seen is the mark of the alert as it is shown: what has changed since is not
	// acted on by mistake. RequestID lets a form that is sent twice count once.
	Seen, RequestID string

	Lengths []silenceLength
	// Minutes is how long a silence was asked to last.
	Minutes string
}

func (d *dashboard) alertControlView(r *http.Request) (alertControlView, error) {
	name, control := mux.Vars(r)["alert"], monitoring.AlertControl(mux.Vars(r)["control"])
	all, err := d.alertsNow(r.Context())
	if err != nil {
		return alertControlView{}, err
	}
	alert, err := alertNamed(all.Alerts, name)
	if err != nil {
		return alertControlView{}, err
	}
	words := alertControls[control]
	view := alertControlView{
		frame: d.frame(r.Context(), words.Title+": alert "+name, "overview"), Control: words, Alert: alert, Lengths: silenceLengths, Minutes: strconv.Itoa(silenceLengths[0].Minutes),
		Seen: alert.Mark(), RequestID: rand.Text(),
	}
	if !slices.Contains(alert.Controls(), control) {
		view.Error = "This does not apply now."
	}
	return view, nil
}

func (d *dashboard) askAlertControl(w http.ResponseWriter, r *http.Request) {
	view, err := d.alertControlView(r)
	if err != nil {
		d.fail(w, r, "overview", err)
		return
	}
	d.show(w, r, http.StatusOK, "alertcontrol", view)
}

// controlAlert carries out what was confirmed, through the API's own code.
func (d *dashboard) controlAlert(w http.ResponseWriter, r *http.Request) {
	view, err := d.alertControlView(r)
	if err != nil {
		d.fail(w, r, "overview", err)
		return
	}
	view.Error, view.Reason, view.Minutes = "", r.PostFormValue("reason"), r.PostFormValue("minutes")
	request, err := d.alertRequest(r)
	if err == nil {
		err = d.Controls.ChangeAlertRecorded(r.Context(), view.Alert.Rule.ID, request)
	}
	if err != nil {
		status := d.explain(&view.form, err)
		d.show(w, r, status, "alertcontrol", view)
		return
	}
	d.Log.Info("alert changed from the dashboard", zap.String("alert", string(view.Alert.Rule.ID)), zap.String("control", view.Control.Name))
	target := url.URL{Path: root + "alerts/" + string(view.Alert.Rule.ID), RawQuery: url.Values{"asked": {view.Control.Name}}.Encode()}
	http.Redirect(w, r, target.String(), http.StatusSeeOther)
}

// alertRequest is what a form asks for. A silence ends at a whole minute, so that
// a form that is sent twice asks for the same.
func (d *dashboard) alertRequest(r *http.Request) (monitoring.AlertRequest, error) {
	request := monitoring.AlertRequest{
		ID: r.PostFormValue("request"), Seen: cmp.Or(r.PostFormValue("seen"), "nothing"),
		Control: monitoring.AlertControl(mux.Vars(r)["control"]), Reason: strings.Join(strings.Fields(r.PostFormValue("reason")), " "),
	}
	if request.Control != monitoring.ControlSilence {
		return request, nil
	}
	minutes, err := strconv.Atoi(r.PostFormValue("minutes"))
	if err != nil || !slices.ContainsFunc(silenceLengths, func(l silenceLength) bool { return l.Minutes == minutes }) {
		return request, trial.Invalid("length", "must be chosen")
	}
	request.Until = d.Now().UTC().Add(time.Duration(minutes) * time.Minute).Truncate(time.Minute)
	return request, nil
}
