package mail

import "time"

// Status is the outcome of a send.
type Status int

// The zero Status is Unknown, so that a forgotten status does not
// pass for a certain failure.
const (
	// Unknown: SES may or may not have accepted the e-mail. Sending again risks a
	// second one; an event with the send's tags settles it.
	Unknown Status = iota
	// Sent: SES accepted the e-mail and gave it an id.
	Sent
	// Refused: SES did not accept it and never will.
	Refused
	// Deferred: it was not sent, and may be later.
	Deferred
)

// String returns the status's name, as stored.
func (s Status) String() string {
	switch s {
	case Sent:
		return "sent"
	case Refused:
		return "refused"
	case Deferred:
		return "deferred"
	case Unknown:
		return "unknown"
	default:
		return "unknown"
	}
}

// SendResult is the result of one call to [Sender.Send].
type SendResult struct {
	Status Status
	// MessageID is SES's id of the e-mail; set when Sent.
	MessageID string
	// RetryAfter is how long to wait before trying again; set when Deferred.
	RetryAfter time.Duration
	// Reason is a code, one of the Reason constants; empty when Sent.
	Reason string
}

// Reasons for an outcome that is not Sent.
const (
	ReasonBadAddress    = "bad-address"    // refused here: the address cannot be mailed
	ReasonBadMessage    = "bad-message"    // refused here: the e-mail or its key is malformed
	ReasonRejected      = "rejected"       // refused by SES: the content
	ReasonBadRequest    = "bad-request"    // refused by SES: it does not understand the request
	ReasonThrottled     = "throttled"      // deferred: faster than the account's rate
	ReasonDailyQuota    = "daily-quota"    // deferred: the account's quota of 24 hours is used up
	ReasonSendingPaused = "sending-paused" // deferred: sending is paused for the account or configuration set
	ReasonSuspended     = "suspended"      // deferred: the account was restricted by SES
	ReasonNotVerified   = "not-verified"   // deferred: the sender, or its MAIL FROM domain, is not verified, or in the sandbox the recipient
	ReasonNotFound      = "not-found"      // deferred: SES knows no such configuration set or path
	ReasonCredentials   = "credentials"    // deferred: the credentials are missing, wrong or expired
	ReasonUnreachable   = "unreachable"    // deferred: no connection to SES was possible
	ReasonNotAttempted  = "not-attempted"  // deferred: the request failed before it was sent
	ReasonRedirected    = "redirected"     // deferred: something other than SES answered
	ReasonCancelled     = "cancelled"      // deferred: the caller gave up before the request was sent
	ReasonServerError   = "server-error"   // unknown: SES answered 5xx
	ReasonNoAnswer      = "no-answer"      // unknown: the request was sent, and no answer came
	ReasonBadAnswer     = "bad-answer"     // unknown: SES accepted it, but its answer has no id
)

// How long to wait for SES after each kind of deferral. Throttling ends by
// itself in seconds; a cause that only an operator can remove is checked rarely
// enough not to be a nuisance, and often enough to resume soon after.
const (
	retryThrottled   = 5 * time.Second
	retryUnreachable = 10 * time.Second
	retryOperator    = 5 * time.Minute
	retryQuota       = 15 * time.Minute
	retryPaused      = 15 * time.Minute
	retrySuspended   = time.Hour
)

func deferred(reason string, after time.Duration) SendResult {
	return SendResult{Status: Deferred, Reason: reason, RetryAfter: after}
}

func refused(reason string) SendResult { return SendResult{Status: Refused, Reason: reason} }

func unknown(reason string) SendResult { return SendResult{Status: Unknown, Reason: reason} }
