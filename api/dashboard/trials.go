package dashboard

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/gorilla/mux"

	"marketplace.example/trials/internal/domain/feedback"
	"marketplace.example/trials/internal/domain/trial"
)

// trialsPerPage is how many trials a page lists.
const trialsPerPage = 50

// trialsView is what the list of trials shows.
type trialsView struct {
	frame
	// Search, Status, Cohort, Held, Policy, Experiment and Arm are what was asked for.
	Search, Status, Cohort, Held, Policy, Experiment, Arm string
	Problem                                               string
	Trials                                                []trial.Overview
	// Next is the address of the following page, First of the first where this is
	// another one; empty for none.
	Next, First string
	// CSV is the address of all of the list as a file, of Most trials at most.
	CSV      string
	Most     int
	Statuses []trial.Status
	Cohorts  []trial.Cohort
	Holding  []trial.Reason
	// Policies are the names of those that new vendors get, and of the one that was asked for.
	Policies []string
}

func (d *dashboard) trials(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	view := trialsView{
		frame: d.live(r, "Trials", "trials"), Search: q.Get("id"), Status: q.Get("status"), Cohort: q.Get("cohort"), Held: q.Get("held"),
		Policy: q.Get("policy"), Experiment: q.Get("experiment"), Arm: q.Get("arm"),
		Statuses: trial.Statuses(), Cohorts: trial.Cohorts(), Holding: trial.Holding(), Most: mostRows,
	}
	for _, p := range d.Policies.Policies {
		view.Policies = append(view.Policies, p.Name)
	}
	if view.Policy != "" && !slices.Contains(view.Policies, view.Policy) {
		view.Policies = append(view.Policies, view.Policy)
	}
	if view.Search != "" {
		d.findTrial(w, r, view)
		return
	}
	filter, after, problem := filterOf(q)
	if problem != "" {
		view.Problem = problem
		d.show(w, r, http.StatusBadRequest, "trials", view)
		return
	}
	states, next, err := d.Store.Trials(r.Context(), filter, after, trialsPerPage)
	if err != nil {
		d.fail(w, r, "trials", err)
		return
	}
	for _, s := range states {
		view.Trials = append(view.Trials, s.Overview())
	}
	if next != "" {
		view.Next = view.address("trials", next)
	}
	if after != "" {
		view.First = view.address("trials", "")
	}
	view.CSV = view.address("trials.csv", "")
	d.show(w, r, http.StatusOK, "trials", view)
}

// address is that of the trials after an id, narrowed as this page is.
func (v trialsView) address(page, after string) string {
	return narrowed(page, map[string]string{
		"status": v.Status, "cohort": v.Cohort, "held": v.Held, "policy": v.Policy, "experiment": v.Experiment, "arm": v.Arm, "after": after,
	})
}

// Narrowed tells whether the list is.
func (v trialsView) Narrowed() bool { return v.address("trials", "") != root+"trials" }

// filterOf reads what a list is narrowed by; problem says what is wrong with it.
func filterOf(q url.Values) (f trial.Filter, after, problem string) {
	f.Status, f.Cohort, after = trial.Status(q.Get("status")), trial.Cohort(q.Get("cohort")), q.Get("after")
	switch {
	case f.Status != "" && !slices.Contains(trial.Statuses(), f.Status):
		return f, "", "There is no such status."
	case f.Cohort != "" && !f.Cohort.Known():
		return f, "", "There is no such cohort."
	case after != "" && !trial.ValidVendorID(after):
		return f, "", "This is not a page's address."
	case len(q.Get("policy")) > maxAuditWord:
		return f, "", "There is no such policy."
	case q.Get("experiment") != "" && !trial.ValidVendorID(q.Get("experiment")), !slices.Contains([]string{"", "a", "b"}, q.Get("arm")):
		return f, "", "There is no such arm of an experiment."
	}
	f.Policy, f.Experiment, f.Arm = q.Get("policy"), q.Get("experiment"), q.Get("arm")
	switch held := q.Get("held"); {
	case held == "":
	case held == "yes", held == "no":
		f.Held = new(held == "yes")
	case slices.Contains(trial.Holding(), trial.Reason(held)):
		f.HeldBy = trial.Reason(held)
	default:
		return f, "", "Nothing is held by that."
	}
	return f, after, ""
}

// findTrial goes to the one trial that was searched for.
func (d *dashboard) findTrial(w http.ResponseWriter, r *http.Request, view trialsView) {
	status := http.StatusBadRequest
	view.Problem = "A vendor's id has 1 to 64 letters, digits, _ and -."
	if trial.ValidVendorID(view.Search) {
		_, err := d.Store.Vendor(r.Context(), view.Search)
		switch {
		case err == nil:
			http.Redirect(w, r, root+"trials/"+view.Search, http.StatusSeeOther)
			return
		case trial.CodeOf(err) != trial.CodeNotFound:
			d.fail(w, r, "trials", err)
			return
		}
		status, view.Problem = http.StatusNotFound, fmt.Sprintf("There is no vendor %q. Ids are compared letter by letter.", view.Search)
	}
	d.show(w, r, status, "trials", view)
}

// trialView is what the page of one trial shows.
type trialView struct {
	frame
	Vendor trial.Vendor
	// Trial is nil where the trial's workflow has not begun yet.
	Trial     *trial.Overview
	Timetable trial.Timetable
	Timeline  timeline
	Events    []trial.Event
	Mails     []mailRow
	// Answers are whether the vendor found its e-mails helpful, and what it wrote.
	Answers  []feedback.Answer
	Workflow string
	// Changed thanks for what was just done, and Controls are what whoever looks may do now.
	Changed  string
	Controls []controlWords
	// Resent says what became of an e-mail that was just asked to be sent again; nil for none.
	Resent *resentNote
}

func (d *dashboard) trial(w http.ResponseWriter, r *http.Request) {
	id := mux.Vars(r)["id"]
	view := trialView{frame: d.live(r, "Trial "+id, "trials")}
	if err := d.readTrial(r.Context(), id, &view); err != nil {
		d.fail(w, r, "trials", err)
		return
	}
	view.Changed = changed[r.URL.Query().Get("changed")]
	if view.Trial != nil && view.Steers {
		view.Controls = controlsOfTrial(view.Trial.Status, view.Trial.ConvertedAt != nil)
	}
	var err error
	if view.Resent, err = d.resentNote(r.Context(), id, r.URL.Query().Get("resent")); err != nil {
		d.fail(w, r, "trials", err)
		return
	}
	if d.WorkflowURL != nil {
		view.Workflow = d.WorkflowURL(trial.WorkflowID(id))
	}
	d.show(w, r, http.StatusOK, "trial", view)
}

func (d *dashboard) readTrial(ctx context.Context, id string, view *trialView) (err error) {
	if !trial.ValidVendorID(id) {
		return trial.NotFound(id)
	}
	if view.Vendor, err = d.Store.Vendor(ctx, id); err != nil {
		return err
	}
	state, found, err := d.Store.Trial(ctx, id)
	if err != nil || !found {
		return err
	}
	view.Trial, view.Timetable = new(state.Overview()), state.Timetable()
	if view.Events, err = d.Store.Events(ctx, id, 1); err != nil {
		return err
	}
	if view.Answers, err = d.Store.Feedback(ctx, id); err != nil {
		return err
	}
	emails, err := d.Bulks.TrialEmails(ctx, id)
	if err != nil {
		return err
	}
	view.Mails = mailRows(state, emails, view.Steers && !trial.IsCanary(id))
	sends := make([]trial.Send, 0, len(emails))
	for _, e := range emails {
		sends = append(sends, e.Send)
	}
	view.Timeline = newTimeline(state, view.Events, sends, view.Now)
	slices.Reverse(view.Events) // the latest first
	return nil
}
