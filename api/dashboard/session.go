package dashboard

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	cookieName = "trials_session"
	// sessionLength is a working day: whoever is on call signs in once.
	sessionLength = 8 * time.Hour
)

// sessions are kept by the browsers alone: a cookie holds its own end, signed with
// a key that is made from the admin token. So every API instance knows them, and
// another token ends them all.
type sessions struct {
	token [sha256.Size]byte
	key   []byte
}

func newSessions(adminToken string) (sessions, error) {
	key, err := hkdf.Key(sha256.New, []byte(adminToken), nil, "trials dashboard session", sha256.Size)
	if err != nil {
		return sessions{}, fmt.Errorf("making the sessions' key: %w", err)
	}
	return sessions{token: sha256.Sum256([]byte(adminToken)), key: key}, nil
}

// opens tells whether this is the admin token. Hashes are of one length, so that
// comparing takes the same time whatever is compared.
func (s sessions) opens(token string) bool {
	sum := sha256.Sum256([]byte(token))
	return subtle.ConstantTimeCompare(sum[:], s.token[:]) == 1
}

// issue is what the cookie of a session until that moment holds.
func (s sessions) issue(until time.Time) string {
	end := strconv.FormatInt(until.Unix(), 10)
	return end + "." + s.sign(end)
}

// valid tells whether a cookie's value is one of ours and not over. One whose end
// lies further off than a session lasts was not issued by this clock.
func (s sessions) valid(value string, now time.Time) bool {
	end, signature, found := strings.Cut(value, ".")
	if !found || !hmac.Equal([]byte(signature), []byte(s.sign(end))) {
		return false
	}
	seconds, err := strconv.ParseInt(end, 10, 64)
	until := time.Unix(seconds, 0)
	return err == nil && now.Before(until) && !until.After(now.Add(sessionLength+time.Minute))
}

func (s sessions) sign(end string) string {
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte(end))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// cookie is the session's; an empty value ends it.
func (d *dashboard) cookie(r *http.Request, value string) *http.Cookie {
	c := &http.Cookie{ //nolint:gosec // G124: Secure depends on whether the browser speaks TLS; the embedded stack does not
		Name: cookieName, Value: value, Path: root, MaxAge: int(sessionLength.Seconds()),
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: d.overTLS(r),
	}
	if value == "" {
		c.MaxAge = -1
	}
	return c
}

// overTLS tells whether the browser speaks TLS, with us or with the proxy.
func (d *dashboard) overTLS(r *http.Request) bool {
	return r.TLS != nil || d.BehindProxy && strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https")
}

// signedIn tells whether a request comes with a session.
func (d *dashboard) signedIn(r *http.Request) bool {
	c, err := r.Cookie(cookieName)
	return err == nil && d.sessions.valid(c.Value, d.Now())
}
