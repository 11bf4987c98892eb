package dashboard

import (
	"context"
	"embed"
	"errors"
	"io/fs"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/gorilla/mux"
	"go.uber.org/zap"
)

// Where the pages are.
const (
	root       = "/admin/"
	signInPath = root + "sign-in"
)

// requestTimeout bounds the work on one page.
const requestTimeout = 15 * time.Second

//go:embed assets
var assets embed.FS

// Options are what the pages are made of.
type Options struct {
	Store    Store
	Controls Controls
	// Figures, Health and Alerts may be nil; the pages then say that they are not
	// measured.
	Figures Figures
	Health  Health
	Alerts  Alerts
	Log     *zap.Logger
	// AdminToken is what admins sign in with.
	AdminToken string
	// BehindProxy says that X-Forwarded-Proto and X-Forwarded-For are set by a
	// proxy of ours, and can be believed.
	BehindProxy bool
	// WorkflowURL is the page of a workflow in Temporal's Web UI, by its id; nil
	// where there is no Web UI.
	WorkflowURL func(workflowID string) string
	// Now is the clock; time.Now where it is nil.
	Now func() time.Time
}

// dashboard answers the requests.
type dashboard struct {
	Options
	sessions sessions
	attempts *attempts
}

// New makes the handler of all pages under /admin/.
func New(o Options) (http.Handler, error) {
	if o.AdminToken == "" {
		return nil, errors.New("the dashboard needs an admin token")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s, err := newSessions(o.AdminToken)
	if err != nil {
		return nil, err
	}
	d := &dashboard{Options: o, sessions: s, attempts: newAttempts()}
	return d.outside(http.NewCrossOriginProtection().Handler(d.routes())), nil
}

func (d *dashboard) routes() http.Handler {
	router := mux.NewRouter()
	files, _ := fs.Sub(assets, "assets") // the folder is embedded
	router.PathPrefix(root + "assets/").Handler(http.StripPrefix(root+"assets/", cached(http.FileServerFS(files)))).Methods(http.MethodGet)
	router.HandleFunc(signInPath, d.askSignIn).Methods(http.MethodGet)
	router.HandleFunc(signInPath, d.signIn).Methods(http.MethodPost)

	signedIn := router.PathPrefix(root).Subrouter()
	signedIn.Use(d.guard)
	signedIn.HandleFunc("/sign-out", d.signOut).Methods(http.MethodPost)
	signedIn.HandleFunc("/", d.overview).Methods(http.MethodGet)
	signedIn.HandleFunc("/rollout/{control:pause|resume|advance|rollback}", d.askControl).Methods(http.MethodGet)
	signedIn.HandleFunc("/rollout/{control:pause|resume|advance|rollback}", d.control).Methods(http.MethodPost)
	signedIn.HandleFunc("/decisions", d.decisions).Methods(http.MethodGet)
	signedIn.HandleFunc("/trials", d.trials).Methods(http.MethodGet)
	signedIn.HandleFunc("/trials/{id}", d.trial).Methods(http.MethodGet)
	if d.Alerts != nil {
		signedIn.HandleFunc("/alerts/{alert}", d.alert).Methods(http.MethodGet)
		signedIn.HandleFunc("/alerts/{alert}/{control:acknowledge|silence|unsilence}", d.askAlertControl).Methods(http.MethodGet)
		signedIn.HandleFunc("/alerts/{alert}/{control:acknowledge|silence|unsilence}", d.controlAlert).Methods(http.MethodPost)
	}
	router.NotFoundHandler = d.guard(http.HandlerFunc(d.notFound))
	return router
}

// cached lets browsers keep the files for a while: they change with the program.
func cached(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "private, max-age=300")
		next.ServeHTTP(w, r)
	})
}

// outside is what happens to every request.
func (d *dashboard) outside(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		secure(w.Header())
		ctx, cancel := context.WithTimeout(r.Context(), requestTimeout)
		defer cancel()
		defer func() {
			if found := recover(); found != nil {
				d.Log.Error("panic in a page", zap.Any("panic", found), zap.ByteString("stack", debug.Stack()))
				panic(http.ErrAbortHandler)
			}
		}()
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// secure sets the headers that keep browsers from doing more with a page than it
// is for. Nothing is loaded from elsewhere, and nothing in a page itself is run.
func secure(h http.Header) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "+
		"form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
}
