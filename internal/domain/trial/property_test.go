package trial_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"marketplace.example/trials/internal/domain/trial"
)

// TestWhateverHappens walks through trials at random: time passes, flags
// change, requests arrive, the workflow wakes late or not at all for weeks.
// What must hold is in world_test.go.
func TestWhateverHappens(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		t.Repeat(map[string]func(*rapid.T){
			"":                 func(*rapid.T) { w.holds() },
			"wakesOnTime":      w.wakesOnTime,
			"wakesOnTimeAgain": w.wakesOnTime,
			"wakesLate":        w.wakesLate,
			"heldForAWhile":    w.heldForAWhile,
			"timePasses":       func(*rapid.T) { w.now = w.now.Add(w.span(w.state.Day, "passing")) },
			"flagsChange":      w.flagsChange,
			"addressChanges":   w.addressChanges,
			"billingRecords":   w.billingRecords,
			"billingAsks":      w.billingAsks,
			"adminAsks":        w.adminAsks,
			"requestIntoAStep": w.requestIntoAStep,
			"vendorMoves":      w.vendorMoves,
			"policyChanges":    w.policyChanges,
		})
		w.comesToAnEnd()
	})
}

// wakesOnTime fires the workflow's timer when the next step is due.
func (w *world) wakesOnTime(t *rapid.T) {
	step, ok := w.state.Next()
	if !ok {
		t.Skip("nothing is to come")
	}
	if step.At.After(w.now) {
		w.now = step.At
	}
	w.wake()
}

// wakesLate lets the worker be away for anything from nothing to weeks.
func (w *world) wakesLate(*rapid.T) {
	w.now = w.now.Add(w.span(w.state.Day, "late"))
	w.wake()
}

func (w *world) flagsChange(t *rapid.T) {
	usually := []bool{true, true, false}
	w.facts.AutomationEnabled = rapid.SampledFrom(usually).Draw(t, "enabled")
	w.facts.EmailReminders = rapid.SampledFrom(usually).Draw(t, "reminders")
	w.facts.AutoExpiration = rapid.SampledFrom(usually).Draw(t, "expiration")
	if rapid.Bool().Draw(t, "woken") {
		w.wake()
	}
}

func (w *world) addressChanges(t *rapid.T) {
	w.facts.NoMail = rapid.SampledFrom([]trial.Reason{"", "", "", trial.ReasonSuppressedAddress, trial.ReasonUnsubscribed, trial.ReasonNoAddress}).Draw(t, "noMail")
}

// heldForAWhile takes the automation back just before the next step, and gives
// it again.
func (w *world) heldForAWhile(t *rapid.T) {
	flags := w.facts
	if rapid.Bool().Draw(t, "all of it") {
		w.facts.AutomationEnabled = false
	}
	w.facts.AutoExpiration = false
	w.wakesOnTime(t)
	w.wakesLate(t)
	w.facts = flags
	w.wakesLate(t)
}

func (w *world) fewConvert(t *rapid.T) {
	if rapid.SampledFrom([]bool{false, false, false, false, true}).Draw(t, "converts") {
		return
	}
	t.Skip("few vendors convert")
}

// billingRecords puts billing's word on record; its message is still on its way.
func (w *world) billingRecords(t *rapid.T) {
	w.fewConvert(t)
	w.facts.Converted = true
}

// billingAsks delivers billing's message, about a past, present or future conversion.
func (w *world) billingAsks(t *rapid.T) {
	if !w.facts.Converted {
		w.fewConvert(t)
	}
	r := trial.Request{ID: ids().Draw(t, "id"), By: "billing"}
	switch rapid.IntRange(0, 3).Draw(t, "moment") {
	case 0:
		r.At = w.now.Add(w.span(w.state.Day, "to come"))
	case 1, 2:
		r.At = w.now.Add(-w.span(w.state.Day, "ago"))
	}
	w.facts.Converted = true
	w.ask(trial.MessageConvert, r)
	require.NotNil(t, w.state.ConvertedAt)
	require.False(t, w.state.ConvertedAt.After(w.now))
}

// ids are few, so that requests repeat; an empty one is no id.
func ids() *rapid.Generator[string] {
	return rapid.SampledFrom([]string{"", "", "r1", "r2", "r3", "r4", "r5", "r6"})
}

func (w *world) request(t *rapid.T) (string, trial.Request) {
	messages := []string{
		trial.MessageExtend, trial.MessageExtend, trial.MessageShorten, trial.MessageRevive, trial.MessageRevive, trial.MessageCancel,
		trial.MessagePolicy, trial.MessagePolicy,
	}
	days := rapid.OneOf(rapid.IntRange(1, 5), rapid.IntRange(1, 5), rapid.IntRange(1, 30), rapid.IntRange(-1, 400)).Draw(t, "days")
	reason := rapid.SampledFrom([]string{"asked for", "asked for", "asked for", ""}).Draw(t, "reason")
	message, r := rapid.SampledFrom(messages).Draw(t, "message"), trial.Request{ID: ids().Draw(t, "id"), Days: days, Reason: reason, By: "support"}
	if message == trial.MessagePolicy {
		p := rapid.OneOf(policies(), policies(), rapid.SampledFrom(w.policies)).Draw(t, "policy")
		r.Days, r.Policy = 0, &p
	}
	return message, r
}

func (w *world) adminAsks(t *rapid.T) {
	message, r := w.request(t)
	w.ask(message, r)
	if rapid.Bool().Draw(t, "twice") {
		w.ask(message, r)
	}
}

// requestIntoAStep lets a request in between a step's decision, and its
// e-mail, and its record.
func (w *world) requestIntoAStep(t *rapid.T) {
	step, ok := w.state.Next()
	if !ok || step.At.After(w.now) {
		t.Skip("nothing is due")
	}
	facts := w.facts
	facts.Now = w.now
	facts.Converted = facts.Converted && w.state.ConvertedAt == nil
	d := trial.Decide(w.state, step, facts)
	w.mayBe(step, d, facts)
	if d.Mail {
		w.mails(step)
	}
	steps, held := len(w.state.Steps), w.state.Held != nil
	message, r := w.request(t)
	if message == trial.MessagePolicy && rapid.Bool().Draw(t, "of the same length") {
		p := w.state.Policy
		p.SendHour = rapid.IntRange(p.SendHour, 23).Draw(t, "at another hour")
		r.Policy = &p
	}
	w.ask(message, r)
	if len(w.state.Steps) == steps {
		if d.Action == trial.Run && step.Kind == trial.Expiry {
			w.notified[step.Revision] = w.now
		}
	}
	before := w.state
	pending := slices.ContainsFunc(before.Pending(), func(p trial.Step) bool { return p.Kind == step.Kind && p.Revision == step.Revision })
	w.apply(before.StepEvent(step, d, facts, d.Mail))
	if !pending && d.Mail && held {
		delete(w.sinceNewEnd, step.Kind) // it is not on record, but that it was held
	}
	if !pending {
		require.Equal(t, before.Steps, w.state.Steps, "what was superseded stays so")
		require.Equal(t, before.Held, w.state.Held)
	}
}

// vendorMoves has the trial follow its vendor to another zone.
func (w *world) vendorMoves(t *rapid.T) {
	if e := w.state.Rezone(rapid.SampledFrom(zones).Draw(t, "zone"), w.now); e != nil { // nil where nothing changes
		w.apply(*e)
	}
}

// policyChanges moves the trial to a policy that goes on, mostly one with the same e-mails at other times, and often into a due step.
func (w *world) policyChanges(t *rapid.T) {
	if step, ok := w.state.Next(); ok && step.At.After(w.now) && rapid.Bool().Draw(t, "as a step is due") {
		w.now = step.At
	}
	p := rapid.OneOf(policies(), rapid.SampledFrom(w.policies), rapid.Just(w.state.Policy)).Draw(t, "policy")
	p.GraceDays = rapid.SampledFrom([]int{p.GraceDays, 0, 7}).Draw(t, "grace")
	p.LengthDays = max(p.LengthDays, rapid.SampledFrom([]int{0, w.state.Policy.LengthDays, w.state.Policy.LengthDays + 10}).Draw(t, "at least"))
	w.ask(trial.MessagePolicy, trial.Request{ID: ids().Draw(t, "id"), Reason: "another plan", By: "support", Policy: &p})
}

// comesToAnEnd lets all be well from now on: every trial reaches its end,
// needing nothing but its own timer, or billing's message where billing's word is
// on record.
func (w *world) comesToAnEnd() {
	w.facts.AutomationEnabled, w.facts.AutoExpiration = true, true
	for range 100 {
		if w.state.Over() {
			same(w.t, w.state, trial.Fold(w.events), "the events tell another story")
			return
		}
		if step, ok := w.state.Next(); !ok {
			require.True(w.t, w.facts.Converted, "a trial that nothing will ever wake")
			w.ask(trial.MessageConvert, trial.Request{})
		} else if step.At.After(w.now) {
			w.now = step.At
		}
		w.wake()
		w.holds()
	}
	require.Fail(w.t, fmt.Sprintf("still %s: %s", w.state.Status, w.state.Sentence()))
}
