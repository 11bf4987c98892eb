package dashboard

import (
	"errors"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"

	"marketplace.example/trials/api/auth"
	"marketplace.example/trials/api/headers"
	"marketplace.example/trials/internal/domain/access"
)

// maxForm bounds what a form may send, in bytes.
const maxForm = 16 << 10

// signInView is what the page to sign in shows.
type signInView struct {
	frame
	// To is the page to go on to.
	To string
	// Error says what is wrong with the token, Problem what else is.
	Error, Problem string
	// Ended says that an admin has ended the session that there was.
	Ended bool
	// ByProvider says that there is an identity provider, ProviderAnswers that it has answered.
	ByProvider, ProviderAnswers bool
}

func (d *dashboard) signInView(r *http.Request, to string) signInView {
	view := signInView{frame: d.frame(r.Context(), "Sign in", ""), To: onward(to), ByProvider: d.Provider != nil}
	view.ProviderAnswers = view.ByProvider && d.Provider.Ready()
	return view
}

func (d *dashboard) askSignIn(w http.ResponseWriter, r *http.Request) {
	view := d.signInView(r, r.URL.Query().Get("to"))
	_, err := d.session(r)
	if err == nil {
		http.Redirect(w, r, view.To, http.StatusSeeOther)
		return
	}
	view.Ended = errors.Is(err, errEnded) // by the session that the browser still has, not by the page's address
	d.show(w, r, http.StatusOK, "signin", view)
}

func (d *dashboard) signIn(w http.ResponseWriter, r *http.Request) {
	view := d.signInView(r, r.PostFormValue("to"))
	who, err := d.Callers.Identify(r, strings.TrimSpace(r.PostFormValue("token")))
	if err == nil && !who.Role.Covers(access.Viewer) {
		err = &auth.RefusedError{Reason: auth.Unknown} // the marketplace's backend reads no pages
	}
	if err != nil {
		status := d.notSignedIn(w, &view, err)
		d.show(w, r, status, "signin", view)
		return
	}
	d.dropSession(r)
	d.Log.Info("signed in", zap.String("token", who.TokenID), zap.Bool("tls", d.Callers.OverTLS(r)))
	http.SetCookie(w, d.cookie(r, d.sessions.issue(who.Key, d.Now().Add(sessionLength))))
	http.Redirect(w, r, view.To, http.StatusSeeOther)
}

// notSignedIn puts into the form why a token does not open the pages.
func (d *dashboard) notSignedIn(w http.ResponseWriter, view *signInView, err error) int {
	refused, isRefused := errors.AsType[*auth.RefusedError](err)
	switch {
	case !isRefused:
		d.Log.Error("not known who signs in", zap.Error(err))
		view.Error = "It cannot be told now whether this token is good: the database does not answer. Try again in a moment."
		return http.StatusServiceUnavailable
	case refused.Reason == auth.Slowed:
		w.Header().Set("Retry-After", seconds(refused.Wait))
		view.Error = "Too many attempts. Wait a minute, then try again."
		return http.StatusTooManyRequests
	}
	view.Error = capital(sentence(refused.Error()))
	return http.StatusUnauthorized
}

// seconds are those of a Retry-After.
func seconds(wait time.Duration) string { return strconv.Itoa(int(math.Ceil(wait.Seconds()))) }

func (d *dashboard) signOut(w http.ResponseWriter, r *http.Request) {
	gone := d.dropSession(r)
	http.SetCookie(w, d.cookie(r, ""))
	if !gone {
		d.show(w, r, http.StatusServiceUnavailable, "message", message{d.frame(r.Context(), "Signed out here", ""), trouble{
			Title: "Your session could not be ended",
			Text:  "You are signed out in this browser; your session could not be ended and ends by itself within 15 minutes unused.",
		}})
		return
	}
	http.Redirect(w, r, signInPath, http.StatusSeeOther)
}

// onward is the page to show after signing in: the one asked for if it is one of
// ours, else the first. A path that leads elsewhere by its dots, or in the eyes of
// another reader, is none of ours.
func onward(to string) string {
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || !strings.HasPrefix(u.Path, root) || !headers.PlainPath(u) {
		return root
	}
	return (&url.URL{Path: u.Path, RawQuery: u.RawQuery}).String()
}

// guard lets signed-in requests through and sends the others to sign in. What
// htmx fetches cannot be sent elsewhere by a redirect, so it is told to go.
func (d *dashboard) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, err := d.session(r)
		switch {
		case err == nil:
			next.ServeHTTP(w, r.WithContext(access.With(r.Context(), who)))
			return
		case !errors.Is(err, errNoSession):
			d.fail(w, r, "", err)
			return
		}
		if d.keep(w, r) {
			return
		}
		target := d.signInAddress(r, err)
		if r.Header.Get("Hx-Request") != "" {
			w.Header().Set("Hx-Redirect", target)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		http.Redirect(w, r, target, http.StatusSeeOther)
	})
}

// signInAddress is where to send somebody whose session is over, or who has none.
func (d *dashboard) signInAddress(r *http.Request, err error) string {
	if r.Method != http.MethodGet {
		return signInPath
	}
	target, query := signInPath, url.Values{"to": {r.URL.RequestURI()}}
	if over, ok := errors.AsType[*overError](err); ok {
		target = over.target
		if over.query != "" {
			query.Set(over.query, "yes")
		}
	}
	return target + "?" + query.Encode()
}

// allowed serves a route to those who may.
func (d *dashboard) allowed(to route) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !access.Of(r.Context()).Role.Covers(to.needs) {
			d.forbidden(w, r, to.needs)
			return
		}
		to.serve(d, w, r)
	}
}
