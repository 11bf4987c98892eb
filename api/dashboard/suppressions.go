package dashboard

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/gorilla/mux"
	"go.uber.org/zap"

	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/trial"
)

// suppressionsPerPage is how many vendors a page lists.
const suppressionsPerPage = 50

// suppressionsView is what the list of vendors to whom no e-mail goes shows.
type suppressionsView struct {
	frame
	// Cause is what was asked for.
	Cause, Problem string
	Causes         []trial.Cause
	Vendors        []trial.SuppressedVendor
	// Next is the address of the following page, First of the first where this is another one; empty for none.
	Next, First string
	// Lifted thanks for what was just done, to a vendor.
	Lifted string
}

func (d *dashboard) suppressions(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	view := suppressionsView{frame: d.live(r, "No e-mail", "suppressions"), Cause: q.Get("cause"), Causes: trial.Causes()}
	if id := q.Get("lifted"); d.isLifted(r, id) {
		view.Lifted = id
	}
	cause, after := trial.Cause(view.Cause), q.Get("after")
	if view.Cause != "" && !slices.Contains(view.Causes, cause) {
		view.Problem = "There is no such cause."
		d.show(w, r, http.StatusBadRequest, "suppressions", view)
		return
	}
	page, next, err := d.Store.SuppressedVendors(r.Context(), cause, after, suppressionsPerPage)
	if trial.CodeOf(err) == trial.CodeInvalid {
		view.Problem = "This is not a page's address."
		d.show(w, r, http.StatusBadRequest, "suppressions", view)
		return
	}
	if err != nil {
		d.fail(w, r, "suppressions", err)
		return
	}
	view.Vendors = page
	if next != "" {
		view.Next = narrowed("suppressions", map[string]string{"cause": view.Cause, "after": next})
	}
	if after != "" {
		view.First = narrowed("suppressions", map[string]string{"cause": view.Cause})
	}
	d.show(w, r, http.StatusOK, "suppressions", view)
}

// isLifted reports whether what stopped e-mail to a vendor was lifted, and nothing stops it now: an address that a page was opened
// with, as from a bookmark, may say so of any.
func (d *dashboard) isLifted(r *http.Request, id string) bool {
	if !trial.ValidVendorID(id) {
		return false
	}
	v, err := d.Store.Vendor(r.Context(), id)
	return err == nil && len(v.Stops) == 0 && !v.LiftedAt.IsZero()
}

// liftView is the page on which what stops e-mail to a vendor is looked at, and lifted.
type liftView struct {
	frame
	form
	Vendor trial.Vendor
	// Refusal is why it cannot be lifted, empty where it can; Note what a lift cannot do.
	Refusal, Note string
	// Seen is the mark of what is shown, and RequestID lets a form that is sent twice count once.
	Seen, RequestID string
}

func (d *dashboard) liftView(r *http.Request) (view liftView, err error) {
	id := mux.Vars(r)["id"]
	if !trial.ValidVendorID(id) {
		return view, trial.NotFound(id)
	}
	view = liftView{frame: d.frame(r.Context(), "No e-mail to "+id, "suppressions"), Note: trial.LiftNote, RequestID: rand.Text()}
	if view.Vendor, err = d.Store.Vendor(r.Context(), id); err != nil {
		return view, err
	}
	view.Seen = view.Vendor.StopMark()
	if refusal := view.Vendor.LiftRefusal(); refusal != nil {
		view.Refusal = refusal.Message
	}
	return view, nil
}

func (d *dashboard) askLift(w http.ResponseWriter, r *http.Request) {
	view, err := d.liftView(r)
	if err != nil {
		d.fail(w, r, "suppressions", err)
		return
	}
	d.show(w, r, http.StatusOK, "suppressionlift", view)
}

// lift lifts what was shown, through the API's own code.
func (d *dashboard) lift(w http.ResponseWriter, r *http.Request) {
	order := app.LiftOrder{VendorID: mux.Vars(r)["id"], Reason: strings.TrimSpace(r.PostFormValue("reason")), Seen: r.PostFormValue("seen")}
	key, err := r.PostFormValue("request"), error(nil)
	if order.Seen == "" || key == "" {
		err = trial.Conflict("this form is not whole: open this page again")
	}
	if err == nil {
		err = d.Controls.LiftSuppressionRecorded(r.Context(), key, order)
	}
	if err == nil {
		d.Log.Info("suppression lifted from the dashboard", zap.String("vendorId", order.VendorID))
		http.Redirect(w, r, root+"suppressions?"+url.Values{"lifted": {order.VendorID}}.Encode(), http.StatusSeeOther)
		return
	}
	if trial.CodeOf(err) == trial.CodeNotFound {
		d.fail(w, r, "suppressions", err)
		return
	}
	view, unread := d.liftView(r)
	if unread != nil {
		d.fail(w, r, "suppressions", unread)
		return
	}
	view.Reason = r.PostFormValue("reason")
	if key != "" && app.ErrorOf(err).Code != app.CodeReused { // a key that is spent sends no form again
		view.RequestID = key
	}
	d.show(w, r, d.explain(&view.form, err), "suppressionlift", view)
}
