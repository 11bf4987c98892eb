package mailbox

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"
	"github.com/stretchr/testify/require"
)

// deadline is how long a test waits for an event, even on a busy machine.
const deadline = 2 * time.Minute

const testTopic = "arn:aws:sns:us-east-1:000000000000:ses-events"

// startMailbox serves a mailbox until the test ends, or stop is called.
func startMailbox(t *testing.T, config Config) (url string, stop func()) {
	t.Helper()
	config.Logger = slog.New(slog.DiscardHandler)
	config.TopicARN = testTopic
	server := httptest.NewUnstartedServer(nil)
	config.URL = "http://" + server.Listener.Addr().String()
	box, err := New(config)
	require.NoError(t, err)
	server.Config.Handler = box.Handler()
	server.Start()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		server.CloseClientConnections() // some tests leave calls that are waiting
		server.Close()
		require.NoError(t, box.Close())
	}
	t.Cleanup(stop)
	return config.URL, stop
}

// sender returns AWS's own client, which tries everything once.
func sender(url string) *sesv2.Client {
	return sesv2.New(sesv2.Options{
		BaseEndpoint: aws.String(url),
		Region:       "us-east-1",
		Credentials:  credentials.NewStaticCredentialsProvider("key", "secret", ""),
		Retryer:      retry.AddWithMaxAttempts(retry.NewStandard(), 1),
	})
}

// mailTo is a mail as the trials send it.
func mailTo(addresses ...string) *sesv2.SendEmailInput {
	return &sesv2.SendEmailInput{
		FromEmailAddress: aws.String("Trials <trials@example.com>"),
		Destination:      &types.Destination{ToAddresses: addresses},
		Content: &types.EmailContent{Simple: &types.Message{
			Subject: &types.Content{Data: aws.String("Your trial ends in 3 days ☀")},
			Body: &types.Body{
				Text: &types.Content{Data: aws.String("It ends on Friday.")},
				Html: &types.Content{Data: aws.String("<html><head></head><body><a href=\"https://example.com\">It ends</a></body></html>")},
			},
			Headers: []types.MessageHeader{
				{Name: aws.String("List-Unsubscribe"), Value: aws.String("<https://example.com/u/1>")},
			},
		}},
		EmailTags: []types.MessageTag{
			{Name: aws.String("send"), Value: aws.String("v-1_reminder-3d_0")},
			{Name: aws.String("kind"), Value: aws.String("reminder-3d")},
		},
	}
}

// send sends a mail that must be accepted, and returns its id.
func send(t *testing.T, url string, addresses ...string) string {
	t.Helper()
	sent, err := sender(url).SendEmail(t.Context(), mailTo(addresses...))
	require.NoError(t, err)
	return aws.ToString(sent.MessageId)
}

// call makes a request and returns the answer's status, header and body.
func call(t *testing.T, method, url, body string) (int, http.Header, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	require.NoError(t, err)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, response.Header, string(answer)
}

// must makes a request that succeeds, and returns the answer's body.
func must(t *testing.T, method, url, body string) string {
	t.Helper()
	status, _, answer := call(t, method, url, body)
	require.Less(t, status, 300, "%s %s: %s", method, url, answer)
	return answer
}

// messages returns those that the query picks.
func messages(t *testing.T, url, query string) []Message {
	t.Helper()
	var list []Message
	require.NoError(t, json.Unmarshal([]byte(must(t, http.MethodGet, url+"/messages"+query, "")), &list))
	return list
}
