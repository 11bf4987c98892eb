package canary

import (
	"fmt"
	"time"

	"marketplace.example/trials/internal/domain/trial"
)

// Seen is what was seen of a canary by a moment.
type Seen struct {
	ID      string    `json:"id"`
	BeganAt time.Time `json:"beganAt"`
	// Day is how long a day of the vendors' trials lasts, in nanoseconds.
	Day time.Duration `json:"day"`
	// Registered is how long the registration took, 0 if it failed with the code RegistrationError.
	Registered        time.Duration `json:"registered"`
	RegistrationError string        `json:"registrationError,omitempty"`
	// StartedAt is when the trial's workflow began, zero before.
	StartedAt time.Time `json:"startedAt"`
	// State is the trial's, zero before it began.
	State trial.State `json:"state"`
	// Mails are by the kind of their step.
	Mails map[trial.Kind]Mail `json:"mails,omitempty"`
	// ConversionAt is when billing's word was given, zero before; ConvertedAt is when the trial had it.
	ConversionAt time.Time `json:"conversionAt"`
	ConvertedAt  time.Time `json:"convertedAt"`
	// Removal is how long it took to remove the canary, 0 before; Left are the collections where something is left.
	Removal time.Duration `json:"removal"`
	Left    []string      `json:"left,omitempty"`
}

// Mail is what was seen of one of a canary's e-mails.
type Mail struct {
	trial.Send
	// ReportedAt is when its delivery's report was first seen here, zero before.
	ReportedAt time.Time `json:"reportedAt"`
}

// Judge says what was seen, part by part, and what is broken by now. Open reports whether waiting longer may show more
// of the trial's life: it ends with its expiry and the last report, or with the first fault.
func Judge(s Seen, now time.Time) (r Result, open bool) {
	j := judge{Seen: s, now: now, result: Result{ID: s.ID, BeganAt: s.BeganAt, EndedAt: now}}
	j.register()
	j.start()
	j.steps()
	open = j.open && j.result.Well()
	j.convert()
	j.remove()
	return j.result, open
}

type judge struct {
	Seen
	now    time.Time
	result Result
	// open says that a part of the trial's life is still to come.
	open bool
}

func (j *judge) add(name string, state PartState, took time.Duration, text string) {
	j.result.Parts = append(j.result.Parts, Part{Name: name, State: state, Took: max(took, 0), Text: text})
}

func (j *judge) done(name string, took time.Duration) { j.add(name, Done, took, "") }

func (j *judge) fail(name string, f Fault, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	j.add(name, Failed, 0, text)
	if j.result.Fault == "" {
		j.result.Fault, j.result.Reason = f, text+". "+advice[f]
	}
}

// await adds a part that is still to come, or fails if its patience is over.
func (j *judge) await(name string, until time.Time, f Fault, format string, args ...any) {
	if j.now.After(until) {
		j.fail(name, f, format, args...)
		return
	}
	j.open = true
	j.add(name, Waiting, 0, "")
}

func (j *judge) register() {
	if j.RegistrationError != "" {
		j.fail(PartRegistration, RegistrationFailed, "the canary could not be registered: %s", j.RegistrationError)
		return
	}
	j.done(PartRegistration, j.Registered)
}

func (j *judge) start() {
	switch {
	case j.RegistrationError != "":
		j.add(PartStart, Waiting, 0, "")
	case !j.StartedAt.IsZero():
		j.done(PartStart, j.StartedAt.Sub(j.BeganAt))
	default:
		j.await(PartStart, j.BeganAt.Add(stepPatience(j.Day)), TrialNotStarted, "the trial's workflow has not begun within %.0f seconds", stepPatience(j.Day).Seconds())
	}
}

// steps judges every step of the trial's schedule, and its e-mail.
func (j *judge) steps() {
	state := j.State
	if state.VendorID == "" {
		state = trial.NewState(trial.Registration{VendorID: j.ID, Cohort: trial.Automated, Policy: Policy(), Day: Day(j.Day), At: j.BeganAt})
	}
	for _, step := range state.Schedule() {
		if j.StartedAt.IsZero() {
			j.add(PartStep+"/"+string(step.Kind), Waiting, 0, "")
			continue
		}
		j.step(state, step)
	}
}

func (j *judge) step(state trial.State, step trial.Step) {
	name, kind := PartStep+"/"+string(step.Kind), step.Kind
	record := ended(state, step)
	mail, claimed := j.Mails[kind]
	f, format, args := unsent(step, mail, claimed)
	if record == nil {
		j.await(name, step.At.Add(stepPatience(j.Day)), f, format, args...)
		return
	}
	switch {
	case record.Outcome != trial.Ran && f == RenderingFailed: // a canary's days are short: the next step is soon due, and this one overtaken
		j.fail(name, f, format, args...)
		return
	case record.Outcome != trial.Ran && record.Reason == trial.ReasonOvertaken:
		j.add(name, Skipped, 0, "skipped: it came so late that the next step was due")
		return
	case record.Outcome != trial.Ran:
		j.fail(name, StepMissing, "the step %s was skipped: %s", kind, record.Reason)
		return
	case !record.Mailed:
		j.fail(name, MailRefused, "the step %s ran without its e-mail: %s", kind, refusal(record.Reason, mail))
		return
	}
	j.done(name, record.At.Sub(step.At))
	j.mail(kind, mail)
}

func ended(state trial.State, step trial.Step) *trial.StepRecord {
	for i, r := range state.Steps {
		if r.Step.Kind == step.Kind && r.Step.Revision == step.Revision {
			return &state.Steps[i]
		}
	}
	return nil
}

// refusal is the mail service's code for a refusal, or the decision's reason.
func refusal(reason trial.Reason, mail Mail) string {
	if mail.Reason != "" {
		return mail.Reason
	}
	return string(reason)
}

// unsent says why a step that is due has not been carried out, by what is known of its e-mail.
func unsent(step trial.Step, mail Mail, claimed bool) (f Fault, format string, args []any) {
	switch {
	case claimed && mail.Status == trial.SendReleased && mail.Reason == trial.NotRendered:
		return RenderingFailed, "the e-mail %s cannot be made of its template", []any{step.Kind}
	case claimed && (mail.Status == trial.SendReleased || mail.Status == trial.SendRefused):
		return MailRefused, "the mail service does not accept the e-mail %s: %s", []any{step.Kind, mail.Reason}
	case claimed && (mail.Status == trial.SendUnknown || mail.Status == trial.SendClaimed):
		return MailUnanswered, "the mail service does not say whether it accepts the e-mail %s", []any{step.Kind}
	}
	return StepMissing, "the step %s is overdue", []any{step.Kind}
}

// mail judges an e-mail that was accepted.
func (j *judge) mail(kind trial.Kind, mail Mail) {
	name, report := PartMail+"/"+string(kind), PartReport+"/"+string(kind)
	if mail.SettledAt == nil { // the step was seen before its e-mail
		j.open = true
		j.add(name, Waiting, 0, "")
		return
	}
	j.done(name, mail.SettledAt.Sub(mail.ClaimedAt))
	switch mail.Delivery {
	case trial.DeliveryDone:
		j.done(report, mail.ReportedAt.Sub(*mail.SettledAt))
	case trial.DeliveryBounce, trial.DeliveryGeneralBounce, trial.DeliveryComplaint, trial.DeliveryReject:
		j.fail(report, MailReturned, "the e-mail %s was reported as %s", kind, mail.Delivery)
	default:
		j.await(report, mail.SettledAt.Add(eventPatience(j.Day)), NoMailEvent,
			"the mail service accepted the e-mail %s, and nothing was reported of it within %.0f seconds", kind, eventPatience(j.Day).Seconds())
	}
}

func (j *judge) convert() {
	switch {
	case j.ConversionAt.IsZero():
		j.add(PartConversion, Waiting, 0, "")
	case !j.ConvertedAt.IsZero():
		j.done(PartConversion, j.ConvertedAt.Sub(j.ConversionAt))
	default:
		j.await(PartConversion, j.ConversionAt.Add(stepPatience(j.Day)), ConversionMissing,
			"the trial has not recorded its conversion within %.0f seconds", stepPatience(j.Day).Seconds())
	}
}

func (j *judge) remove() {
	switch {
	case len(j.Left) > 0:
		j.fail(PartRemoval, TracesLeft, "something of the canary is left in %v", j.Left)
	case j.Removal > 0:
		j.done(PartRemoval, j.Removal)
	default:
		j.add(PartRemoval, Waiting, 0, "")
	}
}

// Converted reports whether the conversion was recorded, or is not to be waited for any longer.
func (s Seen) Converted(now time.Time) bool {
	return !s.ConvertedAt.IsZero() || now.After(s.ConversionAt.Add(stepPatience(s.Day)))
}

// advice says what a fault means and what to do.
var advice = map[Fault]string{
	RegistrationFailed: "Vendors cannot register either: see whether the database answers",
	TrialNotStarted:    "Trials of new vendors do not begin either: see whether Temporal answers, and whether workers poll",
	StepMissing:        "The trials of vendors may be late too: see the workflow of the canary in Temporal's Web UI",
	RenderingFailed:    "No vendor gets this e-mail: see the worker's log for the template's error, and deploy the last good version",
	MailRefused:        "E-mails to vendors wait or are refused too: see the account's status at the mail service",
	MailUnanswered:     "E-mails to vendors are not repeated until their outcome is known: see whether the mail service answers",
	MailReturned:       "See whether CANARY_ADDRESS accepts e-mails, and whether the mail service has suppressed it",
	NoMailEvent:        "Bounces and complaints of vendors are not heard of either: see the subscription of the SNS topic, and whether PUBLIC_URL reaches the API",
	ConversionMissing:  "Conversions of vendors may not be recorded either: see whether Temporal answers, and whether workers poll",
	TracesLeft:         "The next canary removes it: see whether the database answers",
	NoCanary:           "See whether the schedule canary is paused, and the workflow canary in Temporal's Web UI",
	WorkerStopped:      "No step of any trial is carried out: start a worker",
	TemporalAway:       "No trial goes on: bring Temporal back",
}
