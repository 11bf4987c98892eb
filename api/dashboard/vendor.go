package dashboard

import (
	"context"
	"net/http"
	"strings"

	"github.com/gorilla/mux"

	"marketplace.example/trials/internal/domain/trial"
)

// vendorView is the page of a vendor's name and address. They are on a page of their own, which nothing fetches again: each look is
// on the audit record. The form that asks for them is a POST, since browsers and mail programs fetch links on their own, and answers
// itself, so that neither is ever part of an address.
type vendorView struct {
	frame
	form
	ID string
	// Shown is nil before somebody asked for it, and where that cannot be put on record.
	Shown *trial.Vendor
}

func (d *dashboard) vendorView(ctx context.Context, id string) (vendorView, error) {
	if !trial.ValidVendorID(id) {
		return vendorView{}, trial.NotFound(id)
	}
	_, err := d.Store.Vendor(ctx, id)
	return vendorView{frame: d.frame(ctx, "Vendor "+id, "trials"), ID: id}, err
}

func (d *dashboard) askVendor(w http.ResponseWriter, r *http.Request) {
	view, err := d.vendorView(r.Context(), mux.Vars(r)["id"])
	if err != nil {
		d.fail(w, r, "trials", err)
		return
	}
	d.show(w, r, http.StatusOK, "vendor", view)
}

func (d *dashboard) vendor(w http.ResponseWriter, r *http.Request) {
	view, err := d.vendorView(r.Context(), mux.Vars(r)["id"])
	if err != nil {
		d.fail(w, r, "trials", err)
		return
	}
	status := http.StatusOK
	v, err := d.Controls.ViewVendorRecorded(r.Context(), view.ID)
	if err != nil {
		status = d.explain(&view.form, err)
	} else {
		view.Shown = &v
	}
	d.show(w, r, status, "vendor", view)
}

// vendorsView is the page on which vendors are searched for by what is personal.
type vendorsView struct {
	frame
	form
	// Sought is what was entered.
	Sought string
	// Found is nil before somebody searched.
	Found *trial.FoundVendors
}

func (d *dashboard) askVendors(w http.ResponseWriter, r *http.Request) {
	d.show(w, r, http.StatusOK, "vendors", vendorsView{frame: d.frame(r.Context(), "Find a vendor", "trials")})
}

// findVendors searches by address where what was entered has an @, else by name.
func (d *dashboard) findVendors(w http.ResponseWriter, r *http.Request) {
	view := vendorsView{frame: d.frame(r.Context(), "Find a vendor", "trials"), Sought: strings.TrimSpace(r.PostFormValue("sought"))}
	search := trial.VendorSearch{Name: view.Sought}
	if strings.Contains(view.Sought, "@") {
		search = trial.VendorSearch{Email: view.Sought}
	}
	status := http.StatusOK
	found, err := d.Controls.FindVendorsRecorded(r.Context(), search)
	switch {
	case err == nil:
		view.Found = &found
	case trial.CodeOf(err) == trial.CodeInvalid:
		status, view.Error = http.StatusBadRequest, "Enter a whole e-mail address, or at least 2 characters of how a name begins."
	default:
		status = d.explain(&view.form, err)
	}
	d.show(w, r, status, "vendors", view)
}
