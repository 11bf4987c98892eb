package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	sdktemporal "go.temporal.io/sdk/temporal"

	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/workflows"
)

// month is a policy of 30 days, with an e-mail half-way, two reminders, and a win-back a week after the expiry.
func month() trial.Policy {
	unless := []trial.Condition{trial.UnlessConverted}
	return trial.Policy{
		Name: "month", LengthDays: 30, ReminderDays: []int{7, 1}, GraceDays: 5, SendHour: 9, QuietDays: []trial.QuietDay{"sat", "sun"},
		Mailings: []trial.Mailing{
			{ID: "half-way", After: trial.AfterStart, Days: 15, Template: "middle", Unless: unless},
			{ID: "win-back", After: trial.AfterExpiry, Days: 7, Template: "win-back", Unless: unless},
		},
	}
}

// inParis is an automated trial of a month, of a vendor in Paris. It ends on Wednesday, 1 April.
func inParis(t *testing.T) *world {
	t.Helper()
	w := newWorldUnder(t, trial.Automated, month())
	w.vendor.Zone = "Europe/Paris"
	return w
}

func utc(month time.Month, day, hour int) time.Time {
	return time.Date(2026, month, day, hour, 0, 0, 0, time.UTC)
}

func TestATrialSendsTheMailingsOfItsPolicy(t *testing.T) {
	t.Parallel()
	w := inParis(t)
	w.at(40*day, func() {
		value, err := w.env.QueryWorkflow(trial.QueryStatus)
		require.NoError(t, err)
		var o trial.Overview
		require.NoError(t, value.Get(&o))
		require.Equal(t, trial.Expired, o.Status, "while its workflow is open")
		require.Equal(t, trial.Kind("win-back"), o.Next.Kind)
	})
	o := w.run()
	require.Equal(t, trial.Expired, o.Status)
	require.Nil(t, o.Next)
	require.Equal(t, []mailed{
		{"welcome", utc(3, 2, 15)},
		{"half-way", utc(3, 17, 8)},
		{"reminder-7d", utc(3, 25, 8)},
		{"reminder-1d", utc(3, 31, 7)},
		{"expiry", utc(4, 1, 14)},
		{"grace-end", utc(4, 6, 14)},
		{"win-back", utc(4, 13, 7)},
	}, w.mails)
	require.Len(t, w.events, 8, "started and seven steps")
}

func TestWhatHappensAfterTheExpiryDropsTheWinBack(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		happens func(*world)
		late    bool
		events  int
	}{
		"a conversion": {func(w *world) { w.env.SignalWorkflow(trial.MessageConvert, trial.Request{ID: "c1", By: "billing"}) }, true, 8},
		"a cancellation": {func(w *world) {
			w.env.SignalWorkflow(trial.MessageCancel, trial.Request{ID: "x", Reason: "asked for"})
		}, false, 8},
		"an erasure": {func(w *world) {
			w.env.SignalWorkflow(trial.SignalNoMail, trial.Request{Reason: string(trial.ReasonErased), By: "support"})
		}, false, 8},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := inParis(t)
			w.at(40*day, func() { c.happens(w) })
			var ended time.Time
			o := w.run()
			ended = w.env.Now()
			require.Equal(t, trial.Expired, o.Status)
			require.Equal(t, c.late, o.ConvertedLate)
			require.Equal(t, []string{"welcome", "half-way", "reminder-7d", "reminder-1d", "expiry", "grace-end"}, w.mailedSteps())
			require.Len(t, w.events, c.events)
			require.True(t, ended.Before(utc(4, 12, 0)), "the workflow has ended with it")
		})
	}
}

func TestOtherMessagesLeaveTheWinBack(t *testing.T) {
	t.Parallel()
	w := inParis(t)
	noMail := func(payload any) func() { return func() { w.env.SignalWorkflow(trial.SignalNoMail, payload) } }
	w.at(20*day, noMail(trial.Request{Reason: string(trial.ReasonErased)}))
	w.at(39*day, noMail(trial.Request{Reason: string(trial.ReasonUnsubscribed)}))
	w.at(39*day+time.Hour, noMail([]int{7}))
	w.at(39*day+2*time.Hour, func() {
		w.env.SignalWorkflow(trial.MessageExtend, trial.Request{ID: "e", Days: 7, Reason: "asked for"})
	})
	w.run()
	require.Len(t, w.mails, 7)
}

// Its new end moves what is before and after it. What was sent half-way is not sent again.
func TestARevivedTrialSendsItsWinBackAfterItsNewEnd(t *testing.T) {
	t.Parallel()
	w := inParis(t)
	w.at(36*day, func() {
		w.env.SignalWorkflow(trial.MessageRevive, trial.Request{ID: "r", Days: 10, Reason: "asked for"})
	})
	o := w.run()
	require.Equal(t, trial.Expired, o.Status)
	require.Equal(t, []string{
		"welcome", "half-way", "reminder-7d", "reminder-1d", "expiry", "grace-end", "reminder-7d", "reminder-1d", "expiry", "grace-end", "win-back",
	}, w.mailedSteps())
}

// The kill switch holds an e-mail after the expiry as any other.
func TestAHeldWinBackGoesOutWhenItIsWoken(t *testing.T) {
	t.Parallel()
	w := inParis(t)
	w.at(38*day, func() { w.flags.TrialAutomation.Enabled = false })
	w.at(41*day+18*time.Hour, func() {
		w.flags.TrialAutomation.Enabled = true
		w.env.SignalWorkflow(trial.SignalWake, trial.Request{})
	})
	o := w.run()
	require.Equal(t, trial.Expired, o.Status)
	require.Equal(t, mailed{"win-back", utc(4, 13, 9)}, w.mails[6])
}

// What cannot be rendered is not tried again and again, and its trial goes on.
func TestAMailingWithoutAWordingHoldsUpNothing(t *testing.T) {
	t.Parallel()
	w := inParis(t)
	w.unworded = []trial.Kind{"half-way"}
	o := w.run()
	require.Equal(t, []string{"welcome", "reminder-7d", "reminder-1d", "expiry", "grace-end", "win-back"}, w.mailedSteps())
	require.Equal(t, trial.Skipped, o.Steps[1].Outcome)
	require.Equal(t, trial.ReasonNotRendered, o.Steps[1].Reason)
	send := w.sends["vendor-1/half-way/0"]
	require.Equal(t, trial.SendRefused, send.Status)
	require.Equal(t, trial.NotRendered, send.Reason)
	require.Equal(t, trial.Kind("half-way"), send.Kind)
}

// A trial that is moved gets the new policy's e-mails at its times, and none of its old ones.
func TestAMovedTrialSendsTheMailsOfItsNewPolicy(t *testing.T) {
	t.Parallel()
	w := newWorldUnder(t, trial.Automated, trial.DefaultPolicy())
	w.vendor.Zone = "Europe/Paris"
	w.at(8*day, func() {
		w.env.SignalWorkflow(trial.MessagePolicy, trial.Request{ID: "m", Policy: new(month()), Reason: "asked by sales"})
	})
	o := w.run()
	require.Equal(t, "month", o.Policy)
	require.Equal(t, "standard-14d", o.RegisteredPolicy)
	require.Equal(t, []mailed{
		{"welcome", utc(3, 2, 15)},
		{"reminder-7d", utc(3, 9, 8)},
		{"half-way", utc(3, 17, 8)},
		{"reminder-7d", utc(3, 25, 8)},
		{"reminder-1d", utc(3, 31, 7)},
		{"expiry", utc(4, 1, 14)},
		{"grace-end", utc(4, 6, 14)},
		{"win-back", utc(4, 13, 7)},
	}, w.mails)
}

// A step that keeps its key gets another day by a move: that its timer fired for the old one makes it no sooner due.
func TestAMoveGivesAnotherDayToAMailingWhoseTimerHasFired(t *testing.T) {
	t.Parallel()
	fortnight := month()
	fortnight.Name, fortnight.LengthDays, fortnight.ReminderDays = "fortnight", 14, []int{3}
	fortnight.Mailings[0].Days = 7
	move := func(w *world) {
		w.env.SignalWorkflow(trial.MessagePolicy, trial.Request{ID: "m", Policy: new(month()), Reason: "asked by sales"})
	}
	for name, happens := range map[string]func(*world){
		"while it is held": func(w *world) {
			w.at(6*day, func() { w.flags.TrialAutomation.Enabled = false })
			w.at(7*day, func() { move(w) })
			w.at(7*day+11*time.Hour, func() {
				w.flags.TrialAutomation.Enabled = true
				w.env.SignalWorkflow(trial.SignalWake, trial.Request{})
			})
		},
		"while it is tried again": func(w *world) {
			w.at(6*day, func() { w.failing = 1 << 30 })
			w.at(6*day+17*time.Hour+time.Minute, func() {
				w.failing = 0
				move(w)
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorldUnder(t, trial.Automated, fortnight)
			w.vendor.Zone = "Europe/Paris"
			happens(w)
			w.run()
			require.Equal(t, mailed{"half-way", utc(3, 17, 8)}, w.mails[1])
			require.Contains(t, w.sends, "vendor-1/half-way/0", "it keeps its key")
		})
	}
}

// An update says what has become of it, and the search attribute follows.
func TestAMoveIsAnsweredOrRefused(t *testing.T) {
	t.Parallel()
	w := newWorldUnder(t, trial.Automated, trial.DefaultPolicy())
	require.NoError(t, w.env.SetTypedSearchAttributesOnStart(workflows.StartAttributes(trial.NewState(w.vendor.Registration(trial.DefaultPolicy(), trial.RealDay)))))
	policy := sdktemporal.NewSearchAttributeKeyKeyword(trial.AttributePolicy)
	var named []string
	w.env.OnUpsertTypedSearchAttributes(mock.Anything).Run(func(args mock.Arguments) {
		if set, ok := args.Get(0).(sdktemporal.SearchAttributes); ok {
			if name, ok := set.GetKeyword(policy); ok {
				named = append(named, name)
			}
		}
	}).Return(nil)
	var moved, same answer
	w.at(day, func() {
		w.env.UpdateWorkflow(trial.MessagePolicy, "u1", &moved, trial.Request{ID: "m", Policy: new(month()), Reason: "r"})
	})
	w.at(2*day, func() {
		w.env.UpdateWorkflow(trial.MessagePolicy, "u2", &same, trial.Request{ID: "n", Policy: new(month()), Reason: "r"})
	})
	w.run()
	require.NoError(t, moved.err)
	require.Equal(t, "month", moved.overview.Policy)
	require.ErrorContains(t, same.rejected, "has this policy already")
	require.Equal(t, []string{"month"}, named)
}
