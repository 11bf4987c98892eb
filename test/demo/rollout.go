package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"sync/atomic"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo"

	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/test/harness"
	"marketplace.example/trials/test/system"
)

const (
	rollouts = "/api/admin/rollouts"
	// rolloutLimit bounds a rollout, in days.
	rolloutLimit = 40
	// watchedAfter is how long after its end a rollout is watched, in days: nothing
	// may come that it has stopped.
	watchedAfter = 2
	lookEvery    = 500 * time.Millisecond
)

// rolloutRun runs one case, on a system of its own.
type rolloutRun struct {
	rolloutCase
	system   *system.System
	database *mongo.Database
	proxy    *system.Proxy // nil without one
	out      io.Writer
	began    time.Time
	// bounces says that most vendors who come now have a dead address.
	bounces atomic.Bool

	events []rollout.Event
	// troubled is when things went wrong.
	troubled time.Time
}

// newRolloutRun starts the system that a case is run on.
func newRolloutRun(ctx context.Context, c rolloutCase, env *harness.Env, out io.Writer) (*rolloutRun, error) {
	r := &rolloutRun{rolloutCase: c, out: out, database: env.Mongo.Database(c.name)}
	o := system.Options{Day: c.day}
	if c.proxied {
		if err := r.addProxy(ctx, env.Stack.MongoDB, &o); err != nil {
			return nil, err
		}
	}
	var err error
	r.system, err = env.System(ctx, c.name, o)
	return r, err
}

// addProxy puts a proxy between the API and the database.
func (r *rolloutRun) addProxy(ctx context.Context, mongodb string, o *system.Options) error {
	address, err := url.Parse(mongodb)
	if err != nil {
		return fmt.Errorf("reading the database's address: %w", err)
	}
	if r.proxy, err = system.NewProxy(ctx, address.Host); err != nil {
		return err
	}
	address.Host = r.proxy.Addr
	query := address.Query()
	query.Set("directConnection", "true") // a replica set would show the way around the proxy
	query.Set("minPoolSize", "60")        // connections opened amid the trouble would be late themselves
	address.RawQuery = query.Encode()
	o.APIEnv = []string{"MONGODB_URI=" + address.String()}
	return nil
}

// live begins the rollout, and follows it until it has ended, when it calls end,
// and a while longer.
func (r *rolloutRun) live(ctx context.Context, end func()) error {
	ctx, cancel := context.WithTimeout(ctx, rolloutLimit*r.day)
	defer cancel()
	r.began = time.Now()
	if err := system.Check(r.system.Admin(ctx, http.MethodPost, rollouts, map[string]any{"plan": r.plan()})); err != nil {
		return fmt.Errorf("starting the rollout: %w", err)
	}
	arrived := r.arrive(ctx)
	defer arrived()
	if r.prepare != nil {
		if err := r.prepare(ctx, r); err != nil {
			return err
		}
	}
	for !r.over() {
		if err := r.step(ctx); err != nil {
			if len(r.events) == 0 {
				return fmt.Errorf("it has not begun: %w", err)
			}
			return fmt.Errorf("it stands so: %s: %w", r.state().Sentence(), err)
		}
	}
	end()
	return harness.Sleep(ctx, watchedAfter*r.day)
}

// over tells whether the rollout has been rolled back, is through, or stands still.
func (r *rolloutRun) over() bool {
	s := r.state()
	return len(r.events) > 0 && s.Status != rollout.Running || s.Epoch > 0
}

func (r *rolloutRun) state() rollout.State { return rollout.Fold(r.events) }

// step looks once at what has been decided, and does what belongs to it.
func (r *rolloutRun) step(ctx context.Context) error {
	if err := harness.Sleep(ctx, lookEvery); err != nil {
		return err
	}
	news, err := r.newsAfter(ctx, len(r.events))
	if err != nil {
		return err
	}
	for _, e := range news {
		r.events = append(r.events, e)
		if e.Type != rollout.EventUpdate && e.Type != rollout.EventStarted {
			r.printf("%s", e.Reason)
		}
		if err := r.answer(ctx, e); err != nil {
			return err
		}
		if r.over() {
			return nil // what was wrong may yet roll it back further; the first time is the one shown
		}
	}
	return r.waive(ctx)
}

// newsAfter are the decisions made after the first ones that are known.
func (r *rolloutRun) newsAfter(ctx context.Context, known int) ([]rollout.Event, error) {
	a, err := r.system.Admin(ctx, http.MethodGet, fmt.Sprintf("%s/current/decisions?after=%d&limit=200", rollouts, known), nil)
	if a.Status == http.StatusNotFound { // it is about to begin
		return nil, err
	}
	type decisions struct {
		Decisions []rollout.Event `json:"decisions"`
	}
	all, err := system.Read[decisions](a, err)
	return all.Decisions, err
}

// answer does what the case does about a decision.
func (r *rolloutRun) answer(ctx context.Context, e rollout.Event) error {
	if e.Type == rollout.EventRolledBack { // somebody mends it
		r.bounces.Store(false)
		if r.proxy != nil {
			r.proxy.Delay(0, 0)
		}
	}
	if e.Type != rollout.EventEntered || r.trouble == nil || !r.troubled.IsZero() || *e.Percentage != r.troubleAt {
		return nil
	}
	r.troubled = time.Now()
	r.printf("%s", r.description)
	return r.trouble(ctx, r)
}

// waive lets the check of the backup pass, which a demo cannot satisfy: there
// is nothing to lose. Right after the preflight it may be too soon for that.
func (r *rolloutRun) waive(ctx context.Context) error {
	checks := r.state().Checks
	if i := slices.IndexFunc(checks, func(c rollout.Check) bool { return c.ID == rollout.CheckBackup }); i < 0 || checks[i].WaivedBy != "" {
		return nil
	}
	a, err := r.system.Admin(ctx, http.MethodPost, rollouts+"/current/preflight/backup/waiver", map[string]any{"reason": "There is nothing to lose in a demo"})
	if a.Status == http.StatusBadRequest {
		return nil
	}
	r.printf("the check of the backup is waived: there is nothing to lose in a demo")
	return system.Check(a, err)
}

// leave ends the system. What was under way is finished, so that the mailbox
// and the database have the same to tell.
func (r *rolloutRun) leave() {
	r.system.Stop()
	if r.proxy != nil {
		r.proxy.Shut()
	}
}

func (r *rolloutRun) printf(format string, args ...any) {
	_, _ = fmt.Fprintf(r.out, "%-10s  day %4.1f  %s\n", r.name, r.dayOf(time.Now()), fmt.Sprintf(format, args...))
}

// dayOf is how many of the rollout's days had passed at a moment.
func (r *rolloutRun) dayOf(at time.Time) float64 { return at.Sub(r.began).Seconds() / r.day.Seconds() }
