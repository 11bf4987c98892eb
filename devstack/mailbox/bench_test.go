package mailbox

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkSendEmail is one mail of the usual size over HTTP, kept on disk,
// with both of its events signed and delivered to a subscriber.
func BenchmarkSendEmail(b *testing.B) {
	subscriber := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
	}))
	b.Cleanup(subscriber.Close)
	box, err := New(Config{Dir: b.TempDir(), TopicARN: testTopic, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(b, err)
	s, err := box.topic.subscribe(subscriptionRequest{Endpoint: subscriber.URL, SignatureVersion: "2"})
	require.NoError(b, err)
	_, err = box.topic.confirm(s.Token)
	require.NoError(b, err)
	server := httptest.NewServer(box.Handler())
	b.Cleanup(server.Close)

	body := `{"FromEmailAddress":"trials@example.com","Destination":{"ToAddresses":["jo@example.com"]},` +
		`"Content":{"Simple":{"Subject":{"Data":"Welcome"},"Body":{"Html":{"Data":"` + strings.Repeat("x", 6000) + `"}}}}}`
	b.ResetTimer()
	for range b.N {
		request, err := http.NewRequest(http.MethodPost, server.URL+"/v2/email/outbound-emails", strings.NewReader(body))
		require.NoError(b, err)
		request.Header.Set("Authorization", "AWS4-HMAC-SHA256 benchmark")
		response, err := http.DefaultClient.Do(request)
		require.NoError(b, err)
		require.Equal(b, http.StatusOK, response.StatusCode)
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
	}
	box.topic.deliveries.Wait()
	b.StopTimer()
	require.NoError(b, box.Close())
}
