package dashboard

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"marketplace.example/trials/api/auth"
	"marketplace.example/trials/internal/domain/access"
)

const (
	cookieName = "trials_session"
	// hostOnly begins the names of cookies over TLS: browsers then take them from this host alone, for all of it.
	hostOnly = "__Host-"
	// sessionLength is a working day: whoever is on call signs in once.
	sessionLength = 8 * time.Hour
)

// sessions are kept by the browsers alone: a cookie holds the key of the token
// that somebody signed in with, empty for the first admin's, and its own end, both
// signed. So every API instance knows them. Whether the token is still good is
// looked up at each request. Sessions of the identity provider are kept in the database instead, see provider.go.
type sessions struct{ key []byte }

func newSessions(secret string) (sessions, error) {
	key, err := hkdf.Key(sha256.New, []byte(secret), nil, "trials dashboard session", sha256.Size)
	if err != nil {
		return sessions{}, fmt.Errorf("making the sessions' key: %w", err)
	}
	return sessions{key: key}, nil
}

// issue is what the cookie of a session until that moment holds.
func (s sessions) issue(token access.Key, until time.Time) string {
	held := string(token) + "." + strconv.FormatInt(until.Unix(), 10)
	return held + "." + s.sign(held)
}

// read is the token of a cookie's value, if that is one of ours and not over. One whose
// end lies further off than a session lasts was not issued by this clock.
func (s sessions) read(value string, now time.Time) (token access.Key, valid bool) {
	parts := strings.Split(value, ".")
	if len(parts) != 3 || !hmac.Equal([]byte(parts[2]), []byte(s.sign(parts[0]+"."+parts[1]))) {
		return "", false
	}
	seconds, err := strconv.ParseInt(parts[1], 10, 64)
	until := time.Unix(seconds, 0)
	return access.Key(parts[0]), err == nil && now.Before(until) && !until.After(now.Add(sessionLength+time.Minute))
}

func (s sessions) sign(held string) string {
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte(held))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// cookie is the session's of a token; an empty value ends whichever there is.
func (d *dashboard) cookie(r *http.Request, value string) *http.Cookie {
	return d.newCookie(r, cookieName, value, sessionLength, http.SameSiteStrictMode)
}

// cookieName is how a cookie is called over this connection.
func (d *dashboard) cookieName(r *http.Request, name string) string {
	if d.Callers.OverTLS(r) {
		return hostOnly + name
	}
	return name
}

// newCookie makes a cookie for our pages; an empty value ends it.
func (d *dashboard) newCookie(r *http.Request, name, value string, life time.Duration, site http.SameSite) *http.Cookie {
	c := &http.Cookie{ //nolint:gosec // G124: Secure depends on whether the browser speaks TLS; the embedded stack does not
		Name: d.cookieName(r, name), Value: value, Path: root, MaxAge: int(life.Seconds()), HttpOnly: true, SameSite: site, Secure: d.Callers.OverTLS(r),
	}
	if c.Secure {
		c.Path = "/" // as the name wants it
	}
	if value == "" {
		c.MaxAge = -1
	}
	return c
}

// errNoSession says that a request comes without a session.
var errNoSession = errors.New("nobody is signed in")

// session is who is signed in. The error is errNoSession, or says that it could
// not be found out.
func (d *dashboard) session(r *http.Request) (access.Identity, error) {
	c, err := r.Cookie(d.cookieName(r, cookieName))
	if err != nil {
		return access.Identity{}, errNoSession
	}
	if text, ok := strings.CutPrefix(c.Value, byProvider); ok {
		return d.providerSession(r.Context(), text)
	}
	token, valid := d.sessions.read(c.Value, d.Now())
	switch {
	case !valid:
		return access.Identity{}, errNoSession
	case token == "":
		return access.FirstAdmin(), nil
	}
	who, err := d.Callers.Holder(r.Context(), token)
	if _, over := errors.AsType[*auth.RefusedError](err); over {
		return who, errNoSession // the token has ended, and the session with it
	}
	return who, err
}
