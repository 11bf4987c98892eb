package ses

import (
	"time"

	"marketplace.example/trials/internal/domain/trial"
)

// Reasons for a result other than trial.SendSent.
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

func deferred(reason string, after time.Duration) trial.SendResult {
	return trial.SendResult{Status: trial.SendReleased, Reason: reason, RetryAfter: after}
}

func refused(reason string) trial.SendResult {
	return trial.SendResult{Status: trial.SendRefused, Reason: reason}
}

func unknown(reason string) trial.SendResult {
	return trial.SendResult{Status: trial.SendUnknown, Reason: reason}
}
