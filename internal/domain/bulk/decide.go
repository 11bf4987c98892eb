package bulk

import (
	"errors"
	"time"

	"marketplace.example/trials/internal/domain/trial"
)

// ItemFacts are the inputs of the decision about one item, read when it is its turn.
type ItemFacts struct {
	Now time.Time
	// Found says that the vendor has a trial, Trial is its state.
	Found bool
	Trial trial.State
	// Vendor is set for Convert, Resend and ResendOne, as all that follows is for the latter two.
	Vendor trial.Vendor
	// NoMail is why the vendor cannot be written to, empty if it can.
	NoMail trial.Reason
	// EmailReminders is the flag.
	EmailReminders bool
	// Send is the record of the e-mail that the operation names; nil for none.
	Send *trial.Send
	// Repetitions are those that overlap the operation, by Operation.Overlaps.
	Repetitions []Repetition
}

// Decision says what to do about one item. With the outcome Succeeded it must be
// carried out; any other outcome is final.
type Decision struct {
	Outcome ItemOutcome
	Reason  Reason
	Detail  string
	// Message and Request are what to send to the trial; an empty message sends nothing.
	Message string
	Request trial.Request
	// Change is the expected change; nil for Convert
	// and what sends e-mails again.
	Change *Change
	// Repeated says that the trial has carried out the request before.
	Repeated bool
	// Step is the one whose e-mail is to be resent.
	Step *trial.Step
}

func refused(r Reason, detail string) Decision {
	return Decision{Outcome: Refused, Reason: r, Detail: detail}
}

func skipped(r Reason) Decision { return Decision{Outcome: Skipped, Reason: r} }

// Decide decides what to do about an item.
func (o Operation) Decide(i Item, f ItemFacts) Decision {
	if !f.Found {
		return refused(ReasonNoTrial, "")
	}
	if o.Filter != nil && !o.Filter.Takes(f.Trial) && !o.wasDone(i, f) {
		return skipped(ReasonNoLongerChosen)
	}
	switch o.Action {
	case Convert:
		return o.decideConvert(i, f)
	case Resend, ResendOne:
		return o.decideResend(f)
	case Undo:
		return o.decideUndo(i, f)
	case Move:
		return o.decideMessage(trial.MessagePolicy, trial.Request{Policy: o.Policy}, i, f)
	case Extend, Shorten, Cancel, Revive:
	}
	return o.decideMessage(string(o.Action), trial.Request{Days: o.daysOf(i)}, i, f)
}

// wasDone reports whether an earlier attempt carried out an item without recording it.
func (o Operation) wasDone(i Item, f ItemFacts) bool {
	id, automation := o.RequestID(i.VendorID), f.Vendor.Automation
	return f.Trial.Knows(id) || automation != nil && automation.Conversion != nil && automation.Conversion.RequestID == id
}

func (o Operation) daysOf(i Item) int {
	if i.Days > 0 {
		return i.Days
	}
	return o.Days
}

// decideMessage applies the trial's own rules to a message.
func (o Operation) decideMessage(message string, r trial.Request, i Item, f ItemFacts) Decision {
	r.ID, r.Reason, r.By = o.RequestID(i.VendorID), o.reasonForTrial(), o.By
	d := Decision{Outcome: Succeeded, Reason: ReasonCarriedOut, Message: message, Request: r}
	event, err := f.Trial.Request(message, r, f.Now)
	if e, ok := errors.AsType[*trial.Error](err); ok && e.Code == trial.CodeConflict && e.Field == trial.FieldPolicy {
		return skipped(ReasonSamePolicy)
	}
	if err != nil {
		return refused(reasonOf(err, f.Trial), detailOf(err))
	}
	if event == nil {
		d.Repeated = true
		return d
	}
	d.Change = new(changed(f.Trial, f.Trial.Apply(*event)))
	return d
}

// decideUndo restores the old end, unless the trial was changed again
// since: that later change takes precedence. The request carries the revision too, in case
// the trial changes before it answers.
func (o Operation) decideUndo(i Item, f ItemFacts) Decision {
	message := map[Action]string{
		Extend: trial.MessageShorten, Shorten: trial.MessageExtend, Cancel: trial.MessageRevive, Move: trial.MessagePolicy,
	}[o.UndoesAction]
	switch {
	case i.Left == nil:
		return skipped(ReasonNothingToUndo)
	case f.Trial.Knows(o.RequestID(i.VendorID)):
		// Carried out before, which has changed the revision.
	case f.Trial.Revision != i.Left.Revision, o.UndoesAction == Cancel && f.Trial.Status != trial.Cancelled:
		return refused(ReasonChangedSince, "")
	}
	return o.decideMessage(message, trial.Request{EndsAt: &i.Left.Was, IfRevision: &i.Left.Revision, Policy: i.Left.Policy}, i, f)
}

func (o Operation) decideConvert(i Item, f ItemFacts) Decision {
	request := trial.Request{ID: o.RequestID(i.VendorID), At: *o.At, Reason: o.reasonForTrial(), By: o.By}
	automation := f.Vendor.Automation
	if trial.SameTime(request.At, f.Vendor.StartedAt) {
		request.At = f.Vendor.StartedAt
	}
	switch {
	case automation == nil:
		return refused(ReasonNoTrial, "")
	case automation.Conversion != nil && automation.Conversion.RequestID != request.ID, automation.Conversion == nil && f.Trial.ConvertedAt != nil:
		return skipped(ReasonAlreadyConverted)
	case request.At.Before(f.Vendor.StartedAt):
		return refused(ReasonNotYetRegistered, "the vendor registered at "+f.Vendor.StartedAt.Format(time.RFC3339))
	}
	return Decision{Outcome: Succeeded, Reason: ReasonCarriedOut, Message: trial.MessageConvert, Request: request}
}

// reasonOf names the reason of a refusal by a trial in this state.
func reasonOf(err error, s trial.State) Reason {
	e, ok := errors.AsType[*trial.Error](err)
	switch {
	case !ok:
		return ReasonRefused
	case e.Code == trial.CodeInvalid && (e.Field == "days" || e.Field == "endsAt" || e.Field == trial.FieldPolicy):
		return ReasonEnd
	case e.Code == trial.CodeConflict && s.ConvertedAt != nil:
		return ReasonAlreadyConverted
	case e.Code == trial.CodeConflict && s.Revision >= trial.MaxRevisions:
		return ReasonTooOften
	case e.Code == trial.CodeConflict:
		return ReasonStatus + Reason(s.Status)
	}
	return ReasonRefused
}

func detailOf(err error) string {
	if e, ok := errors.AsType[*trial.Error](err); ok {
		return e.Message
	}
	return err.Error()
}

// RefusedBy is the result of an item that its trial has refused although it
// seemed to apply: the trial had changed meanwhile.
func RefusedBy(e *trial.Error, at time.Time) Result {
	if e.Field == trial.FieldRevision {
		return NewResult(Refused, ReasonChangedSince, "", at)
	}
	return NewResult(Refused, ReasonRefused, e.Message, at)
}

// ChangeBy finds the change that a request caused among all events of a
// trial; false if it was never carried out.
func ChangeBy(events []trial.Event, requestID string) (Change, bool) {
	var state trial.State
	for _, e := range events {
		before := state
		state = state.Apply(e)
		if e.Request != nil && e.Request.ID == requestID {
			return changed(before, state), true
		}
	}
	return Change{}, false
}

// changed is the change between two states of a trial.
func changed(before, after trial.State) Change {
	c := Change{Was: before.EndsAt, Is: after.EndsAt, Revision: after.Revision}
	if !before.Policy.Equal(after.Policy) {
		c.Policy = &before.Policy
	}
	return c
}

// Example returns the item as a dry run shows it.
func (d Decision) Example(vendorID string) Example {
	e := Example{VendorID: vendorID, Outcome: d.Outcome, Reason: d.Reason, Detail: d.Detail}
	if d.Change != nil {
		e.Was, e.Is = &d.Change.Was, &d.Change.Is
	}
	return e
}
