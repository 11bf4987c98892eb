package mail

import "time"

// Status says what is known of a send.
type Status int

// The zero Status is Unknown: whatever forgets to say what happened must not
// pass for a send that surely did not.
const (
	// Unknown: SES may or may not have taken the e-mail. Sending again risks a
	// second one; an event with the send's tags settles it.
	Unknown Status = iota
	// Sent: SES took the e-mail and named it.
	Sent
	// Refused: SES did not take it and will not, however often it is asked.
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

// SendResult is what became of one call to [Sender.Send].
type SendResult struct {
	Status Status
	// MessageID is SES's name for the e-mail; set when Sent.
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
	ReasonSendingPaused = "sending-paused" // deferred: sending is paused for the account or set
	ReasonSuspended     = "suspended"      // deferred: the account was restricted by SES
	ReasonNotVerified   = "not-verified"   // deferred: the sender, or its MAIL FROM domain, is not verified, or in the sandbox the recipient
	ReasonNotFound      = "not-found"      // deferred: SES knows no such configuration set or path
	ReasonCredentials   = "credentials"    // deferred: the credentials are missing, wrong or expired
	ReasonUnreachable   = "unreachable"    // deferred: no connection to SES came about
	ReasonNotAttempted  = "not-attempted"  // deferred: the request failed before it left
	ReasonRedirected    = "redirected"     // deferred: something else than SES answered
	ReasonCancelled     = "cancelled"      // deferred: the caller gave up before the request left
	ReasonServerError   = "server-error"   // unknown: SES answered 5xx
	ReasonNoAnswer      = "no-answer"      // unknown: the request left, and no answer came
	ReasonBadAnswer     = "bad-answer"     // unknown: SES took it, but its answer names no e-mail
)

// How long to leave SES alone after each kind of deferral. Throttling passes by
// itself in seconds; what only an operator can mend is asked about rarely
// enough not to be a nuisance, and often enough to go on soon after.
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
