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
		{name: "the welcome, in grace", state: lived(after(15)), email: of(trial.Welcome), reason: bulk.ReasonOutOfDate, says: "not be true any more"},
		{name: "a reminder of an end that has moved", state: extended, email: of(trial.Reminder(3)), reason: bulk.ReasonOutOfDate, says: "not be true any more"},
		{name: "the welcome of an end that has moved", state: extended, email: of(trial.Welcome)},
		{name: "a reminder to come", state: lived(after(1)), email: of(trial.Reminder(1)), reason: bulk.ReasonNoMailDue, says: "neither sent nor kept back"},
		{name: "one of another revision", state: lived(after(1)), email: bulk.Email{Kind: trial.Welcome, Revision: 3}, reason: bulk.ReasonNoMailDue, says: "neither sent nor kept back"},
		{name: "a cancelled trial", state: asked(lived(after(1)), trial.MessageCancel, trial.Request{Reason: "r"}, after(1)), email: of(trial.Welcome), reason: bulk.ReasonOutOfDate, says: "not be true any more"},
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

// While the automation is off an end is held, and the trial's status stays as it was: the clock says that an e-mail is out of date.
func TestAnEmailIsNotSentAgainPastAnEndThatIsHeld(t *testing.T) {
	t.Parallel()
	after := func(days float64) time.Time { return startedAt.Add(time.Duration(days * float64(trial.RealDay))) }
	own := trial.DefaultPolicy()
	own.Mailings = []trial.Mailing{{ID: "half-way", After: trial.AfterStart, Days: 5, Template: "t"}, {ID: "last-hours", After: trial.BeforeEnd, Hours: 6, Template: "t"}}
	active, grace := livedUnder(own, after(13.9)), livedUnder(own, after(15))
	require.Equal(t, []trial.Status{trial.Active, trial.Grace}, []trial.Status{active.Status, grace.Status})
	for _, c := range []struct {
		kind  trial.Kind
		state trial.State
		end   time.Time
	}{
		{trial.Welcome, active, active.EndsAt}, {trial.Reminder(1), active, active.EndsAt}, {"half-way", active, active.EndsAt},
		{"last-hours", active, active.EndsAt}, {trial.Expiry, grace, grace.GraceEndsAt},
	} {
		of := func(at time.Time, kind trial.Kind) bulk.Decision {
			return bulk.ResendOf(bulk.Email{Kind: kind}, "lost").Decide(item(), bulk.ItemFacts{Now: at, Found: true, Trial: c.state, EmailReminders: true})
		}
		require.Nil(t, of(c.end.Add(-time.Millisecond), c.kind).ResendRefusal(), c.kind)
		require.Equal(t, bulk.ReasonOutOfDate, of(c.end, c.kind).Reason, c.kind)
	}
}

// The last e-mail of a bulk resend is judged as the same e-mail is by its name, at any time of a trial whose ends are held or not.
func TestTheLastEmailIsJudgedAsTheOneThatIsNamed(t *testing.T) {
	t.Parallel()
	for lived, s := range trialsInTime() {
		last, sent := lastSent(s)
		for at := startedAt; at.Before(startedAt.Add(25 * trial.RealDay)); at = at.Add(3 * time.Hour) {
			facts := bulk.ItemFacts{Now: at, Found: true, Trial: s, EmailReminders: true}
			byName := bulk.ResendOf(last, "lost").Decide(item(), facts)
			byTurn := operation(bulk.Resend).Decide(item(), facts)
			require.Equal(t, byName.Outcome, byTurn.Outcome, "lived until %s, at %s", lived, at)
			require.Equal(t, byName.Step, byTurn.Step)
			if sent && byTurn.Outcome != bulk.Succeeded {
				require.Equal(t, []bulk.Reason{bulk.ReasonOutOfDate, bulk.ReasonNoMailDue}, []bulk.Reason{byName.Reason, byTurn.Reason})
			}
		}
	}
}

// trialsInTime are trials that have lived until many times, so that each of them is one whose next step is held from then on.
func trialsInTime() map[time.Time]trial.State {
	all := map[time.Time]trial.State{}
	for until := startedAt; until.Before(startedAt.Add(20 * trial.RealDay)); until = until.Add(7 * time.Hour) {
		all[until] = lived(until)
	}
	return all
}

// lastSent is the last e-mail of a trial all of whose e-mails were sent.
func lastSent(s trial.State) (bulk.Email, bool) {
	if len(s.Steps) == 0 {
		return bulk.Email{}, false
	}
	last := s.Steps[len(s.Steps)-1].Step
	return bulk.Email{Kind: last.Kind, Revision: last.Revision}, true
}

// An e-mail that an extension drops is not sent again after one.
func TestAMailingThatAConditionDropsIsNotSentAgain(t *testing.T) {
	t.Parallel()
	own := trial.DefaultPolicy()
	own.Mailings = []trial.Mailing{
		{ID: "half-way", After: trial.AfterStart, Days: 5, Template: "t", Unless: []trial.Condition{trial.UnlessExtended}},
		{ID: "any-way", After: trial.AfterStart, Days: 4, Template: "t"},
	}
	at := startedAt.Add(6 * trial.RealDay)
	before := livedUnder(own, at)
	extended := asked(before, trial.MessageExtend, trial.Request{Days: 9, Reason: "r"}, at)
	decide := func(o bulk.Operation, s trial.State) bulk.Decision {
		return o.Decide(item(), bulk.ItemFacts{Now: at, Found: true, Trial: s, EmailReminders: true})
	}
	named := func(k trial.Kind) bulk.Operation { return bulk.ResendOf(bulk.Email{Kind: k}, "lost") }
	require.Nil(t, decide(named("half-way"), before).ResendRefusal())
	require.Equal(t, bulk.ReasonOutOfDate, decide(named("half-way"), extended).Reason)
	require.Nil(t, decide(named("any-way"), extended).ResendRefusal())
	require.Equal(t, trial.Kind("half-way"), decide(operation(bulk.Resend), before).Step.Kind)
	require.Equal(t, bulk.ReasonNoMailDue, decide(operation(bulk.Resend), extended).Reason)
}

// Of two operations that would send the same e-mail again, one of them this e-mail alone, the later to come to it leaves it.
func TestAnEmailThatAnotherOperationHasSentAgainIsLeft(t *testing.T) {
	t.Parallel()
	at := startedAt.Add(13*trial.RealDay + 20*time.Hour)
	s := lived(at)
	reminders := at.Add(-time.Hour)
	one := func(k trial.Kind) bulk.Operation { return bulk.ResendOf(bulk.Email{Kind: k}, "lost") }
	of := func(k trial.Kind, sent time.Time) bulk.Repetition {
		return bulk.Repetition{Email: &bulk.Email{Kind: k}, At: sent}
	}
	for name, c := range map[string]struct {
		operation  bulk.Operation
		repetition bulk.Repetition
		left       bool
	}{
		"of many, after that one":               {operation(bulk.Resend), of(trial.Reminder(1), at), true},
		"of many, after another one":            {operation(bulk.Resend), of(trial.Welcome, at), false},
		"of many, after many":                   {operation(bulk.Resend), bulk.Repetition{At: at}, false},
		"of one, after many":                    {one(trial.Reminder(1)), bulk.Repetition{At: reminders}, true},
		"of one, after many had another last":   {one(trial.Welcome), bulk.Repetition{At: reminders}, false},
		"of one, after many at a time before":   {one(trial.Welcome), bulk.Repetition{At: startedAt.Add(time.Hour)}, true},
		"of one, after many before all e-mails": {one(trial.Welcome), bulk.Repetition{At: startedAt.Add(-time.Hour)}, false},
		"of one, after the same":                {one(trial.Welcome), of(trial.Welcome, at), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := c.operation.Decide(item(), bulk.ItemFacts{Now: at, Found: true, Trial: s, EmailReminders: true, Repetitions: []bulk.Repetition{c.repetition}})
			if !c.left {
				require.Nil(t, d.ResendRefusal())
				return
			}
			require.Equal(t, bulk.ReasonSentAgain, d.Reason)
			require.Contains(t, d.ResendRefusal().Message, "another operation has sent it again")
		})
	}
}

func TestWhatOverlapsAResend(t *testing.T) {
	t.Parallel()
	o := operation(bulk.Resend)
	for name, c := range map[string]struct {
		change   func(*trial.Send)
		overlaps bool
	}{
		"sent since":          {func(*trial.Send) {}, true},
		"perhaps sent":        {func(s *trial.Send) { s.Status = trial.SendUnknown }, true},
		"being sent":          {func(s *trial.Send) { s.Status = trial.SendClaimed }, true},
		"not accepted":        {func(s *trial.Send) { s.Status = trial.SendReleased }, false},
		"refused":             {func(s *trial.Send) { s.Status = trial.SendRefused }, false},
		"sent before":         {func(s *trial.Send) { s.ClaimedAt = o.AskedAt }, false},
		"its own":             {func(s *trial.Send) { s.Kind = o.ResendKind() }, false},
		"a step's own e-mail": {func(s *trial.Send) { s.Kind = trial.Welcome }, false},
	} {
		s := trial.Send{Kind: bulk.Operation{ID: "bulk-2"}.ResendKind(), Status: trial.SendSent, ClaimedAt: o.AskedAt.Add(time.Millisecond)}
		c.change(&s)
		require.Equal(t, c.overlaps, o.Overlaps(s), name)
	}
}

// Nobody says of an e-mail that may have left that it was not sent.
func TestAnEmailThatMayHaveLeftIsNotCalledUnsent(t *testing.T) {
	t.Parallel()
	at := startedAt.Add(trial.RealDay)
	pending := lived(at)
	over := asked(pending, trial.MessageExtend, trial.Request{Days: 9, Reason: "r"}, at)
	for _, c := range []struct {
		status trial.SendStatus
		state  trial.State
		reason bulk.Reason
		says   string
	}{
		{"", pending, bulk.ReasonNoMailDue, "neither sent nor kept back"},
		{trial.SendReleased, pending, bulk.ReasonNoMailDue, "neither sent nor kept back"},
		{trial.SendRefused, over, bulk.ReasonNoMailDue, "neither sent nor kept back"},
		{trial.SendClaimed, pending, bulk.ReasonNotYetKnown, "it is not known yet whether it was sent; its trial settles that by itself"},
		{trial.SendUnknown, pending, bulk.ReasonNotYetKnown, "it is not known yet whether it was sent; its trial settles that by itself"},
		{trial.SendSent, pending, bulk.ReasonNotYetRecorded, "it was sent, and its trial has still to record that"},
		{trial.SendUnknown, over, bulk.ReasonMailUnknown, "it is not known whether it was sent, and its trial has gone on without it"},
		{trial.SendSent, over, bulk.ReasonOutOfDate, "not be true any more"},
	} {
		facts := bulk.ItemFacts{Now: at, Found: true, Trial: c.state, EmailReminders: true}
		if c.status != "" {
			facts.Send = &trial.Send{Kind: trial.Reminder(1), Status: c.status}
		}
		d := bulk.ResendOf(bulk.Email{Kind: trial.Reminder(1)}, "lost").Decide(item(), facts)
		require.Equal(t, bulk.Skipped, d.Outcome)
		require.Equal(t, c.reason, d.Reason, c.status)
		require.Contains(t, d.ResendRefusal().Message, c.says)
	}
}

// A canary tries the way of an e-mail by itself: nothing is sent to it again, by its name or among many.
func TestNothingIsSentToACanaryAgain(t *testing.T) {
	t.Parallel()
	id := trial.CanaryID("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
	s := lived(startedAt.Add(trial.RealDay))
	s.VendorID = id
	for _, o := range []bulk.Operation{operation(bulk.Resend), bulk.ResendOf(bulk.Email{Kind: trial.Welcome}, "lost")} {
		d := o.Decide(bulk.Item{Number: 1, VendorID: id}, bulk.ItemFacts{Now: now, Found: true, Trial: s, EmailReminders: true})
		require.Equal(t, []any{bulk.Refused, bulk.ReasonCanary}, []any{d.Outcome, d.Reason})
		require.Contains(t, d.ResendRefusal().Message, "this is a canary's")
	}
	var wrong *trial.Error
	require.ErrorAs(t, operation(bulk.Resend).CheckList([]bulk.Listing{{VendorID: "v-1"}, {VendorID: id}}), &wrong)
	require.Equal(t, "ids.1", wrong.Field)
	require.Contains(t, wrong.Message, "is a canary's")
	require.NoError(t, operation(bulk.Resend).CheckList([]bulk.Listing{{VendorID: "v-1"}, {VendorID: "canary-1"}}))
}

// A worker of an earlier version knows nothing of an operation's e-mail, so it must not take one for a resend of the last: it refuses
// an action that it does not know, and what it passes on without the e-mail is refused too.
func TestAWorkerOfAnEarlierVersionSendsNoOtherEmailAgain(t *testing.T) {
	t.Parallel()
	facts := bulk.ItemFacts{Now: now, Found: true, Trial: lived(now), EmailReminders: true}
	o := bulk.ResendOf(bulk.Email{Kind: trial.Welcome}, "lost")
	require.NotEqual(t, bulk.Resend, o.Action)
	require.True(t, o.Action.Resends())
	require.NotContains(t, bulk.Actions(), o.Action, "it is not requested by its name")

	unknown := o
	unknown.Action, unknown.Email = "resend-in-time-to-come", nil
	d := unknown.Decide(item(), facts)
	require.Equal(t, bulk.Refused, d.Outcome)
	require.Nil(t, d.Step)
	require.Contains(t, d.ResendRefusal().Message, "a worker of an earlier version")

	passedOn := o
	passedOn.Email = nil
	d = passedOn.Decide(item(), facts)
	require.Equal(t, []any{bulk.Refused, bulk.ReasonOlderWorker}, []any{d.Outcome, d.Reason})
	require.Contains(t, d.ResendRefusal().Message, "a worker of an earlier version")
	require.Error(t, passedOn.Validate())

	all := flags.Initial()
	all.TrialAutomation.Enabled, all.AdminTools = true, flags.AdminTools{Enabled: true}
	before := operation(bulk.Resend) // as the earlier version has stored it
	before.Email = o.Email
	require.Empty(t, before.Against(all))
	require.Equal(t, trial.Welcome, before.Decide(item(), facts).Step.Kind)
}
