package main

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	sdkworker "go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"go.uber.org/zap"

	"marketplace.example/trials/activities"
	"marketplace.example/trials/internal/adapters/mongodb"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/policy"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/temporal"
	"marketplace.example/trials/test/stack"
	"marketplace.example/trials/workflows"
)

// goingStore is a store that does not answer any more once it is gone.
type goingStore struct {
	*mongodb.Store
	gone  atomic.Bool
	asked atomic.Int64 // since it is gone
}

func (s *goingStore) Flags(ctx context.Context) (flags.Document, error) {
	if s.gone.Load() {
		s.asked.Add(1)
		return flags.Document{}, errors.New("no answer")
	}
	return s.Store.Flags(ctx)
}

// hangingUp is a mail service that takes nothing at first, and then hangs up as the database goes.
type hangingUp struct {
	*goingStore
	tries atomic.Int64
}

func (*hangingUp) Wait(context.Context) (bool, error) { return false, nil }
func (m *hangingUp) Deliver(context.Context, activities.Mail) (trial.SendResult, error) {
	if m.tries.Add(1) == 1 {
		return trial.SendResult{Status: trial.SendReleased, Reason: "throttled"}, nil
	}
	m.gone.Store(true)
	return trial.SendResult{Status: trial.SendUnknown, Reason: "no-answer"}, nil
}

// Temporal remembers that an e-mail may have left, also where every attempt since has failed for another reason.
func TestTemporalKnowsWhatMayHaveLeft(t *testing.T) {
	embedded, err := stack.Start(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, embedded.Stop()) })
	t.Setenv("TEMPORAL_ADDRESS", embedded.Temporal)
	client, err := temporal.Dial("trials", zap.NewNop())
	require.NoError(t, err)
	t.Cleanup(client.Close)
	require.NoError(t, client.SetupAttributes(t.Context()))
	connected, err := mongodb.Connect(t.Context(), embedded.MongoDB, "marketplace")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, connected.Close(context.WithoutCancel(t.Context()))) })
	store := &goingStore{Store: connected}

	const day = 100 * time.Millisecond
	w := sdkworker.New(client.SDK, "trials", sdkworker.Options{Interceptors: workflows.Interceptors()})
	w.RegisterWorkflowWithOptions(workflows.Trial, workflow.RegisterOptions{Name: trial.WorkflowType})
	w.RegisterActivity(&activities.Trials{
		Store: store, Mailer: &hangingUp{goingStore: store}, Policies: policy.BuiltIn(), Day: trial.RealDay,
		UnknownWait: day, Now: time.Now, Log: zap.NewNop(),
	})
	require.NoError(t, w.Start())
	v := trial.Vendor{ID: "v1", Email: "v1@example.com", StartedAt: time.Now(), Automation: &trial.Automation{Cohort: trial.Automated, Policy: "standard-14d"}}
	_, _, err = store.RegisterVendor(t.Context(), v)
	require.NoError(t, err)
	_, err = client.Start(t.Context(), v.Registration(trial.DefaultPolicy(), trial.RealDay))
	require.NoError(t, err)
	require.Eventually(t, func() bool { return store.asked.Load() > 1 }, 5*time.Minute, day)
	w.Stop()

	compared := 0
	for run, err := range client.TrialRuns(t.Context(), time.Now()) {
		require.NoError(t, err)
		recovered, err := client.RecoveredTrial(t.Context(), run)
		require.NoError(t, err)
		require.Len(t, recovered.Events, 1)
		require.Len(t, recovered.Unsettled, 1)
		require.Equal(t, "v1/welcome/0", recovered.Unsettled[0].Key(run.VendorID))
		compared++
	}
	require.Equal(t, 1, compared)
}
