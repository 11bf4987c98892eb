package ses

import (
	"context"
	"errors"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"marketplace.example/trials/internal/domain/trial"
)

// maxRetryAfter bounds the wait that a Retry-After header can request.
const maxRetryAfter = 15 * time.Minute

// Classify turns an error of SendEmail into an outcome. written says whether
// the request's headers had been handed to a connection; before that,
// SES cannot have seen a whole request.
//
// An answer decides before anything else: 4xx means that SES did not accept
// the e-mail. 5xx is Unknown. SES documents that a failed call sends no
// e-mail, but also that retries of a 5xx should be spaced out "to reduce the
// likelihood of generating duplicates", so the e-mail may have been sent;
// and a 502 to 504 can come from a proxy that lost track of
// the request. A needless wait is cheaper than a second e-mail.
func Classify(err error, written bool) trial.SendResult {
	if answer, ok := errors.AsType[*smithyhttp.ResponseError](err); ok && answer.HTTPStatusCode() != 0 {
		return classifyAnswer(err, answer.Response)
	}
	if written {
		return unknown(ReasonNoAnswer)
	}
	return classifyUnsent(err)
}

// codeOutcomes maps each error code of SES, of both versions of its API,
// and of the signing and throttling layers before it, to an outcome. Codes
// are without the "Exception" suffix that some layers add.
var codeOutcomes = codes(map[trial.SendResult][]string{
	deferred(ReasonThrottled, retryThrottled): {
		"TooManyRequests", "LimitExceeded", "Throttling", "Throttled", "RequestThrottled", "RequestLimitExceeded", "SlowDown",
	},
	deferred(ReasonSendingPaused, retryPaused): {"SendingPaused", "AccountSendingPaused", "ConfigurationSetSendingPaused"},
	deferred(ReasonSuspended, retrySuspended):  {"AccountSuspended"},
	deferred(ReasonNotVerified, retryOperator): {"MailFromDomainNotVerified", "FromEmailAddressNotVerified", "ProductionAccessNotGranted"},
	deferred(ReasonNotFound, retryOperator):    {"NotFound", "ConfigurationSetDoesNotExist"},
	deferred(ReasonCredentials, retryOperator): {
		"AccessDenied", "ExpiredToken", "IncompleteSignature", "InvalidClientTokenId", "InvalidSignature", "MissingAuthenticationToken",
		"NotAuthorized", "OptInRequired", "RequestExpired", "RequestTimeTooSkewed", "SignatureDoesNotMatch", "UnrecognizedClient",
	},
	refused(ReasonRejected):   {"MessageRejected"},
	refused(ReasonBadRequest): {"BadRequest", "Validation"},
})

func codes(byOutcome map[trial.SendResult][]string) map[string]trial.SendResult {
	byCode := make(map[string]trial.SendResult)
	for outcome, codes := range byOutcome {
		for _, code := range codes {
			byCode[code] = outcome
		}
	}
	return byCode
}

// saidOutcomes maps the words of an answer to an outcome; the first match counts. SES
// uses MessageRejected, and the codes of limits, for several kinds of causes;
// those here are unrelated to the e-mail.
var saidOutcomes = []struct {
	words   *regexp.Regexp
	outcome trial.SendResult
}{
	{regexp.MustCompile(`(?i)\bnot verified\b`), deferred(ReasonNotVerified, retryOperator)},
	{regexp.MustCompile(`(?i)\baccount (is|has been|was) (suspended|shut ?down|under review)`), deferred(ReasonSuspended, retrySuspended)},
	{regexp.MustCompile(`(?i)\b(sending|ability to send( e-?mail)?) ((is|has been|was) )?(currently )?(paused|suspended|disabled)\b`), deferred(ReasonSendingPaused, retryPaused)},
	{regexp.MustCompile(`(?i)\b(paused|suspended|disabled) (e-?mail )?sending\b`), deferred(ReasonSendingPaused, retryPaused)},
	{regexp.MustCompile(`(?i)\bdaily (message|sending) quota\b`), deferred(ReasonDailyQuota, retryQuota)},
	{regexp.MustCompile(`(?i)\b(maximum sending rate|rate) exceeded\b`), deferred(ReasonThrottled, retryThrottled)},
}

func classifyAnswer(err error, answer *smithyhttp.Response) trial.SendResult {
	apiError, coded := errors.AsType[smithy.APIError](err)
	if coded {
		if outcome, ok := codeOutcomes[strings.TrimSuffix(apiError.ErrorCode(), "Exception")]; ok {
			return refine(outcome, apiError.ErrorMessage(), answer)
		}
	}
	switch status := answer.StatusCode; {
	case status >= 200 && status < 300:
		// SES accepted it; only the answer could not be read.
		return unknown(ReasonBadAnswer)
	case status >= 300 && status < 400:
		return deferred(ReasonRedirected, retryOperator)
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return deferred(ReasonCredentials, retryOperator)
	case status == http.StatusNotFound:
		return deferred(ReasonNotFound, retryOperator)
	case status == http.StatusTooManyRequests:
		return refine(deferred(ReasonThrottled, retryThrottled), "", answer)
	case status == http.StatusRequestTimeout:
		return unknown(ReasonNoAnswer)
	case status >= 400 && status < 500:
		message := ""
		if coded {
			message = apiError.ErrorMessage()
		}
		return refine(refused(ReasonBadRequest), message, answer)
	default:
		return unknown(ReasonServerError)
	}
}

// refine distinguishes causes that share a code, and waits as long as the answer asks,
// within reason.
func refine(outcome trial.SendResult, message string, answer *smithyhttp.Response) trial.SendResult {
	if outcome.Status == trial.SendRefused || outcome.Reason == ReasonThrottled {
		for _, said := range saidOutcomes {
			if said.words.MatchString(message) {
				outcome = said.outcome
				break
			}
		}
	}
	if outcome.Reason != ReasonThrottled && outcome.Reason != ReasonDailyQuota {
		return outcome
	}
	if seconds, err := strconv.Atoi(answer.Header.Get("Retry-After")); err == nil && seconds > 0 {
		// Bounded as a number first, because a huge one overflows a Duration.
		seconds = min(seconds, int(maxRetryAfter/time.Second))
		outcome.RetryAfter = max(outcome.RetryAfter, time.Duration(seconds)*time.Second)
	}
	return outcome
}

// classifyUnsent sorts the errors after which SES certainly has no whole request.
func classifyUnsent(err error) trial.SendResult {
	if _, ok := errors.AsType[*smithy.InvalidParamsError](err); ok {
		return refused(ReasonBadMessage)
	}
	if _, ok := errors.AsType[*smithy.SerializationError](err); ok {
		return refused(ReasonBadMessage)
	}
	if errors.Is(err, context.Canceled) {
		return deferred(ReasonCancelled, retryUnreachable)
	}
	if _, ok := errors.AsType[*net.OpError](err); ok {
		return deferred(ReasonUnreachable, retryUnreachable)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return deferred(ReasonUnreachable, retryUnreachable)
	}
	// Only a complete request reaches HTTP, so an earlier
	// failure is in the signing, the credentials or the endpoint.
	if _, ok := errors.AsType[*smithyhttp.RequestSendError](err); ok {
		return deferred(ReasonUnreachable, retryUnreachable)
	}
	return deferred(ReasonNotAttempted, retryOperator)
}
