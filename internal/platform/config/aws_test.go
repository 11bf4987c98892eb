package config

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"
)

// bucketAt is a client that has idle in place of awsIdle.
func bucketAt(t *testing.T, address string, idle time.Duration) *s3.Client {
	t.Helper()
	settings, err := awsWithin(t.Context(), idle)
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
		var kept []net.Conn // one that nothing refers to is closed by the collector of garbage
		for {
			conn, err := listener.Accept()
			if err != nil {
				break
			}
			kept = append(kept, conn)
		}
		for _, conn := range kept {
			_ = conn.Close()
		}
	}()
	address := listener.Addr().String()
	client := bucketAt(t, "http://"+address, 100*time.Millisecond)
	_, err = client.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String("vault")})
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	require.ErrorContains(t, err, address)
	_, err = client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("vault"), Key: aws.String("k"), Body: strings.NewReader(strings.Repeat("x", 8<<20))})
	require.ErrorContains(t, err, address)
}

// A transfer may take any time while it progresses.
func TestASlowAWSTransferThatGoesOnIsNotBrokenOff(t *testing.T) {
	t.Parallel()
	const pieces, idle = 12, 4 * time.Second // all of them take longer than that, and none does on a busy machine
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for range pieces {
			_, _ = io.WriteString(w, "piece")
			_ = http.NewResponseController(w).Flush()
			select {
			case <-time.After(idle / 10):
			case <-r.Context().Done():
			}
		}
	}))
	t.Cleanup(server.Close)
	object, err := bucketAt(t, server.URL, idle).GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("vault"), Key: aws.String("k")})
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

// The SDK reads the process's own variables, so that this test has them to itself.
func TestTheAWSVariableAtFaultIsNamed(t *testing.T) {
	none := filepath.Join(t.TempDir(), "none")
	for variable, value := range map[string]string{
		"AWS_PROFILE": "nowhere", "AWS_CA_BUNDLE": none, "AWS_MAX_ATTEMPTS": "zq", "AWS_USE_FIPS_ENDPOINT": "perhaps", "AWS_RETRY_MODE": "zq",
	} {
		t.Run(variable, func(t *testing.T) {
			t.Setenv("AWS_CONFIG_FILE", none)
			t.Setenv("AWS_SHARED_CREDENTIALS_FILE", none)
			t.Setenv(variable, value)
			_, err := AWS(t.Context())
			require.ErrorContains(t, err, variable)
			require.NotContains(t, err.Error(), "AWS_*")
		})
	}
	require.Equal(t, "the variables AWS_*", awsAtFault(errors.New("no"), []string{"AWS_REGION=eu", "PATH=no", "AWS_EMPTY="}))
}
