package config

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"
)

// short is in place of awsIdle: what is seen is that calls end, not after what time.
const short = 100 * time.Millisecond

func bucketAt(t *testing.T, address string) *s3.Client {
	t.Helper()
	settings, err := awsWithin(t.Context(), short)
	require.NoError(t, err)
	return s3.NewFromConfig(settings, func(o *s3.Options) {
		o.BaseEndpoint, o.Region, o.UsePathStyle = &address, "eu-west-1", true
		o.Credentials = credentials.NewStaticCredentialsProvider("id", "secret", "")
	})
}

// An endpoint that accepts and never answers ends a call with an error that names it, whatever is sent.
func TestAnAWSEndpointThatNeverAnswersIsNamed(t *testing.T) {
	t.Parallel()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			if _, err := listener.Accept(); err != nil {
				return
			}
		}
	}()
	address := listener.Addr().String()
	client := bucketAt(t, "http://"+address)
	_, err = client.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String("vault")})
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	require.ErrorContains(t, err, address)
	_, err = client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("vault"), Key: aws.String("k"), Body: strings.NewReader(strings.Repeat("x", 8<<20))})
	require.ErrorContains(t, err, address)
}

// A transfer takes as long as it takes while it goes on.
func TestASlowAWSTransferThatGoesOnIsNotBrokenOff(t *testing.T) {
	t.Parallel()
	const pieces = 8
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for range pieces {
			_, _ = io.WriteString(w, "piece")
			_ = http.NewResponseController(w).Flush()
			select {
			case <-time.After(short / 4):
			case <-r.Context().Done():
			}
		}
	}))
	t.Cleanup(server.Close)
	object, err := bucketAt(t, server.URL).GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("vault"), Key: aws.String("k")})
	require.NoError(t, err)
	content, err := io.ReadAll(object.Body)
	require.NoError(t, err)
	require.Equal(t, strings.Repeat("piece", pieces), string(content))
}

// A call is over within a minute, its attempts and the pauses between them included.
func TestAWSCallsEndWithinAMinute(t *testing.T) {
	t.Parallel()
	require.Less(t, awsAttempts*awsIdle, 50*time.Second)
	settings, err := AWS(t.Context())
	require.NoError(t, err)
	require.Equal(t, awsAttempts, settings.RetryMaxAttempts)
}
