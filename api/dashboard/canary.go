package dashboard

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
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

// partWords name the parts of a canary's life.
var partWords = map[string]string{canary.PartStart: "start of the trial", canary.PartMail: "e-mail", canary.PartReport: "report of the delivery"}

// partName names a part, and the step that it belongs to.
func partName(name string) string {
	part, step, _ := strings.Cut(name, "/")
	part = capital(cmp.Or(partWords[part], part))
	if step == "" {
		return part
	}
	return part + ": " + joined(step)
}

// took is a duration with its unit.
func took(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
}

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
