package dashboard

import (
	"context"
	"crypto/rand"
	"net/http"

	"github.com/gorilla/mux"
	"go.uber.org/zap"

	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/internal/domain/trial"
)

// sessionsPerPage is how many sessions a page lists.
const sessionsPerPage = 50

// sessionsView lists who is signed in through the identity provider.
type sessionsView struct {
	frame
	Sessions []access.Session
	// Next is the address of the following page, First of the first where this is another one; empty for none. Problem says that the
	// address is none.
	Next, First, Problem string
	// HasProvider says that one is configured, Answers that it has answered.
	HasProvider, Answers bool
	// Ended is the session of the page's address that is over; nil where that names none.
	Ended *access.Session
}

func (d *dashboard) sessionsPage(w http.ResponseWriter, r *http.Request) {
	view := sessionsView{frame: d.frame(r.Context(), "Sessions", "sessions"), HasProvider: d.Provider != nil}
	view.Answers = view.HasProvider && d.Provider.Ready()
	after := r.URL.Query().Get("after")
	page, next, err := d.Store.Sessions(r.Context(), d.Now(), after, sessionsPerPage)
	if trial.CodeOf(err) == trial.CodeInvalid {
		view.Problem = "This is not a page's address."
		d.show(w, r, http.StatusBadRequest, "sessions", view)
		return
	}
	if err != nil {
		d.fail(w, r, "sessions", err)
		return
	}
	view.Sessions, view.Ended = page, d.over(r.Context(), r.URL.Query().Get("ended"))
	if next != "" {
		view.Next = narrowed("sessions", map[string]string{"after": next})
	}
	if after != "" {
		view.First = narrowed("sessions", nil)
	}
	d.show(w, r, http.StatusOK, "sessions", view)
}

// over is a session of that id that opens nothing any more; nil where there is none such, or it cannot be read.
func (d *dashboard) over(ctx context.Context, id string) *access.Session {
	if id == "" {
		return nil
	}
	s, err := d.Store.SessionByID(ctx, id)
	if err != nil || s.Status(d.Now()) == access.Good {
		return nil
	}
	return &s
}

// sessionEndView is the page on which ending a session is confirmed.
type sessionEndView struct {
	frame
	form
	Session access.Session
	// Others is how many more the same person has; Everywhere says that those end too.
	Others     int
	Everywhere bool
	// RequestID lets a form that is sent twice count once.
	RequestID string
}

func (d *dashboard) askSessionEnd(w http.ResponseWriter, r *http.Request) {
	view, err := d.sessionEndView(r)
	if err != nil {
		d.fail(w, r, "sessions", err)
		return
	}
	d.show(w, r, http.StatusOK, "sessionend", view)
}

func (d *dashboard) sessionEndView(r *http.Request) (sessionEndView, error) {
	id := mux.Vars(r)["session"]
	view := sessionEndView{frame: d.frame(r.Context(), "End a session", "sessions"), RequestID: rand.Text()}
	var err error
	if view.Session, err = d.Store.SessionByID(r.Context(), id); err != nil {
		return view, err
	}
	if view.Session.Status(d.Now()) != access.Good {
		return view, access.NoSession(id)
	}
	theirs, err := d.Store.SessionsOf(r.Context(), view.Session.Subject, d.Now())
	view.Others = max(len(theirs)-1, 0)
	return view, err
}

// endSession ends what was confirmed. One that is over meanwhile is ended all the same, since a form that was sent twice finds it so.
func (d *dashboard) endSession(w http.ResponseWriter, r *http.Request) {
	end := app.SessionEnd{
		ID: mux.Vars(r)["session"], Everywhere: r.PostFormValue("everywhere") == "yes", Reason: r.PostFormValue("reason"), Key: r.PostFormValue("request"),
	}
	err := d.Controls.EndSessionsRecorded(r.Context(), end)
	if err == nil {
		d.Log.Info("session ended from the dashboard", zap.String("session", end.ID))
		http.Redirect(w, r, root+"sessions?ended="+end.ID, http.StatusSeeOther)
		return
	}
	view, missing := d.sessionEndView(r)
	if missing != nil {
		d.fail(w, r, "sessions", missing)
		return
	}
	view.Reason, view.RequestID, view.Everywhere = end.Reason, keyAfter(end.Key, err), end.Everywhere
	status := d.explain(&view.form, err)
	d.show(w, r, status, "sessionend", view)
}
