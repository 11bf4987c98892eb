package bulk_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/bulk"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/trial"
)

// One e-mail is sent again as long as it is true, whichever was the last.
func TestDecideResendOfOneEmail(t *testing.T) {
	t.Parallel()
	after := func(days float64) time.Time { return startedAt.Add(time.Duration(days * float64(trial.RealDay))) }
	extended := asked(lived(after(12)), trial.MessageExtend, trial.Request{Days: 9, Reason: "r"}, after(12))
	control := registration()
	control.Cohort = trial.Control
	bounced := trial.NewState(registration())
	welcome, _ := bounced.Next()
	bounced = bounced.Apply(bounced.StepEvent(welcome, trial.Decision{Action: trial.Skip, Reason: trial.ReasonSuppressedAddress}, trial.StepFacts{Now: startedAt}, false))
	of := func(k trial.Kind) bulk.Email { return bulk.Email{Kind: k} }
	recorded := trial.Vendor{Automation: &trial.Automation{Conversion: &trial.Conversion{At: now}}}
	for _, c := range []struct {
		name   string
		state  trial.State
		email  bulk.Email
		vendor trial.Vendor
		noMail trial.Reason
		off    bool // the flag emailReminders
		reason bulk.Reason
		says   string
	}{
		{name: "the welcome, after reminders", state: lived(after(13.8)), email: of(trial.Welcome)},
		{name: "the last reminder", state: lived(after(13.8)), email: of(trial.Reminder(1))},
		{name: "a reminder before the last", state: lived(after(13.8)), email: of(trial.Reminder(3)), reason: "overtaken", says: "a later reminder has gone out"},
		{name: "the expiry, in grace", state: lived(after(15)), email: of(trial.Expiry)},
		{name: "the welcome, in grace", state: lived(after(15)), email: of(trial.Welcome), reason: bulk.ReasonOutOfDate, says: "another end or status"},
		{name: "a reminder of an end that has moved", state: extended, email: of(trial.Reminder(3)), reason: bulk.ReasonOutOfDate, says: "another end or status"},
		{name: "the welcome of an end that has moved", state: extended, email: of(trial.Welcome)},
		{name: "a reminder to come", state: lived(after(1)), email: of(trial.Reminder(1)), reason: bulk.ReasonNoMailDue, says: "neither sent nor kept back"},
		{name: "one of another revision", state: lived(after(1)), email: bulk.Email{Kind: trial.Welcome, Revision: 3}, reason: bulk.ReasonNoMailDue, says: "neither sent nor kept back"},
		{name: "a cancelled trial", state: asked(lived(after(1)), trial.MessageCancel, trial.Request{Reason: "r"}, after(1)), email: of(trial.Welcome), reason: bulk.ReasonOutOfDate, says: "another end or status"},
		{name: "a converted vendor", state: asked(lived(after(1)), trial.MessageConvert, trial.Request{}, after(1)), email: of(trial.Welcome), reason: bulk.ReasonAlreadyConverted, says: "has converted"},
		{name: "a conversion that the trial has not recorded", state: lived(after(1)), vendor: recorded, email: of(trial.Welcome), reason: bulk.ReasonAlreadyConverted, says: "has converted"},
		{name: "control", state: trial.NewState(control), email: of(trial.Welcome), reason: bulk.ReasonNotAutomated, says: "not automated"},
		{name: "a bounced address", state: lived(after(1)), email: of(trial.Welcome), noMail: trial.ReasonSuppressedAddress, reason: "suppressed-address", says: "bounced or complained"},
		{name: "unsubscribed", state: lived(after(1)), email: of(trial.Welcome), noMail: trial.ReasonUnsubscribed, reason: "unsubscribed", says: "has unsubscribed"},
		{name: "no address", state: lived(after(1)), email: of(trial.Welcome), noMail: trial.ReasonNoAddress, reason: "no-address", says: "no address"},
		{name: "kept back by an address that is good again", state: bounced, email: of(trial.Welcome)},
		{name: "a reminder while reminders are off", state: lived(after(13.8)), off: true, email: of(trial.Reminder(1)), reason: bulk.ReasonRemindersOff, says: "emailReminders is off"},
		{name: "a welcome while reminders are off", state: lived(after(13.8)), off: true, email: of(trial.Welcome)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := bulk.ResendOf(c.email, "lost")
			d := o.Decide(item(), bulk.ItemFacts{Now: now, Found: true, Trial: c.state, Vendor: c.vendor, NoMail: c.noMail, EmailReminders: !c.off})
			require.Equal(t, c.reason == "", d.Outcome == bulk.Succeeded)
			if c.reason == "" {
				require.Nil(t, d.ResendRefusal())
				require.Equal(t, bulk.Email{Kind: d.Step.Kind, Revision: d.Step.Revision}, c.email)
				return
			}
			require.Equal(t, c.reason, d.Reason)
			require.Equal(t, trial.CodeConflict, d.ResendRefusal().Code)
			require.Contains(t, d.ResendRefusal().Message, c.says)
			require.Nil(t, d.Step)
		})
	}
	d := bulk.ResendOf(of(trial.Welcome), "lost").Decide(item(), bulk.ItemFacts{Now: now})
	require.Contains(t, d.ResendRefusal().Message, "there is no trial")
}

// What is not in the words that are known is refused by its reason's name.
func TestARefusalToResendAlwaysSaysWhy(t *testing.T) {
	t.Parallel()
	require.Contains(t, bulk.Decision{Outcome: bulk.Skipped, Reason: "odd"}.ResendRefusal().Message, "odd")
}

func TestResendOfOneEmailIsOneTrials(t *testing.T) {
	t.Parallel()
	o := bulk.ResendOf(bulk.Email{Kind: trial.Reminder(3), Revision: 2}, "lost")
	o.ID, o.AskedAt, o.Listed = "bulk-1", now, 1
	require.NoError(t, o.Validate())
	require.Equal(t, "resend reminder-3d", o.Title())
	require.Equal(t, "v-1/reminder-3d/2", o.Email.Key("v-1"))
	require.Equal(t, "bulk-1", bulk.ResentBy(trial.Send{Kind: o.ResendKind()}))
	require.Empty(t, bulk.ResentBy(trial.Send{Kind: trial.Welcome}))
	require.Equal(t, o.Email, o.Part(item()).Email)
	several := o
	several.Listed = 2
	require.Error(t, several.Validate())
	other := operation(bulk.Cancel)
	other.Email = o.Email
	require.Error(t, other.Validate())

	all := flags.Initial()
	all.TrialAutomation.Enabled, all.AdminTools = true, flags.AdminTools{Enabled: true}
	require.Empty(t, o.Against(all), "one e-mail is no bulk")
	require.Equal(t, "adminTools.bulkOperations", operation(bulk.Resend).Against(all))
	all.TrialAutomation.Enabled = false
	require.Equal(t, "trialAutomation.enabled", o.Against(all))
}
