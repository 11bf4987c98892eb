package workflows_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"
	sdktemporal "go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"marketplace.example/trials/bulk"
	"marketplace.example/trials/rollout"
	"marketplace.example/trials/trial"
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
			told := slices.Clone(c.had)
			w.arrive(c.had...)
			for i := range map[bool]int{true: 2}[c.alarmed] { // the first takes it back, the second pauses it at 0 %
				env.RegisterDelayedCallback(func() {
					alarm := w.judged(t, func(j *rollout.Judgement) {
						j.Triggers = []rollout.Alarm{{Trigger: rollout.TriggerEmail, Remedy: rollout.Partial, Raised: true, Reason: "it is bad"}}
					})
					told = append(told, alarm)
					send(env, alarm[0], alarm[1])
				}, time.Duration(1+30*i)*time.Hour)
			}
			w.run(taken, 32*time.Hour)
			before := w.state()
			env = w.prepare()
			if c.bare {
				told = nil
			}
			inReset(env, append(told, c.waits...))
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

func TestATrialThatIsResetTakesItsMessagesOnce(t *testing.T) {
	t.Parallel()
	first := newWorld(t, trial.Automated)
	extend := func(w *world) func() {
		return func() { send(w.env, trial.MessageExtend, `{"days":7,"reason":"ticket 813"}`) }
	}
	first.beginning = extend(first)
	first.env.SetWorkflowRunTimeout(2 * day)
	first.env.ExecuteWorkflow(trial.WorkflowType, workflows.TrialInput{VendorID: vendorID})
	require.Len(t, first.events, 3)

	again := newWorld(t, trial.Automated)
	again.events, again.sends, again.beginning = first.events, first.sends, extend(again)
	require.Equal(t, trial.Expired, again.run().Status)
	extended := 0
	for _, e := range again.events {
		if e.Type == trial.EventExtended {
			extended++
		}
	}
	require.Equal(t, 1, extended)
}

// extendedBefore is a trial that was extended a day after its start, and its events.
func extendedBefore(t *testing.T) (trial.State, []trial.Event) {
	t.Helper()
	w := newWorld(t, trial.Automated)
	w.at(day, func() { send(w.env, trial.MessageExtend, `{"id":"k-1","days":7,"reason":"ticket 813"}`) })
	w.env.SetWorkflowRunTimeout(2 * day)
	w.env.ExecuteWorkflow(trial.WorkflowType, workflows.TrialInput{VendorID: vendorID})
	require.Len(t, w.events, 3)
	return trial.Fold(w.events), w.events
}

// resetTrial is a run that was reset to where it knew a state, before a database that has some events.
// Where it has none it does not know the vendor either.
func resetTrial(t *testing.T, known trial.State, stored []trial.Event) *world {
	t.Helper()
	w := newWorld(t, trial.Automated)
	w.events, w.gone = slices.Clone(stored), len(stored) == 0
	w.env.SetStartTime(start.Add(2 * day))
	inReset(w.env, nil)
	w.env.ExecuteWorkflow(trial.WorkflowType, workflows.TrialInput{VendorID: vendorID, State: &known})
	require.NoError(t, w.env.GetWorkflowError())
	return w
}

func TestATrialThatIsResetGoesOnFromWhatIsStored(t *testing.T) {
	t.Parallel()
	late, events := extendedBefore(t)
	for name, w := range map[string]*world{
		"it knows less than the database": resetTrial(t, trial.Fold(events[:2]), events),
		"a restored database knows less":  resetTrial(t, late, events[:2]),
		"a restored one knows nothing":    resetTrial(t, late, nil),
	} {
		var o trial.Overview
		require.NoError(t, w.env.GetWorkflowResult(&o))
		require.Equal(t, 1, o.Revision, name)
		require.Equal(t, start.AddDate(0, 0, 21), o.EndsAt, name)
		require.Equal(t, trial.Expired, o.Status, name)
	}
}

// Its search attributes are those of the moment that it was reset to.
func TestATrialThatIsResetShowsWhereItStands(t *testing.T) {
	t.Parallel()
	late, events := extendedBefore(t)
	known := trial.Fold(events[:2])
	ends := sdktemporal.NewSearchAttributes(sdktemporal.NewSearchAttributeKeyTime(trial.AttributeEndsAt).ValueSet(late.EndsAt))
	status := func(s trial.Status) sdktemporal.SearchAttributes {
		return sdktemporal.NewSearchAttributes(sdktemporal.NewSearchAttributeKeyKeyword(trial.AttributeStatus).ValueSet(string(s)))
	}
	later := []sdktemporal.SearchAttributes{status(trial.Grace), status(trial.Expired)}
	for name, c := range map[string]struct {
		has  trial.State
		sets []sdktemporal.SearchAttributes
	}{"old ones": {known, append([]sdktemporal.SearchAttributes{ends}, later...)}, "right ones": {late, later}} {
		w := newWorld(t, trial.Automated)
		w.events = slices.Clone(events)
		w.env.SetStartTime(start.Add(2 * day))
		require.NoError(t, w.env.SetTypedSearchAttributesOnStart(workflows.StartAttributes(c.has)))
		inReset(w.env, nil)
		var sets []sdktemporal.SearchAttributes
		w.env.OnUpsertTypedSearchAttributes(mock.MatchedBy(func(a sdktemporal.SearchAttributes) bool {
			sets = append(sets, a)
			return true
		})).Return(nil)
		w.env.ExecuteWorkflow(trial.WorkflowType, workflows.TrialInput{VendorID: vendorID, State: &known})
		require.NoError(t, w.env.GetWorkflowError())
		require.Equal(t, c.sets, sets, name)
	}
}

func TestABulkOperationThatIsResetTakesWhatHadNotHadItsTurn(t *testing.T) {
	t.Parallel()
	pause, resume := [2]string{bulk.ControlPause, `{"id":"k-1","reason":"lunch"}`}, [2]string{bulk.ControlResume, `{"id":"k-2","reason":"fed"}`}
	again := [2]string{bulk.ControlResume, `{"id":"k-3","reason":"fed"}`} // it runs: nothing comes of it
	stop := [2]string{bulk.ControlStop, `{"id":"k-4","reason":"harm"}`}
	for name, c := range map[string]struct {
		had asked
		// held has a flag stand against the first page.
		held   bool
		waits  asked
		status bulk.Status
	}{
		"one that came to nothing":              {had: asked{pause, resume, again}, held: true, status: bulk.Paused},
		"a stop before one that was sent again": {had: asked{pause, resume}, waits: asked{stop, pause}, status: bulk.Stopped},
		"one sent again alone":                  {had: asked{pause, resume}, waits: asked{pause}, status: bulk.Running},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var stored bulk.State
			run := func(do func(w *bulkWorld)) {
				w := newBulkWorld(t, 100_000, func(*bulk.Operation) {})
				if stored.Seq == 0 {
					stored = w.work.State
				}
				w.keep = &stored
				do(w)
				w.env.SetWorkflowRunTimeout(20 * time.Second)
				w.env.ExecuteWorkflow(bulk.WorkflowType, workflows.BulkInput{ID: "bulk-1"})
			}
			run(func(w *bulkWorld) {
				inRun(w.env, firstRun, firstRun, nil)
				w.beginning = func() {
					w.beginning = nil
					for _, m := range c.had {
						send(w.env, m[0], m[1])
					}
				}
				if c.held {
					w.carry = func(s bulk.State, _ bulk.Page) bulk.State {
						stored = s.Held("adminTools.bulkOperations", w.env.Now())
						return stored
					}
				}
			})
			run(func(w *bulkWorld) { inReset(w.env, slices.Concat(c.had, c.waits)) })
			require.Equal(t, c.status, stored.Status)
		})
	}
}

func TestATrialThatIsResetTakesWhatHadNotHadItsTurn(t *testing.T) {
	t.Parallel()
	extend := [2]string{trial.MessageExtend, `{"id":"k-1","days":7,"reason":"ticket 813"}`}
	revive := [2]string{trial.MessageRevive, `{"id":"k-2","days":7,"reason":"ticket 814"}`} // refused: it is active
	cancel := [2]string{trial.MessageCancel, `{"id":"k-3","reason":"ticket 815"}`}
	for name, c := range map[string]struct {
		had asked
		// until is when the run is reset; 0 for after its end.
		until  time.Duration
		waits  asked
		status trial.Status
	}{
		"one that was refused":                  {had: asked{extend, revive}, status: trial.Expired},
		"a stop before one that was sent again": {had: asked{extend}, until: 2 * day, waits: asked{cancel, extend}, status: trial.Cancelled},
		"a conversion":                          {had: asked{extend, {trial.MessageConvert, `{}`}, revive}, status: trial.Converted},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first := newWorld(t, trial.Automated)
			inRun(first.env, firstRun, firstRun, nil)
			first.at(day, func() {
				for _, m := range c.had {
					send(first.env, m[0], m[1])
				}
			})
			first.env.SetWorkflowRunTimeout(c.until)
			first.env.ExecuteWorkflow(trial.WorkflowType, workflows.TrialInput{VendorID: vendorID})
			w := newWorld(t, trial.Automated)
			w.events, w.sends = first.events, first.sends
			w.env.SetStartTime(first.env.Now())
			inReset(w.env, slices.Concat(c.had, c.waits))
			require.Equal(t, c.status, w.run().Status)
			if len(c.waits) == 0 {
				require.Equal(t, first.events, w.events)
			}
		})
	}
}

func TestABulkOperationThatIsResetDecidesOnWhatIsStored(t *testing.T) {
	t.Parallel()
	w := newBulkWorld(t, 100, func(*bulk.Operation) {})
	stopped, err := w.work.State.Request(bulk.Control{Name: bulk.ControlStop, Reason: "r", At: start})
	require.NoError(t, err)
	w.stored = &stopped
	w.at(2*time.Second, bulk.ControlPause)
	w.env.ExecuteWorkflow(bulk.WorkflowType, workflows.BulkInput{ID: "bulk-1", Work: &w.work})
	require.NoError(t, w.env.GetWorkflowError())
	var v bulk.View
	require.NoError(t, w.env.GetWorkflowResult(&v))
	require.Equal(t, bulk.Stopped, v.State.Status)
	require.Empty(t, w.pages[1:], "no page after the one under way")
}

// What a cancellation ends by accident is lost, so it ends nothing, and later messages count.
func TestARolloutThatIsCanceledTakesMessagesAllTheSame(t *testing.T) {
	t.Parallel()
	w := newRolloutWorld(t, 1)
	env := w.prepare()
	env.RegisterDelayedCallback(env.CancelWorkflow, time.Hour)
	env.RegisterDelayedCallback(func() { send(env, rollout.SignalPause, `{"reason":"lunch"}`) }, 2*time.Hour)
	env.RegisterDelayedCallback(func() { send(env, rollout.SignalResume, `{"reason":"fed"}`) }, 3*time.Hour)
	env.RegisterDelayedCallback(func() { send(env, rollout.SignalRollback, `{"percentage":0,"reason":"harm"}`) }, 4*time.Hour)
	env.ExecuteWorkflow(rollout.WorkflowType, taken)
	require.NoError(t, env.GetWorkflowError())
	var kinds []rollout.EventType
	for _, d := range w.decisions[3:] {
		kinds = append(kinds, d.Type)
	}
	require.Equal(t, []rollout.EventType{rollout.EventPaused, rollout.EventResumed, rollout.EventRolledBack}, kinds)
	require.False(t, w.flags.FeatureFlags.TrialAutomation.Enabled)
}

// Canceled in the middle of a decision, and before its first task, a rollout loses none of it.
func TestARolloutThatIsCanceledWhileItDecidesFinishes(t *testing.T) {
	t.Parallel()
	w := newRolloutWorld(t, 1)
	env := w.prepare()
	w.during = func() {
		env.CancelWorkflow()
		send(env, rollout.SignalAdvance, `{"reason":"all"}`)
		w.during = env.CancelWorkflow
	}
	w.run(taken, time.Hour)
	require.Len(t, w.decisions, 4)
	require.InDelta(t, 100, w.percentage(), 0)
}

func TestABulkOperationThatIsCanceledGoesOn(t *testing.T) {
	t.Parallel()
	w := newBulkWorld(t, 200, func(*bulk.Operation) {})
	w.env.RegisterDelayedCallback(w.env.CancelWorkflow, 2*time.Second)
	w.at(7*time.Second, bulk.ControlPause)
	w.at(time.Hour, bulk.ControlResume)
	s := w.run()
	require.Equal(t, bulk.Done, s.Status)
	require.Equal(t, 200, s.Counts.Of(bulk.Succeeded))
	require.Len(t, s.Controls, 2)
}

func TestATrialThatIsCanceledGoesOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trial.Automated)
	w.at(day, w.env.CancelWorkflow)
	var answered error
	w.at(2*day, func() {
		w.env.UpdateWorkflow(trial.MessageExtend, "u-1", &testsuite.TestUpdateCallback{
			OnAccept: func() {}, OnReject: func(err error) { answered = err }, OnComplete: func(_ any, err error) { answered = errors.Join(answered, err) },
		}, trial.Request{Days: 7, Reason: "r", By: "admin"})
	})
	w.at(3*day, func() { send(w.env, trial.MessageExtend, `{"days":7,"reason":"more"}`) })
	o := w.run()
	require.NoError(t, answered)
	require.Equal(t, trial.Expired, o.Status)
	require.Equal(t, 2, o.Revision)
	require.Equal(t, start.AddDate(0, 0, 28), o.EndsAt)
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
