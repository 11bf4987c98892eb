// Package canary judges canaries: synthetic vendors whose whole trial lives through the production path within minutes, so
// that a break shows at any number of registrations. It reads and writes nothing.
package canary

import (
	"fmt"
	"strings"
	"time"

	"marketplace.example/trials/internal/domain/trial"
)

// Simulator is the address at which the mail service accepts e-mails, reports their delivery, and counts them for nothing.
const Simulator = "success@simulator.amazonses.com"

// Name is the name of the synthetic vendor.
const Name = "Canary"

// Policy has the steps of the trials of vendors, so that each e-mail is rendered.
func Policy() trial.Policy {
	p := trial.DefaultPolicy()
	p.Name = "canary"
	return p
}

// Day is how long a day of a canary's trial lasts, where one of the vendors' lasts that long: 10 seconds where it has 24 hours.
func Day(day time.Duration) time.Duration { return within(day/8640, time.Second, 10*time.Second) }

// Every is how often a canary begins while a rollout runs: every half an hour of a day of 24, so that each break shows within
// an hour.
func Every(day time.Duration) time.Duration { return max(day/48, 2*time.Minute) }

// Longest is how long a canary may take: its trial, and each wait for what does not come.
func Longest(day time.Duration) time.Duration {
	days := Policy().LengthDays + Policy().GraceDays
	return time.Duration(days)*Day(day) + 2*stepPatience(day) + eventPatience(day)
}

// Late reports whether the next canary should have ended by now. since is when the latest did, or when it was first due.
func Late(since, now time.Time, day time.Duration) bool {
	return now.Sub(since) > Every(day)+Longest(day)
}

// leastPatience is how late anything may be, however short a day is: a machine may be busy.
const leastPatience = 30 * time.Second

// stepPatience is how late a step, the registration or the conversion may be: a minute of a day of 24.
func stepPatience(day time.Duration) time.Duration {
	return within(day/(24*60), leastPatience, time.Minute)
}

// eventPatience is how long the mail service may take to report a delivery: two minutes of a day of 24.
func eventPatience(day time.Duration) time.Duration {
	return within(day/(12*60), leastPatience, 2*time.Minute)
}

func within(d, least, most time.Duration) time.Duration { return min(max(d, least), most) }

// Fault names what a canary has found broken.
type Fault string

// The faults.
const (
	// RegistrationFailed: the synthetic vendor could not be registered.
	RegistrationFailed Fault = "registration-failed"
	// TrialNotStarted: the trial's workflow did not begin.
	TrialNotStarted Fault = "trial-not-started"
	// StepMissing: a step was due, and was neither carried out nor skipped.
	StepMissing Fault = "step-missing"
	// RenderingFailed: an e-mail could not be made of its template.
	RenderingFailed Fault = "rendering-failed"
	// MailRefused: the mail service does not accept an e-mail.
	MailRefused Fault = "mail-refused"
	// MailUnanswered: the mail service does not say whether it accepts an e-mail.
	MailUnanswered Fault = "mail-unanswered"
	// MailReturned: an e-mail bounced, was dropped or was called spam.
	MailReturned Fault = "mail-returned"
	// NoMailEvent: the mail service accepted an e-mail, and nothing was reported of it.
	NoMailEvent Fault = "no-mail-event"
	// ConversionMissing: the trial did not record the conversion.
	ConversionMissing Fault = "conversion-missing"
	// TracesLeft: the canary could not be removed.
	TracesLeft Fault = "traces-left"
	// NoCanary: none came. WorkerStopped and TemporalAway say why, where that is known.
	NoCanary      Fault = "no-canary"
	WorkerStopped Fault = "worker-stopped"
	TemporalAway  Fault = "temporal-away"
)

// PartState is how far a part has come.
type PartState string

// The states of a part.
const (
	Waiting PartState = "waiting"
	Done    PartState = "done"
	// Skipped: a step was left out because it came so late that the next one was due. Nothing is broken then, but slow.
	Skipped PartState = "skipped"
	Failed  PartState = "failed"
)

// Part is one part of the path.
type Part struct {
	// Name is one of the Part constants, and for a step and its e-mail followed by "/" and the step's kind.
	Name  string    `json:"name"`
	State PartState `json:"state"`
	// Took is how long the part took, in nanoseconds: for a step from the moment it was due, for its e-mail's acceptance from the
	// claim, for its report from the acceptance; 0 while it waits.
	Took time.Duration `json:"took"`
	// Text says what is special about it, empty for nothing.
	Text string `json:"text"`
}

// The parts.
const (
	PartRegistration = "registration"
	PartStart        = "start"
	PartStep         = "step"
	PartMail         = "mail"
	PartReport       = "report"
	PartConversion   = "conversion"
	PartRemoval      = "removal"
)

// Result is what a canary has shown.
type Result struct {
	// ID is the synthetic vendor's.
	ID      string    `json:"id"`
	BeganAt time.Time `json:"beganAt"`
	EndedAt time.Time `json:"endedAt"`
	Parts   []Part    `json:"parts"`
	// Fault is the first break in the path, empty if there is none. Reason says it in a sentence, and what to do.
	Fault  Fault  `json:"fault"`
	Reason string `json:"reason"`
}

// Well reports whether the canary has found nothing broken.
func (r Result) Well() bool { return r.Fault == "" }

// Took is how long the canary took.
func (r Result) Took() time.Duration { return r.EndedAt.Sub(r.BeganAt) }

// Summary says in a sentence what was seen, and how long each kind of part took at most.
func (r Result) Summary() string {
	longest := map[string]time.Duration{}
	for _, p := range r.Parts {
		name, _, _ := strings.Cut(p.Name, "/")
		longest[name] = max(longest[name], p.Took)
	}
	var took []string
	for _, of := range []struct{ part, words string }{
		{PartRegistration, "registered"}, {PartStart, "started"}, {PartStep, "steps at most"}, {PartMail, "e-mails accepted within"},
		{PartReport, "reported within"}, {PartConversion, "converted"}, {PartRemoval, "removed"},
	} {
		text := of.words + " " + Round(longest[of.part]).String()
		if of.part == PartStep {
			text += " late"
		}
		took = append(took, text)
	}
	return fmt.Sprintf("a canary lived through a whole trial at %s: %s", r.BeganAt.UTC().Format("15:04 UTC"), strings.Join(took, ", "))
}

// Round rounds a part's duration for people: to milliseconds.
func Round(d time.Duration) time.Duration { return d.Round(time.Millisecond) }

// MostResults bounds the results that are kept, the latest first: a day's.
const MostResults = 48
