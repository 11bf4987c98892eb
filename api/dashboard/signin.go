package dashboard

import (
	"net/http"
	"net/url"
	"strings"

	"go.uber.org/zap"
)

// maxForm bounds what a form may send, in bytes.
const maxForm = 16 << 10

// signInView is what the page to sign in shows.
type signInView struct {
	frame
	// To is the page to go on to.
	To    string
	Error string
}

func (d *dashboard) askSignIn(w http.ResponseWriter, r *http.Request) {
	if d.signedIn(r) {
		http.Redirect(w, r, root, http.StatusSeeOther)
		return
	}
	d.show(w, r, http.StatusOK, "signin", signInView{frame: d.frame("Sign in", ""), To: onward(r.URL.Query().Get("to"))})
}

func (d *dashboard) signIn(w http.ResponseWriter, r *http.Request) {
	view := signInView{frame: d.frame("Sign in", ""), To: onward(r.PostFormValue("to"))}
	if !d.attempts.allow(d.source(r), d.Now()) {
		d.Log.Warn("too many attempts to sign in")
		view.Error = "Too many attempts. Wait a minute, then try again."
		w.Header().Set("Retry-After", "60")
		d.show(w, r, http.StatusTooManyRequests, "signin", view)
		return
	}
	if !d.sessions.opens(strings.TrimSpace(r.PostFormValue("token"))) {
		d.Log.Warn("attempt to sign in with another token")
		view.Error = "This is not the admin token."
		d.show(w, r, http.StatusUnauthorized, "signin", view)
		return
	}
	d.Log.Info("signed in", zap.Bool("tls", d.overTLS(r)))
	http.SetCookie(w, d.cookie(r, d.sessions.issue(d.Now().Add(sessionLength))))
	http.Redirect(w, r, view.To, http.StatusSeeOther)
}

func (d *dashboard) signOut(w http.ResponseWriter, r *http.Request) {
	http.SetCookie(w, d.cookie(r, ""))
	http.Redirect(w, r, signInPath, http.StatusSeeOther)
}

// onward is the page to show after signing in: the one asked for if it is one of
// ours, else the first.
func onward(to string) string {
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || !strings.HasPrefix(u.Path, root) {
		return root
	}
	return (&url.URL{Path: u.Path, RawQuery: u.RawQuery}).String()
}

// guard lets signed-in requests through and sends the others to sign in. What
// htmx fetches cannot be sent elsewhere by a redirect, so it is told to go.
func (d *dashboard) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if d.signedIn(r) {
			next.ServeHTTP(w, r)
			return
		}
		target := signInPath
		if r.Method == http.MethodGet {
			target += "?" + url.Values{"to": {r.URL.RequestURI()}}.Encode()
		}
		if r.Header.Get("Hx-Request") != "" {
			w.Header().Set("Hx-Redirect", target)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		http.Redirect(w, r, target, http.StatusSeeOther)
	})
}
