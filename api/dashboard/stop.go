package dashboard

import (
	"context"
	"crypto/rand"
	"net/http"

	"go.uber.org/zap"

	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/rollout"
)

// stopView is the page on which the automation is stopped, and which then says how to go on.
type stopView struct {
	frame
	form
	// RequestID lets a form that is sent twice count once.
	RequestID string
	// Flags is nil where they could not be read.
	Flags *flags.Document
	// Rollout is the one under way, nil for none.
	Rollout *rollout.View
}

// Stopped reports whether the automation is switched off, and nothing is under way that could switch it on.
func (v stopView) Stopped() bool {
	return v.Flags != nil && !v.Flags.FeatureFlags.TrialAutomation.Enabled && v.Rollout == nil
}

func (d *dashboard) askStop(w http.ResponseWriter, r *http.Request) {
	d.show(w, r, http.StatusOK, "stop", d.stopView(r.Context()))
}

// stopView also comes where nothing can be read: what answers then may be there again when the form is sent.
func (d *dashboard) stopView(ctx context.Context) stopView {
	view := stopView{frame: d.frame(ctx, "Stop automation", "stop"), RequestID: rand.Text()}
	doc, err := d.Store.Flags(ctx)
	if err == nil {
		view.Flags = &doc
		view.Rollout, err = app.LatestRollout(ctx, d.Store, view.Now)
	}
	if err != nil {
		d.Log.Error("page read in part", zap.String("page", "stop"), zap.Error(err))
		view.Error = "How things stand could not be read. Try to stop the automation all the same."
	}
	if view.Rollout != nil && view.Rollout.Rollout.Status.Final() {
		view.Rollout = nil
	}
	return view
}

// stop stops whatever goes on now, whatever the page had shown.
func (d *dashboard) stop(w http.ResponseWriter, r *http.Request) {
	request := flags.Request{ID: r.PostFormValue("request"), Reason: r.PostFormValue("reason")}
	err := d.Controls.StopAutomationRecorded(r.Context(), request)
	if err == nil {
		d.Log.Info("automation stopped from the dashboard")
		http.Redirect(w, r, root+"stop", http.StatusSeeOther)
		return
	}
	view := d.stopView(r.Context())
	view.Reason, view.RequestID = request.Reason, keyAfter(request.ID, err)
	status := d.explain(&view.form, err)
	d.show(w, r, status, "stop", view)
}
