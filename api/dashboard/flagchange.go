package dashboard

import (
	"cmp"
	"context"
	"crypto/rand"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/gorilla/mux"
	"go.uber.org/zap"

	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/trial"
)

// flagChangeView is the page on which a flag is changed.
type flagChangeView struct {
	frame
	form
	flagView
	Flags flags.Document
	// Entered is the value that was entered, ValueError what is wrong with it.
	Entered, ValueError string
	// To is the value in words as it would be; empty before one was entered.
	To string
	// Effects say what would change now.
	Effects []string
	// Forbidden says that adminTools.enabled is in the way.
	Forbidden bool
	// Version is that of the flags that are shown: others are not changed by mistake. RequestID lets a form that is sent twice
	// count once.
	Version, RequestID string
	value              any
}

func (d *dashboard) askFlag(w http.ResponseWriter, r *http.Request) {
	view, err := d.flagChangeView(r.Context(), mux.Vars(r)["flag"], r.URL.Query().Get("value"), true)
	if err != nil {
		d.fail(w, r, "flags", err)
		return
	}
	d.preview(r.Context(), &view)
	status := http.StatusOK
	if view.ValueError != "" {
		status = http.StatusBadRequest
	}
	d.show(w, r, status, "flagchange", view)
}

// flagChangeView is the page as things stand, for a value that was entered: "true", "false" or a percentage. Without one a switch
// is turned, where the page is only looked at.
func (d *dashboard) flagChangeView(ctx context.Context, name, entered string, looked bool) (flagChangeView, error) {
	doc, err := d.Store.Flags(ctx)
	if err != nil {
		return flagChangeView{}, err
	}
	named := doc.FeatureFlags.Named()
	i := slices.IndexFunc(named, func(f flags.Named) bool { return f.Name == name })
	if i < 0 {
		return flagChangeView{}, &trial.Error{Code: trial.CodeNotFound, Message: "there is no flag of this name"}
	}
	view := flagChangeView{
		frame: d.frame(ctx, "Change "+name, "flags"), flagView: flagOf(ctx, named[i]), Flags: doc, Entered: strings.TrimSpace(entered),
		Version: strconv.Itoa(doc.Version), RequestID: rand.Text(),
	}
	if is, isSwitch := view.Value.(bool); isSwitch && looked {
		view.Entered = cmp.Or(view.Entered, strconv.FormatBool(!is))
	}
	view.read()
	if view.value == nil {
		return view, nil
	}
	to, err := doc.FeatureFlags.With(name, view.value)
	if err != nil {
		view.ValueError, view.value = sentence("The value "+app.ErrorOf(err).Message), nil
		return view, nil
	}
	view.To, view.Forbidden = flagValue(view.value), !doc.FeatureFlags.AdminsMaySet(to)
	return view, nil
}

// preview says what would change now. Where that cannot be read the flag can be changed all the same.
func (d *dashboard) preview(ctx context.Context, v *flagChangeView) {
	switch {
	case v.value == nil:
	case v.Value == v.value:
		v.Effects = []string{"Nothing: it is " + v.To + " already."}
	default:
		effects, err := d.flagEffects(ctx, v.Name, v.value, v.Flags)
		if err != nil {
			d.Log.Warn("a page lacks something", zap.String("what", "what a flag changes"), zap.Error(err))
			effects = []string{"What that changes could not be read now."}
		}
		v.Effects = effects
	}
}

// read reads the value that was entered.
func (v *flagChangeView) read() {
	switch v.Entered {
	case "":
	case "true", "false":
		v.value = v.Entered == "true"
	default:
		percentage, err := strconv.ParseFloat(v.Entered, 64)
		if err != nil {
			v.ValueError = "The value must be 0 to 100 in steps of 0.01."
			return
		}
		v.value = percentage
	}
}

// flagEffects reads what is known of what a flag changes. What cannot be read is left out, but the flags and the rollout.
func (d *dashboard) flagEffects(ctx context.Context, name string, to any, doc flags.Document) ([]string, error) {
	facts := flagFacts{Before: doc}
	latest, err := app.LatestRollout(ctx, d.Store, d.Now().UTC())
	if err != nil {
		return nil, err
	}
	facts.RolloutRuns = latest != nil && !latest.Rollout.Status.Final()
	var more string
	if facts.Held, more, err = d.Store.Trials(ctx, trial.Filter{Held: new(true)}, "", mostHeld); err != nil {
		return nil, err
	}
	facts.MoreHeld = more != ""
	if facts.Bulks, _, err = d.Store.Bulks(ctx, "", bulksPerPage); err != nil {
		return nil, err
	}
	if d.Figures != nil {
		if report, err := d.Figures.Report(ctx); err == nil {
			facts.Report = &report
		} else if trial.CodeOf(err) != trial.CodeConflict { // else the flags have switched the figures off
			return nil, err
		}
	}
	return facts.effects(name, to), nil
}

// changeFlag carries out what was confirmed, through the API's own code.
func (d *dashboard) changeFlag(w http.ResponseWriter, r *http.Request) {
	name := mux.Vars(r)["flag"]
	view, err := d.flagChangeView(r.Context(), name, r.PostFormValue("value"), false)
	if err != nil {
		d.fail(w, r, "flags", err)
		return
	}
	view.Reason, view.RequestID = r.PostFormValue("reason"), r.PostFormValue("request")
	err = d.setFlag(r, name, view)
	if err != nil && view.Entered == "" { // the page shows the form for what it would offer
		offered, missing := d.flagChangeView(r.Context(), name, "", true)
		if missing != nil {
			d.fail(w, r, "flags", missing)
			return
		}
		offered.Reason, offered.RequestID = view.Reason, view.RequestID
		view = offered
	}
	if err == nil {
		d.Log.Info("flag changed from the dashboard", zap.String("flag", name))
		http.Redirect(w, r, root+"flags?"+url.Values{"changed": {name}}.Encode(), http.StatusSeeOther)
		return
	}
	d.preview(r.Context(), &view)
	view.RequestID = keyAfter(view.RequestID, err)
	if c := app.ErrorOf(err).Code; c != trial.CodeConflict && c != trial.CodeForbidden && c != app.CodeReused {
		view.Version = r.PostFormValue("version") // the same request may be sent again
	}
	status := http.StatusBadRequest
	if view.ValueError == "" {
		status = d.explain(&view.form, err)
	}
	d.show(w, r, status, "flagchange", view)
}

// setFlag makes the request of the form.
func (d *dashboard) setFlag(r *http.Request, name string, view flagChangeView) error {
	seen, err := strconv.Atoi(r.PostFormValue("version"))
	switch {
	case err != nil:
		return trial.Invalid("version", "is missing: open this page again")
	case view.value == nil:
		return trial.Invalid("value", "is missing")
	case name == flags.NameEnabled && view.Entered == "false":
		return trial.Conflict("the automation is stopped on a page of its own, which also ends a rollout")
	}
	return d.Administration.ChangeFlagRecorded(r.Context(), app.FlagChange{ID: view.RequestID, Reason: view.Reason, Name: name, Value: view.value, Seen: seen})
}

// mostHeld bounds how many held trials are counted.
const mostHeld = 100
