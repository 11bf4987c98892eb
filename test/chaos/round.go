package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/test/harness"
	"marketplace.example/trials/test/system"
)

const (
	day = 2 * time.Second
	// arriveEvery is how often a vendor registers.
	arriveEvery = 150 * time.Millisecond
	// leastMails is how many e-mails must have left before a rollback: it is to
	// stop something.
	leastMails = 5
	// quiet is how long after the answer it is looked whether anything still
	// happens, and lively how long after the worker came back.
	quiet  = 3 * time.Second
	lively = 1500 * time.Millisecond
	// patience bounds every wait for something that must come.
	patience  = 2 * time.Minute
	lookEvery = 100 * time.Millisecond
	// killWithin is how long after the request the worker is killed at the latest.
	killWithin = 100 * time.Millisecond

	rollouts = "/api/admin/rollouts"
)

// lane is one system whose rollouts are rolled back one after the other.
type lane struct {
	name string
	// around is what happens to the worker around each rollback.
	around func(ctx context.Context, s *system.System, rollBack func() error) error
	out    io.Writer
	system *system.System
	// next is the first e-mail that no round has looked at.
	next int
}

// leaveAlone, stopBefore and killMeanwhile make a rollback. They return once the worker runs again.
func leaveAlone(_ context.Context, _ *system.System, rollBack func() error) error { return rollBack() }

func stopBefore(ctx context.Context, s *system.System, rollBack func() error) error {
	s.StopWorker()
	if err := rollBack(); err != nil {
		return err
	}
	return s.StartWorker(ctx)
}

// killMeanwhile kills the worker at some moment around the request.
func killMeanwhile(ctx context.Context, s *system.System, rollBack func() error) error {
	killed := make(chan struct{})
	go func() {
		defer close(killed)
		_ = harness.Sleep(ctx, rand.N(killWithin)) // interrupted, it is killed all the same
		s.KillWorker()
	}()
	err := rollBack()
	<-killed
	return errors.Join(err, s.StartWorker(ctx))
}

// round is what one rollback came to.
type round struct {
	// mails left before the answer.
	mails int
	// lastAdmission and lastMail are how long after the answer the last one was;
	// zero where none came after it.
	lastAdmission, lastMail time.Duration
}

func (r round) late() bool { return r.lastAdmission > promised || r.lastMail > promised }

func (r round) String() string {
	text := fmt.Sprintf("%d e-mails before, last admission %s, last e-mail %s", r.mails, after(r.lastAdmission), after(r.lastMail))
	if r.late() {
		text += ": TOO LATE"
	}
	return text
}

func after(d time.Duration) string {
	if d <= 0 {
		return "before"
	}
	return "+" + d.Round(time.Millisecond).String()
}

// round starts a rollout, lets vendors in, rolls it back, and looks at what
// still happens.
func (l *lane) round(ctx context.Context, number int) (round, error) {
	if err := l.start(ctx); err != nil {
		return round{}, err
	}
	if _, err := l.mails(ctx); err != nil { // what is left of the round before
		return round{}, err
	}
	arriving := l.arrive(ctx, number)
	defer arriving.stop()
	before, err := l.awaitMails(ctx)
	if err != nil {
		return round{}, err
	}
	var answered time.Time
	err = l.around(ctx, l.system, func() error {
		err := l.ask(ctx, rollouts+"/current/rollback", map[string]any{"percentage": 0, "reason": "chaos"})
		answered = time.Now()
		return err
	})
	if err != nil {
		return round{}, err
	}
	if err := harness.Sleep(ctx, max(time.Until(answered.Add(quiet)), lively)); err != nil {
		return round{}, err
	}
	arriving.stop()
	rest, err := l.mails(ctx)
	if err != nil {
		return round{}, err
	}
	r := round{lastAdmission: arriving.lastAdmission(answered)}
	for _, m := range append(before, rest...) {
		if left := m.At.Sub(answered); left > 0 {
			r.lastMail = max(r.lastMail, left)
		} else {
			r.mails++
		}
	}
	return r, l.await(ctx, "the workflow to catch up", func(v rollout.View) bool { return v.Rollout.Status == rollout.RolledBack })
}

// plan admits half of the vendors from its second phase on, for longer than
// chaos takes; nothing but a person rolls it back.
func plan() rollout.Plan {
	p := rollout.DefaultPlan()
	none := []rollout.Gate{}
	p.Name, p.NoticeDays, p.Backfill, p.BackfillPerHour = "chaos", 0, false, 0
	p.Triggers = rollout.Triggers{EmailDelivery: 0.01, ErrorRate: 0.99, Slowdown: 10, Conversion: 0.001}
	p.Phases = []rollout.Phase{
		{Name: "nobody", Percentage: 0, SoakDays: 1, Gates: none}, {Name: "half", Percentage: 50, SoakDays: 365, Gates: none},
	}
	return p
}

// start starts a rollout, or goes on with the one rolled back before, and waits
// until it admits vendors.
func (l *lane) start(ctx context.Context) error {
	body := map[string]any{"plan": plan()}
	before, found, err := l.view(ctx)
	if err != nil {
		return err
	}
	if found {
		body = map[string]any{"restartOf": before.Rollout.ID, "phase": 2}
	}
	if err := eventually(ctx, "the rollout to start", func() error { return l.ask(ctx, rollouts, body) }); err != nil {
		return err
	}
	return l.await(ctx, "vendors to be admitted", func(v rollout.View) bool {
		for _, c := range v.Rollout.Checks {
			waives := c.ID == rollout.CheckBackup || c.ID == rollout.CheckConversion
			if waives && c.Verdict != rollout.Pass && c.WaivedBy == "" && v.Rollout.ID != before.Rollout.ID {
				_ = l.ask(ctx, rollouts+"/current/preflight/"+c.ID+"/waiver", map[string]any{"reason": "chaos"}) // or at the next look
			}
		}
		return v.Rollout.ID != before.Rollout.ID && v.Rollout.Percentage == 50
	})
}

// view is the latest rollout, and whether there is one.
func (l *lane) view(ctx context.Context) (v rollout.View, found bool, err error) {
	a, err := l.system.Admin(ctx, http.MethodGet, rollouts+"/current", nil)
	if a.Status == http.StatusNotFound {
		return v, false, nil
	}
	v, err = system.Read[rollout.View](a, err)
	return v, err == nil, err
}

func (l *lane) await(ctx context.Context, what string, wanted func(rollout.View) bool) error {
	return eventually(ctx, what, func() error {
		v, _, err := l.view(ctx)
		if err == nil && !wanted(v) {
			err = errors.New(v.Summary)
		}
		return err
	})
}

// eventually tries again and again until try has nothing to complain of.
func eventually(ctx context.Context, what string, try func() error) (err error) {
	if late := harness.Until(ctx, patience, lookEvery, func() (bool, error) { err = try(); return err == nil, nil }); late != nil {
		return fmt.Errorf("waiting for %s: %w: %w", what, late, err)
	}
	return nil
}

// ask has the API do something as an admin.
func (l *lane) ask(ctx context.Context, path string, body any) error {
	return system.Check(l.system.Admin(ctx, http.MethodPost, path, body))
}

// awaitMails waits until e-mails leave, and returns them.
func (l *lane) awaitMails(ctx context.Context) (all []system.Message, err error) {
	err = eventually(ctx, "e-mails to leave", func() error {
		more, err := l.mails(ctx)
		if all = append(all, more...); err == nil && len(all) < leastMails {
			err = fmt.Errorf("%d so far", len(all))
		}
		return err
	})
	return all, err
}

// mails are this lane's e-mails that were not looked at before. The mailbox is
// all lanes'.
func (l *lane) mails(ctx context.Context) (own []system.Message, err error) {
	all, next, err := system.MessagesSince(ctx, l.system.Stack.Mailbox, l.next)
	if err != nil {
		return nil, err
	}
	l.next = next
	for _, m := range all {
		if strings.HasPrefix(m.Step(), l.name+"-") {
			own = append(own, m)
		}
	}
	return own, nil
}

// arrival is one registration that was answered.
type arrival struct {
	asked, registered time.Time
	admitted          bool
}

// arrivals are vendors who register all the time.
type arrivals struct {
	cancel context.CancelFunc
	done   chan struct{}
	all    []arrival
}

// arrive lets vendors register until stopped.
func (l *lane) arrive(ctx context.Context, number int) *arrivals {
	ctx, cancel := context.WithCancel(ctx)
	a := &arrivals{cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(a.done)
		for i := 0; ctx.Err() == nil; i++ {
			id := fmt.Sprintf("%s-%d-%d", l.name, number, i)
			if one, ok := l.register(ctx, id); ok {
				a.all = append(a.all, one)
			}
			_ = harness.Sleep(ctx, arriveEvery) // it ends with the loop
		}
	}()
	return a
}

// stop ends the registrations. It may be called again.
func (a *arrivals) stop() {
	a.cancel()
	<-a.done
}

// register registers a vendor; false where nobody answered.
func (l *lane) register(ctx context.Context, id string) (arrival, bool) {
	type registered struct {
		Cohort trial.Cohort `json:"cohort"`
		Vendor struct {
			RegisteredAt time.Time `json:"registeredAt"`
		} `json:"vendor"`
	}
	asked := time.Now()
	body := map[string]any{"id": id, "email": id + "@vendors.example.com", "name": "Vendor"}
	r, err := system.Read[registered](l.system.Service(ctx, http.MethodPost, "/api/vendors", body))
	return arrival{asked: asked, registered: r.Vendor.RegisteredAt, admitted: r.Cohort == trial.Automated}, err == nil
}

// lastAdmission is how long after a moment the last vendor was admitted; zero
// where none was. One that was asked for before counts from its registration.
func (a *arrivals) lastAdmission(moment time.Time) time.Duration {
	var last time.Duration
	for _, one := range a.all {
		if one.admitted {
			last = max(last, one.asked.Sub(moment), one.registered.Sub(moment))
		}
	}
	return last
}
