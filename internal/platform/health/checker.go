// Package health checks the health of every part of the trial system: in parallel,
// each within a time limit, and not again while the answer is fresh, however many ask.
package health

import (
	"context"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/singleflight"

	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/rollout"
)

const (
	// limit is how long a part may take to answer. With the overhead, the whole answer
	// takes at most two seconds, whatever is unavailable.
	limit = 1200 * time.Millisecond
	// fresh is how long an answer is reused for everybody who asks.
	fresh = time.Second
	// mailFresh is how long SES's answer is reused: SES accepts one such question a
	// second from a whole account, and its workers ask too. After a failure it is
	// asked again sooner.
	mailFresh = 20 * time.Second
	mailRetry = 5 * time.Second
)

// Store is the checker's access to the database. If that is unavailable, the error is a
// *trial.Error with trial.CodeUnavailable.
type Store interface {
	Ping(ctx context.Context) error
	Flags(ctx context.Context) (flags.Document, error)
	CurrentRollout(ctx context.Context) (rollout.State, bool, error)
	LatestJudgement(ctx context.Context, id string) (*rollout.Judgement, error)
	// LastSweep returns when the reconciler last finished; zero for never.
	LastSweep(ctx context.Context) (time.Time, error)
	// Processes returns the processes that have sampled themselves.
	Processes(ctx context.Context) ([]monitoring.Process, error)
}

// Workflows is the checker's access to Temporal.
type Workflows interface {
	// CheckNamespace checks that Temporal answers and has our namespace;
	// if it lacks that, the error is a *trial.Error with trial.CodeNotFound.
	CheckNamespace(ctx context.Context) error
	// Queue returns the state of the task queue.
	Queue(ctx context.Context) (monitoring.TaskQueue, error)
	// RolloutRun returns the state of the rollout's workflow.
	RolloutRun(ctx context.Context) (monitoring.WorkflowRun, error)
}

// Mail is the checker's access to the mail service.
type Mail interface {
	AccountStatus(ctx context.Context) (monitoring.MailAccount, error)
}

// Checker reports the health of the trial system. Its methods may be called concurrently.
type Checker struct {
	Store     Store
	Workflows Workflows
	Mail      Mail
	// Certificate returns the validity of the API's certificate; nil if it uses none.
	Certificate func() monitoring.Validity
	Now         func() time.Time
	Log         *zap.Logger

	flight singleflight.Group
	mu     sync.Mutex
	last   monitoring.Health
	// mail is SES's last answer. Only check uses it, of which one runs at a time.
	mail struct {
		asked time.Time
		monitoring.MailProbe
	}
}

// Health returns the health of the trial system, at most a second old. The
// error means that the caller gave up.
func (c *Checker) Health(ctx context.Context) (monitoring.Health, error) {
	if last := c.cached(); c.Now().Sub(last.At) < fresh {
		return last, nil
	}
	// One check serves all callers, so the first one may leave.
	checked := c.flight.DoChan("", func() (any, error) { return c.check(context.WithoutCancel(ctx)), nil })
	select {
	case <-ctx.Done():
		return monitoring.Health{}, fmt.Errorf("checking the system's health: %w", ctx.Err())
	case result := <-checked:
		health, _ := result.Val.(monitoring.Health) // check returns nothing else
		return health, nil
	}
}

func (c *Checker) cached() monitoring.Health {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.last
}

func (c *Checker) check(ctx context.Context) monitoring.Health {
	if last := c.cached(); c.Now().Sub(last.At) < fresh {
		return last // another check has just finished
	}
	probes := c.probe(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	before := c.last
	c.last = monitoring.Assess(probes, before, c.Now())
	if c.last.State != before.State {
		c.Log.Info("health", zap.String("state", string(c.last.State)), zap.Strings("unwell", unwell(c.last)))
	}
	return c.last
}

// unwell names the parts that are not healthy, with their states.
func unwell(h monitoring.Health) []string {
	var names []string
	for _, p := range h.Parts {
		if p.State != monitoring.Healthy {
			names = append(names, p.Name+" "+string(p.State))
		}
	}
	return names
}

// probe asks all parts in parallel.
func (c *Checker) probe(ctx context.Context) monitoring.Probes {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var p monitoring.Probes
	answers := []func(){
		ask(ctx, c, "mongodb", checkOnly(c.Store.Ping), func(_ struct{}, r monitoring.Reply) { p.MongoDB = r }),
		ask(ctx, c, "flags", c.Store.Flags, func(_ flags.Document, r monitoring.Reply) { p.Flags = r }),
		ask(ctx, c, "watch", c.watch, func(w monitoring.WatchProbe, r monitoring.Reply) { p.Watch = w; p.Watch.Reply = r }),
		ask(ctx, c, "rollout's workflow", c.Workflows.RolloutRun, func(run monitoring.WorkflowRun, r monitoring.Reply) {
			p.Rollout = monitoring.RolloutProbe{Reply: r, WorkflowRun: run}
		}),
		ask(ctx, c, "reconciler", c.Store.LastSweep, func(at time.Time, r monitoring.Reply) {
			p.Reconciler = monitoring.ReconcilerProbe{Reply: r, Last: at}
		}),
		ask(ctx, c, "processes", c.Store.Processes, func(all []monitoring.Process, r monitoring.Reply) { p.Worker.Processes, p.Worker.Noted = all, r }),
		ask(ctx, c, "temporal", checkOnly(c.Workflows.CheckNamespace), func(_ struct{}, r monitoring.Reply) { p.Temporal = r }),
		ask(ctx, c, "task queue", c.Workflows.Queue, func(q monitoring.TaskQueue, r monitoring.Reply) { p.Worker.TaskQueue, p.Worker.Queue = q, r }),
	}
	if c.mailIsDue() {
		answers = append(answers, ask(ctx, c, "mail", c.Mail.AccountStatus, func(a monitoring.MailAccount, r monitoring.Reply) {
			c.mail.asked, c.mail.MailProbe = c.Now(), monitoring.MailProbe{Reply: r, MailAccount: a}
		}))
	}
	for _, answer := range answers {
		answer()
	}
	p.Mail = c.mail.MailProbe
	if c.Certificate != nil {
		validity := c.Certificate()
		p.Certificate = &validity
	}
	return p
}

// mailIsDue reports whether to ask SES again.
func (c *Checker) mailIsDue() bool {
	good := mailFresh
	if c.mail.Failure != "" {
		good = mailRetry
	}
	return c.mail.asked.IsZero() || c.Now().Sub(c.mail.asked) >= good
}

// watch reads when the watch of the running rollout last ran.
func (c *Checker) watch(ctx context.Context) (monitoring.WatchProbe, error) {
	state, found, err := c.Store.CurrentRollout(ctx)
	if err != nil || !found || state.Status.Final() {
		return monitoring.WatchProbe{}, err
	}
	probe := monitoring.WatchProbe{Running: true, Began: state.StartedAt, Day: state.Times.Day}
	judged, err := c.Store.LatestJudgement(ctx, state.ID)
	if judged != nil {
		probe.Last = judged.At
	}
	return probe, err
}
