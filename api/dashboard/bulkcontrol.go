package dashboard

import (
	"crypto/rand"
	"net/http"

	"github.com/gorilla/mux"
	"go.uber.org/zap"

	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/internal/domain/bulk"
)

// controlUndo begins an operation that undoes another one.
const controlUndo = "undo"

// bulkControls are what a person may ask of a bulk operation.
var bulkControls = map[string]controlWords{
	bulk.ControlStart: {bulk.ControlStart, "Start", "The trials of the dry run are changed, each as it stands then: what has changed since may come to another " +
		"outcome than the dry run saw.", false},
	bulk.ControlPause:  {bulk.ControlPause, "Pause", "It changes no further trial until somebody resumes it. What is under way is finished, within about five seconds.", false},
	bulk.ControlResume: {bulk.ControlResume, "Resume", "It goes on. Trials that failed are tried again where it had come to its end; nothing is done twice.", false},
	bulk.ControlStop:   {bulk.ControlStop, "Stop", "It ends where it is, for good. What was done stays done.", true},
	controlUndo: {controlUndo, "Undo", "An operation of its own gives each trial that was changed the end that it had, where that is to come and nobody has changed the " +
		"trial since. It begins at once.", true},
}

// bulkAskedFor thanks for what was asked.
var bulkAskedFor = map[string]string{
	"dry-run": "The dry run has begun. It changes nothing.", bulk.ControlStart: "It was asked to start.", bulk.ControlPause: "It was asked to pause.",
	bulk.ControlResume: "It was asked to go on.", bulk.ControlStop: "It was asked to stop.", controlUndo: "The undoing has begun.",
}

// controlsOfBulk are those that an operation takes where it stands, and that the reader may use.
func (d *dashboard) controlsOfBulk(v bulk.View, reader access.Role) []controlWords {
	if !reader.Covers(changesMany) {
		return nil
	}
	var apply []controlWords
	for _, name := range bulk.Controls() {
		after, err := v.State.Request(bulk.Control{Name: name, At: d.Now()})
		if err == nil && after.Seq != v.State.Seq {
			apply = append(apply, bulkControls[name])
		}
	}
	if _, err := bulk.UndoOf(v.Operation, v.State, "", "", "", d.Now()); err == nil {
		apply = append(apply, bulkControls[controlUndo])
	}
	return apply
}

// bulkControlView is the page on which something is asked of a bulk operation.
type bulkControlView struct {
	frame
	form
	Control controlWords
	Bulk    bulkView
	// Seen is the mark of what is shown, and RequestID lets a form that is sent twice count once.
	Seen, RequestID string
}

func (d *dashboard) bulkControlView(r *http.Request) (bulkControlView, error) {
	found, err := d.findBulk(r.Context(), mux.Vars(r)["operation"])
	words := bulkControls[mux.Vars(r)["control"]]
	view := bulkControlView{
		frame: d.frame(r.Context(), words.Title+" the bulk operation", "bulk"), Control: words, Bulk: found, Seen: found.State.Mark(), RequestID: rand.Text(),
	}
	applies := false
	for _, c := range d.controlsOfBulk(found.View, access.Of(r.Context()).Role) {
		applies = applies || c.Name == words.Name
	}
	if !applies {
		view.Error = "This does not apply now."
	}
	return view, err
}

func (d *dashboard) askBulkControl(w http.ResponseWriter, r *http.Request) {
	view, err := d.bulkControlView(r)
	if err != nil {
		d.fail(w, r, "bulk", err)
		return
	}
	d.show(w, r, http.StatusOK, "bulkcontrol", view)
}

// controlBulk asks it of the operation, through the API's own code.
func (d *dashboard) controlBulk(w http.ResponseWriter, r *http.Request) {
	view, err := d.bulkControlView(r)
	if err != nil {
		d.fail(w, r, "bulk", err)
		return
	}
	steering := app.BulkSteering{
		ID: view.Bulk.Operation.ID, Control: view.Control.Name, Seen: r.PostFormValue("seen"), Reason: r.PostFormValue("reason"), Key: r.PostFormValue("request"),
	}
	target := steering.ID
	if view.Control.Name == controlUndo {
		var undo bulk.View
		undo, err = d.Bulks.UndoBulkRecorded(r.Context(), steering)
		target = undo.Operation.ID
	} else {
		err = d.Bulks.SteerBulkRecorded(r.Context(), steering)
	}
	if err != nil {
		view.Error, view.Reason = "", steering.Reason
		view.RequestID = keyAfter(steering.Key, err)
		d.show(w, r, d.explain(&view.form, err), "bulkcontrol", view)
		return
	}
	d.Log.Info("bulk operation steered from the dashboard", zap.String("operation", steering.ID), zap.String("control", view.Control.Name))
	http.Redirect(w, r, root+"bulk/"+target+"?asked="+view.Control.Name, http.StatusSeeOther)
}
