package workflows_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"
	"go.uber.org/zap"

	"marketplace.example/trials/activities"
	"marketplace.example/trials/internal/domain/audit"
	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/notice"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/workflows"
)

const rolloutID = "r-1"

// rolloutWorld is a rollout's workflow under skipped time, run after run, with the real activities before a
// database in memory that outlives the runs.
type rolloutWorld struct {
	activities.RolloutStore
	t         require.TestingT
	env       *testsuite.TestWorkflowEnvironment
	startedAt time.Time

	mu        sync.Mutex
	flags     flags.Document
	decisions []rollout.Event
	// highest is the highest percentage that the flags have admitted since it was last set to 0.
	highest float64
	// during is done once, in the middle of an activity: what it sends arrives while the workflow is busy.
	during   func()
	watching []bool
	// scheduling is what having the watch come answers with.
	scheduling error
	released   []string
	// exceeded says where the flags admitted more than what is stored, unless ada has set them so by hand.
	exceeded []string
	running  []trial.State
	// outage is what strikes all vendors alike; nil for nothing.
	outage *rollout.Outage
}

// newRolloutWorld has a rollout that stands in a phase of the plan; below 0, one that has not begun.
func newRolloutWorld(t require.TestingT, phase int) *rolloutWorld {
	w := &rolloutWorld{t: t, startedAt: start, flags: flags.Document{Version: 1, FeatureFlags: flags.Initial()}}
	if phase < 0 {
		return w
	}
	w.store(rollout.Begin(rolloutStart(), start))
	for i := range phase + 1 {
		percentage := rolloutPlan().Phases[i].Percentage
		w.store(rollout.Event{Type: rollout.EventEntered, Stage: &rollout.Stage{Kind: rollout.InPhase, Phase: i},
			Enabled: new(true), Percentage: &percentage, At: start.Add(time.Duration(i+1) * time.Minute), By: "rollout", Reason: "entered"})
		w.flags.FeatureFlags.TrialAutomation.Enabled, w.flags.FeatureFlags.TrialAutomation.RolloutPercentage = true, percentage
	}
	w.startedAt = start.Add(time.Hour)
	return w
}

func rolloutPlan() rollout.Plan {
	p := rollout.DefaultPlan()
	p.Name, p.Backfill, p.BackfillPerHour = "three phases", false, 0
	p.Phases = []rollout.Phase{
		{Name: "ten", Percentage: 10, SoakDays: 2, Gates: rollout.Gates()},
		{Name: "half", Percentage: 50, SoakDays: 2, Gates: rollout.Gates()},
		{Name: "full", Percentage: 100, SoakDays: 2, Gates: rollout.Gates()},
	}
	return p
}

func rolloutStart() rollout.Start {
	return rollout.Start{ID: rolloutID, Plan: rolloutPlan(), By: "admin", Times: evidence.Times{Day: 24 * time.Hour, TrialDays: 17}}
}

// store puts a decision behind the others.
func (w *rolloutWorld) store(e rollout.Event) {
	e.Seq = len(w.decisions) + 1
	w.decisions = append(w.decisions, e)
}

// state is what is stored.
func (w *rolloutWorld) state() rollout.State {
	w.mu.Lock()
	defer w.mu.Unlock()
	return rollout.Fold(w.decisions)
}

func (w *rolloutWorld) percentage() float64 {
	return w.flags.FeatureFlags.TrialAutomation.RolloutPercentage
}

// prepare makes the environment of the next run.
func (w *rolloutWorld) prepare() *testsuite.TestWorkflowEnvironment {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	w.env = suite.NewTestWorkflowEnvironment()
	inTests(w.env)
	w.env.SetStartTime(w.startedAt)
	w.env.RegisterWorkflowWithOptions(workflows.Rollout, workflow.RegisterOptions{Name: rollout.WorkflowType})
	w.env.RegisterWorkflowWithOptions(func(workflow.Context, notice.Message) error { return nil }, workflow.RegisterOptions{Name: workflows.NoticeWorkflowType})
	w.env.RegisterActivity(&activities.Rollouts{
		Store: w, Account: w, Handover: w, Schedule: w, Dashboards: w, Day: 24 * time.Hour, Now: w.env.Now, Log: zap.NewNop(),
	})
	return w.env
}

// run lives through one run, up to its end or to the moment given, when it is terminated. It answers
// with how the run would go on, nil where it does not.
func (w *rolloutWorld) run(in workflows.RolloutInput, until time.Duration) *workflows.RolloutInput {
	if w.env == nil {
		w.prepare()
	}
	env := w.env
	env.SetWorkflowRunTimeout(until)
	env.ExecuteWorkflow(rollout.WorkflowType, in)
	w.startedAt, w.env = env.Now(), nil
	var next *workflow.ContinueAsNewError
	if !errors.As(env.GetWorkflowError(), &next) {
		return nil
	}
	var carried workflows.RolloutInput
	require.NoError(w.t, converter.GetDefaultDataConverter().FromPayloads(next.Input, &carried))
	return &carried
}

// send signals what somebody wrote as JSON; an empty text sends no payload.
func send(env *testsuite.TestWorkflowEnvironment, name, payload string) {
	if payload == "" {
		env.SignalWorkflow(name, nil)
		return
	}
	env.SignalWorkflow(name, json.RawMessage(payload))
}

// arrive has signals arrive while the workflow is busy: a name and a payload each.
func (w *rolloutWorld) arrive(signals ...[2]string) {
	w.during = func() {
		for _, s := range signals {
			send(w.env, s[0], s[1])
		}
	}
}

func (w *rolloutWorld) interrupt() {
	if fn := w.during; fn != nil {
		w.during = nil
		fn()
	}
}

func (w *rolloutWorld) Flags(context.Context) (flags.Document, error) { return w.flags, nil }

func (w *rolloutWorld) UpdateFlags(_ context.Context, by string, change func(*flags.Change) error) (flags.Document, error) {
	w.mu.Lock()
	found := w.flags
	w.mu.Unlock()
	c := found.Change()
	if err := change(&c); err != nil { // which may ask what is stored
		return flags.Document{}, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if found.Version != w.flags.Version {
		return flags.Document{}, errors.New("somebody else has changed the flags")
	}
	w.flags, _ = found.Changed(c, by, time.Time{})
	if current := w.flags.FeatureFlags; current.TrialAutomation.Enabled {
		w.highest = max(w.highest, current.TrialAutomation.RolloutPercentage)
	}
	return w.flags, nil
}

func (w *rolloutWorld) AppendDecision(_ context.Context, e rollout.Event, _ rollout.State) (*rollout.Event, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if e.Seq <= len(w.decisions) {
		return &w.decisions[e.Seq-1], nil
	}
	require.Equal(w.t, len(w.decisions)+1, e.Seq)
	w.decisions = append(w.decisions, e)
	now, after := w.flags.FeatureFlags.TrialAutomation, rollout.Fold(w.decisions)
	if w.flags.UpdatedBy != "ada" && now.Enabled && now.RolloutPercentage > 0 && (!after.Enabled || now.RolloutPercentage > after.Percentage) {
		w.exceeded = append(w.exceeded, fmt.Sprintf("%v %% after %s", now.RolloutPercentage, e.Reason))
	}
	return nil, nil //nolint:nilnil // as the port has it
}

func (w *rolloutWorld) AppendAudit(_ context.Context, e audit.Entry) (audit.Entry, error) {
	w.interrupt()
	return e, nil
}

func (w *rolloutWorld) LatestJudgement(context.Context, string) (*rollout.Judgement, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	at := rollout.Fold(w.decisions)
	now := w.flags.FeatureFlags.TrialAutomation
	return &rollout.Judgement{
		Formula: evidence.FormulaVersion, At: w.env.Now(), Snapshot: 1, Position: at.Position(), Enabled: now.Enabled, Percentage: now.RolloutPercentage, Version: w.flags.Version,
		Outage: w.outage,
	}, nil
}

func (w *rolloutWorld) Rollout(_ context.Context, id string) (rollout.State, error) {
	w.interrupt()
	s := w.state()
	if s.ID != id {
		return s, &trial.Error{Code: trial.CodeNotFound, Message: "there is no such rollout"}
	}
	return s, nil
}

func (w *rolloutWorld) CurrentRollout(context.Context) (rollout.State, bool, error) {
	s := w.state()
	return s, s.ID != "", nil
}

func (w *rolloutWorld) Decisions(_ context.Context, _ string, from, limit int) ([]rollout.Event, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if from > len(w.decisions) {
		return nil, nil
	}
	return w.decisions[from-1 : min(from-1+limit, len(w.decisions))], nil
}

func (w *rolloutWorld) VendorsWithoutStart(context.Context) (int64, error) { return 0, nil }

func (w *rolloutWorld) Counters(context.Context, []monitoring.Period) (monitoring.Tally, error) {
	return monitoring.Tally{}, nil
}

func (w *rolloutWorld) Trials(context.Context, trial.Filter, string, int) ([]trial.State, string, error) {
	return nil, "", nil
}

func (w *rolloutWorld) RunningTrials(_ context.Context, automated bool, after string, limit int) ([]trial.State, error) {
	var page []trial.State
	for _, s := range w.running {
		if s.Automated == automated && s.VendorID > after && len(page) < limit {
			page = append(page, s)
		}
	}
	return page, nil
}

func (w *rolloutWorld) SendingEnabled(context.Context) (bool, error) { return true, nil }

func (w *rolloutWorld) Ask(context.Context) []rollout.DashboardAnswer {
	return []rollout.DashboardAnswer{{Name: "grafana:3000", Status: 200}}
}

func (w *rolloutWorld) AllRefused(time.Time) time.Time { return time.Time{} }

func (w *rolloutWorld) Adopt(context.Context, string, trial.Request) error { return nil }

func (w *rolloutWorld) Release(_ context.Context, id string, _ trial.Request) error {
	w.released = append(w.released, id)
	return nil
}

func (w *rolloutWorld) Watching(_ context.Context, on bool) error {
	w.watching = append(w.watching, on)
	return w.scheduling
}

var taken = workflows.RolloutInput{Lost: rolloutID}

func TestARolloutCarriesItsMessagesOutInOrderOfArrival(t *testing.T) {
	t.Parallel()
	w := newRolloutWorld(t, 1)
	w.arrive(
		[2]string{rollout.SignalAdvance, `{"reason":"one","id":"k-1"}`},
		[2]string{rollout.SignalAdvance, `{"reason":"two","id":"k-2"}`},
		[2]string{rollout.SignalRollback, `{"reason":"three","id":"k-3","percentage":10}`},
	)
	w.prepare()
	w.run(taken, time.Hour)
	var asked []string
	for _, d := range w.decisions[3:] {
		asked = append(asked, d.RequestID)
	}
	require.Equal(t, []string{"k-1", "k-2", "k-3"}, asked)
	require.InDelta(t, 10, w.percentage(), 0)
	require.InDelta(t, 10, w.state().Percentage, 0)
}

func TestARolloutReadsEachMessageIntoAFreshValue(t *testing.T) {
	t.Parallel()
	w := newRolloutWorld(t, 1)
	w.arrive(
		[2]string{rollout.SignalRollback, `{"percentage":10,"inFlight":"release","by":"eve","id":"k-1","reason":["x"]}`},
		[2]string{rollout.SignalRollback, `{"percentage":10,"reason":"x"}`},
	)
	w.prepare()
	w.run(taken, time.Hour)
	last := w.decisions[len(w.decisions)-1]
	require.Equal(t, rollout.EventRolledBack, last.Type)
	require.Equal(t, flags.Keep, last.InFlight)
	require.Equal(t, "signal", last.By)
	require.NotEqual(t, "k-1", last.RequestID)
}

func TestARolloutRefusesWhatIsNotExactlyItsMessage(t *testing.T) {
	t.Parallel()
	w := newRolloutWorld(t, 1)
	w.arrive(
		[2]string{rollout.SignalRollback, `{"reason":"x","percent":10}`},
		[2]string{rollout.SignalRollback, `{"reason":"x"}`},
		[2]string{rollout.SignalSetPercentage, `{"percent":15,"reason":"x"}`},
		[2]string{rollout.SignalTick, `{"subject":"dashboards-operational","reason":"x"}`},
		[2]string{rollout.SignalPause, ``},
		[2]string{rollout.SignalJudged, `{}`},
		[2]string{"rolback", `{"percentage":0,"reason":"x"}`},
	)
	w.prepare()
	w.run(taken, time.Hour)
	require.Len(t, w.decisions, 3)
	require.InDelta(t, 50, w.percentage(), 0)
}

// A notice that has not begun keeps the run from ending: what arrives meanwhile counts.
func TestWhatReachesARolloutThatWaitsToContinueAsNewIsCarriedOut(t *testing.T) {
	t.Parallel()
	w := newRolloutWorld(t, 0)
	env := w.prepare()
	w.during = func() {
		send(env, rollout.SignalAdvance, `{"reason":"half"}`)
		w.during = func() { env.SetContinueAsNewSuggested(true) }
	}
	env.SetOnChildWorkflowStartedListener(func(*workflow.Info, workflow.Context, converter.EncodedValues) {
		send(env, rollout.SignalPause, `{"reason":"lunch"}`)
	})
	next := w.run(taken, time.Hour)
	require.NotNil(t, next, "it continued as new")
	require.Equal(t, rollout.Paused, w.state().Status)
	require.Equal(t, w.state().Seq, next.State.Seq)
}

func TestATaskTickedWhileARolloutEndsIsCarriedOut(t *testing.T) {
	t.Parallel()
	w := newRolloutWorld(t, 2)
	env := w.prepare()
	w.arrive([2]string{rollout.SignalAdvance, `{"reason":"stable"}`}, [2]string{rollout.SignalAdvance, `{"reason":"guard"}`}, [2]string{rollout.SignalAdvance, `{"reason":"done"}`})
	env.SetOnChildWorkflowStartedListener(func(*workflow.Info, workflow.Context, converter.EncodedValues) {
		if w.state().Status == rollout.Completed {
			send(env, rollout.SignalTick, `{"subject":"daily-monitoring-review","met":true,"reason":"read"}`)
		}
	})
	w.run(taken, time.Hour)
	require.Equal(t, rollout.Completed, w.state().Status)
	require.True(t, w.state().Criteria["daily-monitoring-review"].Met)
}

// A reset gives a run its signals once more.
func TestAMessageWithoutAnIDCountsOnceThoughTheRunIsReset(t *testing.T) {
	t.Parallel()
	w := newRolloutWorld(t, 0)
	for range 2 {
		w.arrive([2]string{rollout.SignalPause, `{"reason":"lunch"}`}, [2]string{rollout.SignalResume, `{"reason":"fed"}`}, [2]string{rollout.SignalPause, `{"reason":"lunch"}`})
		w.prepare()
		w.run(taken, time.Hour)
		require.Equal(t, rollout.Paused, w.state().Status)
		require.Len(t, w.decisions, 5)
	}
}
