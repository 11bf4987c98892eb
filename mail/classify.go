package mail

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// maxRetryAfter bounds what a Retry-After header can ask of us.
const maxRetryAfter = 15 * time.Minute

// Classify turns an error of SendEmail into an outcome. written says whether
// the request's headers had been handed to a connection by then; before that,
// SES cannot have seen a whole request.
//
// An answer decides before anything else: 4xx is SES saying that it did not
// take the e-mail. 5xx is Unknown. SES documents that a failed call sends no
// e-mail, but also that retries of a 5xx should be spaced out "to reduce the
// likelihood of generating duplicates", so its own word is that one may have
// left; and an answer of 502 to 504 can come from a proxy that lost sight of
// the request. A needless wait is cheaper than a second e-mail.
func Classify(err error, written bool) Outcome {
	if answer, ok := errors.AsType[*smithyhttp.ResponseError](err); ok && answer.HTTPStatusCode() != 0 {
		return classifyAnswer(err, answer.Response)
	}
	if written {
		return unknown(ReasonNoAnswer)
	}
	return classifyUnsent(err)
}

// codeOutcomes holds what each error code of SES v2, and of the signing and
// throttling layers before it, says about a send.
var codeOutcomes = map[string]Outcome{
	"TooManyRequestsException":              deferred(ReasonThrottled, retryThrottled),
	"LimitExceededException":                deferred(ReasonThrottled, retryThrottled),
	"ThrottlingException":                   deferred(ReasonThrottled, retryThrottled),
	"Throttling":                            deferred(ReasonThrottled, retryThrottled),
	"ThrottledException":                    deferred(ReasonThrottled, retryThrottled),
	"RequestThrottledException":             deferred(ReasonThrottled, retryThrottled),
	"RequestThrottled":                      deferred(ReasonThrottled, retryThrottled),
	"RequestLimitExceeded":                  deferred(ReasonThrottled, retryThrottled),
	"SlowDown":                              deferred(ReasonThrottled, retryThrottled),
	"SendingPausedException":                deferred(ReasonSendingPaused, retryPaused),
	"AccountSuspendedException":             deferred(ReasonSuspended, retrySuspended),
	"MailFromDomainNotVerifiedException":    deferred(ReasonNotVerified, retryOperator),
	"NotFoundException":                     deferred(ReasonNotFound, retryOperator),
	"ConfigurationSetDoesNotExistException": deferred(ReasonNotFound, retryOperator),
	"AccessDeniedException":                 deferred(ReasonCredentials, retryOperator),
	"ExpiredTokenException":                 deferred(ReasonCredentials, retryOperator),
	"ExpiredToken":                          deferred(ReasonCredentials, retryOperator),
	"IncompleteSignature":                   deferred(ReasonCredentials, retryOperator),
	"IncompleteSignatureException":          deferred(ReasonCredentials, retryOperator),
	"InvalidClientTokenId":                  deferred(ReasonCredentials, retryOperator),
	"InvalidSignatureException":             deferred(ReasonCredentials, retryOperator),
	"MissingAuthenticationToken":            deferred(ReasonCredentials, retryOperator),
	"MissingAuthenticationTokenException":   deferred(ReasonCredentials, retryOperator),
	"NotAuthorized":                         deferred(ReasonCredentials, retryOperator),
	"OptInRequired":                         deferred(ReasonCredentials, retryOperator),
	"RequestExpired":                        deferred(ReasonCredentials, retryOperator),
	"RequestTimeTooSkewed":                  deferred(ReasonCredentials, retryOperator),
	"SignatureDoesNotMatch":                 deferred(ReasonCredentials, retryOperator),
	"UnrecognizedClientException":           deferred(ReasonCredentials, retryOperator),
	"MessageRejected":                       refused(ReasonRejected),
	"BadRequestException":                   refused(ReasonBadRequest),
	"ValidationException":                   refused(ReasonBadRequest),
}

func classifyAnswer(err error, answer *smithyhttp.Response) Outcome {
	apiError, coded := errors.AsType[smithy.APIError](err)
	if coded {
		if outcome, ok := codeOutcomes[apiError.ErrorCode()]; ok {
			return refine(outcome, apiError.ErrorMessage(), answer)
		}
	}
	switch status := answer.StatusCode; {
	case status >= 200 && status < 300:
		// It was taken; only the answer could not be read.
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
		return refused(ReasonBadRequest)
	default:
		return unknown(ReasonServerError)
	}
}

// refine tells apart what shares a code: an identity that is not verified, which
// an operator can mend, from content that is rejected, and the daily quota from
// the rate. It waits as long as the answer asks, within reason.
func refine(outcome Outcome, message string, answer *smithyhttp.Response) Outcome {
	message = strings.ToLower(message)
	if outcome.Reason == ReasonRejected && strings.Contains(message, "is not verified") {
		return deferred(ReasonNotVerified, retryOperator)
	}
	if outcome.Reason != ReasonThrottled {
		return outcome
	}
	if strings.Contains(message, "daily message quota") {
		outcome = deferred(ReasonDailyQuota, retryQuota)
	}
	if seconds, err := strconv.Atoi(answer.Header.Get("Retry-After")); err == nil && seconds > 0 {
		// Bounded as a number first, since a huge one overflows a Duration.
		seconds = min(seconds, int(maxRetryAfter/time.Second))
		outcome.RetryAfter = max(outcome.RetryAfter, time.Duration(seconds)*time.Second)
	}
	return outcome
}

// classifyUnsent sorts the errors after which SES surely has no whole request.
func classifyUnsent(err error) Outcome {
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
	// Only a request that was put together is handed to HTTP, so what failed
	// earlier is the signing, the credentials or the endpoint.
	if _, ok := errors.AsType[*smithyhttp.RequestSendError](err); ok {
		return deferred(ReasonUnreachable, retryUnreachable)
	}
	return deferred(ReasonNotAttempted, retryOperator)
}
