package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	sdkworker "go.temporal.io/sdk/worker"

	"marketplace.example/trials/internal/platform/config"
)

func TestAWorkerThatCannotPollEndsWithAnError(t *testing.T) {
	t.Parallel()
	ctx, end := context.WithCancelCause(t.Context())
	workerOptions(config.Config{}, end).OnFatalError(errors.New("namespace not found"))
	require.EqualError(t, await(ctx), "polling Temporal: namespace not found")
}

// A fixed number of pollers may all be at the worker's own queue, for as long as a poll lasts.
func TestSomePollersAlwaysAskTheCommonQueue(t *testing.T) {
	t.Parallel()
	scaled := sdkworker.NewPollerBehaviorAutoscaling(pollers())
	require.Equal(t, scaled, workerOptions(config.Config{}, func(error) {}).WorkflowTaskPollerBehavior)
}

func TestASendIsNotRepeatedWhileItMayBeUnderWay(t *testing.T) {
	t.Parallel()
	const noting = 5 * time.Second // activities.Trials.settle
	require.Greater(t, leastUnknownWait, mailTimeout+noting)
}

func TestASignalledWorkerEndsWithoutAnError(t *testing.T) {
	t.Parallel()
	signalled, stop := signal.NotifyContext(t.Context(), syscall.SIGUSR1)
	defer stop()
	ctx, end := context.WithCancelCause(signalled)
	defer end(nil)
	require.NoError(t, syscall.Kill(os.Getpid(), syscall.SIGUSR1))
	require.NoError(t, await(ctx))
}
