package workflows_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/log"
	sdktemporal "go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"go.uber.org/zap"

	"marketplace.example/trials/activities"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/policy"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/workflows"
)

var start = time.Date(2026, 3, 2, 15, 0, 0, 0, time.UTC)

const vendorID = "vendor-1"

// world is a workflow under skipped time, with the real activities before a
// database in memory that can be told to fail.
type world struct {
	t   *testing.T
	env *testsuite.TestWorkflowEnvironment

	mu     sync.Mutex
	vendor trial.Vendor
	// gone says that there is no such vendor.
	gone bool
	// rollout is the latest rollout; none where it has no id.
	rollout rollout.State
	flags   flags.Flags
	events  []trial.Event
	sends   map[string]trial.Send
	mails   []mailed
	// failing is how many of the next calls to the database fail.
	failing int
	calls   int
	// unworded are the steps whose e-mail cannot be rendered.
	unworded []trial.Kind
	// turns are the pauses that who asks next to send is told; asked counts them all.
	turns []time.Duration
	asked int
	// beginning is done once, while the workflow looks whether the trial is known, where it is set.
	beginning func()
}

// inTests gives an environment what the worker has, and none of the SDK's limits by the wall clock: a busy machine is no fault.
func inTests(env *testsuite.TestWorkflowEnvironment) {
	env.SetWorkerOptions(worker.Options{Interceptors: workflows.Interceptors(), DeadlockDetectionTimeout: time.Hour})
	env.SetTestTimeout(time.Hour)
}

// inReset gives an environment what inTests does, and a run that was reset, which is given
// signals once more: a name and a payload each.
func inReset(env *testsuite.TestWorkflowEnvironment, again [][2]string) {
	inRun(env, firstRun, "run-2", again)
}

// inRun gives an environment what inTests does, and a run of that id, which was reset where another is the original.
func inRun(env *testsuite.TestWorkflowEnvironment, original, id string, again [][2]string) {
	inTests(env)
	interceptors := append([]interceptor.WorkerInterceptor{&resetting{original: original, id: id, again: again}}, workflows.Interceptors()...)
	env.SetWorkerOptions(worker.Options{Interceptors: interceptors, DeadlockDetectionTimeout: time.Hour})
}

// resetting has a run look as if it had been reset.
type resetting struct {
	interceptor.WorkerInterceptorBase
	original, id string
	again        [][2]string
}

func (r *resetting) InterceptWorkflow(_ workflow.Context, next interceptor.WorkflowInboundInterceptor) interceptor.WorkflowInboundInterceptor {
	i := &resetInbound{resetting: r}
	i.Next = next
	return i
}

type resetInbound struct {
	interceptor.WorkflowInboundInterceptorBase
	*resetting
}

func (i *resetInbound) ExecuteWorkflow(ctx workflow.Context, in *interceptor.ExecuteWorkflowInput) (any, error) {
	for _, m := range i.again {
		payload, err := converter.GetDefaultDataConverter().ToPayloads(json.RawMessage(m[1]))
		if err == nil {
			err = i.Next.HandleSignal(ctx, &interceptor.HandleSignalInput{SignalName: m[0], Arg: payload})
		}
		if err != nil {
			return nil, err
		}
	}
	return i.Next.ExecuteWorkflow(ctx, in)
}

func (i *resetInbound) Init(outbound interceptor.WorkflowOutboundInterceptor) error {
	o := &resetOutbound{resetting: i.resetting}
	o.Next = outbound
	return i.Next.Init(o)
}

type resetOutbound struct {
	interceptor.WorkflowOutboundInterceptorBase
	*resetting
}

// firstRun is the run that the messages of all runs under test were first sent to.
const firstRun = "run-1"

func (o *resetOutbound) GetInfo(ctx workflow.Context) *workflow.Info {
	info := *o.Next.GetInfo(ctx)
	info.OriginalRunID, info.WorkflowExecution.RunID = o.original, o.id
	return &info
}

type mailed struct {
	step string
	at   time.Time
}

func newWorld(t *testing.T, cohort trial.Cohort) *world {
	t.Helper()
	return newWorldUnder(t, cohort, trial.DefaultPolicy())
}

// newWorldUnder is a world in which everybody has that policy.
func newWorldUnder(t *testing.T, cohort trial.Cohort, p trial.Policy) *world {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	w := &world{
		t: t, env: suite.NewTestWorkflowEnvironment(), flags: flags.Initial(), sends: map[string]trial.Send{},
		vendor: trial.Vendor{
			ID: vendorID, Email: "one@vendors.example.com", Name: "One", StartedAt: start,
			Automation: &trial.Automation{Cohort: cohort, Policy: p.Name, RegisteredAt: start},
		},
	}
	inTests(w.env)
	w.env.SetStartTime(start)
	w.env.RegisterWorkflowWithOptions(workflows.Trial, workflow.RegisterOptions{Name: trial.WorkflowType})
	w.env.RegisterActivity(&activities.Trials{
		Store: w, Mailer: w, Policies: policy.Only(p), Day: trial.RealDay, UnknownWait: 10 * time.Minute,
		Now: w.env.Now, Log: zap.NewNop(),
	})
	return w
}

// at does something once so much time has passed since the start.
func (w *world) at(after time.Duration, fn func()) { w.env.RegisterDelayedCallback(fn, after) }

// run lives through the workflow and returns its answer.
func (w *world) run() trial.Overview {
	w.t.Helper()
	w.env.ExecuteWorkflow(trial.WorkflowType, workflows.TrialInput{VendorID: vendorID})
	require.True(w.t, w.env.IsWorkflowCompleted())
	require.NoError(w.t, w.env.GetWorkflowError())
	var o trial.Overview
	require.NoError(w.t, w.env.GetWorkflowResult(&o))
	return o
}

func (w *world) mailedSteps() []string {
	var steps []string
	for _, m := range w.mails {
		steps = append(steps, m.step)
	}
	return steps
}

func (w *world) call() error {
	w.calls++
	if w.failing > 0 {
		w.failing--
		return errors.New("the database is away")
	}
	return nil
}

func (w *world) Flags(context.Context) (flags.Document, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return flags.Document{FeatureFlags: w.flags}, w.call()
}

func (w *world) CurrentRollout(context.Context) (rollout.State, bool, error) {
	return w.rollout, w.rollout.ID != "", nil
}

func (w *world) Vendor(context.Context, string) (trial.Vendor, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.gone {
		return trial.Vendor{}, trial.NotFound(vendorID)
	}
	return w.vendor, w.call()
}

func (w *world) Trial(context.Context, string) (trial.State, bool, error) {
	if fn := w.beginning; fn != nil {
		w.beginning = nil
		fn()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return trial.Fold(w.events), len(w.events) > 0, w.call()
}

func (w *world) Event(_ context.Context, _ string, seq int) (*trial.Event, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if seq > len(w.events) {
		return nil, w.call()
	}
	return &w.events[seq-1], w.call()
}

func (w *world) Append(_ context.Context, e trial.Event, _ trial.State) (*trial.Event, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.call(); err != nil {
		return nil, err
	}
	if e.Seq <= len(w.events) {
		return &w.events[e.Seq-1], nil
	}
	w.events = append(w.events, e)
	return nil, nil
}

func (w *world) Send(_ context.Context, key string) (*trial.Send, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if s, ok := w.sends[key]; ok {
		return &s, nil
	}
	return nil, nil
}

func (w *world) ClaimSend(_ context.Context, s trial.Send) (bool, trial.Send, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if current, ok := w.sends[s.Key]; ok {
		return false, current, nil
	}
	w.sends[s.Key] = s
	return true, s, nil
}

func (w *world) ReclaimSend(_ context.Context, key string, from int, resend bool, at time.Time, _ string) (bool, trial.Send, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.sends[key]
	if s.Attempt != from {
		return false, s, nil
	}
	s.Attempt, s.Status, s.ClaimedAt = from+1, trial.SendClaimed, at
	if resend {
		s.Resends++
	}
	w.sends[key] = s
	return true, s, nil
}

func (w *world) SettleSend(_ context.Context, key string, _ int, result trial.SendResult, at time.Time) (trial.Send, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.sends[key]
	s.Status, s.MessageID, s.Reason, s.SettledAt = result.Status, result.MessageID, result.Reason, &at
	w.sends[key] = s
	return s, nil
}

func (w *world) Wait(context.Context) (bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked++
	if len(w.turns) == 0 {
		return false, nil
	}
	pause := w.turns[0]
	w.turns = w.turns[1:]
	return true, sdktemporal.NewApplicationErrorWithOptions("deferred", activities.Later, sdktemporal.ApplicationErrorOptions{NextRetryDelay: pause})
}

func (w *world) AddressHash(address string) string { return "hash of " + address }

func (w *world) Deliver(_ context.Context, m activities.Mail) (trial.SendResult, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if slices.Contains(w.unworded, m.Step.Kind) {
		return trial.SendResult{}, errors.New("there is no such wording")
	}
	w.mails = append(w.mails, mailed{step: string(m.Step.Kind), at: w.env.Now().UTC()})
	return trial.SendResult{Status: trial.SendSent, MessageID: m.Send.Key}, nil
}
