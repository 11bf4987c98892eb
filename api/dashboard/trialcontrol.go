package dashboard

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/gorilla/mux"
	"go.uber.org/zap"

	"marketplace.example/trials/internal/domain/trial"
)

// trialControls are what a person may do to a trial.
var trialControls = map[string]controlWords{
	trial.MessageExtend: {trial.MessageExtend, "Extend", "The trial ends later by so many days, from its end or, where that has passed, from now. " +
		"Reminders are planned anew for the new end.", false},
	trial.MessageShorten: {trial.MessageShorten, "Shorten", "The trial ends sooner by so many days. Reminders are planned anew, and those that would be past are skipped.", false},
	trial.MessageCancel: {trial.MessageCancel, "Cancel", "The trial is over at once, without an e-mail. It can be revived, but what is skipped now is not made up for.",
		true},
	trial.MessageRevive: {trial.MessageRevive, "Revive", "The trial runs again, for so many days from now.", false},
	trial.MessagePolicy: {trial.MessagePolicy, "Move", "What is to come is planned by another policy, from the trial's start, as if it had always had it; days that were " +
		"given or taken by hand stay so. E-mails that would be past are skipped, and none is sent about the move.", false},
}

// changed thanks for what was done.
var changed = map[string]string{
	trial.MessageExtend: "The trial is extended.", trial.MessageShorten: "The trial is shortened.", trial.MessageCancel: "The trial is cancelled.",
	trial.MessageRevive: "The trial runs again.", trial.MessagePolicy: "The trial is moved to another policy.",
}

// daysAtFirst is what the forms begin with, in days.
const daysAtFirst = "7"

// controlsOfTrial are those that apply to a trial.
func controlsOfTrial(status trial.Status, converted bool) []controlWords {
	var names []string
	switch {
	case converted:
	case status == trial.Active:
		names = []string{trial.MessageExtend, trial.MessageShorten, trial.MessageCancel, trial.MessagePolicy}
	case status == trial.Grace:
		names = []string{trial.MessageExtend, trial.MessageCancel, trial.MessagePolicy}
	case status == trial.Expired, status == trial.Cancelled:
		names = []string{trial.MessageRevive}
	}
	words := make([]controlWords, 0, len(names))
	for _, name := range names {
		words = append(words, trialControls[name])
	}
	return words
}

// trialControlView is the page on which a change of a trial is entered, looked at and confirmed.
type trialControlView struct {
	frame
	form
	Control controlWords
	Before  trial.State
	// After is the trial as the change would leave it, nil where that was not asked for or the change does not apply.
	After *trial.State
	// Days is what was entered; Wants says that the change needs it.
	Days  string
	Wants bool
	// Policy is what was chosen of Offered, which are there for a move alone, and Terms stands for its terms as they are shown: a policy that
	// has changed since under the same name is not moved to by mistake.
	Policy, Terms string
	Offered       []trial.Policy
	// Revision is the trial's as it is shown: one that has changed since is not changed by mistake. RequestID lets a form that is sent
	// twice count once.
	Revision, RequestID string
}

func (d *dashboard) askTrialControl(w http.ResponseWriter, r *http.Request) {
	view, err := d.trialControlView(r.Context(), mux.Vars(r)["id"], mux.Vars(r)["control"])
	if err != nil {
		d.fail(w, r, "trials", err)
		return
	}
	d.show(w, r, http.StatusOK, "trialcontrol", view)
}

func (d *dashboard) trialControlView(ctx context.Context, id, control string) (trialControlView, error) {
	if !trial.ValidVendorID(id) {
		return trialControlView{}, trial.NotFound(id)
	}
	state, found, err := d.Store.Trial(ctx, id)
	if err != nil {
		return trialControlView{}, err
	}
	if !found {
		return trialControlView{}, &trial.Error{Code: trial.CodeNotFound, Message: "there is no trial of this vendor whose workflow has begun"}
	}
	words := trialControls[control]
	view := trialControlView{
		frame: d.frame(ctx, words.Title+" the trial of "+id, "trials"), Control: words, Before: state, Days: daysAtFirst, Wants: control != trial.MessageCancel && control != trial.MessagePolicy,
		Revision: strconv.Itoa(state.Revision), RequestID: rand.Text(),
	}
	if control == trial.MessagePolicy {
		view.Offered = d.Policies.Policies
	}
	if !slices.Contains(controlsOfTrial(state.Status, state.ConvertedAt != nil), words) {
		view.Error = "This does not apply now."
	}
	return view, nil
}

// controlTrial shows what a change would do, and carries it out once that was confirmed.
func (d *dashboard) controlTrial(w http.ResponseWriter, r *http.Request) {
	id, control := mux.Vars(r)["id"], mux.Vars(r)["control"]
	view, err := d.trialControlView(r.Context(), id, control)
	if err != nil {
		d.fail(w, r, "trials", err)
		return
	}
	confirmed := r.PostFormValue("confirmed") == "yes"
	view.Reason, view.Days, view.RequestID = r.PostFormValue("reason"), r.PostFormValue("days"), r.PostFormValue("request")
	view.Policy = r.PostFormValue("policy")
	request, err := view.request(r)
	if err == nil && confirmed {
		err = d.Controls.ChangeTrialRecorded(r.Context(), control, id, request)
		if err == nil {
			d.Log.Info("trial changed from the dashboard", zap.String("trial", id), zap.String("control", control))
			target := url.URL{Path: root + "trials/" + view.Before.VendorID, RawQuery: url.Values{"changed": {control}}.Encode()}
			http.Redirect(w, r, target.String(), http.StatusSeeOther)
			return
		}
	}
	if err == nil {
		err = view.preview(d, control, request)
	}
	status := http.StatusOK
	if view.Error = ""; err != nil {
		view.RequestID = keyAfter(view.RequestID, err)
		status = d.explain(&view.form, err)
	}
	d.show(w, r, status, "trialcontrol", view)
}

// request is what a form asks for, of the trial that it showed.
func (v *trialControlView) request(r *http.Request) (trial.Request, error) {
	request := trial.Request{ID: v.RequestID, Reason: v.Reason}
	seen, err := strconv.Atoi(r.PostFormValue("revision"))
	if err != nil {
		return request, trial.Invalid("revision", "is missing: open this page again")
	}
	request.IfRevision = &seen
	if v.Control.Name == trial.MessagePolicy {
		i := slices.IndexFunc(v.Offered, func(p trial.Policy) bool { return p.Name == v.Policy })
		if i < 0 {
			return request, trial.Invalid(trial.FieldPolicy, "must be one of those that new vendors get")
		}
		request.Policy = &v.Offered[i]
		if v.Terms, err = termsOf(v.Offered[i]); err != nil {
			return request, err
		}
		if r.PostFormValue("confirmed") == "yes" && r.PostFormValue("terms") != v.Terms {
			return request, trial.Conflict("the policy is another than was shown: look again")
		}
	}
	if !v.Wants {
		return request, nil
	}
	if request.Days, err = strconv.Atoi(v.Days); err != nil {
		return request, trial.Invalid("days", "must be a whole number")
	}
	return request, nil
}

// termsOf is a hash over all of a policy.
func termsOf(p trial.Policy) (string, error) {
	whole, err := json.Marshal(p)
	if err != nil {
		return "", fmt.Errorf("writing the policy %s: %w", p.Name, err)
	}
	return fmt.Sprintf("%x", sha256.Sum256(whole)), nil
}

// preview finds out what the change would do.
func (v *trialControlView) preview(d *dashboard, control string, request trial.Request) error {
	event, err := v.Before.Request(control, request, d.Now())
	if err == nil && event == nil {
		err = trial.Conflict("it was carried out before, by this same form")
	}
	if err != nil {
		return fmt.Errorf("looking at a change: %w", err)
	}
	v.After = new(v.Before.Apply(*event))
	return nil
}
