package bulk

import (
	"errors"
	"slices"
	"time"

	"marketplace.example/trials/internal/domain/trial"
)

// Facts are what is decided on about one item, gathered afresh when it has its turn.
type Facts struct {
	Now time.Time
	// Found tells whether the vendor has a trial, Trial is how it stands.
	Found bool
	Trial trial.State
	// Vendor is set for Convert and Resend.
	Vendor trial.Vendor
	// NoMail is why the vendor cannot be written to, empty where it can be; set for Resend.
	NoMail trial.Reason
	// EmailReminders is the flag; set for Resend.
	EmailReminders bool
}

// Decision is what to do about one item. Where its outcome is Succeeded it is to be
// carried out; any other is final.
type Decision struct {
	Outcome Outcome
	Reason  Reason
	Detail  string
	// Message and Request are what to ask of the trial; an empty message asks nothing.
	Message string
	Request trial.Request
	// Change is what that will change, as far as can be seen now; nil for Convert
	// and Resend.
	Change *Change
	// Repeated says that the trial has carried the request out before.
	Repeated bool
	// Step is the one whose e-mail is to be sent once more.
	Step *trial.Step
}

func refused(r Reason, detail string) Decision {
	return Decision{Outcome: Refused, Reason: r, Detail: detail}
}

func skipped(r Reason) Decision { return Decision{Outcome: Skipped, Reason: r} }

// Decide says what to do about an item.
func (o Operation) Decide(i Item, f Facts) Decision {
	if !f.Found {
		return refused(ReasonNoTrial, "")
	}
	if o.Filter != nil && !o.Filter.Takes(f.Trial) && !o.wasDone(i, f) {
		return skipped(ReasonNoLongerChosen)
	}
	switch o.Action {
	case Convert:
		return o.decideConvert(i, f)
	case Resend:
		return decideResend(f)
	case Undo:
		return o.decideUndo(i, f)
	case Extend, Shorten, Cancel, Revive:
	}
	return o.decideMessage(string(o.Action), trial.Request{Days: o.daysOf(i)}, i, f)
}

// wasDone tells whether an item was carried out before, by an attempt that could not note it.
func (o Operation) wasDone(i Item, f Facts) bool {
	id, automation := o.RequestID(i.VendorID), f.Vendor.Automation
	return f.Trial.Knows(id) || automation != nil && automation.Conversion != nil && automation.Conversion.RequestID == id
}

func (o Operation) daysOf(i Item) int {
	if i.Days > 0 {
		return i.Days
	}
	return o.Days
}

// decideMessage asks the trial's own rules what will become of a message.
func (o Operation) decideMessage(message string, r trial.Request, i Item, f Facts) Decision {
	r.ID, r.Reason, r.By = o.RequestID(i.VendorID), o.reasonForTrial(), o.By
	d := Decision{Outcome: Succeeded, Reason: ReasonCarriedOut, Message: message, Request: r}
	event, err := f.Trial.Request(message, r, f.Now)
	if err != nil {
		return refused(reasonOf(err, f.Trial), detailOf(err))
	}
	if event == nil {
		d.Repeated = true
		return d
	}
	after := f.Trial.Apply(*event)
	d.Change = &Change{Was: f.Trial.EndsAt, Is: after.EndsAt, Revision: after.Revision}
	return d
}

// decideUndo brings back the end that was, unless the trial was changed again
// since: whoever did that knew better. The request says so too, for what happens
// between the look at the trial and its answer.
func (o Operation) decideUndo(i Item, f Facts) Decision {
	message := map[Action]string{Extend: trial.MessageShorten, Shorten: trial.MessageExtend, Cancel: trial.MessageRevive}[o.UndoesAction]
	switch {
	case i.Left == nil:
		return skipped(ReasonNothingToUndo)
	case f.Trial.Knows(o.RequestID(i.VendorID)):
		// Carried out before; the revision has moved on by that.
	case f.Trial.Revision != i.Left.Revision, o.UndoesAction == Cancel && f.Trial.Status != trial.Cancelled:
		return refused(ReasonChangedSince, "")
	}
	return o.decideMessage(message, trial.Request{EndsAt: &i.Left.Was, IfRevision: &i.Left.Revision}, i, f)
}

func (o Operation) decideConvert(i Item, f Facts) Decision {
	request := trial.Request{ID: o.RequestID(i.VendorID), At: *o.At, Reason: o.reasonForTrial(), By: o.By}
	automation := f.Vendor.Automation
	if trial.SameMoment(request.At, f.Vendor.StartedAt) {
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

// decideResend finds the last e-mail that was due, and sends it once more where
// what it says is still true.
func decideResend(f Facts) Decision {
	s := f.Trial
	if !s.Automated {
		return skipped(ReasonNotAutomated)
	}
	step, found := lastMail(s)
	switch {
	case !found:
		return skipped(ReasonNoMailDue)
	case f.Vendor.Automation != nil && f.Vendor.Automation.Conversion != nil: // the trial has not heard of it yet
		return skipped(ReasonAlreadyConverted)
	case step.Kind.IsReminder() && !f.EmailReminders:
		return skipped(ReasonRemindersOff)
	case f.NoMail != "":
		return skipped(Reason(f.NoMail))
	}
	return Decision{Outcome: Succeeded, Reason: ReasonCarriedOut, Step: &step}
}

// lastMail is the last step whose e-mail went out, or was kept back by nothing
// but the address, which may be another one by now. It is none where the trial
// has moved on since: the e-mail would tell of what is not so any more.
func lastMail(s trial.State) (trial.Step, bool) {
	for _, r := range slices.Backward(s.Steps) {
		if r.Outcome == trial.Superseded || !r.Mailed && !keptBackByAddress(r.Reason) {
			continue
		}
		return r.Step, stillTrue(s, r.Step)
	}
	return trial.Step{}, false
}

func keptBackByAddress(r trial.Reason) bool {
	switch r { //nolint:exhaustive // every other reason has nothing to do with the address
	case trial.ReasonSuppressedAddress, trial.ReasonUnsubscribed, trial.ReasonNoAddress, trial.ReasonAddressRefused:
		return true
	}
	return false
}

func stillTrue(s trial.State, step trial.Step) bool {
	switch {
	case step.Kind == trial.Welcome:
		return s.Status == trial.Active
	case step.Revision != s.Revision:
		return false
	case step.Kind.IsReminder():
		return s.Status == trial.Active
	case step.Kind == trial.Expiry && s.Policy.GraceDays > 0:
		return s.Status == trial.Grace
	}
	return s.Status == trial.Expired
}

// reasonOf names the refusal of a trial that stands so.
func reasonOf(err error, s trial.State) Reason {
	e, ok := errors.AsType[*trial.Error](err)
	switch {
	case !ok:
		return ReasonRefused
	case e.Code == trial.CodeInvalid && (e.Field == "days" || e.Field == "endsAt"):
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

// RefusedBy is the result of an item whose trial has refused it although it
// seemed to apply: it had changed meanwhile.
func RefusedBy(e *trial.Error, at time.Time) Result {
	if e.Field == trial.FieldRevision {
		return NewResult(Refused, ReasonChangedSince, "", at)
	}
	return NewResult(Refused, ReasonRefused, e.Message, at)
}

// ChangeBy is what a request has changed, from everything that happened to the
// trial; false where it was never carried out.
func ChangeBy(events []trial.Event, requestID string) (Change, bool) {
	var state trial.State
	for _, e := range events {
		before := state
		state = state.Apply(e)
		if e.Request != nil && e.Request.ID == requestID {
			return Change{Was: before.EndsAt, Is: state.EndsAt, Revision: state.Revision}, true
		}
	}
	return Change{}, false
}

// Example is the item as a dry run shows it.
func (d Decision) Example(vendorID string) Example {
	e := Example{VendorID: vendorID, Outcome: d.Outcome, Reason: d.Reason, Detail: d.Detail}
	if d.Change != nil {
		e.Was, e.Is = &d.Change.Was, &d.Change.Is
	}
	return e
}
