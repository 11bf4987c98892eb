package trial

import "time"

// SendStatus is the status of one e-mail.
type SendStatus string

// The states of a send.
const (
	// SendClaimed: one worker is sending it, or died while sending.
	SendClaimed SendStatus = "claimed"
	// SendReleased: definitely not accepted; it may be claimed again.
	SendReleased SendStatus = "released"
	// SendUnknown: it may or may not have been accepted.
	SendUnknown SendStatus = "unknown"
	// SendSent: accepted by the mail service.
	SendSent SendStatus = "sent"
	// SendRefused: refused for good.
	SendRefused SendStatus = "refused"
)

// SendResult is what came of one call to the mail service, or to a webhook.
type SendResult struct {
	// Status is SendSent, SendRefused, SendReleased or SendUnknown.
	Status SendStatus
	// MessageID is the mail service's name for the e-mail; set with SendSent, and never for a webhook.
	MessageID string
	// RetryAfter is the pause after SendReleased; zero leaves it to the caller.
	RetryAfter time.Duration
	// Reason is a code, never an address; empty with SendSent.
	Reason string
	// Template is the version of the template that a vendor's e-mail was made of; empty for all else.
	Template string
	// Fields are what the e-mail says of the vendor; nil for all else.
	Fields *MailFields
}

// MailFields are what an e-mail says of one vendor: with the version of its template, the e-mail as it was sent. They are
// personal data: they are not logged, and an erasure removes them.
type MailFields struct {
	// Kind is the kind of e-mail, such as "reminder", which names its words.
	Kind string `json:"kind"`
	// Name is as the greeting has it, empty for none.
	Name   string `json:"name"`
	Locale string `json:"locale"`
	Zone   string `json:"zone"`
	// DaysLeft, GraceDays and LengthDays count days of the trial, at the moment of sending.
	DaysLeft   int       `json:"daysLeft"`
	GraceDays  int       `json:"graceDays"`
	LengthDays int       `json:"lengthDays"`
	EndsAt     time.Time `json:"endsAt"`
	// Ended says that the trial had ended.
	Ended bool `json:"ended"`
	// GraceEndsAt is nil without a grace.
	GraceEndsAt *time.Time `json:"graceEndsAt"`
	// Day is the length of a day, in nanoseconds.
	Day time.Duration `json:"day"`
}

// NotRendered is the reason of a send whose e-mail could not be made of its template.
const NotRendered = "not-rendered"

// The mail service's reports on an e-mail that it accepted.
const (
	// DeliveryDelay: not delivered yet, for a temporary reason.
	DeliveryDelay = "delay"
	// DeliveryGeneralBounce: it bounced without a clear reason. It
	// may be an automatic reply, so a delivery outweighs it; alone it is a bounce.
	DeliveryGeneralBounce = "general-bounce"
	// DeliveryDone: the recipient's server accepted it.
	DeliveryDone = "delivery"
	// DeliveryBounce: it was not delivered, and will not be.
	DeliveryBounce = "bounce"
	// DeliveryComplaint: it was delivered, and the recipient called it spam.
	DeliveryComplaint = "complaint"
	// DeliveryReject: the mail service dropped it.
	DeliveryReject = "reject"
)

// Send is the record of one e-mail, keyed like its step.
type Send struct {
	// Key is the step's: "trialID/kind/revision".
	Key      string `json:"key"`
	VendorID string `json:"vendorId"`
	Kind     Kind   `json:"kind"`
	Revision int    `json:"revision"`
	// Cohort is the one that the trial was counted in when the e-mail was first claimed; empty if that is
	// unknown, and then it counts as Automated.
	Cohort Cohort     `json:"cohort"`
	Status SendStatus `json:"status"`
	// Attempt counts claims from 1. Resends counts those made without knowing
	// whether the previous attempt was accepted.
	Attempt int `json:"attempt"`
	Resends int `json:"resends"`
	// ClaimedAt is when the present attempt began, SettledAt when its outcome
	// became known.
	ClaimedAt time.Time  `json:"claimedAt"`
	SettledAt *time.Time `json:"settledAt"`
	MessageID string     `json:"messageId"`
	// Reason is the code of a refusal, or why the outcome is unknown.
	Reason string `json:"reason"`
	// AddressHash is the recipient's, for suppression after a bounce.
	AddressHash string `json:"addressHash"`
	// Delivery is the gravest report of the mail service: one of the Delivery
	// constants but DeliveryGeneralBounce; empty until there is one.
	Delivery   string     `json:"delivery"`
	DeliveryAt *time.Time `json:"deliveryAt"`
	// Template is the version of the template that it was made of; empty until its worker tells that it was
	// sent.
	Template string `json:"template"`
	// Fields are what it says of the vendor; nil until its worker tells that it was sent, and after an erasure.
	Fields *MailFields `json:"fields"`
}

// SendAction is what to do about a step's e-mail.
type SendAction string

// The actions on a send.
const (
	// SendNow: claim it (again) and send.
	SendNow SendAction = "send"
	// SendResend: there was no report on it for the whole waiting time; send once more.
	SendResend SendAction = "resend"
	// SendDone: it was sent.
	SendDone SendAction = "done"
	// SendGiveUp: it was refused for good.
	SendGiveUp SendAction = "give-up"
	// SendWait: it may have been sent; ask again at the returned time.
	SendWait SendAction = "wait"
)

// DecideSend decides what to do about an e-mail with the record current (nil:
// none). wait is how long an event may still settle a send with an unknown
// outcome; the time is set with SendWait only.
func DecideSend(current *Send, now time.Time, wait time.Duration) (SendAction, time.Time) {
	if current == nil {
		return SendNow, time.Time{}
	}
	switch current.Status {
	case SendReleased:
		return SendNow, time.Time{}
	case SendSent:
		return SendDone, time.Time{}
	case SendRefused:
		return SendGiveUp, time.Time{}
	case SendClaimed, SendUnknown:
		if until := current.ClaimedAt.Add(wait); until.After(now) {
			return SendWait, until
		}
	}
	return SendResend, time.Time{}
}
