// Package temporal connects the product to Temporal: the client, the
// schedules, and the ports through which trials are started and steered.
package temporal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/opentelemetry"
	"go.temporal.io/sdk/log"
	"go.uber.org/zap"
	"go.uber.org/zap/exp/zapslog"

	"marketplace.example/trials/internal/domain/trial"
)

// callTimeout bounds one call to Temporal on a caller's behalf.
const callTimeout = 5 * time.Second

// Client reaches Temporal. Made while Temporal is away, it works once it is back.
type Client struct {
	SDK       client.Client
	Namespace string
	TaskQueue string
	// Day is how long a day of the trials lasts: a schedule that is missing is made anew by it. Zero makes none.
	Day time.Duration
}

// Option changes how a client works.
type Option func(*client.Options) error

// WithMeter has the SDK count what it does.
func WithMeter(m metric.Meter) Option {
	return func(o *client.Options) error {
		o.MetricsHandler = opentelemetry.NewMetricsHandler(opentelemetry.MetricsHandlerOptions{
			Meter: m, UseMonotonicCounters: true, OnError: func(error) {}, // a metric less, not a process
		})
		return nil
	}
}

// WithTracer has the SDK carry traces from those who start and call workflows
// into these and their activities. Without a tracer nothing is carried.
func WithTracer(t trace.Tracer) Option {
	return func(o *client.Options) error {
		if t == nil {
			return nil
		}
		tracing, err := opentelemetry.NewTracingInterceptor(opentelemetry.TracerOptions{
			Tracer: t, DisableBaggage: true, // baggage could hold anything, and would be kept in histories
			AllowInvalidParentSpans: true, // workflows may have begun before there were traces
		})
		if err != nil {
			return fmt.Errorf("preparing to trace workflows: %w", err)
		}
		o.Interceptors = append(o.Interceptors, tracing)
		return nil
	}
}

// WithIdentity names this process among those that poll for work.
func WithIdentity(instance string) Option {
	return func(o *client.Options) error {
		o.Identity = instance
		return nil
	}
}

// Dial prepares a client from the SDK's environment variables (TEMPORAL_ADDRESS,
// TEMPORAL_NAMESPACE and the rest); it does not wait for a connection.
func Dial(taskQueue string, logger *zap.Logger, opts ...Option) (*Client, error) {
	options, err := settings(environment())
	if err != nil {
		return nil, err
	}
	options.Logger = Logger(logger)
	if options.Namespace == "" {
		options.Namespace = client.DefaultNamespace
	}
	for _, apply := range opts {
		if err := apply(&options); err != nil {
			return nil, err
		}
	}
	c, err := client.NewLazyClient(options)
	if err != nil {
		return nil, fmt.Errorf("preparing the Temporal client: %w", err)
	}
	return &Client{SDK: c, Namespace: options.Namespace, TaskQueue: taskQueue}, nil
}

// Logger lets the SDK log through zap.
func Logger(logger *zap.Logger) log.Logger {
	return log.NewStructuredLogger(slog.New(zapslog.NewHandler(logger.Core())))
}

// Close ends the connection.
func (c *Client) Close() { c.SDK.Close() }

// Check tells whether Temporal answers.
func (c *Client) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if _, err := c.SDK.CheckHealth(ctx, &client.CheckHealthRequest{}); err != nil {
		return unavailable("checking Temporal", err)
	}
	return nil
}

// unavailableError says that Temporal did not answer; asking again later helps.
type unavailableError struct {
	action string
	cause  error
	// worker says in a sentence that Temporal answers and a worker does not; empty otherwise.
	worker string
}

func (e *unavailableError) Error() string { return e.action + ": " + e.cause.Error() }

func (e *unavailableError) Unwrap() []error {
	return []error{e.cause, &trial.Error{Code: trial.CodeUnavailable, Message: cmp.Or(e.worker, "the workflow service does not answer; try again")}}
}

// unavailable wraps a failure of the connection or of the server; a failure with
// another meaning only gets its context.
func unavailable(action string, err error) error {
	var (
		unavailable *serviceerror.Unavailable
		exhausted   *serviceerror.ResourceExhausted
		deadline    *serviceerror.DeadlineExceeded
		canceled    *serviceerror.Canceled
	)
	if errors.As(err, &unavailable) || errors.As(err, &exhausted) || errors.As(err, &deadline) || errors.As(err, &canceled) ||
		errors.Is(err, context.DeadlineExceeded) {
		return &unavailableError{action: action, cause: err}
	}
	return fmt.Errorf("%s: %w", action, err)
}
