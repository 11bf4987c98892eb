package bulk

import (
	"slices"
	"strings"
	"time"

	"marketplace.example/trials/internal/domain/trial"
)

// Email names one e-mail of a trial, as its key does.
type Email struct {
	Kind     trial.Kind `json:"kind"`
	Revision int        `json:"revision"`
}

func emailOf(s trial.Step) Email { return Email{Kind: s.Kind, Revision: s.Revision} }

// Key is the e-mail's, of a vendor.
func (e Email) Key(vendorID string) string {
	return trial.Step{Kind: e.Kind, Revision: e.Revision}.Key(vendorID)
}

// ResendOf is the operation that sends one e-mail of one trial again.
func ResendOf(e Email, reason string) Operation {
	return Operation{Action: ResendOne, Email: &e, Reason: reason, PerMinute: DefaultPerMinute}
}

// ResendKind is the kind in the key of an e-mail that this operation resends:
// one for each vendor.
func (o Operation) ResendKind() trial.Kind { return trial.Kind(resendPrefix + o.ID) }

const resendPrefix = "resend-"

// ResentBy is the operation that has sent an e-mail again, empty where the e-mail is not one that was.
func ResentBy(s trial.Send) string {
	if id, again := strings.CutPrefix(string(s.Kind), resendPrefix); again {
		return id
	}
	return ""
}

// Repetition is an e-mail by which another operation has sent one of the trial again, or may have.
type Repetition struct {
	// Email is the one that was named, nil for the last that was due.
	Email *Email
	// At is when a worker began to send it.
	At time.Time
}

// Overlaps reports whether an e-mail is one by which another operation has sent one again since this one was asked for, or may have:
// one e-mail too many is worse than one too few.
func (o Operation) Overlaps(s trial.Send) bool {
	by := ResentBy(s)
	return by != "" && by != o.ID && s.Status != trial.SendReleased && s.Status != trial.SendRefused && s.ClaimedAt.After(o.AskedAt)
}

// of reports whether a repetition was of this step.
func (r Repetition) of(s trial.State, step trial.Step) bool {
	email := emailOf(step)
	if r.Email != nil {
		return *r.Email == email
	}
	for _, record := range slices.Backward(s.Steps) {
		if Resendable(record) && !record.At.After(r.At) {
			return emailOf(record.Step) == email
		}
	}
	return false
}

// repeated reports whether another operation has sent a step's e-mail again since this one was asked for, where one of the two is of
// this e-mail alone. Two operations on many trials are two intentions.
func (o Operation) repeated(f ItemFacts, step trial.Step) bool {
	return slices.ContainsFunc(f.Repetitions, func(r Repetition) bool {
		return (o.Email != nil || r.Email != nil) && r.of(f.Trial, step)
	})
}

// decideResend finds the e-mail that was named, or the last that was due, and resends it if
// its content still applies.
func (o Operation) decideResend(f ItemFacts) Decision {
	s := f.Trial
	switch {
	case trial.IsCanary(s.VendorID):
		return refused(ReasonCanary, notResent[ReasonCanary])
	case o.Action == ResendOne && o.Email == nil:
		return refused(ReasonOlderWorker, notResent[ReasonOlderWorker])
	case !s.Automated:
		return skipped(ReasonNotAutomated)
	}
	step, why := lastMail(s, f.Now)
	if o.Email != nil {
		step, why = namedMail(s, *o.Email, f)
	}
	switch {
	case f.Vendor.Automation != nil && f.Vendor.Automation.Conversion != nil && why != ReasonNoMailDue: // the trial has not recorded it yet
		return skipped(ReasonAlreadyConverted)
	case why != "":
		return skipped(why)
	case step.Kind.Reminds() && !f.EmailReminders:
		return skipped(ReasonRemindersOff)
	case f.NoMail != "":
		return skipped(Reason(f.NoMail))
	case o.repeated(f, step):
		return skipped(ReasonSentAgain)
	}
	return Decision{Outcome: Succeeded, Reason: ReasonCarriedOut, Step: &step}
}

// lastMail is the last step whose e-mail was sent, or was prevented only
// by the address, which may have changed. why is ReasonNoMailDue if there is none, or the trial
// has moved on since: the e-mail would be out of date.
func lastMail(s trial.State, now time.Time) (step trial.Step, why Reason) {
	for _, r := range slices.Backward(s.Steps) {
		if !Resendable(r) {
			continue
		}
		if !stillTrue(s, r.Step, now) {
			return trial.Step{}, ReasonNoMailDue
		}
		return r.Step, ""
	}
	return trial.Step{}, ReasonNoMailDue
}

// namedMail is the step of an e-mail, and why it is not to be sent again, empty if it may be: of two reminders of one end only the
// later is.
func namedMail(s trial.State, e Email, f ItemFacts) (step trial.Step, why Reason) {
	at := slices.IndexFunc(s.Steps, func(r trial.StepRecord) bool {
		return r.Step.Kind == e.Kind && r.Step.Revision == e.Revision && Resendable(r)
	})
	if at < 0 {
		return trial.Step{}, withoutFate(s, e, f.Send)
	}
	step = s.Steps[at].Step
	switch {
	case s.ConvertedAt != nil:
		return step, ReasonAlreadyConverted
	case !stillTrue(s, step, f.Now):
		return step, ReasonOutOfDate
	case step.Kind.IsReminder() && slices.ContainsFunc(s.Steps[at+1:], func(r trial.StepRecord) bool { return r.Mailed && r.Step.Kind.IsReminder() }):
		return step, Reason(trial.ReasonOvertaken)
	}
	return step, ""
}

// withoutFate is why an e-mail is not to be sent again whose step has not ended with it: it may have left all the same.
func withoutFate(s trial.State, e Email, send *trial.Send) Reason {
	if send == nil || send.Status == trial.SendReleased || send.Status == trial.SendRefused {
		return ReasonNoMailDue
	}
	over := slices.ContainsFunc(s.Steps, func(r trial.StepRecord) bool { return emailOf(r.Step) == e })
	switch sent := send.Status == trial.SendSent; {
	case over && sent:
		return ReasonOutOfDate
	case over:
		return ReasonMailUnknown
	case sent:
		return ReasonNotYetRecorded
	}
	return ReasonNotYetKnown
}

// Resendable reports whether a step's e-mail is one that can be sent again: it was sent, or prevented only by the address.
func Resendable(r trial.StepRecord) bool {
	return r.Outcome != trial.Superseded && (r.Mailed || keptBackByAddress(r.Reason))
}

func keptBackByAddress(r trial.Reason) bool {
	switch r { //nolint:exhaustive // no other reason concerns the address
	case trial.ReasonSuppressedAddress, trial.ReasonUnsubscribed, trial.ReasonNoAddress, trial.ReasonAddressRefused:
		return true
	}
	return false
}

// stillTrue reports whether what a step's e-mail says is true at a moment. The clock counts beside the status: while the automation
// holds an end, the status is that of before it.
func stillTrue(s trial.State, step trial.Step, now time.Time) bool {
	mailing, own := s.Policy.Mailing(step.Kind)
	active := s.Status == trial.Active && now.Before(s.EndsAt)
	switch {
	case s.Dropped(step.Kind):
		return false
	case step.Kind == trial.Welcome, mailing.After == trial.AfterStart && step.Revision == s.RevisionOfStart(step.Kind):
		return active
	case step.Revision != s.Revision:
		return false
	case step.Kind.IsReminder(), own && mailing.After == trial.BeforeEnd:
		return active
	case step.Kind == trial.Expiry && s.Policy.GraceDays > 0:
		return s.Status == trial.Grace && now.Before(s.GraceEndsAt)
	}
	return s.Status == trial.Expired
}

// notResent says why an e-mail is not sent again, by the reason of the decision.
var notResent = map[Reason]string{
	ReasonNoTrial:          "there is no trial of this vendor, or the marketplace has deleted the vendor",
	ReasonNotAutomated:     "this trial is not automated: it gets no e-mails",
	ReasonOlderWorker:      "a worker of an earlier version had its turn, which does not know how: ask again once all workers are of one version",
	ReasonCanary:           "this is a canary's: it tries by itself whether e-mails arrive, and one that it does not expect would disturb it",
	ReasonAlreadyConverted: "the vendor has converted, and the e-mails of its trial are over",
	ReasonNoMailDue:        "this e-mail was neither sent nor kept back by the address: there is nothing to send again",
	ReasonNotYetKnown:      "it is not known yet whether it was sent; its trial settles that by itself",
	ReasonNotYetRecorded:   "it was sent, and its trial has still to record that, which it does by itself",
	ReasonMailUnknown:      "it is not known whether it was sent, and its trial has gone on without it",
	ReasonOutOfDate:        "it would not be true any more: the trial or its grace is over, or has another end or status than when it was sent",
	ReasonSentAgain:        "another operation has sent it again since, or may have",
	ReasonRemindersOff:     "the flag trialAutomation.emailReminders is off: no reminders go out",

	Reason(trial.ReasonOvertaken):         "a later reminder has gone out since: send that one again",
	Reason(trial.ReasonSuppressedAddress): "the address has bounced or complained, and no e-mail goes to it",
	Reason(trial.ReasonUnsubscribed):      "the vendor has unsubscribed",
	Reason(trial.ReasonNoAddress):         "the vendor has no address, or was erased",
}

// ResendRefusal is why a decision sends no e-mail again, nil where it does.
func (d Decision) ResendRefusal() *trial.Error {
	if d.Outcome == Succeeded {
		return nil
	}
	if strings.HasPrefix(string(d.Reason), string(ReasonStatus)) { // such a worker takes the action for a message to the trial
		d.Reason = ReasonOlderWorker
	}
	message, known := notResent[d.Reason]
	if !known {
		message = "it is not sent again: " + string(d.Reason)
	}
	return &trial.Error{Code: trial.CodeConflict, Field: string(d.Reason), Message: message, Detail: message}
}
