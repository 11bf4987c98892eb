package dashboard

import (
	"crypto/rand"
	"net/http"
	"strings"

	"github.com/gorilla/mux"
	"go.uber.org/zap"

	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/trial"
)

// mailAsk is which e-mails a page is about.
type mailAsk struct{ app.MailAsk }

func mailAskOf(r *http.Request) mailAsk {
	v := r.FormValue
	return mailAsk{app.MailAsk{Policy: v("policy"), Language: v("language"), Zone: strings.TrimSpace(v("timezone"))}}
}

func (a mailAsk) query() map[string]string {
	return map[string]string{"policy": a.Policy, "language": a.Language, "timezone": a.Zone}
}

// Page is the address of the page of one e-mail.
func (a mailAsk) Page(kind trial.Kind) string { return narrowed("mail/"+string(kind), a.query()) }

// List is the address of the page of all e-mails.
func (a mailAsk) List() string { return narrowed("mail", a.query()) }

// In is what is asked for in another policy and language.
func (a mailAsk) In(policy, language string) mailAsk {
	a.Policy, a.Language = policy, language
	return a
}

// mailsPage is what the page of all e-mails shows.
type mailsPage struct {
	frame
	app.MailOverview
	Asked mailAsk
	// Faults are the lines of what is wrong with the templates.
	Faults []string
	// Mails are what a vendor would get; Problem says what is wrong with what was asked for.
	Mails   []app.PreviewedMail
	Problem string
}

// Listed are the policies that the page is narrowed to.
func (v mailsPage) Listed() (all []app.PolicyMails) {
	for _, p := range v.Policies {
		if v.Asked.Policy == "" || v.Asked.Policy == p.Policy {
			all = append(all, p)
		}
	}
	return all
}

// ListedLanguages are the languages that the page is narrowed to.
func (v mailsPage) ListedLanguages() []string {
	if v.Asked.Language != "" {
		return []string{v.Asked.Language}
	}
	return v.Languages
}

// Current is the name of the policy whose timetable is shown.
func (v mailsPage) Current() string {
	for _, p := range v.Policies {
		if v.Asked.Policy == "" && p.Default {
			return p.Policy
		}
	}
	return v.Asked.Policy
}

func (d *dashboard) mails(w http.ResponseWriter, r *http.Request) {
	if d.Mails == nil {
		d.notFound(w, r)
		return
	}
	view, status := mailsPage{frame: d.frame(r.Context(), "E-mails", "mail"), Asked: mailAskOf(r)}, http.StatusOK
	var err error
	if view.MailOverview, err = d.Mails.MailOverview(r.Context()); err != nil {
		d.fail(w, r, "mail", err)
		return
	}
	if view.MailOverview.Faults != nil {
		view.Faults = strings.Split(view.MailOverview.Faults.Error(), "\n")
	}
	view.Mails, err = d.Mails.PreviewMails(view.Asked.MailAsk)
	switch {
	case trial.CodeOf(err) == trial.CodeInvalid:
		status, view.Problem = http.StatusBadRequest, sentence(capital(app.ErrorOf(err).Error()))
	case err != nil:
		d.fail(w, r, "mail", err)
		return
	}
	d.show(w, r, status, "mails", view)
}

// mailPage is what the page of one e-mail shows.
type mailPage struct {
	frame
	form
	app.PreviewedMail
	Asked mailAsk
	// Frames are the e-mail in each width and color scheme.
	Frames []mailFrame
	// To is the address that was entered, and Sent says that it is on its way.
	To   string
	Sent bool
	// RequestID lets a form that is sent twice count once.
	RequestID string
}

func (d *dashboard) mail(w http.ResponseWriter, r *http.Request) {
	view, err := d.mailPage(r)
	if err != nil {
		d.failMail(w, r, err)
		return
	}
	d.showMailPage(w, r, http.StatusOK, view)
}

func (d *dashboard) mailPage(r *http.Request) (mailPage, error) {
	if d.Mails == nil {
		return mailPage{}, &trial.Error{Code: trial.CodeNotFound, Message: "no e-mails are shown here"}
	}
	kind, what := trial.Kind(mux.Vars(r)["kind"]), mailAskOf(r)
	mail, err := d.Mails.PreviewMail(what.MailAsk, kind)
	return mailPage{
		frame: d.frame(r.Context(), "E-mail "+string(kind), "mail"), PreviewedMail: mail, Asked: what, Frames: mailFrames("mail/"+string(kind)+"/frame", what.query()),
		Sent: r.URL.Query().Has("sent"), RequestID: rand.Text(),
	}, err
}

// failMail says that there is no such e-mail, or what is wrong with what was asked for.
func (d *dashboard) failMail(w http.ResponseWriter, r *http.Request, err error) {
	if c := trial.CodeOf(err); c == trial.CodeInvalid || c == trial.CodeConflict {
		err = &trial.Error{Code: trial.CodeNotFound, Message: app.ErrorOf(err).Error()}
	}
	d.fail(w, r, "mail", err)
}

func (d *dashboard) showMailPage(w http.ResponseWriter, r *http.Request, status int, view mailPage) {
	w.Header().Set("Content-Security-Policy", framing)
	d.show(w, r, status, "mail", view)
}

// mailFrame is an e-mail alone.
func (d *dashboard) mailFrame(w http.ResponseWriter, r *http.Request) {
	view, err := d.mailPage(r)
	if err != nil {
		d.failMail(w, r, err)
		return
	}
	d.showMail(w, r, view.Shown)
}

// sendMail has an e-mail sent to a stakeholder, through the API's own code.
func (d *dashboard) sendMail(w http.ResponseWriter, r *http.Request) {
	view, err := d.mailPage(r)
	if err != nil {
		d.failMail(w, r, err)
		return
	}
	view.To = r.PostFormValue("to")
	err = d.Mails.SendMailRecorded(r.Context(), r.PostFormValue("request"), app.MailOrder{MailAsk: view.Asked.MailAsk, Kind: view.Kind, To: view.To})
	if err == nil {
		d.Log.Info("preview sent from the dashboard", zap.String("kind", string(view.Kind)))
		back := view.Asked.query()
		back["sent"] = "yes"
		http.Redirect(w, r, narrowed("mail/"+string(view.Kind), back), http.StatusSeeOther)
		return
	}
	d.showMailPage(w, r, d.explain(&view.form, err), view)
}
