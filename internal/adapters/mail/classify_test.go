package mail

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
	const never = time.Duration(0)
	message := "Daily message quota exceeded"
	tests := map[string]struct {
		status int
		err    error
		header http.Header
		want   SendResult
	}{
		"too many requests":        {429, &types.TooManyRequestsException{}, nil, SendResult{Deferred, "", 5 * time.Second, "throttled"}},
		"limit exceeded":           {400, &types.LimitExceededException{}, nil, SendResult{Deferred, "", 5 * time.Second, "throttled"}},
		"throttling":               {400, coded("ThrottlingException", "Maximum sending rate exceeded"), nil, SendResult{Deferred, "", 5 * time.Second, "throttled"}},
		"throttled with 503":       {503, coded("Throttling", ""), nil, SendResult{Deferred, "", 5 * time.Second, "throttled"}},
		"429 without a code":       {429, errors.New("?"), nil, SendResult{Deferred, "", 5 * time.Second, "throttled"}},
		"daily quota":              {429, &types.TooManyRequestsException{Message: &message}, nil, SendResult{Deferred, "", 15 * time.Minute, "daily-quota"}},
		"asked to wait":            {429, &types.TooManyRequestsException{}, http.Header{"Retry-After": {"60"}}, SendResult{Deferred, "", time.Minute, "throttled"}},
		"asked to wait for ever":   {429, &types.TooManyRequestsException{}, http.Header{"Retry-After": {"9223372036854775807"}}, SendResult{Deferred, "", 15 * time.Minute, "throttled"}},
		"asked to wait backwards":  {429, &types.TooManyRequestsException{}, http.Header{"Retry-After": {"-5"}}, SendResult{Deferred, "", 5 * time.Second, "throttled"}},
		"sending paused":           {400, &types.SendingPausedException{}, nil, SendResult{Deferred, "", 15 * time.Minute, "sending-paused"}},
		"account suspended":        {400, &types.AccountSuspendedException{}, nil, SendResult{Deferred, "", time.Hour, "suspended"}},
		"mail-from not verified":   {400, &types.MailFromDomainNotVerifiedException{}, nil, SendResult{Deferred, "", 5 * time.Minute, "not-verified"}},
		"no configuration set":     {404, &types.NotFoundException{}, nil, SendResult{Deferred, "", 5 * time.Minute, "not-found"}},
		"404 without a code":       {404, errors.New("?"), nil, SendResult{Deferred, "", 5 * time.Minute, "not-found"}},
		"invalid token":            {403, coded("UnrecognizedClientException", ""), nil, SendResult{Deferred, "", 5 * time.Minute, "credentials"}},
		"wrong signature":          {403, coded("InvalidSignatureException", ""), nil, SendResult{Deferred, "", 5 * time.Minute, "credentials"}},
		"expired token, as a 400":  {400, coded("ExpiredTokenException", ""), nil, SendResult{Deferred, "", 5 * time.Minute, "credentials"}},
		"401 without a code":       {401, errors.New("?"), nil, SendResult{Deferred, "", 5 * time.Minute, "credentials"}},
		"message rejected":         {400, &types.MessageRejected{}, nil, SendResult{Refused, "", never, "rejected"}},
		"sender not verified":      {400, coded("MessageRejected", "Email address is not verified. The following identities failed the check in region EU-WEST-1: x"), nil, SendResult{Deferred, "", 5 * time.Minute, "not-verified"}},
		"bad request":              {400, &types.BadRequestException{}, nil, SendResult{Refused, "", never, "bad-request"}},
		"unheard-of 4xx":           {413, coded("RequestEntityTooLarge", ""), nil, SendResult{Refused, "", never, "bad-request"}},
		"internal error":           {500, &types.InternalServiceErrorException{}, nil, SendResult{Unknown, "", never, "server-error"}},
		"unavailable":              {503, coded("ServiceUnavailable", ""), nil, SendResult{Unknown, "", never, "server-error"}},
		"gateway time-out":         {504, errors.New("?"), nil, SendResult{Unknown, "", never, "server-error"}},
		"request time-out":         {408, errors.New("?"), nil, SendResult{Unknown, "", never, "no-answer"}},
		"taken, unreadable answer": {200, errors.New("invalid character"), nil, SendResult{Unknown, "", never, "bad-answer"}},
		"redirect":                 {302, errors.New("?"), nil, SendResult{Deferred, "", 5 * time.Minute, "redirected"}},
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
	for message, want := range map[string]SendResult{
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
		require.Equal(t, Deferred, got.Status, code)
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
		unsent SendResult
	}{
		"refused connection": {dial, SendResult{Deferred, "", 10 * time.Second, "unreachable"}},
		"no such host":       {&smithyhttp.RequestSendError{Err: &net.DNSError{Err: "no such host"}}, SendResult{Deferred, "", 10 * time.Second, "unreachable"}},
		"deadline":           {fmt.Errorf("canceled, %w", context.DeadlineExceeded), SendResult{Deferred, "", 10 * time.Second, "unreachable"}},
		"cancelled":          {&smithy.CanceledError{Err: context.Canceled}, SendResult{Deferred, "", 10 * time.Second, "cancelled"}},
		"no credentials":     {errors.New("failed to refresh cached credentials"), SendResult{Deferred, "", 5 * time.Minute, "not-attempted"}},
		"missing parameter":  {&smithy.InvalidParamsError{}, SendResult{Refused, "", 0, "bad-message"}},
		"not serialisable":   {&smithy.SerializationError{Err: errors.New("?")}, SendResult{Refused, "", 0, "bad-message"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.unsent, Classify(tt.err, false))
			require.Equal(t, SendResult{Unknown, "", 0, "no-answer"}, Classify(tt.err, true))
		})
	}
}

func TestTheZeroOutcomeClaimsNothing(t *testing.T) {
	t.Parallel()
	require.Equal(t, Unknown, SendResult{}.Status)
	require.Equal(t, "unknown", Status(42).String())
}
