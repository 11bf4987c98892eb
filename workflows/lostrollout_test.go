package workflows_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"marketplace.example/trials/activities"
	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/workflows"
)

// lost is a rollout that runs by what is stored, at some percentage, and has no workflow.
func lost(at time.Time) rollout.State {
	s := rollout.State{}.Apply(rollout.Begin(rollout.Start{
		ID: "r-1", Plan: rollout.DefaultPlan(), By: "admin", Times: evidence.Times{Day: 24 * time.Hour, TrialDays: 17},
	}, at))
	return s.Apply(rollout.Event{Seq: s.Seq + 1, Type: rollout.EventPaused, Cause: rollout.PausedByAdmin, At: at.Add(time.Hour), By: "admin"})
}

// recovered runs the workflow in the place of one that was lost, and rolls it back after a day.
func recovered(t *testing.T, stored rollout.State) (after rollout.State, enacted []activities.EnactInput) {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestWorkflowEnvironment()
	inTests(env)
	env.SetStartTime(start.Add(2 * time.Hour))
	env.RegisterWorkflowWithOptions(workflows.Rollout, workflow.RegisterOptions{Name: rollout.WorkflowType})
	env.RegisterWorkflowWithOptions(workflows.Notice, workflow.RegisterOptions{Name: workflows.NoticeWorkflowType})
	rollouts, notices := &activities.Rollouts{}, &activities.Notices{}
	env.RegisterActivity(rollouts)
	env.RegisterActivity(notices.Notify)
	var early error
	env.OnActivity(rollouts.Recover, mock.Anything, stored.ID).Return(func(context.Context, string) (rollout.State, error) {
		_, early = env.QueryWorkflow(rollout.QueryStatus)
		return stored, nil
	})
	env.OnActivity(notices.Notify, mock.Anything, mock.Anything).Return(nil)
	env.OnActivity(rollouts.Enact, mock.Anything, mock.Anything).Return(func(_ context.Context, d activities.EnactInput) (activities.Enacted, error) {
		enacted = append(enacted, d)
		return activities.Enacted{Event: d.Event}, nil
	})
	env.RegisterDelayedCallback(func() {
		env.SignalWorkflow(rollout.SignalRollback, flags.Request{ID: "k-1", By: "admin", Reason: "harm"})
	}, 24*time.Hour)
	env.ExecuteWorkflow(rollout.WorkflowType, workflows.RolloutInput{Lost: stored.ID})
	require.NoError(t, env.GetWorkflowError())
	require.NoError(t, env.GetWorkflowResult(&after))
	require.ErrorContains(t, early, "ask again in a moment", "an empty state is no answer")
	return after, enacted
}

func TestARolloutGoesOnFromWhatIsStored(t *testing.T) {
	t.Parallel()
	stored := lost(start)
	after, enacted := recovered(t, stored)
	require.Equal(t, rollout.RolledBack, after.Status)
	last := enacted[len(enacted)-1]
	require.Equal(t, rollout.EventRolledBack, last.Event.Type)
	require.Equal(t, stored.Plan, last.State.Plan)
	require.Equal(t, stored.Seq+1, enacted[0].Event.Seq, "behind what is stored")
	for _, d := range enacted {
		require.NotContains(t, []rollout.EventType{rollout.EventStarted, rollout.EventResumed}, d.Event.Type)
	}
}

func TestARolloutThatHasEndedMeanwhileStaysSo(t *testing.T) {
	t.Parallel()
	stored := lost(start)
	stored.Status = rollout.Completed
	after, enacted := recovered(t, stored)
	require.Equal(t, rollout.Completed, after.Status)
	require.Empty(t, enacted)
}

// A restored database catches up from such a history as well.
func TestTheHistoryOfARolloutTakenUpAgainNamesIt(t *testing.T) {
	t.Parallel()
	input, err := converter.GetDefaultDataConverter().ToPayloads(workflows.RolloutInput{Lost: "r-1"})
	require.NoError(t, err)
	var read workflows.RolloutHistoryReader
	err = read.Next(&history.HistoryEvent{Attributes: &history.HistoryEvent_WorkflowExecutionStartedEventAttributes{
		WorkflowExecutionStartedEventAttributes: &history.WorkflowExecutionStartedEventAttributes{Input: input},
	}})
	require.NoError(t, err)
	require.Equal(t, "r-1", read.ID)
}
