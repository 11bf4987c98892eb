package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	sdktemporal "go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"marketplace.example/trials/internal/domain/trial"
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
	require.True(t, o.ConvertedLate)
	require.Empty(t, second.mails, "a late conversion does not revive the automation")
}

func TestAHeldTrialSleepsWithoutATimerUntilItIsWoken(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trial.Automated)
	w.at(day, func() { w.flags.TrialAutomation.Enabled = false })
	var callsHeld int
	w.at(8*day, func() { callsHeld = w.calls })
	w.at(9*day, func() {
		require.Equal(t, callsHeld, w.calls, "a held trial asks nothing")
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

// The database decides who gets no e-mail; the history only knows of it.
func TestASuppressionChangesNothingInTheWorkflow(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trial.Automated)
	noMail := func() { w.env.SignalWorkflow(trial.SignalNoMail, trial.Request{Reason: "unsubscribed", By: "vendor"}) }
	w.at(2*day, noMail)
	w.at(8*day, func() { w.flags.TrialAutomation.Enabled = false })
	var callsHeld int
	w.at(12*day, func() {
		callsHeld = w.calls
		noMail()
	})
	w.at(12*day+time.Hour, func() {
		require.Equal(t, callsHeld, w.calls, "a held trial is not woken by it")
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
func TestAStepIsTriedAgainWhenItsDelayIsOver(t *testing.T) {
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
		f := trial.StepFacts{Now: start.Add(8 * day), AutomationEnabled: true, EmailReminders: true, AutoExpiration: true}
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

func TestARunThatAMessageStartedIsFoundByItsAttributes(t *testing.T) {
	t.Parallel()
	second := afterItsEnd(t)
	before := second.events
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
	require.Equal(t, workflows.StartAttributes(trial.Fold(before)), all[0])
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

// afterItsEnd is the world in which an automated trial has ended, two weeks later.
func afterItsEnd(t *testing.T) *world {
	t.Helper()
	first := newWorld(t, trial.Automated)
	first.run()
	w := newWorld(t, trial.Automated)
	w.events, w.vendor, w.sends = first.events, first.vendor, first.sends
	w.env.SetStartTime(start.Add(30 * day))
	return w
}
