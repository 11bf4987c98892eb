package health

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// world is every part; one that hangs does not answer, whatever the context says.
type world struct {
	hangs  string
	errs   map[string]error
	state  rollout.State
	pings  atomic.Int32
	mails  atomic.Int32
	hung   chan struct{} // closed at the end of the test
	paused bool
	run    monitoring.WorkflowRun
}

func (w *world) answer(part string) error {
	if w.hangs == part {
		<-w.hung
	}
	return w.errs[part]
}

func (w *world) Ping(context.Context) error { w.pings.Add(1); return w.answer("mongodb") }
func (w *world) Flags(context.Context) (flags.Document, error) {
	return flags.Document{}, w.answer("flags")
}
func (w *world) CurrentRollout(context.Context) (rollout.State, bool, error) {
	return w.state, w.state.ID != "", w.answer("rollout")
}
func (w *world) LatestJudgement(context.Context, string) (*rollout.Judgement, error) {
	return &rollout.Judgement{At: time.Now().Add(-time.Minute)}, w.answer("ledger")
}
func (w *world) LastSweep(context.Context) (time.Time, error) { return time.Now(), w.answer("sweep") }
func (w *world) Processes(context.Context) ([]monitoring.Process, error) {
	return nil, w.answer("processes")
}
func (w *world) CheckNamespace(context.Context) error { return w.answer("temporal") }
func (w *world) Queue(context.Context) (monitoring.TaskQueue, error) {
	return monitoring.TaskQueue{Polled: time.Now()}, w.answer("queue")
}
func (w *world) RolloutRun(context.Context) (monitoring.WorkflowRun, error) {
	return w.run, w.answer("run")
}
func (w *world) AccountStatus(context.Context) (monitoring.MailAccount, error) {
	w.mails.Add(1)
	return monitoring.MailAccount{Sending: !w.paused, Quota: -1}, w.answer("mail")
}

// withChecker runs a test in a bubble of time.
func withChecker(t *testing.T, w *world, test func(t *testing.T, c *Checker)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w.hung = make(chan struct{})
		defer close(w.hung)
		test(t, &Checker{Store: w, Workflows: w, Mail: w, Now: time.Now, Log: zap.NewNop()})
	})
}

func ask1(t *testing.T, c *Checker) monitoring.Health {
	t.Helper()
	h, err := c.Health(t.Context())
	require.NoError(t, err)
	return h
}

func TestAllIsWell(t *testing.T) {
	t.Parallel()
	w := &world{state: rollout.State{ID: "r1", Status: rollout.Running, Times: evidence.Times{Day: 24 * time.Hour}}}
	withChecker(t, w, func(t *testing.T, c *Checker) {
		h := ask1(t, c)
		require.Equal(t, monitoring.Healthy, h.State, "%+v", h.Parts)
		require.Equal(t, "last ran 1m0s ago", h.Part(monitoring.PartWatch).Message)
	})
}

// The state of the rollout's workflow is checked, and unknown if Temporal does not report it.
func TestTheRolloutsWorkflowIsAskedFor(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		run  monitoring.WorkflowRun
		err  error
		want monitoring.State
	}{
		"gone":      {monitoring.WorkflowRun{Gone: true}, nil, monitoring.Unhealthy},
		"failing":   {monitoring.WorkflowRun{Attempts: 4}, nil, monitoring.Unhealthy},
		"running":   {monitoring.WorkflowRun{Attempts: 1}, nil, monitoring.Healthy},
		"not known": {monitoring.WorkflowRun{Gone: true}, errors.New("no"), monitoring.Healthy},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &world{run: c.run, errs: map[string]error{"run": c.err}, state: rollout.State{ID: "r1", Status: rollout.Running, Times: evidence.Times{Day: 24 * time.Hour}}}
			withChecker(t, w, func(t *testing.T, checker *Checker) {
				require.Equal(t, c.want, ask1(t, checker).Part(monitoring.PartWatch).State)
			})
		})
	}
}

// Whatever hangs, the answer comes in time and names it.
func TestWhateverHangs(t *testing.T) {
	t.Parallel()
	for hangs, part := range map[string]string{
		"mongodb": "mongodb", "temporal": "temporal", "queue": "worker", "mail": "mail", "flags": "flags", "rollout": "watch", "sweep": "reconciler",
	} {
		t.Run(hangs, func(t *testing.T) {
			t.Parallel()
			withChecker(t, &world{hangs: hangs}, func(t *testing.T, c *Checker) {
				began := time.Now()
				h := ask1(t, c)
				require.Equal(t, limit, time.Since(began))
				require.Less(t, time.Since(began), 2*time.Second, "as is promised")
				require.NotEqual(t, monitoring.Healthy, h.Part(part).State)
				require.NotEqual(t, monitoring.Healthy, h.State)
			})
		})
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err  error
		want monitoring.Failure
	}{
		"none":     {nil, ""},
		"too late": {context.DeadlineExceeded, monitoring.NoAnswer},
		"away":     {&trial.Error{Code: trial.CodeUnavailable}, monitoring.NoAnswer},
		"missing":  {&trial.Error{Code: trial.CodeNotFound}, monitoring.NotThere},
		"other":    {errors.New("no"), monitoring.Broken},
		"refused":  {&trial.Error{Code: trial.CodeForbidden}, monitoring.Broken},
	} {
		require.Equal(t, c.want, failure(c.err), name)
	}
}

// However many ask, the parts are asked once a second, and SES once in twenty.
func TestManyAskAtOnce(t *testing.T) {
	t.Parallel()
	w := &world{}
	withChecker(t, w, func(t *testing.T, c *Checker) {
		for range 30 {
			var all sync.WaitGroup
			for range 50 {
				all.Go(func() { ask1(t, c) })
			}
			all.Wait()
			time.Sleep(fresh) //nolint:forbidigo // in a bubble: nothing is waited for
		}
		require.EqualValues(t, 30, w.pings.Load())
		require.EqualValues(t, 2, w.mails.Load())
	})
}

// One who leaves does not spoil it for the others.
func TestTheFirstMayLeave(t *testing.T) {
	t.Parallel()
	withChecker(t, &world{hangs: "temporal"}, func(t *testing.T, c *Checker) {
		ctx, leave := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() {
			_, err := c.Health(ctx)
			require.ErrorIs(t, err, context.Canceled)
		})
		synctest.Wait()
		all.Go(func() { require.Equal(t, monitoring.Unhealthy, ask1(t, c).Part(monitoring.PartTemporal).State) })
		synctest.Wait()
		leave()
		all.Wait()
	})
}

func TestAPausedAccountIsSeenAfterAWhile(t *testing.T) {
	t.Parallel()
	w := &world{}
	withChecker(t, w, func(t *testing.T, c *Checker) {
		require.Equal(t, monitoring.Healthy, ask1(t, c).Part(monitoring.PartMail).State)
		w.paused = true
		time.Sleep(mailFresh) //nolint:forbidigo // in a bubble: nothing is waited for
		require.Equal(t, monitoring.Unhealthy, ask1(t, c).Part(monitoring.PartMail).State)
	})
}
