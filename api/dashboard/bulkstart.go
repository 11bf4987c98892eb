package dashboard

import (
	"context"
	"crypto/rand"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"

	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/internal/domain/bulk"
	"marketplace.example/trials/internal/domain/trial"
)

// changesMany is the role that begins and steers bulk operations, as in the API.
const changesMany = access.Admin

// bulkStartView is the page on which a bulk operation is begun, with a dry run.
type bulkStartView struct {
	frame
	form
	Problems problems
	// Typed is what was entered.
	Typed url.Values
	// The choices there are.
	Actions  []bulk.Action
	Statuses []trial.Status
	Cohorts  []trial.Cohort
	Policies []trial.Policy
	// Least, Most and Longest bound the rate and the days.
	Least, Most, Longest int
	RequestID            string
}

// bulkFields are where the page says what is wrong with a field of the request.
var bulkFields = map[string]string{
	"action": "action", "days": "days", trial.FieldPolicy: "policy", "at": "at", "perMinute": "perMinute", "csv": "csv", "ids": "csv", fileField: fileField,
	"filter": "filter", "filter.endsBefore": "endsBefore", "endsFrom": "endsFrom", "endsBefore": "endsBefore", "status": "filter", "cohort": "filter",
}

func (d *dashboard) bulkStartView(ctx context.Context, typed url.Values) bulkStartView {
	return bulkStartView{
		frame: d.frame(ctx, "Change many trials", "bulk"), form: form{Reason: typed.Get("reason")}, Problems: problems{}, Typed: typed,
		Actions: bulk.Actions(), Statuses: trial.Statuses(), Cohorts: trial.Cohorts(), Policies: d.Policies.Policies,
		Least: bulk.MinPerMinute, Most: bulk.MaxPerMinute, Longest: trial.MaxDays, RequestID: typed.Get("request"),
	}
}

func (d *dashboard) askBulk(w http.ResponseWriter, r *http.Request) {
	typed := url.Values{"request": {rand.Text()}, "perMinute": {strconv.Itoa(bulk.DefaultPerMinute)}}
	d.show(w, r, http.StatusOK, "bulkstart", d.bulkStartView(r.Context(), typed))
}

// startBulk begins a dry run, through the API's own code. It is started for good on the operation's own page.
func (d *dashboard) startBulk(w http.ResponseWriter, r *http.Request) {
	typed, err := readForm(r)
	view := d.bulkStartView(r.Context(), typed)
	var o bulk.Operation
	var list []bulk.Listing
	if err == nil {
		o, list, err = d.bulkAsked(typed)
	}
	if err == nil {
		var started bulk.View
		if started, err = d.Bulks.StartBulkRecorded(r.Context(), typed.Get("request"), o, list); err == nil {
			d.Log.Info("bulk operation begun from the dashboard", zap.String("operation", started.Operation.ID))
			http.Redirect(w, r, root+"bulk/"+started.Operation.ID+"?asked=dry-run", http.StatusSeeOther)
			return
		}
	}
	if app.ErrorOf(err).Code == app.CodeReused {
		view.RequestID = rand.Text()
	}
	status := d.explainBeside(&view.form, view.Problems, bulkFields, err)
	d.show(w, r, status, "bulkstart", view)
}

// bulkAsked is the operation that was entered, and its list.
func (d *dashboard) bulkAsked(typed url.Values) (o bulk.Operation, list []bulk.Listing, err error) {
	if typed.Get("request") == "" {
		return o, nil, trial.Conflict("this form is not whole: open this page again")
	}
	o = bulk.Operation{Action: bulk.Action(typed.Get("action")), Reason: typed.Get("reason"), DryRun: true}
	if !slices.Contains(bulk.Actions(), o.Action) {
		return o, nil, trial.Invalid("action", "must be chosen")
	}
	for field, into := range map[string]*int{"days": &o.Days, "perMinute": &o.PerMinute} {
		if text := strings.TrimSpace(typed.Get(field)); text != "" {
			if *into, err = strconv.Atoi(text); err != nil {
				return o, nil, trial.Invalid(field, "must be a whole number")
			}
		}
	}
	if name := typed.Get("policy"); name != "" {
		i := slices.IndexFunc(d.Policies.Policies, func(p trial.Policy) bool { return p.Name == name })
		if i < 0 {
			return o, nil, trial.Invalid(trial.FieldPolicy, "must be one of those that new vendors get")
		}
		o.Policy = &d.Policies.Policies[i]
	}
	if o.At, err = momentIn(typed, "at"); err != nil {
		return o, nil, err
	}
	list, err = chosenIn(&o, typed)
	return o, list, err
}

// chosenIn is which trials were entered, in exactly one way.
func chosenIn(o *bulk.Operation, typed url.Values) ([]bulk.Listing, error) {
	f := bulk.Filter{Status: trial.Status(typed.Get("status")), Cohort: trial.Cohort(typed.Get("cohort"))}
	var err error
	if f.EndsFrom, err = momentIn(typed, "endsFrom"); err != nil {
		return nil, err
	}
	if f.EndsBefore, err = momentIn(typed, "endsBefore"); err != nil {
		return nil, err
	}
	pasted, file := typed.Get("csv"), typed.Get(fileField)
	isPasted, isFile := strings.TrimSpace(pasted) != "", strings.TrimSpace(file) != ""
	switch filtered := f != (bulk.Filter{}); {
	case filtered && (isPasted || isFile):
		return nil, trial.Invalid("filter", "and a list are both given: choose the trials in one way, and empty the other")
	case isPasted && isFile:
		return nil, trial.Invalid("csv", "is pasted, and there is a file too: give one of them")
	case isFile:
		return bulk.ReadCSV(file)
	case isPasted:
		return bulk.ReadCSV(pasted)
	}
	if f.Status != "" && !slices.Contains(trial.Statuses(), f.Status) || f.Cohort != "" && !slices.Contains(trial.Cohorts(), f.Cohort) {
		return nil, trial.Invalid("filter", "must be chosen from the lists")
	}
	o.Filter = &f
	return nil, nil
}

// momentIn is a moment in a field, nil for none.
func momentIn(typed url.Values, field string) (*time.Time, error) {
	at, ok := parseTime(strings.TrimSpace(typed.Get(field)))
	switch {
	case !ok:
		return nil, trial.Invalid(field, "must be a moment in UTC, such as 2026-03-12T08:00")
	case at.IsZero():
		return nil, nil //nolint:nilnil // documented
	}
	return &at, nil
}
