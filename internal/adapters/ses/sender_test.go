package ses

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"marketplace.example/trials/internal/domain/trial"
)

// client is the real SDK, pointed at url.
func client(url string, change ...func(*sesv2.Options)) *sesv2.Client {
	options := sesv2.Options{
		Region:           "eu-west-1",
		BaseEndpoint:     aws.String(url),
		RetryMaxAttempts: 4, // as an operator may set it for all of AWS
		Credentials:      credentials.NewStaticCredentialsProvider("AKID", "secret", ""),
	}
	return sesv2.New(options, change...)
}

func newSender(t *testing.T, api SendEmailAPI, config SenderConfig) *Sender {
	t.Helper()
	config.From = "Märkte <hello@shop.example>"
	s, err := NewSender(api, config)
	require.NoError(t, err)
	return s
}

func message() Message {
	return Message{
		To:             "vendor@example.com",
		Subject:        "Your trial ends tömorrow",
		Text:           "text ✓",
		HTML:           "<p>html ✓</p>",
		Key:            SendKey{TrialID: "v-1_A", Kind: "reminder-1d", Revision: 2, Attempt: 1},
		UnsubscribeURL: "https://shop.example/unsubscribe/v1.x.y",
	}
}

// fakeSES serves handler and counts the requests that reached it.
func fakeSES(t *testing.T, handler http.HandlerFunc) (url string, requests *atomic.Int64) {
	t.Helper()
	requests = new(atomic.Int64)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		handler(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL, requests
}

func fail(status int, code string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Amzn-ErrorType", code)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, `{"message":"Illegal address: vendor@example.com"}`)
	}
}

// hangUp closes the connection once the whole request has been read.
func hangUp(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	panic(http.ErrAbortHandler)
}

func TestSendHandsSESWhatTheMessageSays(t *testing.T) {
	t.Parallel()
	bodies := make(chan []byte, 1)
	url, _ := fakeSES(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		bodies <- body
		_, _ = io.WriteString(w, `{"MessageId":"0100-abc"}`)
	})
	s := newSender(t, client(url), SenderConfig{ConfigurationSet: "trials"})
	require.Equal(t, trial.SendResult{Status: trial.SendSent, MessageID: "0100-abc"}, s.Send(t.Context(), message()))

	var got map[string]any
	require.NoError(t, json.Unmarshal(<-bodies, &got))
	content := func(data string) any { return map[string]any{"Charset": "UTF-8", "Data": data} }
	pair := func(name, value string) any { return map[string]any{"Name": name, "Value": value} }
	require.Equal(t, map[string]any{
		"ConfigurationSetName": "trials",
		"FromEmailAddress":     "=?utf-8?q?M=C3=A4rkte?= <hello@shop.example>",
		"Destination":          map[string]any{"ToAddresses": []any{"vendor@example.com"}},
		"EmailTags":            []any{pair("trial_id", "v-1_A"), pair("step", "reminder-1d"), pair("revision", "2"), pair("attempt", "1")},
		"Content": map[string]any{"Simple": map[string]any{
			"Subject": content("Your trial ends tömorrow"),
			"Body":    map[string]any{"Text": content("text ✓"), "Html": content("<p>html ✓</p>")},
			"Headers": []any{
				pair("List-Unsubscribe", "<https://shop.example/unsubscribe/v1.x.y>"),
				pair("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
			},
		}},
	}, got)
}

func TestSendWritesToTheASCIIFormOfADomain(t *testing.T) {
	t.Parallel()
	bodies := make(chan []byte, 1)
	url, _ := fakeSES(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		bodies <- body
		_, _ = io.WriteString(w, `{"MessageId":"0100-abc"}`)
	})
	s, err := NewSender(client(url), SenderConfig{From: "Shop <hello@bücher.example>"})
	require.NoError(t, err)
	m := message()
	m.To = "info@bücher.example"
	require.Equal(t, trial.SendSent, s.Send(t.Context(), m).Status)
	body := string(<-bodies)
	require.Contains(t, body, `"ToAddresses":["info@xn--bcher-kva.example"]`)
	require.Contains(t, body, `hello@xn--bcher-kva.example`)
}

func TestAMessageMayNameItsSenderAndWhomToAnswer(t *testing.T) {
	t.Parallel()
	bodies := make(chan string, 1)
	url, _ := fakeSES(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		bodies <- string(body)
		_, _ = io.WriteString(w, `{"MessageId":"m-1"}`)
	})
	s := newSender(t, client(url), SenderConfig{})
	for name, c := range map[string]struct {
		change func(*Message)
		sent   []string
	}{
		"neither": {func(*Message) {}, []string{`"FromEmailAddress":"=?utf-8?q?M=C3=A4rkte?= <hello@shop.example>"`}},
		"both": {
			func(m *Message) { m.FromName, m.ReplyTo = "Søn, Ltd", "help@bücher.example" },
			[]string{`"FromEmailAddress":"=?utf-8?b?U8O4biwgTHRk?= <hello@shop.example>"`, `"ReplyToAddresses":["help@xn--bcher-kva.example"]`},
		},
		"a name of two lines": {
			func(m *Message) { m.FromName = "Nordic\r\nBcc: b@example.com" },
			[]string{`"FromEmailAddress":"\"Nordic Bcc: b@example.com\" <hello@shop.example>"`},
		},
	} {
		m := message()
		c.change(&m)
		require.Equal(t, trial.SendSent, s.Send(t.Context(), m).Status, name)
		var body bytes.Buffer
		require.NoError(t, json.Compact(&body, []byte(<-bodies)))
		text := strings.NewReplacer(`\u003c`, "<", `\u003e`, ">").Replace(body.String())
		for _, want := range c.sent {
			require.Contains(t, text, want, name)
		}
		require.Equal(t, name == "both", strings.Contains(text, "ReplyToAddresses"), name)
	}
}

func TestSendAsksOnceWhateverTheAnswer(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		handler http.HandlerFunc
		want    trial.SendResult
	}{
		"throttled":         {fail(429, "TooManyRequestsException"), trial.SendResult{Status: trial.SendReleased, RetryAfter: 5 * time.Second, Reason: "throttled"}},
		"rejected":          {fail(400, "MessageRejected"), trial.SendResult{Status: trial.SendRefused, Reason: "rejected"}},
		"paused":            {fail(400, "SendingPausedException"), trial.SendResult{Status: trial.SendReleased, RetryAfter: 15 * time.Minute, Reason: "sending-paused"}},
		"expired token":     {fail(403, "ExpiredTokenException"), trial.SendResult{Status: trial.SendReleased, RetryAfter: 5 * time.Minute, Reason: "credentials"}},
		"internal error":    {fail(500, "InternalServiceErrorException"), trial.SendResult{Status: trial.SendUnknown, Reason: "server-error"}},
		"unavailable":       {fail(503, "ServiceUnavailable"), trial.SendResult{Status: trial.SendUnknown, Reason: "server-error"}},
		"accept, hang up":   {hangUp, trial.SendResult{Status: trial.SendUnknown, Reason: "no-answer"}},
		"answer cut off":    {answerCutOff, trial.SendResult{Status: trial.SendUnknown, Reason: "bad-answer"}},
		"no message id":     {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{}`) }, trial.SendResult{Status: trial.SendUnknown, Reason: "bad-answer"}},
		"something else":    {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `<html>`) }, trial.SendResult{Status: trial.SendUnknown, Reason: "bad-answer"}},
		"redirect to login": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/login", http.StatusFound) }, trial.SendResult{Status: trial.SendReleased, RetryAfter: 5 * time.Minute, Reason: "redirected"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, requests := fakeSES(t, tt.handler)
			s := newSender(t, client(url), SenderConfig{})
			require.Equal(t, tt.want, s.Send(t.Context(), message()))
			require.EqualValues(t, 1, requests.Load())
		})
	}
}

// answerCutOff promises more of an answer than it sends.
func answerCutOff(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "100")
	_, _ = io.WriteString(w, `{"MessageId":"0100`)
}

func TestSendThatTimesOutAfterWritingIsUnknown(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	url, requests := fakeSES(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-release
	})
	t.Cleanup(func() { close(release) })
	s := newSender(t, client(url), SenderConfig{Timeout: 100 * time.Millisecond})
	require.Equal(t, trial.SendResult{Status: trial.SendUnknown, Reason: "no-answer"}, s.Send(t.Context(), message()))
	require.EqualValues(t, 1, requests.Load())
}

func TestSendThatNeverLeftIsDeferred(t *testing.T) {
	t.Parallel()
	closed := httptest.NewServer(nil)
	closed.Close()
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	hosts := func(err error) func(*sesv2.Options) {
		return func(o *sesv2.Options) {
			o.HTTPClient = &http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
				return nil, err
			}}}
		}
	}
	tests := map[string]struct {
		ctx  context.Context
		api  *sesv2.Client
		want trial.SendResult
	}{
		"refused connection": {t.Context(), client(closed.URL), trial.SendResult{Status: trial.SendReleased, RetryAfter: 10 * time.Second, Reason: "unreachable"}},
		"no such host": {
			t.Context(), client("http://ses.invalid", hosts(&net.DNSError{Err: "no such host", Name: "ses.invalid", IsNotFound: true})),
			trial.SendResult{Status: trial.SendReleased, RetryAfter: 10 * time.Second, Reason: "unreachable"},
		},
		"cancelled before": {cancelled, client(closed.URL), trial.SendResult{Status: trial.SendReleased, RetryAfter: 10 * time.Second, Reason: "cancelled"}},
		"no credentials": {
			t.Context(), client(closed.URL, func(o *sesv2.Options) {
				o.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
					return aws.Credentials{}, errors.New("no role")
				})
			}),
			trial.SendResult{Status: trial.SendReleased, RetryAfter: 5 * time.Minute, Reason: "not-attempted"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, newSender(t, tt.api, SenderConfig{}).Send(tt.ctx, message()))
		})
	}
}

// Credentials are often fetched over HTTP, under the same context as the send.
// That request must not pass for the one to SES.
func TestAFailedFetchOfCredentialsIsNoUnknownSend(t *testing.T) {
	t.Parallel()
	sts, fetches := fakeSES(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	ses, requests := fakeSES(t, fail(500, "InternalServiceErrorException"))
	s := newSender(t, client(ses, func(o *sesv2.Options) {
		o.Credentials = aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) {
			request, err := http.NewRequestWithContext(ctx, http.MethodGet, sts, http.NoBody)
			if err != nil {
				return aws.Credentials{}, err
			}
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				return aws.Credentials{}, err
			}
			_ = response.Body.Close()
			return aws.Credentials{}, errors.New("no credentials: " + response.Status)
		})
	}), SenderConfig{})
	require.Equal(t, trial.SendResult{Status: trial.SendReleased, RetryAfter: 5 * time.Minute, Reason: "not-attempted"}, s.Send(t.Context(), message()))
	require.EqualValues(t, 1, fetches.Load())
	require.Zero(t, requests.Load())
}

func TestSendRefusesWhatMustNotLeave(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(*Message)
		reason string
	}{
		"no address":            {func(m *Message) { m.To = "" }, "bad-address"},
		"two addresses":         {func(m *Message) { m.To = "a@example.com,b@example.com" }, "bad-address"},
		"address in brackets":   {func(m *Message) { m.To = "<a@example.com>" }, "bad-address"},
		"address with a name":   {func(m *Message) { m.To = "A<a@example.com>" }, "bad-address"},
		"address with a header": {func(m *Message) { m.To = "a@example.com\r\nBcc:b@example.com" }, "bad-address"},
		"address not in ASCII":  {func(m *Message) { m.To = "ä@example.com" }, "bad-address"},
		"subject of two lines":  {func(m *Message) { m.Subject = "a\r\nBcc: b@example.com" }, "bad-message"},
		"no subject":            {func(m *Message) { m.Subject = "" }, "bad-message"},
		"a second header":       {func(m *Message) { m.ReplyTo = "a@example.com\r\nBcc: b@example.com" }, "bad-message"},
		"no text":               {func(m *Message) { m.Text = "" }, "bad-message"},
		"link out of brackets":  {func(m *Message) { m.UnsubscribeURL = "https://a/>,<mailto:b@c" }, "bad-message"},
		"link of no web page":   {func(m *Message) { m.UnsubscribeURL = "mailto:b@c" }, "bad-message"},
		"trial id with a slash": {func(m *Message) { m.Key.TrialID = "a/b" }, "bad-message"},
		"no step":               {func(m *Message) { m.Key.Kind = "" }, "bad-message"},
		"negative revision":     {func(m *Message) { m.Key.Revision = -1 }, "bad-message"},
		"negative attempt":      {func(m *Message) { m.Key.Attempt = -1 }, "bad-message"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, requests := fakeSES(t, fail(500, "InternalServiceErrorException"))
			s := newSender(t, client(url), SenderConfig{})
			m := message()
			tt.change(&m)
			require.Equal(t, trial.SendResult{Status: trial.SendRefused, Reason: tt.reason}, s.Send(t.Context(), m))
			require.Zero(t, requests.Load())
		})
	}
}

func TestLogsHoldTheKeyAndNeverTheAddress(t *testing.T) {
	t.Parallel()
	core, logs := observer.New(zap.DebugLevel)
	url, _ := fakeSES(t, fail(400, "MessageRejected"))
	newSender(t, client(url), SenderConfig{Log: zap.New(core)}).Send(t.Context(), message())

	require.Equal(t, 1, logs.Len())
	fields := logs.All()[0].ContextMap()
	require.Equal(t, "v-1_A", fields["trialID"])
	require.Equal(t, "MessageRejected", fields["code"])
	line, err := json.Marshal(fields)
	require.NoError(t, err)
	require.NotContains(t, string(line), "example.com")
}

func TestThrottlingMakesTheRateBeAskedAgain(t *testing.T) {
	t.Parallel()
	rate, err := NewRate(nil, 1, nil)
	require.NoError(t, err)
	url, _ := fakeSES(t, fail(429, "TooManyRequestsException"))
	newSender(t, client(url), SenderConfig{Rate: rate}).Send(t.Context(), message())
	require.True(t, rate.throttled)
}

func TestSenderSettingsAreCheckedAtTheStart(t *testing.T) {
	t.Parallel()
	for field, config := range map[string]SenderConfig{
		"MAIL_FROM":             {From: "not an address"},
		"SES_CONFIGURATION_SET": {From: "a@example.com", ConfigurationSet: "two words"},
		"timeout":               {From: "a@example.com", Timeout: -1},
	} {
		_, err := NewSender(nil, config)
		require.ErrorContains(t, err, field)
	}
}
