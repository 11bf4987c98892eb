package bulk_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"marketplace.example/trials/internal/domain/bulk"
	"marketplace.example/trials/internal/domain/trial"
)

// startedAt is when the trials of these tests begin, now when they are looked at.
var (
	startedAt = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	now       = startedAt.Add(5 * trial.RealDay)
)

func registration() trial.Registration {
	return trial.Registration{VendorID: "v-1", Cohort: trial.Automated, Policy: trial.DefaultPolicy(), Day: trial.RealDay, Zone: "Europe/Paris", At: startedAt}
}

// lived is a trial that has run until at, with every step's e-mail sent.
func lived(until time.Time) trial.State { return livedUnder(trial.DefaultPolicy(), until) }

func livedUnder(p trial.Policy, until time.Time) trial.State {
	r := registration()
	r.Policy = p
	s := trial.NewState(r)
	for {
		next, ok := s.Next()
		if !ok || next.At.After(until) {
			return s
		}
		s = s.Apply(s.StepEvent(next, trial.Decision{Action: trial.Run, Reason: trial.ReasonDue, Mail: true}, trial.StepFacts{Now: next.At}, true))
	}
}

// asked is a trial after a request.
func asked(s trial.State, message string, r trial.Request, at time.Time) trial.State {
	e, err := s.Request(message, r, at)
	if err != nil {
		panic(err)
	}
	return s.Apply(*e)
}

func operation(a bulk.Action) bulk.Operation {
	o := bulk.Operation{ID: "bulk-1", Action: a, Reason: "asked by support", By: "admin", AskedAt: now, PerMinute: 600, Listed: 1}
	switch a {
	case bulk.Extend, bulk.Shorten, bulk.Revive:
		o.Days = 3
	case bulk.Move:
		o.Policy = &longer
	case bulk.Convert:
		o.At = &now
	case bulk.Cancel, bulk.Resend, bulk.ResendOne, bulk.Undo:
	}
	return o
}

// longer is another policy than the trials of these tests have.
var longer = trial.Policy{Name: "longer", LengthDays: 20, ReminderDays: []int{2}, GraceDays: 1, SendHour: 9}

func item() bulk.Item { return bulk.Item{Number: 1, VendorID: "v-1"} }

func TestDecideMessages(t *testing.T) {
	t.Parallel()
	active, expired := lived(now), lived(startedAt.Add(20*trial.RealDay))
	cancelled := asked(active, trial.MessageCancel, trial.Request{Reason: "r"}, now)
	converted := asked(active, trial.MessageConvert, trial.Request{At: now}, now)
	late := startedAt.Add(20 * trial.RealDay)
	for _, c := range []struct {
		name   string
		action bulk.Action
		state  trial.State
		at     time.Time
		want   bulk.ItemOutcome
		reason bulk.Reason
		days   float64 // by which the end moves
	}{
		{"extend an active one", bulk.Extend, active, now, bulk.Succeeded, bulk.ReasonCarriedOut, 3},
		{"shorten an active one", bulk.Shorten, active, now, bulk.Succeeded, bulk.ReasonCarriedOut, -3},
		{"shorten into the past", bulk.Shorten, active, startedAt.Add(12 * trial.RealDay), bulk.Refused, bulk.ReasonEnd, 0},
		{"cancel an active one", bulk.Cancel, active, now, bulk.Succeeded, bulk.ReasonCarriedOut, 0},
		{"cancel a cancelled one", bulk.Cancel, cancelled, now, bulk.Refused, "status-cancelled", 0},
		{"revive an active one", bulk.Revive, active, now, bulk.Refused, "status-active", 0},
		{"revive an expired one", bulk.Revive, expired, late, bulk.Succeeded, bulk.ReasonCarriedOut, 9},
		{"extend an expired one", bulk.Extend, expired, late, bulk.Refused, "status-expired", 0},
		{"move an active one", bulk.Move, active, now, bulk.Succeeded, bulk.ReasonCarriedOut, 6},
		{"move an expired one", bulk.Move, expired, late, bulk.Refused, "status-expired", 0},
		{"move one in grace whose new end has passed", bulk.Move, lived(startedAt.Add(15 * trial.RealDay)), late.Add(time.Hour), bulk.Refused, bulk.ReasonEnd, 0},
		{"extend a converted one", bulk.Extend, converted, now, bulk.Refused, bulk.ReasonAlreadyConverted, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := operation(c.action).Decide(item(), bulk.ItemFacts{Now: c.at, Found: true, Trial: c.state})
			require.Equal(t, c.want, d.Outcome, d.Detail)
			require.Equal(t, c.reason, d.Reason)
			if c.want != bulk.Succeeded {
				require.NotEmpty(t, d.Detail)
				return
			}
			require.Equal(t, "bulk-1/v-1", d.Request.ID)
			require.Equal(t, string(c.action), d.Message)
			require.Equal(t, "bulk operation bulk-1", d.Request.Reason, "the operation's own may speak of another vendor")
			require.Equal(t, c.state.EndsAt, d.Change.Was)
			require.InDelta(t, c.days*24, d.Change.Is.Sub(d.Change.Was).Hours(), 1)
		})
	}
}

func TestDecideAMoveToTheSamePolicy(t *testing.T) {
	t.Parallel()
	o := operation(bulk.Move)
	o.Policy = new(trial.DefaultPolicy())
	d := o.Decide(item(), bulk.ItemFacts{Now: now, Found: true, Trial: lived(now)})
	require.Equal(t, bulk.Skipped, d.Outcome)
	require.Equal(t, bulk.ReasonSamePolicy, d.Reason)
}

func TestDecideUnknownAndOwnDays(t *testing.T) {
	t.Parallel()
	o := operation(bulk.Extend)
	require.Equal(t, bulk.ReasonNoTrial, o.Decide(item(), bulk.ItemFacts{Now: now}).Reason)
	own := item()
	own.Days = 9
	require.Equal(t, 9, o.Decide(own, bulk.ItemFacts{Now: now, Found: true, Trial: lived(now)}).Request.Days)
}

// What a crash left behind is found: the trial knows the request.
func TestDecideWhatWasCarriedOutBefore(t *testing.T) {
	t.Parallel()
	o := operation(bulk.Extend)
	d := o.Decide(item(), bulk.ItemFacts{Now: now, Found: true, Trial: lived(now)})
	again := o.Decide(item(), bulk.ItemFacts{Now: now.Add(time.Hour), Found: true, Trial: asked(lived(now), d.Message, d.Request, now)})
	require.Equal(t, bulk.Succeeded, again.Outcome)
	require.True(t, again.Repeated)
}

// Days may lie between choosing the trials and changing them. What has left the filter
// since is left alone, unless that is the operation's own doing.
func TestDecideWhatLeftTheFilter(t *testing.T) {
	t.Parallel()
	s := lived(now)
	soon := s.EndsAt.Add(time.Hour)
	for _, action := range []bulk.Action{bulk.Extend, bulk.Shorten, bulk.Cancel, bulk.Convert, bulk.Resend} {
		o := operation(action)
		o.Filter = &bulk.Filter{Status: trial.Active, EndsBefore: &soon}
		facts := bulk.ItemFacts{Now: now, Found: true, Trial: s, EmailReminders: true}
		facts.Vendor = trial.Vendor{ID: "v-1", StartedAt: startedAt, Automation: &trial.Automation{Cohort: trial.Automated}}
		d := o.Decide(item(), facts)
		require.Equal(t, bulk.Succeeded, d.Outcome, action)

		facts.Trial = asked(s, trial.MessageExtend, trial.Request{ID: "support", Days: 2, Reason: "r"}, now)
		left := o.Decide(item(), facts)
		require.Equal(t, bulk.Skipped, left.Outcome, action)
		require.Equal(t, bulk.ReasonNoLongerChosen, left.Reason, action)
		if action == bulk.Resend {
			continue
		}
		facts.Trial = asked(s, d.Message, d.Request, now)
		if action == bulk.Convert {
			facts.Vendor.Automation.Conversion = &trial.Conversion{RequestID: o.RequestID("v-1")}
		} else {
			facts.Trial = asked(facts.Trial, trial.MessageConvert, trial.Request{ID: "billing"}, now)
		}
		require.Equal(t, bulk.Succeeded, o.Decide(item(), facts).Outcome, "%s: a crash came after it", action)
	}
}

// The list may come from a source that knows whole seconds only.
func TestDecideConvertInWholeSeconds(t *testing.T) {
	t.Parallel()
	registered := startedAt.Truncate(time.Second).Add(542 * time.Millisecond)
	vendor := trial.Vendor{ID: "v-1", StartedAt: registered, Automation: &trial.Automation{Cohort: trial.Automated}}
	for at, outcome := range map[time.Time]bulk.ItemOutcome{
		registered.Truncate(time.Second): bulk.Succeeded, registered.Truncate(time.Second).Add(-time.Second): bulk.Refused,
	} {
		o := operation(bulk.Convert)
		o.At = &at
		d := o.Decide(item(), bulk.ItemFacts{Now: now, Found: true, Trial: lived(now), Vendor: vendor})
		require.Equal(t, outcome, d.Outcome, at)
		if outcome == bulk.Succeeded {
			require.Equal(t, registered, d.Request.At)
		}
	}
}

func TestDecideConvert(t *testing.T) {
	t.Parallel()
	o, active := operation(bulk.Convert), lived(now)
	vendor := func(c *trial.Conversion) trial.Vendor {
		return trial.Vendor{ID: "v-1", StartedAt: startedAt, Automation: &trial.Automation{Cohort: trial.Automated, Conversion: c}}
	}
	decide := func(o bulk.Operation, v trial.Vendor, s trial.State) bulk.Decision {
		return o.Decide(item(), bulk.ItemFacts{Now: now, Found: true, Trial: s, Vendor: v})
	}
	d := decide(o, vendor(nil), active)
	require.Equal(t, bulk.Succeeded, d.Outcome)
	require.Equal(t, trial.Request{ID: "bulk-1/v-1", At: now, Reason: "bulk operation bulk-1", By: o.By}, d.Request)
	require.Equal(t, bulk.Succeeded, decide(o, vendor(&trial.Conversion{RequestID: "bulk-1/v-1"}), active).Outcome, "its own, from before a crash")
	require.Equal(t, bulk.ReasonAlreadyConverted, decide(o, vendor(&trial.Conversion{RequestID: "billing"}), active).Reason)
	signalled := asked(active, trial.MessageConvert, trial.Request{At: now}, now)
	require.Equal(t, bulk.ReasonAlreadyConverted, decide(o, vendor(nil), signalled).Reason)
	require.Equal(t, bulk.ReasonNoTrial, decide(o, trial.Vendor{ID: "v-1"}, active).Reason)
	before := startedAt.Add(-time.Hour)
	o.At = &before
	require.Equal(t, bulk.ReasonNotYetRegistered, decide(o, vendor(nil), active).Reason)
}

func TestDecideResend(t *testing.T) {
	t.Parallel()
	after := func(days float64) time.Time { return startedAt.Add(time.Duration(days * float64(trial.RealDay))) }
	extended := asked(lived(after(12)), trial.MessageExtend, trial.Request{Days: 9, Reason: "r"}, after(12))
	control := registration()
	control.Cohort = trial.Control
	own := trial.DefaultPolicy()
	own.Mailings = []trial.Mailing{
		{ID: "half-way", After: trial.AfterStart, Days: 5, Template: "t"}, {ID: "last-hours", After: trial.BeforeEnd, Hours: 6, Template: "t"},
		{ID: "win-back", After: trial.AfterExpiry, Days: 7, Template: "t"},
	}
	halfWay := livedUnder(own, after(6))
	unreachable := trial.NewState(registration())
	welcome, _ := unreachable.Next()
	unreachable = unreachable.Apply(unreachable.StepEvent(welcome, trial.Decision{Action: trial.Skip, Reason: trial.ReasonSuppressedAddress}, trial.StepFacts{Now: startedAt}, false))
	noReminders := lived(after(1))
	reminder, _ := noReminders.Next()
	noReminders = noReminders.Apply(noReminders.StepEvent(reminder, trial.Decision{Action: trial.Skip, Reason: trial.ReasonRemindersOff}, trial.StepFacts{Now: reminder.At}, false))
	for _, c := range []struct {
		name   string
		state  trial.State
		noMail trial.Reason
		off    bool // the flag emailReminders
		step   trial.Kind
		reason bulk.Reason
	}{
		{name: "the welcome", state: lived(after(1)), step: trial.Welcome},
		{name: "the last of the reminders", state: lived(after(13.8)), step: trial.Reminder(1)},
		{name: "expiry", state: lived(after(15)), step: trial.Expiry},
		{name: "the end of grace", state: lived(after(18)), step: trial.GraceEnd},
		{name: "a mailing after the start", state: halfWay, step: "half-way"},
		{name: "a mailing after the start, of another end", state: asked(halfWay, trial.MessageExtend, trial.Request{Days: 9, Reason: "r"}, after(6)), step: "half-way"},
		{name: "a mailing before the end", state: livedUnder(own, after(13.9)), step: "last-hours"},
		{name: "a mailing after the expiry", state: livedUnder(own, after(25)), step: "win-back"},
		{name: "a mailing while reminders are off", state: halfWay, off: true, reason: bulk.ReasonRemindersOff},
		{name: "nothing was sent yet", state: trial.NewState(registration()), reason: bulk.ReasonNoMailDue},
		{name: "a reminder of an end that has moved", state: extended, reason: bulk.ReasonNoMailDue},
		{name: "a cancelled trial", state: asked(lived(after(1)), trial.MessageCancel, trial.Request{Reason: "r"}, after(1)), reason: bulk.ReasonNoMailDue},
		{name: "a trial cancelled in its grace", state: asked(lived(after(15)), trial.MessageCancel, trial.Request{Reason: "r"}, after(15)), reason: bulk.ReasonNoMailDue},
		{name: "a converted vendor", state: asked(lived(after(1)), trial.MessageConvert, trial.Request{}, after(1)), reason: bulk.ReasonNoMailDue},
		{name: "control", state: trial.NewState(control), reason: bulk.ReasonNotAutomated},
		{name: "a suppressed address", state: lived(after(1)), noMail: trial.ReasonSuppressedAddress, reason: "suppressed-address"},
		{name: "unsubscribed", state: lived(after(1)), noMail: trial.ReasonUnsubscribed, reason: "unsubscribed"},
		{name: "kept back by an address that has changed", state: unreachable, step: trial.Welcome},
		{name: "reminders are off", state: lived(after(13.8)), off: true, reason: bulk.ReasonRemindersOff},
		{name: "a welcome while reminders are off", state: lived(after(1)), off: true, step: trial.Welcome},
		{name: "the last e-mail before a reminder that was not sent", state: noReminders, step: trial.Welcome},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := operation(bulk.Resend).Decide(item(), bulk.ItemFacts{Now: now, Found: true, Trial: c.state, NoMail: c.noMail, EmailReminders: !c.off})
			if c.step == "" {
				require.Equal(t, bulk.Skipped, d.Outcome)
				require.Equal(t, c.reason, d.Reason)
				require.Nil(t, d.Step)
				return
			}
			require.Equal(t, bulk.Succeeded, d.Outcome)
			require.Equal(t, c.step, d.Step.Kind)
		})
	}
}

// A recorded conversion counts even before the trial has received it.
func TestDecideResendHeedsBillingsWord(t *testing.T) {
	t.Parallel()
	for days := range 19 {
		at := startedAt.Add(time.Duration(days)*trial.RealDay + time.Hour)
		converted := trial.Vendor{ID: "v-1", Automation: &trial.Automation{Cohort: trial.Automated, Conversion: &trial.Conversion{At: at, RequestID: "billing"}}}
		d := operation(bulk.Resend).Decide(item(), bulk.ItemFacts{Now: at, Found: true, Trial: lived(at), Vendor: converted, EmailReminders: true})
		require.Equal(t, bulk.Skipped, d.Outcome, "after %d days", days)
		require.Equal(t, bulk.ReasonAlreadyConverted, d.Reason, "after %d days", days)
	}
}

// undone is an undo's decision on a trial to which an operation was done before.
func undone(o bulk.Operation, before, after trial.State, at time.Time) bulk.Decision {
	undo := bulk.Operation{ID: "bulk-2", Action: bulk.Undo, Reason: "wrong list", By: "admin", Undoes: o.ID, UndoesAction: o.Action}
	done := item()
	change, _ := bulk.ChangeBy(events(before, o), "bulk-1/v-1")
	done.Result = &bulk.Result{Outcome: bulk.Succeeded, Change: &change}
	return undo.Decide(bulk.Undoing(done, at), bulk.ItemFacts{Now: at, Found: true, Trial: after})
}

// events are enough of a trial's to find the operation's request among them.
func events(before trial.State, o bulk.Operation) []trial.Event {
	started := trial.Start(registration(), startedAt)
	e, err := before.Request(string(o.Action), trial.Request{ID: o.RequestID("v-1"), Days: o.Days, Policy: o.Policy, Reason: "r"}, now)
	if err != nil {
		panic(err)
	}
	return []trial.Event{started, *e}
}

func TestUndoBringsTheOldEndBack(t *testing.T) {
	t.Parallel()
	for _, action := range []bulk.Action{bulk.Extend, bulk.Shorten, bulk.Move, bulk.Cancel} {
		o, before := operation(action), lived(now)
		d := o.Decide(item(), bulk.ItemFacts{Now: now, Found: true, Trial: before})
		after := asked(before, d.Message, d.Request, now)
		undo := undone(o, before, after, now.Add(time.Hour))
		require.Equal(t, bulk.Succeeded, undo.Outcome, "%s: %s", action, undo.Detail)
		back := asked(after, undo.Message, undo.Request, now.Add(time.Hour))
		require.Equal(t, before.EndsAt, back.EndsAt, action)
		require.Equal(t, before.Policy, back.Policy, action)
		require.Equal(t, trial.Active, back.Status)
		again := undone(o, before, back, now.Add(2*time.Hour))
		require.Equal(t, bulk.Succeeded, again.Outcome, "%s: a crash came after it", action)
		require.True(t, again.Repeated)
		kinds := func(s trial.State) (pending []trial.Kind) {
			for _, step := range s.Pending() {
				pending = append(pending, step.Kind)
			}
			return pending
		}
		require.Equal(t, kinds(before), kinds(back), "reminders are planned again")

		changed := undone(o, before, elsewise(after), now.Add(time.Hour))
		require.Equal(t, bulk.Refused, changed.Outcome)
		require.Equal(t, bulk.ReasonChangedSince, changed.Reason)
	}
}

// What changes the trial between the look at it and the request is left alone too.
func TestUndoLeavesAloneWhatChangesMeanwhile(t *testing.T) {
	t.Parallel()
	for _, action := range []bulk.Action{bulk.Extend, bulk.Shorten, bulk.Move, bulk.Cancel} {
		o, before := operation(action), lived(now)
		d := o.Decide(item(), bulk.ItemFacts{Now: now, Found: true, Trial: before})
		after := asked(before, d.Message, d.Request, now)
		undo := undone(o, before, after, now.Add(time.Hour))
		meanwhile := elsewise(after)
		if action == bulk.Cancel {
			meanwhile = asked(meanwhile, trial.MessageCancel, trial.Request{Reason: "r"}, now)
		}
		_, err := meanwhile.Request(undo.Message, undo.Request, now.Add(time.Hour))
		var refused *trial.Error
		require.ErrorAs(t, err, &refused, action)
		require.Equal(t, bulk.ReasonChangedSince, bulk.RefusedBy(refused, now).Reason)
	}
}

// elsewise is a trial that somebody changed once more.
func elsewise(s trial.State) trial.State {
	if s.Status == trial.Cancelled {
		return asked(s, trial.MessageRevive, trial.Request{Days: 30, Reason: "r"}, now)
	}
	return asked(s, trial.MessageExtend, trial.Request{Days: 1, Reason: "r"}, now)
}

func TestUndoRefusesAnEndThatHasPassed(t *testing.T) {
	t.Parallel()
	o, before := operation(bulk.Cancel), lived(now)
	after := asked(before, trial.MessageCancel, trial.Request{ID: "bulk-1/v-1", Reason: "r"}, now)
	d := undone(o, before, after, before.EndsAt.Add(time.Hour))
	require.Equal(t, bulk.Refused, d.Outcome)
	require.Equal(t, bulk.ReasonEnd, d.Reason)
}

func TestUndoingLeavesAloneWhatWasNotDone(t *testing.T) {
	t.Parallel()
	for _, r := range []*bulk.Result{nil, {Outcome: bulk.Refused}, {Outcome: bulk.Failed}, {Outcome: bulk.Succeeded}} {
		undo := bulk.Undoing(bulk.Item{Number: 7, VendorID: "v-1", Result: r}, now)
		require.Equal(t, 7, undo.Number)
		require.Equal(t, bulk.ReasonNothingToUndo, undo.Result.Reason)
	}
}

// Whatever was done by days, in any zone and at any hour, its undo brings back the end to
// the millisecond.
func TestUndoIsExact(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := registration()
		r.Zone = rapid.SampledFrom([]string{"", "Europe/Paris", "America/St_Johns", "Pacific/Apia", "Australia/Lord_Howe"}).Draw(t, "zone")
		r.At = startedAt.Add(time.Duration(rapid.IntRange(0, 365*24*60).Draw(t, "minutes")) * time.Minute)
		s := trial.NewState(r)
		o := operation(rapid.SampledFrom([]bulk.Action{bulk.Extend, bulk.Shorten}).Draw(t, "action"))
		o.Days = rapid.IntRange(1, 12).Draw(t, "days")
		d := o.Decide(item(), bulk.ItemFacts{Now: r.At, Found: true, Trial: s})
		if d.Outcome != bulk.Succeeded {
			return // does not apply
		}
		after := asked(s, d.Message, d.Request, r.At)
		done := item()
		done.Result = &bulk.Result{Outcome: bulk.Succeeded, Change: d.Change}
		undo := bulk.Operation{ID: "bulk-2", Action: bulk.Undo, Reason: "r", Undoes: o.ID, UndoesAction: o.Action}
		u := undo.Decide(bulk.Undoing(done, r.At), bulk.ItemFacts{Now: r.At, Found: true, Trial: after})
		if u.Outcome != bulk.Succeeded {
			t.Fatalf("refused: %s", u.Detail)
		}
		if back := asked(after, u.Message, u.Request, r.At); !back.EndsAt.Equal(s.EndsAt) {
			t.Fatalf("ends %s instead of %s", back.EndsAt, s.EndsAt)
		}
	})
}
