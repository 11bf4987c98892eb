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

// callTimeout bounds one call to Temporal.
const callTimeout = 5 * time.Second

// Client reaches Temporal. It may be made while Temporal is unavailable, and works as soon as Temporal answers.
type Client struct {
	SDK       client.Client
	Namespace string
	TaskQueue string
	// Day is the length of a trial's day. Missing schedules are created with it; zero creates none.
	Day time.Duration
	// WithCanaries says that the canary's schedule runs while a rollout does.
	WithCanaries bool
}

// Option changes how a client works.
type Option func(*client.Options) error

// WithMeter makes the SDK report its metrics.
func WithMeter(m metric.Meter) Option {
	return func(o *client.Options) error {
		o.MetricsHandler = opentelemetry.NewMetricsHandler(opentelemetry.MetricsHandlerOptions{
			Meter: m, UseMonotonicCounters: true, OnError: func(error) {}, // a metric may be missing, the process may not
		})
		return nil
	}
}

// WithTracer makes the SDK carry traces from callers into workflows and their activities. A nil tracer carries none.
func WithTracer(t trace.Tracer) Option {
	return func(o *client.Options) error {
		if t == nil {
			return nil
		}
		tracing, err := opentelemetry.NewTracingInterceptor(opentelemetry.TracerOptions{
			Tracer: t, DisableBaggage: true, // baggage may hold anything, and histories would keep it
			AllowInvalidParentSpans: true, // a workflow may have started without traces
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

// Dial makes a client from the SDK's environment variables (TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE and the others). It does
// not wait for a connection.
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

// Logger is a logger for the SDK that logs through zap.
func Logger(logger *zap.Logger) log.Logger {
	return log.NewStructuredLogger(slog.New(zapslog.NewHandler(logger.Core())))
}

// Close closes the connection.
func (c *Client) Close() { c.SDK.Close() }

// Check fails where Temporal does not answer.
func (c *Client) Check(ctx context.Context) error {
	return within(ctx, "checking Temporal", func(ctx context.Context) error {
		_, err := c.SDK.CheckHealth(ctx, &client.CheckHealthRequest{})
		return err
	})
}

// within makes one call to Temporal. action is for the error.
func within(ctx context.Context, action string, call func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if err := call(ctx); err != nil {
		return unavailable(action, err)
	}
	return nil
}

// unlessMissing is an error, but nil for one that says that there is no such workflow.
func unlessMissing(err error) error {
	if missing(err) {
		return nil
	}
	return err
}

// unavailableError says that Temporal did not answer. A later retry may succeed.
type unavailableError struct {
	action string
	cause  error
	// worker is a sentence saying that no worker answers, empty where Temporal itself does not.
	worker string
}

func (e *unavailableError) Error() string { return e.action + ": " + e.cause.Error() }

func (e *unavailableError) Unwrap() []error {
	return []error{e.cause, &trial.Error{Code: trial.CodeUnavailable, Message: cmp.Or(e.worker, "the workflow service does not answer; try again")}}
}

// unavailable wraps a failure of the connection or of the server as an unavailableError. Any other failure only gets the
// action.
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
