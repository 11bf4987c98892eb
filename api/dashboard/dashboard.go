package dashboard

import (
	"context"
	"crypto/cipher"
	"embed"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/gorilla/mux"
	"go.uber.org/zap"

	"marketplace.example/trials/api/auth"
	"marketplace.example/trials/api/headers"
	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/internal/domain/policy"
	"marketplace.example/trials/internal/domain/rollout"
)

// Where the pages are.
const (
	root       = "/admin/"
	signInPath = root + "sign-in"
)

const (
	// requestTimeout bounds the work on one page.
	requestTimeout = 15 * time.Second
	// ChangeTimeout bounds the work on a form that is sent. It is the API's for a change: what a form asks for waits
	// for its turn among the others, and is carried out then.
	ChangeTimeout = 25 * time.Second
)

// timeoutOf is how long the work on a request may take.
func timeoutOf(r *http.Request) time.Duration {
	if r.Method == http.MethodPost {
		return ChangeTimeout
	}
	return requestTimeout
}

//go:embed assets
var assets embed.FS

// Options are what the pages are made of.
type Options struct {
	Store    Store
	Controls Controls
	Bulks    Bulks
	Rollouts Rollouts
	// ReadPlan reads a rollout's plan as somebody has written it; its error says where it is wrong.
	ReadPlan func(io.Reader) (rollout.Plan, error)
	// Forecasts say what a rollout risks.
	Forecasts Forecasts
	// Figures, Health, Alerts and Canaries may be nil; the pages then say that they are not
	// measured.
	Figures Figures
	Health  app.SystemHealth
	Alerts  Alerts
	// Policies are those that new vendors get.
	Policies policy.Set
	// Canaries are the synthetic vendors.
	Canaries Canaries
	// Experiments are the policy experiments; nil where none are kept.
	Experiments Experiments
	// Mails shows e-mails to vendors; nil where there are none to look at.
	Mails Mails
	// Administration changes what applies to everybody.
	Administration Administration
	// Processes are those that run, and Settings those of the API that shows the pages.
	Processes Processes
	Settings  Settings
	Log       *zap.Logger
	// Provider is the identity provider; nil where people sign in by tokens alone.
	Provider Provider
	// Callers knows who signs in, and how often requests may be made.
	Callers *auth.Callers
	// SessionSecret signs the sessions' cookies; another one ends them all.
	SessionSecret string
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
	// pending seals the sign-ins whose people are at the identity provider.
	pending cipher.AEAD
}

// New makes the handler of all pages under /admin/.
func New(o Options) (http.Handler, error) {
	if o.SessionSecret == "" {
		return nil, errors.New("the dashboard needs a secret for its sessions")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s, err := newSessions(o.SessionSecret)
	if err != nil {
		return nil, err
	}
	pending, err := newSeal(o.SessionSecret, "sign-in")
	if err != nil {
		return nil, err
	}
	d := &dashboard{Options: o, sessions: s, pending: pending}
	return d.middleware(http.NewCrossOriginProtection().Handler(d.routes())), nil
}

// route is a page, or something done, and who may.
type route struct {
	method, path string
	needs        access.Role
	serve        func(*dashboard, http.ResponseWriter, *http.Request)
}

// routes are all but the sign-in and the files that its page needs, which are open.
var routes = []route{
	{http.MethodPost, "/sign-out", access.Viewer, (*dashboard).signOut},
	{http.MethodGet, "/zone", access.Viewer, (*dashboard).askZone},
	{http.MethodPost, "/zone", access.Viewer, (*dashboard).chooseZone},
	{http.MethodGet, "/signed-in", access.Viewer, (*dashboard).signedInAgain},
	{http.MethodGet, "/sessions", access.Admin, (*dashboard).sessionsPage},
	{http.MethodGet, "/sessions/{session:[0-9a-f]{16}}/end", access.Admin, (*dashboard).askSessionEnd},
	{http.MethodPost, "/sessions/{session:[0-9a-f]{16}}/end", access.Admin, (*dashboard).endSession},
	{http.MethodGet, "/", access.Viewer, (*dashboard).overview},
	{http.MethodGet, "/evidence", access.Viewer, (*dashboard).evidence},
	{http.MethodGet, "/figures", access.Viewer, (*dashboard).trends},
	{http.MethodGet, "/decisions", access.Viewer, (*dashboard).decisions},
	{http.MethodGet, "/audit", access.Viewer, (*dashboard).audit},
	{http.MethodGet, "/trials", access.Viewer, (*dashboard).trials},
	{http.MethodGet, "/trials.csv", access.Viewer, (*dashboard).trialsCSV},
	{http.MethodGet, "/trials/{id}", access.Viewer, (*dashboard).trial},
	{http.MethodGet, "/trials/{id}/vendor", steers, (*dashboard).askVendor},
	{http.MethodPost, "/trials/{id}/vendor", steers, (*dashboard).vendor},
	{http.MethodGet, "/vendors", steers, (*dashboard).askVendors},
	{http.MethodPost, "/vendors", steers, (*dashboard).findVendors},
	{http.MethodGet, "/trials/{id}/{control:extend|shorten|cancel|revive|policy}", steers, (*dashboard).askTrialControl},
	{http.MethodPost, "/trials/{id}/{control:extend|shorten|cancel|revive|policy}", steers, (*dashboard).controlTrial},
	{http.MethodGet, "/trials/{id}/emails/{kind}/{revision}", access.Viewer, (*dashboard).sentMail},
	{http.MethodGet, "/trials/{id}/emails/{kind}/{revision}/frame", access.Viewer, (*dashboard).sentMailFrame},
	{http.MethodGet, "/trials/{id}/emails/{kind}/{revision}/resend", steers, (*dashboard).askResend},
	{http.MethodPost, "/trials/{id}/emails/{kind}/{revision}/resend", steers, (*dashboard).resend},
	{http.MethodGet, "/suppressions", access.Viewer, (*dashboard).suppressions},
	{http.MethodGet, "/suppressions/{id}", steers, (*dashboard).askLift},
	{http.MethodPost, "/suppressions/{id}", steers, (*dashboard).lift},
	{http.MethodGet, "/mail", access.Viewer, (*dashboard).mails},
	{http.MethodGet, "/mail/{kind}", access.Viewer, (*dashboard).mail},
	{http.MethodGet, "/mail/{kind}/frame", access.Viewer, (*dashboard).mailFrame},
	{http.MethodPost, "/mail/{kind}", steers, (*dashboard).sendMail},
	{http.MethodGet, "/bulk", access.Viewer, (*dashboard).bulks},
	{http.MethodGet, "/bulk/start", changesMany, (*dashboard).askBulk},
	{http.MethodPost, "/bulk/start", changesMany, (*dashboard).startBulk},
	{http.MethodGet, "/bulk/{operation}/{control:start|pause|resume|stop|undo}", changesMany, (*dashboard).askBulkControl},
	{http.MethodPost, "/bulk/{operation}/{control:start|pause|resume|stop|undo}", changesMany, (*dashboard).controlBulk},
	{http.MethodGet, "/bulk/{operation}", access.Viewer, (*dashboard).bulk},
	{http.MethodGet, "/bulk/{operation}/items", access.Viewer, (*dashboard).bulkItems},
	{http.MethodGet, "/rollout/forecast", access.Viewer, (*dashboard).forecast},
	{http.MethodGet, "/rollout/calendar", access.Viewer, (*dashboard).calendar},
	{http.MethodGet, "/rollout/start", startsRollouts, (*dashboard).askRollout},
	{http.MethodPost, "/rollout/start", startsRollouts, (*dashboard).startRollout},
	{http.MethodGet, "/rollout/{control:waive}/{check}", waives, (*dashboard).askControl},
	{http.MethodPost, "/rollout/{control:waive}/{check}", waives, (*dashboard).control},
	{http.MethodGet, "/rollout/{control:pause|resume|advance|rollback|set-percentage}", steers, (*dashboard).askControl},
	{http.MethodPost, "/rollout/{control:pause|resume|advance|rollback|set-percentage}", steers, (*dashboard).control},
	{http.MethodGet, "/rollout/{control:tick}/{criterion}", steers, (*dashboard).askControl},
	{http.MethodPost, "/rollout/{control:tick}/{criterion}", steers, (*dashboard).control},
	{http.MethodGet, "/stop", steers, (*dashboard).askStop},
	{http.MethodPost, "/stop", steers, (*dashboard).stop},
	{http.MethodGet, "/experiments", access.Viewer, (*dashboard).experimentsPage},
	{http.MethodGet, "/experiments/start", starts, (*dashboard).askExperiment},
	{http.MethodPost, "/experiments/start", starts, (*dashboard).startExperiment},
	{http.MethodGet, "/experiments/{experiment}", access.Viewer, (*dashboard).experimentsPage},
	{http.MethodGet, "/experiments/{experiment}/end", steers, (*dashboard).askExperimentEnd},
	{http.MethodPost, "/experiments/{experiment}/end", steers, (*dashboard).endExperiment},
	{http.MethodGet, "/policies", access.Viewer, (*dashboard).policies},
	{http.MethodGet, "/flags", access.Viewer, (*dashboard).flags},
	{http.MethodGet, "/flags/{flag:trialAutomation.enabled|trialAutomation.rolloutPercentage}", steers, (*dashboard).askFlag},
	{http.MethodPost, "/flags/{flag:trialAutomation.enabled|trialAutomation.rolloutPercentage}", steers, (*dashboard).changeFlag},
	{http.MethodGet, "/flags/{flag}", setsFlags, (*dashboard).askFlag},
	{http.MethodPost, "/flags/{flag}", setsFlags, (*dashboard).changeFlag},
	{http.MethodGet, "/tokens", access.Viewer, (*dashboard).tokens},
	{http.MethodPost, "/tokens", issuesTokens, (*dashboard).issueToken},
	{http.MethodGet, "/tokens/{token:[0-9a-f]{16}}/revoke", issuesTokens, (*dashboard).askRevoke},
	{http.MethodPost, "/tokens/{token:[0-9a-f]{16}}/revoke", issuesTokens, (*dashboard).revokeToken},
	{http.MethodGet, "/backups", access.Viewer, (*dashboard).backups},
	{http.MethodPost, "/backups", steers, (*dashboard).takeBackup},
	{http.MethodGet, "/settings", access.Viewer, (*dashboard).settings},
	{http.MethodGet, "/canary", access.Viewer, (*dashboard).canary},
	{http.MethodPost, "/canary", steers, (*dashboard).startCanary},
	{http.MethodGet, "/alerts", access.Viewer, (*dashboard).alertHistory},
	{http.MethodGet, "/alerts/{alert}", access.Viewer, (*dashboard).alert},
	{http.MethodGet, "/alerts/{alert}/{control:acknowledge|silence|unsilence}", steers, (*dashboard).askAlertControl},
	{http.MethodPost, "/alerts/{alert}/{control:acknowledge|silence|unsilence}", steers, (*dashboard).controlAlert},
}

// steers is the role that the controls of the rollout, of trials and of alerts need.
const steers = access.Operator

// Guarded says of each page, as method and path, which role it needs: all but the sign-in, which is open.
func Guarded() map[string]access.Role {
	all := map[string]access.Role{}
	for _, r := range routes {
		all[r.method+" "+strings.TrimSuffix(root, "/")+r.path] = r.needs
	}
	return all
}

func (d *dashboard) routes() http.Handler {
	router := mux.NewRouter()
	files, _ := fs.Sub(assets, "assets") // the folder is embedded
	router.PathPrefix(root + "assets/").Handler(http.StripPrefix(root+"assets/", cached(http.FileServerFS(files)))).Methods(http.MethodGet)
	router.HandleFunc(signInPath, d.askSignIn).Methods(http.MethodGet)
	router.HandleFunc(signInPath, d.signIn).Methods(http.MethodPost)
	router.HandleFunc(providerPath, d.beginSignIn).Methods(http.MethodGet)
	router.HandleFunc(CallbackPath, d.finishSignIn).Methods(http.MethodGet)

	signedIn := router.PathPrefix(root).Subrouter()
	signedIn.Use(d.guard)
	for _, r := range routes {
		signedIn.HandleFunc(r.path, d.allowed(r)).Methods(r.method)
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

// contentPolicy has nothing loaded from elsewhere, and nothing in a page itself run.
const contentPolicy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// middleware is what happens to every request.
func (d *dashboard) middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		headers.Restrict(w.Header(), d.Callers.OverTLS(r))
		w.Header().Set("Referrer-Policy", "same-origin")
		w.Header().Set("Content-Security-Policy", contentPolicy)
		if wait := d.Callers.Wait(r); wait > 0 {
			w.Header().Set("Retry-After", seconds(wait))
			http.Error(w, "Too many requests come from your address. Try again in a moment.", http.StatusTooManyRequests)
			return
		}
		if !headers.PlainPath(r.URL) {
			http.NotFound(w, r)
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), timeoutOf(r))
		defer cancel()
		defer func() {
			if found := recover(); found != nil {
				d.Log.Error("panic in a page", zap.Any("panic", found), zap.ByteString("stack", debug.Stack()))
				panic(http.ErrAbortHandler)
			}
		}()
		r.Body = http.MaxBytesReader(w, r.Body, formLimit(r))
		next.ServeHTTP(w, r.WithContext(d.inZone(ctx, r)))
	})
}
