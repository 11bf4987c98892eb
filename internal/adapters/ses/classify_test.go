package ses

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/trial"
)

// answered is err as the SDK returns it for an answer with a status.
func answered(status int, err error, header http.Header) error {
	return &smithy.OperationError{ServiceID: "SESv2", OperationName: "SendEmail", Err: &smithyhttp.ResponseError{
		Response: &smithyhttp.Response{Response: &http.Response{StatusCode: status, Header: header}},
		Err:      err,
	}}
}

func coded(code, message string) error {
	return &smithy.GenericAPIError{Code: code, Message: message}
}

func TestAnAnswerDecidesTheOutcome(t *testing.T) {
	t.Parallel()
	message := "Daily message quota exceeded"
	tests := map[string]struct {
		status int
		err    error
		header http.Header
		want   trial.SendResult
	}{
		"too many requests":        {429, &types.TooManyRequestsException{}, nil, trial.SendResult{Status: trial.SendReleased, RetryAfter: 5 * time.Second, Reason: "throttled"}},
		"limit exceeded":           {400, &types.LimitExceededException{}, nil, trial.SendResult{Status: trial.SendReleased, RetryAfter: 5 * time.Second, Reason: "throttled"}},
		"throttling":               {400, coded("ThrottlingException", "Maximum sending rate exceeded"), nil, trial.SendResult{Status: trial.SendReleased, RetryAfter: 5 * time.Second, Reason: "throttled"}},
		"throttled with 503":       {503, coded("Throttling", ""), nil, trial.SendResult{Status: trial.SendReleased, RetryAfter: 5 * time.Second, Reason: "throttled"}},
		"429 without a code":       {429, errors.New("?"), nil, trial.SendResult{Status: trial.SendReleased, RetryAfter: 5 * time.Second, Reason: "throttled"}},
		"daily quota":              {429, &types.TooManyRequestsException{Message: &message}, nil, trial.SendResult{Status: trial.SendReleased, RetryAfter: 15 * time.Minute, Reason: "daily-quota"}},
		"asked to wait":            {429, &types.TooManyRequestsException{}, http.Header{"Retry-After": {"60"}}, trial.SendResult{Status: trial.SendReleased, RetryAfter: time.Minute, Reason: "throttled"}},
		"asked to wait for ever":   {429, &types.TooManyRequestsException{}, http.Header{"Retry-After": {"9223372036854775807"}}, trial.SendResult{Status: trial.SendReleased, RetryAfter: 15 * time.Minute, Reason: "throttled"}},
		"asked to wait backwards":  {429, &types.TooManyRequestsException{}, http.Header{"Retry-After": {"-5"}}, trial.SendResult{Status: trial.SendReleased, RetryAfter: 5 * time.Second, Reason: "throttled"}},
		"sending paused":           {400, &types.SendingPausedException{}, nil, trial.SendResult{Status: trial.SendReleased, RetryAfter: 15 * time.Minute, Reason: "sending-paused"}},
		"account suspended":        {400, &types.AccountSuspendedException{}, nil, trial.SendResult{Status: trial.SendReleased, RetryAfter: time.Hour, Reason: "suspended"}},
		"mail-from not verified":   {400, &types.MailFromDomainNotVerifiedException{}, nil, trial.SendResult{Status: trial.SendReleased, RetryAfter: 5 * time.Minute, Reason: "not-verified"}},
		"no configuration set":     {404, &types.NotFoundException{}, nil, trial.SendResult{Status: trial.SendReleased, RetryAfter: 5 * time.Minute, Reason: "not-found"}},
		"404 without a code":       {404, errors.New("?"), nil, trial.SendResult{Status: trial.SendReleased, RetryAfter: 5 * time.Minute, Reason: "not-found"}},
		"invalid token":            {403, coded("UnrecognizedClientException", ""), nil, trial.SendResult{Status: trial.SendReleased, RetryAfter: 5 * time.Minute, Reason: "credentials"}},
		"wrong signature":          {403, coded("InvalidSignatureException", ""), nil, trial.SendResult{Status: trial.SendReleased, RetryAfter: 5 * time.Minute, Reason: "credentials"}},
		"expired token, as a 400":  {400, coded("ExpiredTokenException", ""), nil, trial.SendResult{Status: trial.SendReleased, RetryAfter: 5 * time.Minute, Reason: "credentials"}},
		"401 without a code":       {401, errors.New("?"), nil, trial.SendResult{Status: trial.SendReleased, RetryAfter: 5 * time.Minute, Reason: "credentials"}},
		"message rejected":         {400, &types.MessageRejected{}, nil, trial.SendResult{Status: trial.SendRefused, Reason: "rejected"}},
		"sender not verified":      {400, coded("MessageRejected", "Email address is not verified. The following identities failed the check in region EU-WEST-1: x"), nil, trial.SendResult{Status: trial.SendReleased, RetryAfter: 5 * time.Minute, Reason: "not-verified"}},
		"bad request":              {400, &types.BadRequestException{}, nil, trial.SendResult{Status: trial.SendRefused, Reason: "bad-request"}},
		"unheard-of 4xx":           {413, coded("RequestEntityTooLarge", ""), nil, trial.SendResult{Status: trial.SendRefused, Reason: "bad-request"}},
		"internal error":           {500, &types.InternalServiceErrorException{}, nil, trial.SendResult{Status: trial.SendUnknown, Reason: "server-error"}},
		"unavailable":              {503, coded("ServiceUnavailable", ""), nil, trial.SendResult{Status: trial.SendUnknown, Reason: "server-error"}},
		"gateway time-out":         {504, errors.New("?"), nil, trial.SendResult{Status: trial.SendUnknown, Reason: "server-error"}},
		"request time-out":         {408, errors.New("?"), nil, trial.SendResult{Status: trial.SendUnknown, Reason: "no-answer"}},
		"taken, unreadable answer": {200, errors.New("invalid character"), nil, trial.SendResult{Status: trial.SendUnknown, Reason: "bad-answer"}},
		"redirect":                 {302, errors.New("?"), nil, trial.SendResult{Status: trial.SendReleased, RetryAfter: 5 * time.Minute, Reason: "redirected"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, Classify(answered(tt.status, tt.err, tt.header), true))
		})
	}
}

// SES gives MessageRejected for more than the e-mail.
func TestTheWordsOfARefusalTellItsCause(t *testing.T) {
	t.Parallel()
	for message, want := range map[string]trial.SendResult{
		"Sending paused for this account. For more information, please check the inbox of the email address associated with your AWS account.": deferred("sending-paused", 15*time.Minute),
		"Email sending is disabled for your account.":                     deferred("sending-paused", 15*time.Minute),
		"Email sending has been disabled for this configuration set.":     deferred("sending-paused", 15*time.Minute),
		"Sending suspended for this configuration set":                    deferred("sending-paused", 15*time.Minute),
		"Sending suspended for this account":                              deferred("sending-paused", 15*time.Minute),
		"SENDING IS CURRENTLY PAUSED":                                     deferred("sending-paused", 15*time.Minute),
		"Your account's ability to send email has been paused":            deferred("sending-paused", 15*time.Minute),
		"Amazon SES has disabled email sending for the configuration set": deferred("sending-paused", 15*time.Minute),
		"Your account has been suspended":                                 deferred("suspended", time.Hour),
		"Daily message quota exceeded.":                                   deferred("daily-quota", 15*time.Minute),
		"Daily sending quota exceeded":                                    deferred("daily-quota", 15*time.Minute),
		"Maximum sending rate exceeded.":                                  deferred("throttled", 5*time.Second),
		"Email address is not verified. The following identities failed the check in region EU-WEST-1: sending.paused@example.com": deferred("not-verified", 5*time.Minute),
	} {
		for _, code := range []string{"MessageRejected", "MessageRejectedException", "BadRequestException", "LimitExceededException", "Unheard"} {
			require.Equal(t, want, Classify(answered(400, coded(code, message), nil), true), "%s: %s", code, message)
		}
	}
	for _, message := range []string{
		"The message contains a virus.", "Address blacklisted.", "Message length is more than 10485760 bytes long.", "Transaction failed: Expected disposition", "",
		"Local address contains control or whitespace", "Email address is on the suppression list for your account.",
	} {
		require.Equal(t, refused("rejected"), Classify(answered(400, coded("MessageRejected", message), nil), true), message)
	}
}

func TestEachCodeOfAPausedOrLimitedAccountWaits(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]string{
		"AccountSendingPausedException": "sending-paused", "ConfigurationSetSendingPausedException": "sending-paused", "SendingPausedException": "sending-paused",
		"SendingPaused": "sending-paused", "LimitExceeded": "throttled", "TooManyRequests": "throttled", "MailFromDomainNotVerified": "not-verified",
		"FromEmailAddressNotVerified": "not-verified", "ProductionAccessNotGranted": "not-verified", "ConfigurationSetDoesNotExist": "not-found",
	} {
		got := Classify(answered(400, coded(code, ""), nil), true)
		require.Equal(t, trial.SendReleased, got.Status, code)
		require.Equal(t, want, got.Reason, code)
	}
}

// So the alert sesPaused fires, though GetAccount may say that the account sends.
func TestRefusalsOfAPausedAccountAreAnOutage(t *testing.T) {
	t.Parallel()
	a, now := NewAccount(nil, time.Hour), time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	for range leastRefusals {
		a.Note(Classify(answered(400, coded("MessageRejected", "Sending paused for this account."), nil), true), now)
	}
	require.Equal(t, now, a.AllRefused(now))
}

func TestWithoutAnAnswerWhatWasWrittenDecides(t *testing.T) {
	t.Parallel()
	dial := &smithyhttp.RequestSendError{Err: &net.OpError{Op: "dial", Err: errors.New("connection refused")}}
	tests := map[string]struct {
		err    error
		unsent trial.SendResult
	}{
		"refused connection": {dial, trial.SendResult{Status: trial.SendReleased, RetryAfter: 10 * time.Second, Reason: "unreachable"}},
		"no such host":       {&smithyhttp.RequestSendError{Err: &net.DNSError{Err: "no such host"}}, trial.SendResult{Status: trial.SendReleased, RetryAfter: 10 * time.Second, Reason: "unreachable"}},
		"deadline":           {fmt.Errorf("canceled, %w", context.DeadlineExceeded), trial.SendResult{Status: trial.SendReleased, RetryAfter: 10 * time.Second, Reason: "unreachable"}},
		"cancelled":          {&smithy.CanceledError{Err: context.Canceled}, trial.SendResult{Status: trial.SendReleased, RetryAfter: 10 * time.Second, Reason: "cancelled"}},
		"no credentials":     {errors.New("failed to refresh cached credentials"), trial.SendResult{Status: trial.SendReleased, RetryAfter: 5 * time.Minute, Reason: "not-attempted"}},
		"missing parameter":  {&smithy.InvalidParamsError{}, trial.SendResult{Status: trial.SendRefused, Reason: "bad-message"}},
		"not serialisable":   {&smithy.SerializationError{Err: errors.New("?")}, trial.SendResult{Status: trial.SendRefused, Reason: "bad-message"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.unsent, Classify(tt.err, false))
			require.Equal(t, trial.SendResult{Status: trial.SendUnknown, Reason: "no-answer"}, Classify(tt.err, true))
		})
	}
}
