package dashboard

import (
	"net/http"
	"slices"

	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/rollout"
)

// maxDecisions is how many of the latest decisions a page shows.
const maxDecisions = 100

// decisionsView is what the page of decisions shows.
type decisionsView struct {
	frame
	RolloutID string
	Summary   string
	// Events are the latest first; Earlier counts those that are not shown.
	Events  []rollout.Event
	Earlier int
}

func (d *dashboard) decisions(w http.ResponseWriter, r *http.Request) {
	view := decisionsView{frame: d.live(r, "Decisions", "decisions")}
	current, err := app.LatestRollout(r.Context(), d.Store, d.Now().UTC())
	if err == nil && current != nil {
		state := current.Rollout
		view.RolloutID, view.Summary = state.ID, current.Summary
		view.Earlier = max(0, state.Seq-maxDecisions)
		view.Events, err = d.Store.Decisions(r.Context(), state.ID, view.Earlier+1, maxDecisions)
		slices.Reverse(view.Events)
	}
	if err != nil {
		d.fail(w, r, "decisions", err)
		return
	}
	d.show(w, r, http.StatusOK, "decisions", view)
}
