package mailbox

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"
)

func TestAMailIsKeptAsItWasSent(t *testing.T) {
	t.Parallel()
	url, _ := startMailbox(t, Config{})
	before := time.Now().Add(-time.Second)
	input := mailTo("Jo <jo@example.com>")
	input.Destination.CcAddresses = []string{"cc@example.com"}
	input.ReplyToAddresses = []string{"support@example.com"}
	sent, err := sender(url).SendEmail(t.Context(), input)
	require.NoError(t, err)

	kept := messages(t, url, "")
	require.Len(t, kept, 1)
	require.WithinRange(t, kept[0].At, before, time.Now())
	kept[0].At = time.Time{}
	require.Equal(t, Message{
		ID:      aws.ToString(sent.MessageId),
		To:      []string{"Jo <jo@example.com>", "cc@example.com"},
		From:    "Trials <trials@example.com>",
		Subject: "Your trial ends in 3 days ☀",
		Headers: map[string]string{"List-Unsubscribe": "<https://example.com/u/1>", "Reply-To": "support@example.com"},
		Tags:    map[string]string{"send": "v-1_reminder-3d_0", "kind": "reminder-3d"},
		Text:    "It ends on Friday.",
		HTML:    aws.ToString(input.Content.Simple.Body.Html.Data),
	}, kept[0])
	require.Regexp(t, `^0100[0-9a-f]{12}-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}-000000$`, kept[0].ID)
}

const rawMail = "From: Trials <trials@example.com>\r\n" +
	"To: Jo <jo@example.com>\r\n" +
	"Subject: =?utf-8?q?Welcome_=E2=98=80?=\r\n" +
	"X-Kind: welcome\r\n" +
	"Content-Type: multipart/alternative; boundary=x\r\n\r\n" +
	"--x\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nHello=20you\r\n" +
	"--x\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\nPGI+SGVsbG88L2I+\r\n--x--\r\n"

func TestARawMailIsRead(t *testing.T) {
	t.Parallel()
	url, _ := startMailbox(t, Config{})
	_, err := sender(url).SendEmail(t.Context(), &sesv2.SendEmailInput{
		Content: &types.EmailContent{Raw: &types.RawMessage{Data: []byte(rawMail)}},
	})
	require.NoError(t, err)
	kept := messages(t, url, "")
	require.Len(t, kept, 1)
	require.Equal(t, []string{"jo@example.com"}, kept[0].To)
	require.Equal(t, "Trials <trials@example.com>", kept[0].From)
	require.Equal(t, "Welcome ☀", kept[0].Subject)
	require.Equal(t, "welcome", kept[0].Headers["X-Kind"])
	require.Equal(t, "Hello you", kept[0].Text)
	require.Equal(t, "<b>Hello</b>", kept[0].HTML)
}

func TestABadMailIsRefusedAndNotKept(t *testing.T) {
	t.Parallel()
	url, _ := startMailbox(t, Config{})
	header := func(name, value string) func(*sesv2.SendEmailInput) {
		return func(in *sesv2.SendEmailInput) {
			in.Content.Simple.Headers = []types.MessageHeader{{Name: &name, Value: &value}}
		}
	}
	tag := func(name, value string) func(*sesv2.SendEmailInput) {
		return func(in *sesv2.SendEmailInput) {
			in.EmailTags = append(in.EmailTags, types.MessageTag{Name: &name, Value: &value})
		}
	}
	for name, test := range map[string]struct {
		change func(*sesv2.SendEmailInput)
		want   string // what the error says
	}{
		"no sender":               {func(in *sesv2.SendEmailInput) { in.FromEmailAddress = nil }, "FromEmailAddress is missing"},
		"a sender that is none":   {func(in *sesv2.SendEmailInput) { in.FromEmailAddress = aws.String("trials") }, "FromEmailAddress"},
		"no recipient":            {func(in *sesv2.SendEmailInput) { in.Destination = nil }, "no recipients"},
		"a recipient that's none": {func(in *sesv2.SendEmailInput) { in.Destination.ToAddresses = []string{"jo@"} }, "not an address"},
		"no content":              {func(in *sesv2.SendEmailInput) { in.Content = &types.EmailContent{} }, "neither Simple nor Raw"},
		"no body":                 {func(in *sesv2.SendEmailInput) { in.Content.Simple.Body = &types.Body{} }, "neither Text nor Html"},
		"two contents": {func(in *sesv2.SendEmailInput) {
			in.Content.Raw = &types.RawMessage{Data: []byte(rawMail)}
		}, "both Simple and Raw"},
		"a template":                   {func(in *sesv2.SendEmailInput) { in.Content = &types.EmailContent{Template: &types.Template{}} }, "Template"},
		"raw without recipients":       {func(in *sesv2.SendEmailInput) { *in = rawInput("From: a@example.com\r\n\r\nhello") }, "no recipient"},
		"raw that is no mail":          {func(in *sesv2.SendEmailInput) { *in = rawInput("hello") }, "Content.Raw"},
		"a slash in a tag":             {tag("key", "v-1/welcome/0"), `"v-1/welcome/0"`},
		"a space in a tag":             {tag("the key", "1"), `"the key"`},
		"an empty tag":                 {tag("key", ""), `""`},
		"a long tag":                   {tag("key", strings.Repeat("x", 257)), "1 to 256"},
		"a tag twice":                  {tag("kind", "x"), `"kind" is given twice`},
		"a header's name with a colon": {header("X:Y", "1"), `"X:Y"`},
		"a header of two lines":        {header("X-Y", "1\r\nBcc: all@example.com"), "X-Y"},
		"a header that is too long":    {header("X-Y", strings.Repeat("x", 996)), "X-Y"},
		"a header of SES's own":        {header("Subject", "other"), "Subject is set by"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			input := mailTo("jo@example.com")
			test.change(input)
			_, err := sender(url).SendEmail(t.Context(), input)
			var bad *types.BadRequestException
			require.ErrorAs(t, err, &bad)
			require.Contains(t, bad.ErrorMessage(), test.want)
			require.Empty(t, messages(t, url, ""))
		})
	}
}

func rawInput(data string) sesv2.SendEmailInput {
	return sesv2.SendEmailInput{Content: &types.EmailContent{Raw: &types.RawMessage{Data: []byte(data)}}}
}

func TestLimitsAreThoseOfSES(t *testing.T) {
	t.Parallel()
	url, _ := startMailbox(t, Config{})
	addresses := make([]string, 51)
	for i := range addresses {
		addresses[i] = fmt.Sprintf("v%d@example.com", i)
	}
	send(t, url, addresses[:50]...)
	_, err := sender(url).SendEmail(t.Context(), mailTo(addresses...))
	var rejected *types.MessageRejected
	require.ErrorAs(t, err, &rejected)

	large := mailTo("jo@example.com")
	large.Content.Simple.Body.Text.Data = aws.String(string(bytes.Repeat([]byte("x"), maxMessageBytes)))
	_, err = sender(url).SendEmail(t.Context(), large)
	var bad *types.BadRequestException
	require.ErrorAs(t, err, &bad)
}

func TestARequestThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	url, _ := startMailbox(t, Config{})
	status, header, _ := call(t, http.MethodPost, url+"/v2/email/outbound-emails", "{}")
	require.Equal(t, http.StatusForbidden, status, "without a signature")
	require.Equal(t, "MissingAuthenticationTokenException", header.Get("X-Amzn-Errortype"))
	status, header, _ = call(t, http.MethodGet, url+"/v2/email/identities", "")
	require.Equal(t, http.StatusNotFound, status)
	require.Equal(t, "NotFoundException", header.Get("X-Amzn-Errortype"))
}

func TestTheRateIsKeptWhenThereIsOne(t *testing.T) {
	t.Parallel()
	const oneAnHour = 1.0 / 3600
	url, _ := startMailbox(t, Config{SendRate: oneAnHour})
	account, err := sender(url).GetAccount(t.Context(), &sesv2.GetAccountInput{})
	require.NoError(t, err)
	require.InDelta(t, oneAnHour, account.SendQuota.MaxSendRate, 1e-9)

	send(t, url, "jo@example.com")
	_, err = sender(url).SendEmail(t.Context(), mailTo("jo@example.com"))
	var throttled *types.TooManyRequestsException
	require.ErrorAs(t, err, &throttled, "the next is an hour away")
	require.Len(t, messages(t, url, ""), 1)
}

func TestTheRateIsRegained(t *testing.T) {
	t.Parallel()
	url, _ := startMailbox(t, Config{SendRate: 3})
	send(t, url, "jo@example.com", "mo@example.com", "bo@example.com") // a burst of a second's worth
	require.Eventually(t, func() bool {
		_, err := sender(url).SendEmail(t.Context(), mailTo("jo@example.com"))
		return err == nil
	}, deadline, 10*time.Millisecond)
}

func TestTheAccountTellsItsState(t *testing.T) {
	t.Parallel()
	url, _ := startMailbox(t, Config{})
	send(t, url, "jo@example.com", "mo@example.com")
	account := func() *sesv2.GetAccountOutput {
		account, err := sender(url).GetAccount(t.Context(), &sesv2.GetAccountInput{})
		require.NoError(t, err)
		return account
	}
	a := account()
	require.True(t, a.SendingEnabled)
	require.True(t, a.ProductionAccessEnabled)
	require.Equal(t, "HEALTHY", aws.ToString(a.EnforcementStatus))
	require.InDelta(t, 1000, a.SendQuota.MaxSendRate, 0)
	require.InDelta(t, 2, a.SendQuota.SentLast24Hours, 0)

	must(t, http.MethodPut, url+"/faults", `{"kind":"paused"}`)
	require.False(t, account().SendingEnabled)
	must(t, http.MethodPut, url+"/faults", `{"kind":"suspended"}`)
	require.Equal(t, "SHUTDOWN", aws.ToString(account().EnforcementStatus))
	must(t, http.MethodDelete, url+"/faults", "")
	require.True(t, account().SendingEnabled)
}

func TestFaultsRefuseWithTheErrorsOfSES(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]struct {
		code   string
		status int
	}{
		"throttle":   {"TooManyRequestsException", 429},
		"fail":       {"InternalServiceErrorException", 500},
		"reject":     {"MessageRejected", 400},
		"paused":     {"SendingPausedException", 400},
		"suspended":  {"AccountSuspendedException", 400},
		"unverified": {"MailFromDomainNotVerifiedException", 400},
		"limit":      {"LimitExceededException", 400},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			url, _ := startMailbox(t, Config{})
			must(t, http.MethodPut, url+"/faults", fmt.Sprintf(`{"kind":%q,"count":1}`, kind))
			_, err := sender(url).SendEmail(t.Context(), mailTo("jo@example.com"))
			var api smithy.APIError
			require.ErrorAs(t, err, &api)
			require.Equal(t, want.code, api.ErrorCode())
			var response interface{ HTTPStatusCode() int }
			require.ErrorAs(t, err, &response)
			require.Equal(t, want.status, response.HTTPStatusCode())
			require.Empty(t, messages(t, url, ""))

			send(t, url, "jo@example.com") // the fault is used up
		})
	}
}
