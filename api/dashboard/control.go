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

	"github.com/gorilla/mux"
	"go.uber.org/zap"

	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// controlWords say what a control does.
type controlWords struct {
	Name, Title, Explanation string
	// Danger says that it stops something.
	Danger bool
}

var controls = map[string]controlWords{
	rollout.SignalPause: {rollout.SignalPause, "Pause", "The rollout stays at its percentage, and enters no further phase until somebody resumes it. " +
		"Triggers still roll it back.", false},
	rollout.SignalResume: {rollout.SignalResume, "Resume", "The rollout goes on. The time that it was paused does not count as soaked.", false},
	rollout.SignalAdvance: {rollout.SignalAdvance, "Advance", "The rollout enters its next stage at once, without waiting for the time that this " +
		"one should last or for its gates.", false},
	rollout.SignalRollback: {rollout.SignalRollback, "Roll back", "The flags are changed at once, even with no worker running; the rollout follows.", true},
	rollout.SignalSetPercentage: {rollout.SignalSetPercentage, "Set the percentage", "So many of the new vendors are admitted at once, past soak and gates, and the rollout is " +
		"held there until somebody resumes it; then it goes on in the last phase that is not above it. Triggers still roll it back.", true},
	rollout.SignalTick: {rollout.SignalTick, "Judge", "A person judges this success criterion. Where the plan has a phase wait for it, that phase ends " +
		"only once it is met, and pauses if it is not.", false},
	rollout.SignalWaive: {rollout.SignalWaive, "Waive", "The preflight takes this check as passed, for as long as this rollout lasts, whatever it finds later. " +
		"Once no other is open, vendors are admitted when the phase's time has come.", true},
}

// controlView is the page on which a control is confirmed.
type controlView struct {
	frame
	form
	Control controlWords
	Summary string
	// RolloutID and Seen, its mark, are what is shown: a rollout that has gone on
	// since is not steered by mistake.
	RolloutID, Seen string
	// RequestID lets a form that is sent twice count once; knows tells whether one was.
	RequestID string
	knows     func(requestID string) bool
	// Percentages are those to go back to, 0 excepted.
	Percentages []float64
	// Percentage, InFlight and Met are what was entered.
	Percentage, InFlight, Met string
	// Criterion is what is judged, and how it stands; nil for other controls.
	Criterion *rollout.CriterionResult
	// Task is the one that is ticked, as it is; nil for other controls.
	Task *rollout.TaskView
	// ticked is its tick by now; nil for none.
	ticked *rollout.Tick
	// refusal is why it cannot be ticked, empty where it can.
	refusal string
	// Check is what is waived, as it is shown; nil for other controls.
	Check *rollout.Check
}

// Action is the address that the form is sent to.
func (v controlView) Action() string {
	switch {
	case v.Criterion != nil:
		return v.Criterion.Page()
	case v.Task != nil:
		return v.Task.Page()
	case v.Check != nil:
		return root + "rollout/" + rollout.SignalWaive + "/" + v.Check.ID
	}
	return root + "rollout/" + v.Control.Name
}

// Found is what a check has found, or a task's tick, by which it is told whether that is still so. How a task stands is not in it:
// that changes with time alone. A tick's words are quoted, since browsers send line ends of their own.
func (v controlView) Found() string {
	switch {
	case v.Task == nil:
	case v.ticked == nil:
		return "not ticked"
	default:
		return fmt.Sprintf("met %t, by %q: %q", v.ticked.Met, v.ticked.By, v.ticked.Reason)
	}
	return fmt.Sprintf("%s: %s", v.Check.Verdict, v.Check.Reason)
}

// form is what every page has on which something is confirmed.
type form struct {
	// Reason is what was entered.
	Reason string
	// Error says what is wrong, ReasonError what is wrong with the reason.
	Error, ReasonError string
}

func (d *dashboard) askControl(w http.ResponseWriter, r *http.Request) {
	view, err := d.controlView(r.Context(), mux.Vars(r)["control"], subjectOf(r))
	if err != nil {
		d.fail(w, r, "overview", err)
		return
	}
	d.show(w, r, http.StatusOK, "control", view)
}

// subjectOf is the criterion or the check that a control is about; empty for none.
func subjectOf(r *http.Request) string { return cmp.Or(mux.Vars(r)["criterion"], mux.Vars(r)["check"]) }

func (d *dashboard) controlView(ctx context.Context, name, subject string) (controlView, error) {
	current, err := app.LatestRollout(ctx, d.Store, d.Now().UTC())
	if err == nil && current == nil {
		err = &trial.Error{Code: trial.CodeNotFound, Message: "there was no rollout yet"}
	}
	if err != nil {
		return controlView{}, err
	}
	s := current.Rollout
	task := taskOf(current, name, subject)
	var judged *rollout.CriterionResult
	var checked *rollout.Check
	if task == nil {
		if judged, checked, err = subjects(current, name, subject); err != nil {
			return controlView{}, err
		}
	}
	view := controlView{
		frame: d.frame(ctx, controls[name].Title+" the rollout", "overview"), Control: controls[name], Summary: current.Summary,
		RolloutID: s.ID, Seen: s.Mark(), knows: s.Knows, RequestID: rand.Text(), Percentage: "0", InFlight: string(flags.Keep),
		Criterion: judged, Check: checked,
	}
	for _, phase := range slices.Backward(s.Plan.Phases) {
		if phase.Percentage > 0 && phase.Percentage < s.Percentage {
			view.Percentages = append(view.Percentages, phase.Percentage)
		}
	}
	if name == rollout.SignalSetPercentage {
		view.Percentage = fmt.Sprint(s.Percentage)
	}
	if task != nil {
		view.Task, view.Control, view.refusal = task, ticking, taskRefusal(s)
		if tick, ticked := s.Criteria[task.ID]; ticked {
			view.ticked = &tick
		}
		if view.refusal != "" {
			view.Error = sentence(capital(view.refusal))
		}
		return view, nil
	}
	isOpen := !s.Status.Final() && (judged != nil || checked != nil && checked.Verdict != rollout.Pass)
	if !slices.Contains(applicable(s), name) && !isOpen {
		view.Error = "This does not apply now."
	}
	return view, nil
}

// subjects are what is judged, or waived, by its name.
func subjects(current *rollout.View, control, name string) (*rollout.CriterionResult, *rollout.Check, error) {
	switch control {
	case rollout.SignalTick:
		i := slices.IndexFunc(current.Criteria, func(c rollout.CriterionResult) bool { return c.ID == name && c.ByPerson })
		if i < 0 {
			return nil, nil, &trial.Error{Code: trial.CodeNotFound, Message: "there is no criterion of that name that a person judges"}
		}
		return &current.Criteria[i], nil, nil
	case rollout.SignalWaive:
		i := slices.IndexFunc(current.Rollout.Checks, func(c rollout.Check) bool { return c.ID == name })
		if i < 0 {
			return nil, nil, &trial.Error{Code: trial.CodeNotFound, Message: "there is no check of that name, or the preflight has not run yet"}
		}
		return nil, &current.Rollout.Checks[i], nil
	}
	return nil, nil, nil
}

// control carries out what was confirmed, through the API's own code.
func (d *dashboard) control(w http.ResponseWriter, r *http.Request) {
	name := mux.Vars(r)["control"]
	view, err := d.controlView(r.Context(), name, subjectOf(r))
	if err != nil {
		d.fail(w, r, "overview", err)
		return
	}
	now := view
	view.Reason, view.Percentage, view.InFlight = r.PostFormValue("reason"), r.PostFormValue("percentage"), r.PostFormValue("inFlight")
	view.Met = r.PostFormValue("met")
	err = d.steer(r, now, name)
	if err == nil {
		d.Log.Info("rollout steered from the dashboard", zap.String("rollout", view.RolloutID), zap.String("control", name))
		http.Redirect(w, r, root+"?"+url.Values{"asked": {name}, "request": {r.PostFormValue("request")}, "rollout": {view.RolloutID}}.Encode(), http.StatusSeeOther)
		return
	}
	status := d.explain(&view.form, err)
	d.show(w, r, status, "control", view)
}

// steer makes the request of the form, unless what it was filled in for has changed.
func (d *dashboard) steer(r *http.Request, now controlView, name string) error {
	if r.PostFormValue("rollout") != now.RolloutID {
		return trial.Conflict("another rollout runs than when this page was opened: look again")
	}
	request := flags.Request{ID: r.PostFormValue("request"), Seen: cmp.Or(r.PostFormValue("seen"), "nothing"), Reason: r.PostFormValue("reason")}
	switch name {
	case rollout.SignalTick:
		if now.Task != nil {
			if err := now.ticks(r); err != nil {
				return err
			}
			request.Subject = now.Task.ID
		} else {
			request.Subject = now.Criterion.ID
		}
		request.Met = r.PostFormValue("met") == "yes"
		if !request.Met && r.PostFormValue("met") != "no" {
			return trial.Invalid("met", "must be chosen")
		}
	case rollout.SignalWaive:
		request.Subject = now.Check.ID
		if r.PostFormValue("found") != now.Found() && !now.knows(request.ID) {
			return trial.Conflict("the check finds something else than when this page was opened: look again")
		}
	case rollout.SignalRollback, rollout.SignalSetPercentage:
		var err error
		if request.Percentage, err = strconv.ParseFloat(r.PostFormValue("percentage"), 64); err != nil {
			return trial.Invalid("percentage", "must be chosen")
		}
		if name == rollout.SignalRollback {
			request.InFlight = flags.InFlight(r.PostFormValue("inFlight"))
		}
	}
	return d.Controls.SteerRolloutRecorded(r.Context(), now.RolloutID, name, request)
}

// explain puts an error into the form that it is shown on.
func (d *dashboard) explain(f *form, err error) (status int) {
	e := app.ErrorOf(err)
	switch {
	case e.Code == trial.CodeInvalid:
		return f.refuse(e.Field, e.Message)
	case e.Code == app.CodeReused:
		f.Error = "Nothing was done: this form was sent before, with something else in it."
		return http.StatusConflict
	case e.Certain:
		f.Error = app.Certain(e)
		return http.StatusServiceUnavailable
	case e.Code == trial.CodeUnavailable:
		f.Error = "A part that is needed does not answer, so it is not known whether this was done. It is safe to send this again."
		return http.StatusServiceUnavailable
	case e.Code == app.CodeInternal, e.Code == app.CodeGivenUp:
		d.Log.Error("control failed", zap.Error(err))
		f.Error = "Something went wrong here; the API's log says what. It is safe to send this again."
		return http.StatusInternalServerError
	}
	f.Error = "Nothing was done: " + e.Message + "."
	return http.StatusConflict
}

// keyAfter is the key of a form that is shown again after an error: the one that it was sent with, so that sending it again counts
// once, or another one where that stands for something else already, which it would for ever.
func keyAfter(sent string, err error) string {
	if sent == "" || app.ErrorOf(err).Code == app.CodeReused {
		return rand.Text()
	}
	return sent
}

// refuse says what is wrong with a field, beside it where it is the reason.
func (f *form) refuse(field, message string) (status int) {
	if field == "reason" {
		f.ReasonError = "The reason " + message + "."
	} else {
		f.Error = field + " " + message + "."
	}
	return http.StatusBadRequest
}
