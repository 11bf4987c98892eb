package workflows_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"marketplace.example/trials/internal/domain/bulk"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// What a cancellation ends by accident is lost, so it ends nothing, and later messages count.
func TestARolloutThatIsCanceledTakesMessagesAllTheSame(t *testing.T) {
	t.Parallel()
	w := newRolloutWorld(t, 1)
	env := w.prepare()
	env.RegisterDelayedCallback(env.CancelWorkflow, time.Hour)
	env.RegisterDelayedCallback(func() { send(env, rollout.SignalPause, `{"reason":"lunch"}`) }, 2*time.Hour)
	env.RegisterDelayedCallback(func() { send(env, rollout.SignalResume, `{"reason":"fed"}`) }, 3*time.Hour)
	env.RegisterDelayedCallback(func() { send(env, rollout.SignalRollback, `{"percentage":0,"reason":"harm"}`) }, 4*time.Hour)
	env.ExecuteWorkflow(rollout.WorkflowType, taken)
	require.NoError(t, env.GetWorkflowError())
	var kinds []rollout.EventType
	for _, d := range w.decisions[3:] {
		kinds = append(kinds, d.Type)
	}
	require.Equal(t, []rollout.EventType{rollout.EventPaused, rollout.EventResumed, rollout.EventRolledBack}, kinds)
	require.False(t, w.flags.FeatureFlags.TrialAutomation.Enabled)
}

// Canceled in the middle of a decision, and before its first task, a rollout loses none of it.
func TestARolloutThatIsCanceledWhileItDecidesFinishes(t *testing.T) {
	t.Parallel()
	w := newRolloutWorld(t, 1)
	env := w.prepare()
	w.during = func() {
		env.CancelWorkflow()
		send(env, rollout.SignalAdvance, `{"reason":"all"}`)
		w.during = env.CancelWorkflow
	}
	w.run(taken, time.Hour)
	require.Len(t, w.decisions, 4)
	require.InDelta(t, 100, w.percentage(), 0)
}

func TestABulkOperationThatIsCanceledGoesOn(t *testing.T) {
	t.Parallel()
	w := newBulkWorld(t, 200, func(*bulk.Operation) {})
	w.env.RegisterDelayedCallback(w.env.CancelWorkflow, 2*time.Second)
	w.at(7*time.Second, bulk.ControlPause)
	w.at(time.Hour, bulk.ControlResume)
	s := w.run()
	require.Equal(t, bulk.Done, s.Status)
	require.Equal(t, 200, s.Counts.Of(bulk.Succeeded))
	require.Len(t, s.Controls, 2)
}

func TestATrialThatIsCanceledGoesOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trial.Automated)
	w.at(day, w.env.CancelWorkflow)
	var answered error
	w.at(2*day, func() {
		w.env.UpdateWorkflow(trial.MessageExtend, "u-1", &testsuite.TestUpdateCallback{
			OnAccept: func() {}, OnReject: func(err error) { answered = err }, OnComplete: func(_ any, err error) { answered = errors.Join(answered, err) },
		}, trial.Request{Days: 7, Reason: "r", By: "admin"})
	})
	w.at(3*day, func() { send(w.env, trial.MessageExtend, `{"days":7,"reason":"more"}`) })
	o := w.run()
	require.NoError(t, answered)
	require.Equal(t, trial.Expired, o.Status)
	require.Equal(t, 2, o.Revision)
	require.Equal(t, start.AddDate(0, 0, 28), o.EndsAt)
}
