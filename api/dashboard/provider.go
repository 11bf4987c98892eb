package dashboard

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"go.uber.org/zap"

	"marketplace.example/trials/internal/domain/access"
)

const (
	providerPath = signInPath + "/provider"
	// CallbackPath is where the provider sends people back to, below the public address.
	CallbackPath = signInPath + "/callback"
	// pendingName is the cookie of a sign-in whose person is at the identity provider.
	pendingName = "trials_signin"
	// pendingLife is how long somebody may take there.
	pendingLife = 10 * time.Minute
	// longestTarget bounds the page to go on to, in bytes: browsers keep 4096 of a cookie.
	longestTarget = 1000
	// byProvider begins the cookie of a session that a provider vouches for; the rest is its text.
	byProvider = "oidc."
	// renewalTimeout bounds a renewal, though whoever asked for the page has gone.
	renewalTimeout = 12 * time.Second
)

// Provider is the OpenID Connect provider that signs people in who have no token. An error that it gives is an
// *access.NotVouchedError, or says that nobody knows now.
type Provider interface {
	// Ready tells whether it has answered since the start.
	Ready() bool
	// Begin is where to send a person, empty where it is not Ready, and what to remember. Silent asks the person nothing.
	Begin(silent bool) (address string, pending access.SignIn)
	// Finish is who came back with this query.
	Finish(ctx context.Context, pending access.SignIn, answer url.Values) (access.Person, error)
	// Renew asks about a person again. Beside an error there may be another refresh token, which counts from then on.
	Renew(ctx context.Context, refresh, subjectHash string) (access.Person, error)
}

// SessionStore keeps the sessions that the provider vouches for.
type SessionStore interface {
	Session(ctx context.Context, key access.Key) (access.Session, bool, error)
	AddSession(ctx context.Context, key access.Key, s access.Session) error
	// ClaimRenewal lets one of several requests renew a session that all saw due.
	ClaimRenewal(ctx context.Context, key access.Key, seen, next time.Time) (mine bool, err error)
	// RenewSession stores a session that goes on, unless it was ended meanwhile.
	RenewSession(ctx context.Context, key access.Key, s access.Session) (goesOn bool, err error)
	DropSession(ctx context.Context, key access.Key) error
}

// pendingSignIn is what the cookie holds of a sign-in under way.
type pendingSignIn struct {
	access.SignIn
	To    string
	Until time.Time
}

// beginSignIn sends a person to the provider.
func (d *dashboard) beginSignIn(w http.ResponseWriter, r *http.Request) {
	if d.Provider == nil {
		d.notFound(w, r)
		return
	}
	to := onward(r.URL.Query().Get("to"))
	if len(to) > longestTarget {
		to = root
	}
	address, pending := d.Provider.Begin(r.URL.Query().Get("silent") != "")
	if address == "" {
		d.askAgain(w, r, http.StatusServiceUnavailable, to, "")
		return
	}
	text, err := json.Marshal(pendingSignIn{SignIn: pending, To: to, Until: d.Now().Add(pendingLife)})
	if err != nil {
		d.fail(w, r, "", err)
		return
	}
	http.SetCookie(w, d.newCookie(r, pendingName, base64.RawURLEncoding.EncodeToString(seal(d.pending, text)), pendingLife, http.SameSiteLaxMode))
	http.Redirect(w, r, address, http.StatusSeeOther) //nolint:gosec // G710: the address is the configured provider's
}

// finishSignIn signs in whom the provider has sent back.
func (d *dashboard) finishSignIn(w http.ResponseWriter, r *http.Request) {
	if d.Provider == nil {
		d.notFound(w, r)
		return
	}
	pending := d.pendingOf(r)
	http.SetCookie(w, d.newCookie(r, pendingName, "", 0, http.SameSiteLaxMode)) // it counts once
	person, err := d.Provider.Finish(r.Context(), pending.SignIn, r.URL.Query())
	if err == nil {
		err = d.begin(w, r, person)
	}
	to := onward(pending.To)
	refused, isRefused := errors.AsType[*access.NotVouchedError](err)
	switch {
	case err == nil:
		http.Redirect(w, r, to, http.StatusSeeOther)
	case isRefused && refused.Asks:
		http.SetCookie(w, d.cookie(r, ""))
		http.Redirect(w, r, signInPath+"?"+url.Values{"to": {to}}.Encode(), http.StatusSeeOther)
	case isRefused:
		d.Log.Warn("not signed in by the identity provider", zap.Error(err))
		d.askAgain(w, r, http.StatusForbidden, to, refused.Message)
	default:
		d.Log.Error("not known who signs in", zap.Error(err))
		d.askAgain(w, r, http.StatusServiceUnavailable, to, "You could not be signed in now: the identity provider or the database does not answer as it should, "+
			"and the API's log says which. Try again in a moment, or use a token.")
	}
}

// askAgain shows the page to sign in, with what is wrong.
func (d *dashboard) askAgain(w http.ResponseWriter, r *http.Request, status int, to, problem string) {
	view := d.signInView(r, to)
	view.Problem = problem
	d.show(w, r, status, "signin", view)
}

// pendingOf is the sign-in that this browser began; its zero value where it began none, or too long ago.
func (d *dashboard) pendingOf(r *http.Request) (pending pendingSignIn) {
	c, err := r.Cookie(d.cookieName(r, pendingName))
	if err != nil {
		return pending
	}
	sealed, err := base64.RawURLEncoding.DecodeString(c.Value)
	if err != nil {
		return pending
	}
	text, err := unseal(d.pending, sealed)
	if err != nil || json.Unmarshal(text, &pending) != nil || !d.Now().Before(pending.Until) {
		return pendingSignIn{}
	}
	return pending
}

// begin begins the session of a person, in place of the one that this browser had.
func (d *dashboard) begin(w http.ResponseWriter, r *http.Request, person access.Person) error {
	d.dropSession(r)
	text := rand.Text() + rand.Text() // 256 random bits and more
	key := access.KeyOf(text)
	session, err := sealRefresh(access.NewSession(key, person, d.Now().UTC().Truncate(time.Millisecond)), text, person.Refresh)
	if err != nil {
		return err
	}
	if err := d.Store.AddSession(r.Context(), key, session); err != nil {
		return err
	}
	d.Log.Info("signed in by the identity provider", zap.String("session", session.ID), zap.String("role", string(session.Role)), zap.Bool("tls", d.Callers.OverTLS(r)))
	http.SetCookie(w, d.newCookie(r, cookieName, byProvider+text, access.SessionLimit, http.SameSiteLaxMode))
	return nil
}

// sealRefresh puts a refresh token into a session, for the holder of its text alone.
func sealRefresh(s access.Session, text, refresh string) (access.Session, error) {
	s.Sealed = nil
	if refresh == "" {
		return s, nil
	}
	by, err := newSeal(text, "refresh token")
	if err == nil {
		s.Sealed = seal(by, []byte(refresh))
	}
	return s, err
}

var (
	// errSilent says of a session that it is over, and that the provider may say at once that its person is still there.
	errSilent = &overError{target: providerPath, query: "silent"}
	// errEnded says of a session that an admin has ended it.
	errEnded = &overError{target: signInPath}
)

// overError is an errNoSession after one, and where that leads; query is what is asked for there, if anything.
type overError struct{ target, query string }

func (e *overError) Error() string   { return "the session is over" }
func (e *overError) Is(t error) bool { return t == errNoSession }

// providerSession is who has the session of a text.
func (d *dashboard) providerSession(ctx context.Context, text string) (access.Identity, error) {
	if d.Provider == nil {
		return access.Identity{}, errNoSession
	}
	key, now := access.KeyOf(text), d.Now()
	session, found, err := d.Store.Session(ctx, key)
	switch status := session.Status(now); {
	case err != nil:
		return access.Identity{}, err
	case !found:
		return access.Identity{}, errNoSession
	case status == access.Revoked:
		return access.Identity{}, errEnded
	case status == access.Expired && now.Before(session.EndsAt) && d.Provider.Ready():
		return access.Identity{}, errSilent
	case status == access.Expired:
		return access.Identity{}, errNoSession
	case len(session.Sealed) == 0 || now.Before(session.RenewAt):
		return session.Holder(), nil
	}
	return d.renew(ctx, key, text, session)
}

// renew has the provider say again who somebody is. What it does not answer changes nothing before the session's end.
func (d *dashboard) renew(ctx context.Context, key access.Key, text string, s access.Session) (access.Identity, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), renewalTimeout) // a token that is asked for must be kept
	defer cancel()
	now := d.Now().UTC().Truncate(time.Millisecond)
	mine, err := d.Store.ClaimRenewal(ctx, key, s.RenewAt, now.Add(access.RenewalPatience))
	if err != nil || !mine {
		return s.Holder(), err
	}
	person, err := d.askProvider(ctx, text, s)
	if _, refused := errors.AsType[*access.NotVouchedError](err); refused {
		d.Log.Info("the identity provider vouches no longer", zap.String("session", s.ID), zap.Error(err))
		if err := d.Store.DropSession(ctx, key); err != nil {
			return access.Identity{}, err
		}
		return access.Identity{}, errNoSession
	}
	if err != nil {
		d.Log.Warn("session not renewed", zap.String("session", s.ID), zap.Error(err))
		if person.Refresh == "" {
			return s.Holder(), nil
		}
		// The provider has given another refresh token, and then failed: with the one before, the next renewal would be refused.
		s.RenewAt = now.Add(access.RenewalPatience)
		return d.putRenewed(ctx, key, text, s, person.Refresh)
	}
	return d.putRenewed(ctx, key, text, s.Renewed(person, now), person.Refresh)
}

// putRenewed stores a session that goes on with a refresh token.
func (d *dashboard) putRenewed(ctx context.Context, key access.Key, text string, s access.Session, refresh string) (access.Identity, error) {
	renewed, err := sealRefresh(s, text, refresh)
	if err != nil {
		return access.Identity{}, err
	}
	goesOn, err := d.Store.RenewSession(ctx, key, renewed)
	if err == nil && !goesOn {
		err = errEnded
	}
	return renewed.Holder(), err
}

func (d *dashboard) askProvider(ctx context.Context, text string, s access.Session) (access.Person, error) {
	by, err := newSeal(text, "refresh token")
	if err != nil {
		return access.Person{}, err
	}
	refresh, err := unseal(by, s.Sealed)
	if err != nil {
		return access.Person{}, err
	}
	return d.Provider.Renew(ctx, string(refresh), s.Subject)
}

// dropSession removes the session that a browser has of the provider, if it has one, and tells whether none is left.
func (d *dashboard) dropSession(r *http.Request) (gone bool) {
	c, err := r.Cookie(d.cookieName(r, cookieName))
	if err != nil {
		return true
	}
	if text, ok := strings.CutPrefix(c.Value, byProvider); ok {
		if err := d.Store.DropSession(r.Context(), access.KeyOf(text)); err != nil {
			d.Log.Error("session not removed", zap.Error(err))
			return false
		}
	}
	return true
}
