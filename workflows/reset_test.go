package workflows_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"marketplace.example/trials/internal/domain/bulk"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/workflows"
)

// A rollout that a person has rolled back is reset to its first task, and given its signals once more.
func TestARolloutThatIsResetLeavesTheFlagsAsTheyAre(t *testing.T) {
	t.Parallel()
	w := newRolloutWorld(t, -1)
	begin := rolloutStart()
	begin.Plan.NoticeDays = 0.1
	for i := range begin.Plan.Phases {
		begin.Plan.Phases[i].Gates, begin.Plan.Phases[i].SoakDays = []rollout.Gate{}, 0.2
	}
	in := workflows.RolloutInput{Start: &begin}
	env := w.prepare()
	env.RegisterDelayedCallback(func() { send(env, rollout.SignalWaive, `{"subject":"backup","reason":"it is on the shelf"}`) }, time.Hour)
	env.RegisterDelayedCallback(func() { send(env, rollout.SignalRollback, `{"percentage":10,"reason":"harm"}`) }, 8*time.Hour)
	w.run(in, 9*time.Hour)
	before := w.state()
	require.Equal(t, rollout.EventRolledBack, w.decisions[len(w.decisions)-1].Type)
	require.InDelta(t, 50, w.highest, 0)
	require.InDelta(t, 10, w.percentage(), 0)

	w.highest = 0
	w.arrive([2]string{rollout.SignalWaive, `{"subject":"backup","reason":"it is on the shelf"}`}, [2]string{rollout.SignalRollback, `{"percentage":10,"reason":"harm"}`})
	env = w.prepare()
	env.RegisterDelayedCallback(func() { send(env, rollout.SignalPause, `{"reason":"enough"}`) }, time.Hour)
	w.run(in, 2*time.Hour)
	require.InDelta(t, 10, w.percentage(), 0)
	require.LessOrEqual(t, w.highest, 10.0)
	require.Equal(t, rollout.Paused, w.state().Status)
	require.Equal(t, before.Seq+1, w.state().Seq)
}

// A run that had continued as new is reset, and knows what it began with.
func TestARolloutThatIsResetToAContinuedRunGoesOnFromWhatIsStored(t *testing.T) {
	t.Parallel()
	w := newRolloutWorld(t, 1)
	half := w.state()
	w.arrive([2]string{rollout.SignalRollback, `{"id":"k-1","percentage":10,"reason":"harm"}`}, [2]string{rollout.SignalPause, `{"id":"k-2","reason":"harm"}`})
	w.prepare()
	w.run(taken, time.Hour)
	w.highest = 0
	env := w.prepare()
	env.RegisterDelayedCallback(func() { send(env, rollout.SignalSetPercentage, `{"id":"k-3","percentage":40,"reason":"some more"}`) }, time.Hour)
	w.run(workflows.RolloutInput{State: &half}, 2*time.Hour)
	require.InDelta(t, 10, w.percentage(), 0, "what it would have been decided on is not so any more")
	require.Equal(t, rollout.Paused, w.state().Status)
	require.Len(t, w.decisions, 5)
}

// A reset of a run that has continued as new gives it the signals of the runs after it as well. A person pauses, and in
// the next run resumes and pauses again in the same words.
func TestAMessageWithoutAnIDCountsOnceThoughARunBeforeItsOwnIsReset(t *testing.T) {
	t.Parallel()
	pause, resume := [2]string{rollout.SignalPause, `{"reason":"lunch"}`}, [2]string{rollout.SignalResume, `{"reason":"fed"}`}
	for name, resets := range map[string]string{"the first run": "run-1", "the second": "run-2"} {
		w := newRolloutWorld(t, 0)
		env := w.prepare()
		inRun(env, "run-1", "run-1", nil)
		w.arrive(pause)
		env.RegisterDelayedCallback(func() {
			env.SetContinueAsNewSuggested(true)
			send(env, rollout.SignalJudged, `{}`)
		}, time.Minute)
		second := w.run(taken, time.Hour)
		require.NotNil(t, second, "it continued as new")
		env = w.prepare()
		inRun(env, "run-2", "run-2", nil)
		for i, m := range [][2]string{resume, pause} {
			env.RegisterDelayedCallback(func() { send(env, m[0], m[1]) }, time.Duration(i+1)*time.Minute)
		}
		w.run(*second, time.Hour)
		require.Equal(t, rollout.Paused, w.state().Status)
		require.Len(t, w.decisions, 5)

		env = w.prepare()
		in, again := taken, [][2]string{pause, resume, pause}
		if resets == "run-2" {
			in, again = *second, again[1:]
		}
		inRun(env, resets, "run-3", again)
		w.run(in, time.Hour)
		require.Equal(t, rollout.Paused, w.state().Status, name)
		require.Len(t, w.decisions, 5, name)
	}
}

// asked are messages as they are sent, a name and a payload each.
type asked = [][2]string

// Which messages have had their turn is what is stored with the last decision, whatever became of each.
func TestARolloutThatIsResetTakesWhatHadNotHadItsTurn(t *testing.T) {
	t.Parallel()
	resume := [2]string{rollout.SignalResume, `{"id":"k-2","reason":"fed"}`}
	again := [2]string{rollout.SignalResume, `{"id":"k-3","reason":"fed"}`} // refused: it is not paused
	advance := [2]string{rollout.SignalAdvance, `{"id":"k-4","reason":"half"}`}
	pause := [2]string{rollout.SignalPause, `{"id":"k-1","reason":"lunch"}`}
	stop := [2]string{rollout.SignalRollback, `{"id":"k-5","percentage":0,"reason":"harm"}`}
	for name, c := range map[string]struct {
		had asked
		// alarmed has triggers pause the rollout then.
		alarmed bool
		waits   asked
		// bare says that the reset leaves out the signals from before it.
		bare       bool
		status     rollout.Status
		percentage float64
	}{
		"one that was refused":                      {had: asked{pause, resume, again}, alarmed: true, status: rollout.Paused},
		"a stop before one that was sent again":     {had: asked{advance}, waits: asked{stop, advance}, status: rollout.RolledBack},
		"a stop behind one that was refused":        {had: asked{pause, resume, again}, alarmed: true, waits: asked{stop, again}, status: rollout.RolledBack},
		"one sent again alone":                      {had: asked{advance, pause}, waits: asked{advance}, status: rollout.Paused, percentage: 50},
		"a pause after a reset that leaves signals": {had: asked{advance, pause, resume}, waits: asked{{rollout.SignalPause, `{"id":"k-6","reason":"tea"}`}}, bare: true, status: rollout.Paused, percentage: 50},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newRolloutWorld(t, 0)
			env := w.prepare()
			inRun(env, firstRun, firstRun, nil)
			recovered := slices.Clone(c.had)
			w.arrive(c.had...)
			for i := range map[bool]int{true: 2}[c.alarmed] { // the first rolls it back, the second pauses it at 0 %
				env.RegisterDelayedCallback(func() {
					alarm := w.judged(t, func(j *rollout.Judgement) {
						j.Triggers = []rollout.TriggerResult{{Trigger: rollout.TriggerEmail, Remedy: rollout.Partial, Firing: true, Reason: "it is bad"}}
					})
					recovered = append(recovered, alarm)
					send(env, alarm[0], alarm[1])
				}, time.Duration(1+30*i)*time.Hour)
			}
			w.run(taken, 32*time.Hour)
			before := w.state()
			env = w.prepare()
			if c.bare {
				recovered = nil
			}
			inReset(env, append(recovered, c.waits...))
			w.run(taken, time.Hour)
			s := w.state()
			require.Equal(t, c.status, s.Status)
			require.InDelta(t, c.percentage, s.Percentage, 0)
			if len(c.waits) == 0 {
				require.Equal(t, before, s)
			}
		})
	}
}

// The run is terminated as somebody sets the flags, and another takes its place: what waits there was sent before either knew.
func TestAMessageThatWaitsWhileAnotherRunFindsTheFlagsSetRaisesNothing(t *testing.T) {
	t.Parallel()
	w := newRolloutWorld(t, 1)
	env := w.prepare()
	env.RegisterDelayedCallback(func() {
		w.mu.Lock()
		w.store(rollout.Event{Type: rollout.EventOverridden, Enabled: new(true), Percentage: new(5.0), HandVersion: 2, At: env.Now().Add(-time.Second), By: "flags", Reason: "by hand"})
		w.flags.FeatureFlags.TrialAutomation.RolloutPercentage, w.flags.Version, w.flags.UpdatedBy = 5, 2, "ada"
		w.mu.Unlock()
		send(env, rollout.SignalWaive, `{"subject":"backup","reason":"it is on the shelf"}`) // which finds that
		send(env, rollout.SignalTick, `{"subject":"dashboards-operational","met":true,"reason":"seen"}`)
		send(env, rollout.SignalAdvance, `{"reason":"half"}`)
	}, time.Hour)
	w.run(taken, 2*time.Hour)
	require.Equal(t, rollout.Paused, w.state().Status)
	require.InDelta(t, 5, w.percentage(), 0)
}

// A message that an earlier version took, and this one refuses, has led to what is stored.
func TestARolloutThatIsResetKeepsWhatAMessageLedToThatIsRefusedNow(t *testing.T) {
	t.Parallel()
	w := newRolloutWorld(t, 1)
	w.store(rollout.Event{Type: rollout.EventOverridden, Enabled: new(true), Percentage: new(0.0), At: start.Add(30 * time.Minute), By: "signal", Reason: "x"})
	w.flags.FeatureFlags.TrialAutomation.RolloutPercentage = 0
	known := rollout.Fold(w.decisions[:3])
	env := w.prepare()
	inReset(env, [][2]string{{rollout.SignalSetPercentage, `{"percent":15,"reason":"x"}`}})
	w.run(workflows.RolloutInput{State: &known}, time.Hour)
	require.Len(t, w.decisions, 4)
	answer, err := env.QueryWorkflow(rollout.QueryStatus)
	require.NoError(t, err)
	var s rollout.State
	require.NoError(t, answer.Get(&s))
	require.Equal(t, rollout.Paused, s.Status)
	require.InDelta(t, 0, s.Percentage, 0)
}

// Whatever continues as new carries on how its signals are counted.
func TestHowSignalsAreCountedIsCarriedOn(t *testing.T) {
	t.Parallel()
	counted := func(env *testsuite.TestWorkflowEnvironment, into any) {
		t.Helper()
		var next *workflow.ContinueAsNewError
		require.ErrorAs(t, env.GetWorkflowError(), &next)
		require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(next.Input, into))
	}
	w := newWorld(t, trial.Automated)
	inRun(w.env, firstRun, firstRun, nil)
	w.at(day, func() {
		w.env.SetContinueAsNewSuggested(true)
		send(w.env, trial.MessageExtend, `{"days":7,"reason":"ticket 813"}`)
	})
	w.env.ExecuteWorkflow(trial.WorkflowType, workflows.TrialInput{VendorID: vendorID})
	var of workflows.TrialInput
	counted(w.env, &of)
	require.Equal(t, firstRun, of.Signals.Run)
	require.Len(t, of.Signals.Alike, 1)

	b := newBulkWorld(t, 10_000, func(*bulk.Operation) {})
	inRun(b.env, firstRun, firstRun, nil)
	b.at(2*time.Second, bulk.ControlPause)
	b.at(time.Hour, bulk.ControlResume)
	b.env.ExecuteWorkflow(bulk.WorkflowType, workflows.BulkInput{ID: "bulk-1"})
	var operation workflows.BulkInput
	counted(b.env, &operation)
	require.Equal(t, firstRun, operation.Signals.Run)
	require.Len(t, operation.Signals.Alike, 2)
}

// A person's word that comes as another run of the rollout decides something is judged anew on that, and carried out.
func TestAWordThatAnotherDecisionOvertakesIsCarriedOut(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ message, want string }{
		rollout.SignalPause:    {`{"reason":"harm"}`, "paused"},
		rollout.SignalRollback: {`{"percentage":10,"reason":"harm"}`, "running"},
	} {
		w := newRolloutWorld(t, 1)
		env := w.prepare()
		env.RegisterDelayedCallback(func() {
			w.mu.Lock()
			w.store(rollout.Event{Type: rollout.EventWaived, Subject: "backup", At: env.Now().Add(-time.Second), By: "ada", Reason: "it is on the shelf"})
			w.mu.Unlock()
			send(env, name, c.message)
		}, time.Hour)
		w.run(taken, 2*time.Hour)
		s := w.state()
		require.Len(t, w.decisions, 5, name)
		require.Equal(t, c.want, string(s.Status), name)
		require.Equal(t, "harm", w.decisions[4].Reason[max(0, len(w.decisions[4].Reason)-4):])
	}
}

// What was judged last is stored with no decision: a run that is reset is told it once more.
func TestARolloutThatIsResetInAnOutageWaitsForItsEnd(t *testing.T) {
	t.Parallel()
	w := newRolloutWorld(t, 1)
	known := w.state()
	env := w.prepare()
	inRun(env, firstRun, firstRun, nil)
	before, err := w.LatestJudgement(t.Context(), rolloutID)
	require.NoError(t, err)
	in := workflows.RolloutInput{State: &known, Judged: before}
	w.outage = &rollout.Outage{Cause: rollout.OutageSESPaused}
	struck := w.judged(t, func(*rollout.Judgement) {})
	env.RegisterDelayedCallback(func() { send(env, struck[0], struck[1]) }, time.Minute)
	w.run(in, time.Hour)
	paused := w.state()
	require.Equal(t, rollout.PausedByOutage, paused.Pause.Cause)
	inReset(w.prepare(), asked{struck})
	w.run(in, time.Hour)
	require.Equal(t, paused, w.state())
}
