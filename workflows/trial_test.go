package workflows_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	sdktemporal "go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"marketplace.example/trials/rollout"
	"marketplace.example/trials/trial"
	"marketplace.example/trials/workflows"
)

const day = 24 * time.Hour

func TestATrialLivesFromWelcomeToExpiry(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trial.Automated)
	o := w.run()
	require.Equal(t, trial.Expired, o.Status)
	var got []mailed
	for _, m := range w.mails {
		got = append(got, mailed{m.step, m.at.Truncate(time.Minute)})
	}
	require.Equal(t, []mailed{
		{"welcome", time.Date(2026, 3, 2, 15, 0, 0, 0, time.UTC)},
		{"reminder-7d", time.Date(2026, 3, 9, 15, 0, 0, 0, time.UTC)},
		{"reminder-3d", time.Date(2026, 3, 13, 15, 0, 0, 0, time.UTC)},
		{"reminder-1d", time.Date(2026, 3, 15, 15, 0, 0, 0, time.UTC)},
		{"expiry", time.Date(2026, 3, 16, 15, 0, 0, 0, time.UTC)},
		{"grace-end", time.Date(2026, 3, 19, 15, 0, 0, 0, time.UTC)},
	}, got)
	require.Len(t, w.events, 7, "started and six steps")
}

func TestAControlTrialSendsNothingAndEndsAllTheSame(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trial.Control)
	o := w.run()
	require.Equal(t, trial.Expired, o.Status)
	require.Empty(t, w.mails)
	require.Equal(t, trial.ReasonNotAutomated, o.Steps[0].Reason)
}

func TestAConversionEndsTheTrial(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trial.Automated)
	w.at(8*day, func() {
		w.env.SignalWorkflow(trial.MessageConvert, trial.Request{ID: "c1", By: "billing", At: start.Add(7 * day)})
	})
	o := w.run()
	require.Equal(t, trial.Converted, o.Status)
	require.Equal(t, start.Add(7*day), *o.ConvertedAt)
	require.Equal(t, []string{"welcome", "reminder-7d"}, w.mailedSteps())
}

func TestAConversionAfterExpiryIsRecordedAsLate(t *testing.T) {
	t.Parallel()
	first := newWorld(t, trial.Automated)
	first.run()

	second := newWorld(t, trial.Automated)
	second.events, second.vendor = first.events, first.vendor
	second.env.SetStartTime(start.Add(60 * day))
	second.at(0, func() {
		second.env.SignalWorkflow(trial.MessageConvert, trial.Request{ID: "c1", By: "billing"})
	})
	o := second.run()
	require.Equal(t, trial.Expired, o.Status)
	require.True(t, o.Late)
	require.Empty(t, second.mails, "a late conversion does not revive the automation")
}

// answer collects what an update was answered with.
type answer struct {
	rejected, err error
	overview      *trial.Overview
}

func (a *answer) Accept()          {}
func (a *answer) Reject(err error) { a.rejected = err }
func (a *answer) Complete(success any, err error) {
	a.err = err
	if o, ok := success.(trial.Overview); ok {
		a.overview = &o
	}
}

func TestAnExtensionPlansTheRemindersAnew(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trial.Automated)
	var a answer
	w.at(8*day, func() {
		w.env.UpdateWorkflow(trial.MessageExtend, "u1", &a, trial.Request{Days: 7, Reason: "asked for", By: "support"})
	})
	o := w.run()
	require.NoError(t, a.rejected)
	require.NoError(t, a.err)
	require.Equal(t, start.Add(21*day), a.overview.EndsAt)
	require.Equal(t, 1, a.overview.Revision)
	require.Equal(t, trial.Expired, o.Status)
	require.Equal(t, []string{"welcome", "reminder-7d", "reminder-7d", "reminder-3d", "reminder-1d", "expiry", "grace-end"}, w.mailedSteps())
	require.Equal(t, "u1", w.events[3].Request.ID, "an update without an id is known by the update's own")
}

func TestARequestIsCarriedOutOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trial.Automated)
	w.at(2*day, func() {
		w.env.SignalWorkflow(trial.MessageExtend, trial.Request{ID: "r1", Days: 7, Reason: "asked for"})
		w.env.SignalWorkflow(trial.MessageExtend, trial.Request{ID: "r1", Days: 7, Reason: "asked for"})
	})
	var a answer
	w.at(3*day, func() {
		w.env.UpdateWorkflow(trial.MessageExtend, "r1", &a, trial.Request{ID: "r1", Days: 7, Reason: "asked for"})
	})
	w.run()
	require.NoError(t, a.rejected)
	require.Equal(t, start.Add(21*day), a.overview.EndsAt)
}

func TestARefusalLeavesNoTrace(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trial.Automated)
	var negative, inFinal answer
	w.at(2*day, func() {
		w.env.UpdateWorkflow(trial.MessageExtend, "u1", &negative, trial.Request{Days: -3, Reason: "oops"})
		w.env.UpdateWorkflow(trial.MessageRevive, "u2", &inFinal, trial.Request{Days: 3, Reason: "not expired"})
	})
	w.run()
	refusal, ok := workflows.AsRefusal(negative.rejected)
	require.True(t, ok)
	require.Equal(t, &trial.Error{Code: trial.CodeInvalid, Field: "days", Message: "must be 1 to 365, is -3"}, refusal)
	refusal, ok = workflows.AsRefusal(inFinal.rejected)
	require.True(t, ok)
	require.Equal(t, trial.CodeConflict, refusal.Code)
	require.Len(t, w.events, 7)
}

func TestAnExpiredTrialIsRevivedByANewRun(t *testing.T) {
	t.Parallel()
	first := newWorld(t, trial.Automated)
	first.run()

	second := newWorld(t, trial.Automated)
	second.events, second.vendor, second.sends = first.events, first.vendor, first.sends
	second.env.SetStartTime(start.Add(30 * day))
	var a answer
	second.at(0, func() {
		second.env.UpdateWorkflow(trial.MessageRevive, "u1", &a, trial.Request{Days: 5, Reason: "asked for"})
	})
	o := second.run()
	require.NoError(t, a.rejected)
	require.NoError(t, a.err)
	require.Equal(t, trial.Active, a.overview.Status)
	require.Equal(t, trial.Expired, o.Status)
	require.Equal(t, []string{"reminder-3d", "reminder-1d", "expiry", "grace-end"}, second.mailedSteps())
}

func TestAHeldTrialSleepsWithoutATimerUntilItIsWoken(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trial.Automated)
	w.at(day, func() { w.flags.TrialAutomation.Enabled = false })
	var callsAsleep int
	w.at(8*day, func() { callsAsleep = w.calls })
	w.at(9*day, func() {
		require.Equal(t, callsAsleep, w.calls, "a held trial asks nothing")
		w.env.SignalWorkflow(trial.SignalWake, trial.Request{})
	})
	w.at(10*day, func() {
		w.flags.TrialAutomation.Enabled = true
		w.env.SignalWorkflow(trial.SignalWake, trial.Request{})
	})
	o := w.run()
	require.Equal(t, trial.Expired, o.Status)
	require.Equal(t, []string{"welcome", "reminder-3d", "reminder-1d", "expiry", "grace-end"}, w.mailedSteps(), "a reminder of seven days is untrue on the tenth")
	held := 0
	for _, e := range w.events {
		if e.Type == trial.EventHeld {
			held++
		}
	}
	require.Equal(t, 1, held, "waking in vain is not recorded again")
}

// Who moves is reminded in the morning of where it is now, also where that morning comes before the one that was planned.
func TestATrialThatIsWokenFollowsItsVendorToAnotherZone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trial.Automated)
	w.at(8*day, func() { w.env.SignalWorkflow(trial.SignalWake, trial.Request{}) })
	w.at(9*day, func() {
		w.vendor.Zone = "Asia/Kolkata"
		w.env.SignalWorkflow(trial.SignalWake, trial.Request{})
		w.env.SignalWorkflow(trial.SignalWake, trial.Request{})
	})
	o := w.run()
	require.Equal(t, trial.Expired, o.Status)
	require.Equal(t, mailed{"reminder-3d", time.Date(2026, 3, 13, 3, 30, 0, 0, time.UTC)}, w.mails[2])
	require.Equal(t, mailed{"reminder-1d", time.Date(2026, 3, 15, 3, 30, 0, 0, time.UTC)}, w.mails[3])
	require.Len(t, w.mails, 6)
	moves := 0
	for _, e := range w.events {
		if e.Type == trial.EventRezoned {
			moves++
		}
	}
	require.Equal(t, 1, moves, "waking in vain records nothing")
}

// As a recording has it: only a held trial did anything about it.
func TestARecordedTrialIsWokenInVain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trial.Automated)
	w.env.OnGetVersion("rezone-when-woken", workflow.DefaultVersion, workflow.Version(1)).Return(workflow.DefaultVersion)
	var calls int
	w.at(9*day, func() {
		calls = w.calls
		w.env.SignalWorkflow(trial.SignalWake, trial.Request{})
	})
	w.at(10*day, func() { require.Equal(t, calls, w.calls) })
	w.run()
}

// The database decides who gets no e-mail; the history only knows of it.
func TestASuppressionChangesNothingInTheWorkflow(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trial.Automated)
	noMail := func() { w.env.SignalWorkflow(trial.SignalNoMail, trial.Request{Reason: "unsubscribed", By: "vendor"}) }
	w.at(2*day, noMail)
	w.at(8*day, func() { w.flags.TrialAutomation.Enabled = false })
	var callsAsleep int
	w.at(12*day, func() {
		callsAsleep = w.calls
		noMail()
	})
	w.at(12*day+time.Hour, func() {
		require.Equal(t, callsAsleep, w.calls, "a held trial is not woken by it")
		w.flags.TrialAutomation.Enabled = true
		w.env.SignalWorkflow(trial.SignalWake, trial.Request{})
	})
	o := w.run()
	require.Equal(t, trial.Expired, o.Status)
	require.Equal(t, []string{"welcome", "reminder-7d", "reminder-1d", "expiry", "grace-end"}, w.mailedSteps())
}

func TestWhatFailsAtFirstIsRepeatedByTheServer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trial.Automated)
	w.at(6*day, func() { w.failing = 5 })
	o := w.run()
	require.Equal(t, trial.Expired, o.Status)
	require.Equal(t, []string{"welcome", "reminder-7d", "reminder-3d", "reminder-1d", "expiry", "grace-end"}, w.mailedSteps())
}

// Its turn to send is a minute away: asking earlier would be in vain.
func TestAStepComesBackWhenItIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trial.Automated)
	w.at(6*day, func() { w.turns, w.asked = []time.Duration{time.Minute}, 0 })
	w.at(8*day, func() { require.Equal(t, 2, w.asked, "once in vain, and once when told") })
	w.run()
	require.Equal(t, mailed{"reminder-7d", start.Add(7*day + time.Minute)}, w.mails[1])
}

func TestAMessageIsHeardWhileAStepWaitsForItsTurn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trial.Automated)
	w.at(6*day, func() { w.turns = []time.Duration{time.Hour} })
	w.at(7*day+time.Minute, func() { w.env.SignalWorkflow(trial.MessageCancel, trial.Request{ID: "x", Reason: "asked for"}) })
	o := w.run()
	require.Equal(t, trial.Cancelled, o.Status)
	require.Equal(t, []string{"welcome"}, w.mailedSteps())
}

// As a recording has it: the server repeats at once.
func TestARecordedStepIsRepeatedAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trial.Automated)
	w.env.OnGetVersion("sleep-as-told", workflow.DefaultVersion, workflow.Version(1)).Return(workflow.DefaultVersion)
	w.at(6*day, func() { w.turns = []time.Duration{time.Minute} })
	w.run()
	require.Equal(t, mailed{"reminder-7d", start.Add(7 * day)}, w.mails[1])
}

func TestAMessageIsHeardWhileAStepIsBeingRepeated(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trial.Automated)
	w.at(6*day, func() { w.failing = 1 << 30 })
	w.at(7*day+time.Minute, func() {
		w.failing = 0
		w.env.SignalWorkflow(trial.MessageCancel, trial.Request{ID: "x", Reason: "asked for"})
	})
	o := w.run()
	require.Equal(t, trial.Cancelled, o.Status)
	require.Equal(t, []string{"welcome"}, w.mailedSteps())
}

func TestALongHistoryIsContinuedAsNewWithItsState(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trial.Automated)
	w.at(8*day, func() {
		w.env.SetContinueAsNewSuggested(true)
		w.env.SignalWorkflow(trial.SignalWake, trial.Request{})
	})
	w.env.ExecuteWorkflow(trial.WorkflowType, workflows.TrialInput{VendorID: vendorID})
	var again *workflow.ContinueAsNewError
	require.ErrorAs(t, w.env.GetWorkflowError(), &again)

	second := newWorld(t, trial.Automated)
	second.events, second.sends = w.events, w.sends
	second.env.SetStartTime(start.Add(8 * day))
	state := trial.Fold(w.events)
	second.env.ExecuteWorkflow(trial.WorkflowType, workflows.TrialInput{VendorID: vendorID, State: &state})
	require.NoError(t, second.env.GetWorkflowError())
	require.Equal(t, []string{"reminder-3d", "reminder-1d", "expiry", "grace-end"}, second.mailedSteps())
}

func TestAnAttemptThatGotAheadIsFollowed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trial.Automated)
	w.at(8*day, func() {
		// An attempt thought dead has recorded the next reminder meanwhile.
		s := trial.Fold(w.events)
		next, _ := s.Next()
		f := trial.Facts{Now: start.Add(8 * day), AutomationEnabled: true, EmailReminders: true, AutoExpiration: true}
		w.events = append(w.events, s.StepEvent(next, trial.Decision{Action: trial.Run, Reason: trial.ReasonDue, Mail: true}, f, true))
		w.env.SignalWorkflow(trial.MessageExtend, trial.Request{ID: "r1", Days: 7, Reason: "asked for"})
	})
	w.run()
	require.Equal(t, trial.EventStep, w.events[3].Type)
	require.Equal(t, trial.EventExtended, w.events[4].Type, "the extension comes after it, once")
	require.Equal(t, trial.Expired, trial.Fold(w.events).Status)
}

func TestQueriesAnswerInTheMiddle(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trial.Automated)
	w.at(8*day, func() {
		value, err := w.env.QueryWorkflow(trial.QueryStatus)
		require.NoError(t, err)
		var o trial.Overview
		require.NoError(t, value.Get(&o))
		require.Equal(t, trial.Reminder(3), o.Next.Kind)
		value, err = w.env.QueryWorkflow(trial.QuerySchedule)
		require.NoError(t, err)
		var table trial.Timetable
		require.NoError(t, value.Get(&table))
		require.Len(t, table.Steps, 4)
	})
	w.run()
}

func TestAnExtensionInGraceCountsFromNow(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trial.Automated)
	w.at(16*day, func() {
		w.env.SignalWorkflow(trial.MessageExtend, trial.Request{ID: "r1", Days: 1, Reason: "asked for"})
	})
	o := w.run()
	require.Equal(t, start.Add(17*day).Truncate(time.Minute), o.EndsAt.Truncate(time.Minute))
}

func TestASignalThatWasRefusedOnceIsReplayedAsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trial.Automated)
	w.env.OnGetVersion("extend-from-now", workflow.DefaultVersion, workflow.Version(1)).Return(workflow.DefaultVersion).Once()
	w.at(16*day, func() {
		w.env.SignalWorkflow(trial.MessageExtend, trial.Request{ID: "r1", Days: 1, Reason: "asked for"})
	})
	o := w.run()
	require.Zero(t, o.Revision)
	w.env.AssertExpectations(t)
}

func TestARunThatAMessageStartedIsFoundByItsAttributes(t *testing.T) {
	t.Parallel()
	first := newWorld(t, trial.Automated)
	first.run()

	second := newWorld(t, trial.Automated)
	second.events, second.vendor, second.sends = first.events, first.vendor, first.sends
	second.env.SetStartTime(start.Add(30 * day))
	var all []sdktemporal.SearchAttributes
	second.env.OnUpsertTypedSearchAttributes(mock.MatchedBy(func(a sdktemporal.SearchAttributes) bool {
		all = append(all, a)
		return true
	})).Return(nil)
	second.at(0, func() {
		second.env.SignalWorkflow(trial.MessageConvert, trial.Request{ID: "c1", By: "billing"})
	})
	second.run()
	require.NotEmpty(t, all)
	require.Equal(t, workflows.StartAttributes(trial.Fold(first.events)), all[0])
}

func TestAFreshRunSetsNoAttributesAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trial.Automated)
	registered := trial.NewState(w.vendor.Registration(trial.DefaultPolicy(), trial.RealDay))
	require.NoError(t, w.env.SetTypedSearchAttributesOnStart(workflows.StartAttributes(registered)))
	sets := 0
	w.env.OnUpsertTypedSearchAttributes(mock.Anything).Run(func(mock.Arguments) { sets++ }).Return(nil)
	w.run()
	require.Equal(t, 2, sets, "for grace, and for expired")
}

func TestAConversionCountsWhateverItsPayload(t *testing.T) {
	t.Parallel()
	for name, payload := range map[string]any{
		"text": "paid", "a number": 7, "bytes": []byte{0xff}, "nothing": nil,
		"a moment of another form": map[string]any{"id": "c1", "at": "yesterday"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, trial.Automated)
			w.at(8*day, func() {
				w.env.SignalWorkflow(trial.MessageExtend, payload) // which is dropped
				w.env.SignalWorkflow(trial.MessageConvert, payload)
			})
			o := w.run()
			require.Equal(t, trial.Converted, o.Status)
			require.Equal(t, start.Add(8*day), o.ConvertedAt.Truncate(time.Minute))
			require.Zero(t, o.Revision)
		})
	}
}

func TestAConversionThatWasDroppedOnceIsReplayedAsDropped(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trial.Automated)
	for _, change := range []string{"convert-unread", "attributes-at-begin"} {
		w.env.OnGetVersion(change, workflow.DefaultVersion, workflow.Version(1)).Return(workflow.DefaultVersion)
	}
	w.at(8*day, func() { w.env.SignalWorkflow(trial.MessageConvert, "paid") })
	require.Equal(t, trial.Expired, w.run().Status)
}

// What arrives while the trial begins is carried out as it came: sorted by name, the revival came last.
func TestATrialCarriesItsMessagesOutInOrderOfArrival(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trial.Automated)
	w.beginning = func() {
		send(w.env, trial.MessageExtend, `{"days":9,"reason":["x"]}`)
		send(w.env, trial.MessageCancel, `{"reason":"one"}`)
		send(w.env, trial.MessageRevive, `{"days":3,"reason":"two"}`)
		send(w.env, trial.MessageCancel, `{"reason":"three"}`)
		send(w.env, "stop", `{}`)
	}
	o := w.run()
	require.Equal(t, trial.Cancelled, o.Status)
	var asked []string
	for _, e := range w.events {
		if e.Request != nil {
			asked = append(asked, string(e.Type)+" "+e.Request.Reason)
		}
	}
	require.Equal(t, []string{"cancelled one", "revived two", "cancelled three"}, asked)
}

// An update by hand is refused where it is not exactly the message.
func TestATrialRefusesAnUpdateThatIsNotExactlyItsMessage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trial.Control)
	var refused error
	w.at(day, func() {
		w.env.UpdateWorkflow(trial.MessageCancel, "u-1", &testsuite.TestUpdateCallback{
			OnAccept: func() { require.Fail(t, "it was taken") }, OnReject: func(err error) { refused = err }, OnComplete: func(any, error) {},
		}, json.RawMessage(`{"reason":"x","days":3}`))
	})
	require.Equal(t, trial.Expired, w.run().Status)
	require.Error(t, refused)
	e, ok := workflows.AsRefusal(refused)
	require.True(t, ok)
	require.Equal(t, trial.CodeInvalid, e.Code)
}

// A rollback that hands the trials over tells those that run. One that the worker begins later goes on unautomated as
// well, and one that it was about to take in; who was admitted after it is held like everybody.
func TestATrialThatBeginsAfterTheReleaseGoesOnUnautomated(t *testing.T) {
	t.Parallel()
	released := rollout.State{ID: "r-1", Status: rollout.RolledBack, ReleasedBefore: 5}
	w := newWorld(t, trial.Automated)
	w.flags.TrialAutomation.Enabled, w.rollout, w.vendor.Automation.FlagsVersion = false, released, 4
	require.Equal(t, trial.Expired, w.run().Status)
	require.Empty(t, w.mails)
	require.Equal(t, trial.EventReleased, w.events[1].Type)
	require.Equal(t, "r-1/"+vendorID, w.events[1].Request.ID)

	late := newWorld(t, trial.Control)
	late.flags.TrialAutomation.Enabled, late.rollout = false, released
	late.at(day, func() { send(late.env, trial.MessageAdopt, `{"id":"r-1/`+vendorID+`","by":"rollout"}`) })
	require.Equal(t, trial.Expired, late.run().Status)
	require.Empty(t, late.mails)
	require.False(t, trial.Fold(late.events).Automated)

	after := newWorld(t, trial.Automated)
	after.flags.TrialAutomation.Enabled, after.rollout, after.vendor.Automation.FlagsVersion = false, released, 5
	after.at(day, func() { after.flags.TrialAutomation.Enabled = true; send(after.env, trial.SignalWake, ``) })
	require.Equal(t, trial.Expired, after.run().Status)
	require.NotEmpty(t, after.mails)

	partly := newWorld(t, trial.Automated)
	partly.rollout, partly.vendor.Automation.FlagsVersion = rollout.State{ID: "r-1", Status: rollout.Running, ReleasedBefore: 5}, 4
	require.Equal(t, trial.Expired, partly.run().Status)
	require.Empty(t, partly.mails)
}

// A rollback above 0 % hands over as one to 0 % does: who was taken in before it goes on unautomated though the word of
// that comes after it, and so does one whom the handover has not reached.
func TestATrialIsHandedOverByARollbackThatLeavesTheAutomationEnabled(t *testing.T) {
	t.Parallel()
	released := rollout.State{ID: "r-1", Status: rollout.Running, ReleasedBefore: 5}
	adopt := func(w *world, version int) {
		w.at(day, func() {
			send(w.env, trial.MessageAdopt, fmt.Sprintf(`{"id":"r-1/%s","by":"rollout","flagsVersion":%d}`, vendorID, version))
		})
	}
	before := newWorld(t, trial.Control)
	before.rollout, before.vendor.Automation.FlagsVersion = released, 2
	adopt(before, 4)
	require.Equal(t, trial.Expired, before.run().Status)
	require.Empty(t, before.mails)
	require.False(t, trial.Fold(before.events).Automated)

	after := newWorld(t, trial.Control)
	after.rollout, after.vendor.Automation.FlagsVersion = released, 2
	adopt(after, 5)
	require.Equal(t, trial.Expired, after.run().Status)
	require.NotEmpty(t, after.mails)

	missed := newWorld(t, trial.Automated)
	missed.vendor.Automation.FlagsVersion = 4
	missed.at(day, func() { missed.rollout = released })
	require.Equal(t, trial.Expired, missed.run().Status)
	require.Equal(t, []string{"welcome"}, missed.mailedSteps())
}
