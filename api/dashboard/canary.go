package dashboard

import (
	"net/http"
	"time"

	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/internal/domain/canary"
	"marketplace.example/trials/internal/domain/trial"
)

// canaryView is what the page of the canary shows.
type canaryView struct {
	frame
	canary.View
	// Asked says that one was just asked for, and MayStart that whoever looks may ask for one.
	Asked, MayStart bool
	// Every is how often one begins.
	Every time.Duration
	// Latest is nil before the first has ended.
	Latest *canary.Result
}

// Rounded is how long a part took, for people.
func (canaryView) Rounded(d time.Duration) string { return canary.Round(d).String() }

func (d *dashboard) canary(w http.ResponseWriter, r *http.Request) {
	view := canaryView{frame: d.live(r, "Canary", "canary"), Asked: r.URL.Query().Has("asked"), MayStart: access.Of(r.Context()).Role.Covers(steers)}
	if d.Canaries == nil {
		d.fail(w, r, "canary", &trial.Error{Code: trial.CodeNotFound, Message: "no canaries are kept here"})
		return
	}
	var err error
	if view.View, err = d.Canaries.CanaryView(r.Context()); err != nil {
		d.fail(w, r, "canary", err)
		return
	}
	view.Every = time.Duration(view.EverySeconds * float64(time.Second))
	if len(view.Results) > 0 {
		view.Latest = &view.Results[0]
	}
	d.show(w, r, http.StatusOK, "canary", view)
}

// startCanary starts one, through the API's own code.
func (d *dashboard) startCanary(w http.ResponseWriter, r *http.Request) {
	if d.Canaries == nil {
		d.notFound(w, r)
		return
	}
	if err := d.Canaries.StartCanaryRecorded(r.Context()); err != nil {
		d.fail(w, r, "canary", err)
		return
	}
	d.Log.Info("canary started from the dashboard")
	http.Redirect(w, r, root+"canary?asked", http.StatusSeeOther)
}
