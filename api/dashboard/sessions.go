package dashboard

import (
	"cmp"
	"context"
	"crypto/rand"
	"net/http"
	"slices"

	"github.com/gorilla/mux"
	"go.uber.org/zap"

	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/access"
)

// sessionsView lists who is signed in through the identity provider.
type sessionsView struct {
	frame
	Sessions []access.Session
	// HasProvider says that one is configured, Answers that it has answered.
	HasProvider, Answers bool
	// Ended says that something was just ended.
	Ended bool
}

func (d *dashboard) sessionsPage(w http.ResponseWriter, r *http.Request) {
	good, err := d.goodSessions(r.Context())
	if err != nil {
		d.fail(w, r, "sessions", err)
		return
	}
	view := sessionsView{frame: d.frame(r.Context(), "Sessions", "sessions"), Sessions: good, HasProvider: d.Provider != nil, Ended: r.URL.Query().Has("ended")}
	view.Answers = view.HasProvider && d.Provider.Ready()
	d.show(w, r, http.StatusOK, "sessions", view)
}

// goodSessions are those that open something now, by person, the latest first.
func (d *dashboard) goodSessions(ctx context.Context) ([]access.Session, error) {
	all, err := d.Store.Sessions(ctx)
	now := d.Now()
	all = slices.DeleteFunc(slices.Clone(all), func(s access.Session) bool { return s.Status(now) != access.Good })
	slices.SortFunc(all, func(a, b access.Session) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), b.Since.Compare(a.Since), cmp.Compare(a.ID, b.ID))
	})
	return all, err
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
	good, err := d.goodSessions(r.Context())
	if err != nil {
		return view, err
	}
	i := slices.IndexFunc(good, func(s access.Session) bool { return s.ID == id })
	if i < 0 {
		return view, access.NoSession(id)
	}
	view.Session = good[i]
	for _, s := range good {
		if s.Subject == view.Session.Subject && s.ID != id {
			view.Others++
		}
	}
	return view, nil
}

// endSession ends what was confirmed. One that is over meanwhile is ended all the same, since a form that was sent twice finds it so.
func (d *dashboard) endSession(w http.ResponseWriter, r *http.Request) {
	end := app.SessionEnd{
		ID: mux.Vars(r)["session"], Everywhere: r.PostFormValue("everywhere") == "yes", Reason: r.PostFormValue("reason"), Key: r.PostFormValue("request"),
	}
	err := d.Controls.EndSessionsRecorded(r.Context(), end)
	if err == nil {
		d.Log.Info("session ended from the dashboard", zap.String("session", end.ID))
		http.Redirect(w, r, root+"sessions?ended=yes", http.StatusSeeOther)
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
