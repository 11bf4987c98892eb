package dashboard

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/gorilla/mux"
	"go.uber.org/zap"

	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/bulk"
	"marketplace.example/trials/internal/domain/trial"
)

// Resends show the e-mails of a trial, and send one of them again. What does not apply is a *trial.Error.
type Resends interface {
	// TrialEmails are all e-mails to a vendor, the latest first.
	TrialEmails(ctx context.Context, vendorID string) ([]app.TrialEmail, error)
	// LookAtEmail says what is to be known of an e-mail before it is sent again.
	LookAtEmail(ctx context.Context, vendorID string, e bulk.Email) (app.ResendLook, error)
	// ResendEmailRecorded begins the operation that sends an e-mail again, once a key.
	ResendEmailRecorded(ctx context.Context, key string, o app.ResendOrder) (bulk.View, error)
}

// mailRow is an e-mail in a trial's list.
type mailRow struct {
	// Email is the step's; nil of the last that was due, which a bulk operation has sent again.
	Email *bulk.Email
	// Send is nil where only the address has prevented it, for the reason KeptBack.
	Send     *app.TrialEmail
	KeptBack trial.Reason
	// Asks says that it may be asked to be sent again.
	Asks bool
}

// mailRows are a trial's e-mails as they are listed: those that have a record, and those that only the address has prevented.
func mailRows(s trial.State, emails []app.TrialEmail, maySteer bool) []mailRow {
	var rows []mailRow
	known := map[bulk.Email]bool{}
	for i := range emails {
		row := mailRow{Send: &emails[i], Email: emails[i].Of}
		if emails[i].ResentBy == "" {
			row.Email = &bulk.Email{Kind: emails[i].Kind, Revision: emails[i].Revision}
			known[*row.Email] = true
			row.Asks = maySteer && hasFate(s, *row.Email)
		}
		rows = append(rows, row)
	}
	for _, r := range s.Steps {
		e := bulk.Email{Kind: r.Step.Kind, Revision: r.Step.Revision}
		if s.Automated && !known[e] && !r.Mailed && bulk.Resendable(r) {
			rows = append(rows, mailRow{Email: &e, KeptBack: r.Reason, Asks: maySteer})
		}
	}
	return rows
}

// hasFate reports whether an e-mail's step is over, and the e-mail was sent, or failed by its address.
func hasFate(s trial.State, e bulk.Email) bool {
	return slices.ContainsFunc(s.Steps, func(r trial.StepRecord) bool {
		return r.Step.Kind == e.Kind && r.Step.Revision == e.Revision && bulk.Resendable(r)
	})
}

// resendView is the page on which an e-mail is looked at before it is sent again.
type resendView struct {
	frame
	form
	app.ResendLook
	// RequestID lets a form that is sent twice count once.
	RequestID string
}

// Path is the address of the e-mail's own pages.
func (v resendView) Path() string {
	return fmt.Sprintf("%strials/%s/emails/%s/%d", root, v.Vendor.ID, v.Email.Kind, v.Email.Revision)
}

func (d *dashboard) resendView(r *http.Request) (view resendView, err error) {
	vars := mux.Vars(r)
	revision, err := strconv.Atoi(vars["revision"])
	if err != nil || !trial.ValidVendorID(vars["id"]) {
		return view, &trial.Error{Code: trial.CodeNotFound, Message: "there is no such e-mail"}
	}
	email := bulk.Email{Kind: trial.Kind(vars["kind"]), Revision: revision}
	view = resendView{frame: d.frame(r.Context(), "Send "+vars["kind"]+" to "+vars["id"]+" again", "trials"), RequestID: rand.Text()}
	view.ResendLook, err = d.Bulks.LookAtEmail(r.Context(), vars["id"], email)
	return view, err
}

func (d *dashboard) askResend(w http.ResponseWriter, r *http.Request) {
	view, err := d.resendView(r)
	if err != nil {
		d.fail(w, r, "trials", err)
		return
	}
	d.show(w, r, http.StatusOK, "resend", view)
}

// resend begins what was shown, through the API's own code.
func (d *dashboard) resend(w http.ResponseWriter, r *http.Request) {
	view, err := d.resendView(r)
	if err != nil {
		d.fail(w, r, "trials", err)
		return
	}
	order := app.ResendOrder{VendorID: view.Vendor.ID, Email: view.Email, Reason: strings.TrimSpace(r.PostFormValue("reason")), Seen: r.PostFormValue("seen")}
	key := r.PostFormValue("request")
	if order.Seen == "" || key == "" {
		err = trial.Conflict("this form is not whole: open this page again")
	}
	var operation bulk.View
	if err == nil {
		operation, err = d.Bulks.ResendEmailRecorded(r.Context(), key, order)
	}
	if err == nil {
		d.Log.Info("e-mail sent again from the dashboard", zap.String("vendorId", order.VendorID), zap.String("operation", operation.Operation.ID))
		http.Redirect(w, r, root+"trials/"+order.VendorID+"?"+url.Values{"resent": {operation.Operation.ID}}.Encode(), http.StatusSeeOther)
		return
	}
	view.Reason, view.RequestID = r.PostFormValue("reason"), keyAfter(key, err)
	d.show(w, r, d.explain(&view.form, err), "resend", view)
}

// resentNote says what became of an e-mail that was just asked to be sent again.
type resentNote struct {
	Text, Operation string
	// Missed says that it was not sent, or may not have been.
	Missed bool
}

// resentNote reads what became of an operation that sends one e-mail to a vendor again; nil for any other, as where the address of
// the page was made up.
func (d *dashboard) resentNote(ctx context.Context, vendorID, operation string) (*resentNote, error) {
	if !trial.ValidVendorID(operation) { // its characters are the same
		return nil, nil //nolint:nilnil // documented
	}
	o, state, err := d.Store.Bulk(ctx, operation)
	if trial.CodeOf(err) == trial.CodeNotFound || err == nil && o.Email == nil {
		return nil, nil //nolint:nilnil // documented
	}
	if err != nil {
		return nil, err
	}
	item, found, err := d.Store.BulkItem(ctx, operation, 1)
	if err != nil || !found || item.VendorID != vendorID {
		return nil, err
	}
	note := &resentNote{Operation: operation, Missed: item.Result != nil && item.Result.Outcome != bulk.Succeeded}
	switch result := item.Result; {
	case result == nil && state.Status.Final():
		note.Text = fmt.Sprintf("%s was not sent again: its operation was stopped.", o.Email.Kind)
	case result == nil && state.Status == bulk.Paused:
		note.Text = fmt.Sprintf("%s is not sent again yet: its operation is paused (%s).", o.Email.Kind, state.Cause)
	case result == nil:
		note.Text = fmt.Sprintf("%s is on its way: a worker sends it again as soon as it can.", o.Email.Kind)
	case result.Outcome == bulk.Succeeded:
		note.Text = fmt.Sprintf("%s was sent again.", o.Email.Kind)
	case result.Outcome == bulk.Failed:
		note.Text = fmt.Sprintf("It is not known whether %s was sent again (%s).", o.Email.Kind, joined(string(result.Reason)))
	default:
		refusal := bulk.Decision{Outcome: result.Outcome, Reason: result.Reason}.ResendRefusal()
		note.Text = fmt.Sprintf("%s was not sent again: %s.", o.Email.Kind, refusal.Message)
	}
	return note, nil
}
