package dashboard

import (
	"maps"
	"net/http"
	"strconv"

	"github.com/gorilla/mux"

	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/trial"
)

// sentMailView is what the page of an e-mail shows as it was sent.
type sentMailView struct {
	frame
	app.SentMail
	// Frames are the e-mail in each width and color scheme; none where it cannot be shown.
	Frames []mailFrame
}

// mailFrame is an e-mail in one width and color scheme.
type mailFrame struct {
	// Wide says that it is as on a desk, not as on a phone.
	Wide   bool
	Scheme string
	// Address is what is framed.
	Address string
}

// schemes are the color schemes of mail programs.
var schemes = []string{"light", "dark"}

// mailFrames are all of them.
func mailFrames(path string, query map[string]string) []mailFrame {
	var frames []mailFrame
	for _, wide := range []bool{true, false} {
		for _, scheme := range schemes {
			asked := map[string]string{"scheme": scheme}
			maps.Copy(asked, query)
			frames = append(frames, mailFrame{Wide: wide, Scheme: scheme, Address: narrowed(path, asked)})
		}
	}
	return frames
}

// framing is the policy of a page that frames other pages of ours.
const framing = contentPolicy + "; frame-src 'self'"

func (d *dashboard) sentMail(w http.ResponseWriter, r *http.Request) {
	mail, err := d.readSentMail(r)
	if err != nil {
		d.fail(w, r, "trials", err)
		return
	}
	view := sentMailView{frame: d.frame(r.Context(), string(mail.Send.Kind)+" to "+mail.Send.VendorID, "trials"), SentMail: mail}
	if mail.Shown != nil {
		view.Frames = mailFrames("trials/"+mail.Send.Key[:len(mail.Send.VendorID)]+"/emails"+mail.Send.Key[len(mail.Send.VendorID):]+"/frame", nil)
	}
	w.Header().Set("Content-Security-Policy", framing)
	d.show(w, r, http.StatusOK, "sentmail", view)
}

// sentMailFrame is the e-mail alone.
func (d *dashboard) sentMailFrame(w http.ResponseWriter, r *http.Request) {
	mail, err := d.readSentMail(r)
	if err == nil && mail.Shown == nil {
		err = &trial.Error{Code: trial.CodeNotFound, Message: "this e-mail cannot be shown"}
	}
	if err != nil {
		d.fail(w, r, "trials", err)
		return
	}
	d.showMail(w, r, *mail.Shown)
}

func (d *dashboard) readSentMail(r *http.Request) (app.SentMail, error) {
	v := mux.Vars(r)
	revision, err := strconv.Atoi(v["revision"])
	if d.Mails == nil || err != nil || !trial.ValidVendorID(v["id"]) {
		return app.SentMail{}, &trial.Error{Code: trial.CodeNotFound, Message: "there is no such e-mail"}
	}
	return d.Mails.SentMail(r.Context(), trial.Step{Kind: trial.Kind(v["kind"]), Revision: revision}.Key(v["id"]))
}

// showMail answers with an e-mail's HTML, for a frame of ours. Nothing in it runs, loads anything but its one image, or leads
// anywhere.
func (d *dashboard) showMail(w http.ResponseWriter, r *http.Request, m app.ShownMail) {
	html, err := app.InScheme(m.HTML, r.URL.Query().Get("scheme"))
	if err != nil {
		d.fail(w, r, "mail", err)
		return
	}
	images := "'none'"
	if m.Image != "" {
		images = m.Image
	}
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; img-src "+images+
		"; sandbox; form-action 'none'; base-uri 'none'; frame-ancestors 'self'")
	h.Set("X-Frame-Options", "SAMEORIGIN")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write([]byte(html)) //nolint:gosec // G705: an e-mail's HTML is escaped by its layout, and its frame runs nothing; an error: the browser has gone
}
