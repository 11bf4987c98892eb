package config

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go/logging"
)

const (
	// awsIdle is how long a connection to AWS may be idle while something is sent or awaited.
	awsIdle = 15 * time.Second
	// awsDial is how long connecting may take.
	awsDial = 5 * time.Second
	// awsAttempts is how often a call is tried, so that one ends within a minute if nobody answers.
	awsAttempts = 3
)

// AWS reads the SDK's own variables, AWS_*. Calls end if the server stops answering, however long a
// running transfer takes, and the SDK logs to slog.
func AWS(ctx context.Context) (aws.Config, error) { return awsWithin(ctx, awsIdle) }

func awsWithin(ctx context.Context, idle time.Duration) (aws.Config, error) {
	dialer := &net.Dialer{Timeout: awsDial}
	client := awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.TLSHandshakeTimeout = awsDial
		t.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dialer.DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return &idleTimeoutConn{conn, idle}, nil
		}
	})
	settings, err := awsconfig.LoadDefaultConfig(ctx,
		awsconfig.WithHTTPClient(client), awsconfig.WithRetryMaxAttempts(awsAttempts), awsconfig.WithLogger(awsLogger{}))
	if err != nil {
		return settings, fmt.Errorf("reading %s: %w", awsAtFault(err, os.Environ()), err)
	}
	return settings, nil
}

// awsAtFault names the variables that an error of the SDK mentions; all of them if it mentions none.
func awsAtFault(err error, environ []string) string {
	var named []string
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		about := value != "" && regexp.MustCompile(`(^|\W)`+regexp.QuoteMeta(value)+`($|\W)`).MatchString(err.Error())
		if strings.HasPrefix(name, "AWS_") && about {
			named = append(named, name)
		}
	}
	if len(named) == 0 {
		return "the variables AWS_*"
	}
	slices.Sort(named)
	return strings.Join(named, ", ")
}

// idleTimeoutConn is a connection that breaks if nothing has been sent or received for that long.
type idleTimeoutConn struct {
	net.Conn

	idle time.Duration
}

func (c *idleTimeoutConn) Read(b []byte) (int, error) {
	if err := c.extend(); err != nil {
		return 0, err
	}
	return c.Conn.Read(b)
}

func (c *idleTimeoutConn) Write(b []byte) (int, error) {
	if err := c.extend(); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}

// extend also extends a reader's deadline while another goroutine writes.
func (c *idleTimeoutConn) extend() error { return c.SetDeadline(time.Now().Add(c.idle)) }

// awsLogger forwards the SDK's log to slog.
type awsLogger struct{}

func (awsLogger) Logf(level logging.Classification, format string, v ...any) {
	severity := slog.LevelDebug
	if level == logging.Warn {
		severity = slog.LevelWarn
	}
	slog.Log(context.Background(), severity, fmt.Sprintf(format, v...), "library", "aws")
}
