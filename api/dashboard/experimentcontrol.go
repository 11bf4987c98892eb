package dashboard

import (
	"cmp"
	"crypto/rand"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/gorilla/mux"
	"go.uber.org/zap"

	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/internal/domain/experiment"
	"marketplace.example/trials/internal/domain/policy"
	"marketplace.example/trials/internal/domain/trial"
)

// starts is the role that starts an experiment, as in the API.
const starts = access.Admin

// experimentStartView is the page on which an experiment is planned, and then started.
type experimentStartView struct {
	frame
	form
	Policies policy.Set
	// Name, A, B, Difference, PerDay and Conversion are what was entered; shares are in percent.
	Name, A, B, Difference, PerDay, Conversion string
	// Outlook is nil before everything was entered.
	Outlook *experiment.Outlook
	// Seen is the id of the experiment before, and RequestID lets a form that is sent twice count once.
	Seen, RequestID string
}

// none stands for no experiment before in a form.
const none = "none"

func (d *dashboard) experimentStartView(r *http.Request, of func(string) string) (experimentStartView, error) {
	view := experimentStartView{
		frame: d.frame(r.Context(), "Start an experiment", "experiments"), Seen: none, RequestID: rand.Text(),
		Name: strings.TrimSpace(of("name")), A: of("armA"), B: of("armB"), Difference: strings.TrimSpace(of("difference")),
		PerDay: strings.TrimSpace(of("perDay")), Conversion: strings.TrimSpace(of("conversion")),
	}
	if d.Experiments == nil {
		return view, &trial.Error{Code: trial.CodeNotFound, Message: "no experiments are kept here"}
	}
	view.Policies = d.Experiments.OfferedPolicies()
	all, err := d.Experiments.Experiments(r.Context())
	if len(all) > 0 {
		view.Seen = all[0].ID
	}
	return view, err
}

// asked is what the form asks for.
func (v experimentStartView) asked() (asked app.NewExperiment, err error) {
	asked = app.NewExperiment{Name: v.Name, A: v.A, B: v.B}
	if asked.Difference, err = strconv.ParseFloat(v.Difference, 64); err != nil {
		return asked, trial.Invalid("difference", "must be a number of points")
	}
	asked.Difference /= 100
	for _, f := range []struct {
		field, text string
		unit        float64
		into        **float64
	}{{"vendors a day", v.PerDay, 1, &asked.PerDay}, {"conversion", v.Conversion, 100, &asked.Conversion}} {
		if f.text == "" {
			continue
		}
		value, err := strconv.ParseFloat(f.text, 64)
		if err != nil {
			return asked, trial.Invalid(f.field, "must be a number")
		}
		*f.into = new(value / f.unit)
	}
	return asked, nil
}

// askExperiment shows the form, and what it asks for once that is complete.
func (d *dashboard) askExperiment(w http.ResponseWriter, r *http.Request) {
	view, err := d.experimentStartView(r, r.URL.Query().Get)
	if err != nil {
		d.fail(w, r, "experiments", err)
		return
	}
	status := http.StatusOK
	if r.URL.Query().Has("difference") {
		asked, err := view.asked()
		if err == nil {
			var outlook experiment.Outlook
			if outlook, err = d.Experiments.ForecastExperiment(r.Context(), asked); err == nil {
				view.Outlook = &outlook
			}
		}
		if err != nil {
			status = d.explain(&view.form, err)
		}
	}
	d.show(w, r, status, "experimentstart", view)
}

// startExperiment starts what was planned, through the API's own code.
func (d *dashboard) startExperiment(w http.ResponseWriter, r *http.Request) {
	view, err := d.experimentStartView(r, r.PostFormValue)
	if err != nil {
		d.fail(w, r, "experiments", err)
		return
	}
	asked, err := view.asked()
	if err == nil {
		err = d.Experiments.StartExperimentRecorded(r.Context(), r.PostFormValue("request"), cmp.Or(r.PostFormValue("seen"), none), asked)
	}
	if err != nil {
		d.show(w, r, d.explain(&view.form, err), "experimentstart", view)
		return
	}
	d.Log.Info("experiment started from the dashboard")
	http.Redirect(w, r, root+"experiments?"+url.Values{"asked": {"start"}}.Encode(), http.StatusSeeOther)
}

// experimentEndView is the page on which an experiment is ended.
type experimentEndView struct {
	frame
	form
	Shown experiment.View
	// Picked is what was chosen; Seen is the mark of what is shown.
	Picked, Seen, RequestID string
}

func (d *dashboard) experimentEndView(r *http.Request) (experimentEndView, error) {
	view := experimentEndView{frame: d.frame(r.Context(), "End the experiment", "experiments"), RequestID: rand.Text()}
	if d.Experiments == nil {
		return view, &trial.Error{Code: trial.CodeNotFound, Message: "no experiments are kept here"}
	}
	shown, err := d.Experiments.Experiment(r.Context(), mux.Vars(r)["experiment"])
	view.Shown, view.Seen = shown, shown.Mark()
	if shown.Ended != nil {
		view.Error = "This does not apply now: it has ended."
	}
	return view, err
}

func (d *dashboard) askExperimentEnd(w http.ResponseWriter, r *http.Request) {
	view, err := d.experimentEndView(r)
	if err != nil {
		d.fail(w, r, "experiments", err)
		return
	}
	d.show(w, r, http.StatusOK, "experimentend", view)
}

// endExperiment ends it, through the API's own code.
func (d *dashboard) endExperiment(w http.ResponseWriter, r *http.Request) {
	view, err := d.experimentEndView(r)
	if err != nil {
		d.fail(w, r, "experiments", err)
		return
	}
	view.Error, view.Reason, view.Picked = "", strings.Join(strings.Fields(r.PostFormValue("reason")), " "), r.PostFormValue("picked")
	picked, known := map[string]experiment.Arm{"a": experiment.ArmA, "b": experiment.ArmB, none: ""}[view.Picked]
	if !known {
		err = trial.Invalid("picked", "must be chosen")
	} else {
		err = d.Experiments.EndExperimentRecorded(r.Context(), app.ExperimentEnd{
			ID: view.Shown.ID, Key: r.PostFormValue("request"), Seen: cmp.Or(r.PostFormValue("seen"), none), Picked: picked, Reason: view.Reason,
		})
	}
	if err != nil {
		d.show(w, r, d.explain(&view.form, err), "experimentend", view)
		return
	}
	d.Log.Info("experiment ended from the dashboard", zap.String("experiment", view.Shown.ID))
	http.Redirect(w, r, root+"experiments/"+view.Shown.ID+"?"+url.Values{"asked": {"end"}}.Encode(), http.StatusSeeOther)
}
