package activities_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"
	"go.uber.org/zap"

	"marketplace.example/trials/activities"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/rollout"
)

func TestARolloutThatHasLostItsWorkflowIsStartedAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rollout rollout.State
		runs    bool
		done    []string
	}{
		"there was none":         {},
		"runs":                   {rollout: rollout.State{ID: "r-1", Status: rollout.Running}, runs: true},
		"lost":                   {rollout: rollout.State{ID: "r-1", Status: rollout.Running}, done: []string{"keep r-1"}},
		"lost while paused":      {rollout: rollout.State{ID: "r-1", Status: rollout.Paused}, done: []string{"keep r-1"}},
		"complete":               {rollout: rollout.State{ID: "r-1", Status: rollout.Completed}},
		"rolled back completely": {rollout: rollout.State{ID: "r-1", Status: rollout.RolledBack}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			y := &sweepFake{flags: flags.Initial(), rollout: c.rollout, runs: c.runs}
			s := y.sweeper()
			s.Canaries = true
			require.Equal(t, activities.Swept{Rollouts: int64(len(c.done))}, y.sweepWith(t, s))
			require.Equal(t, c.done, y.done)
			underWay := c.rollout.ID != "" && !c.rollout.Status.Final()
			require.Equal(t, underWay, y.kept == 1, "its watch is seen to")
			require.Equal(t, underWay, y.canaries, "canaries are due")
		})
	}
}

// shelf is a database with one rollout, and the schedule of its watch.
type shelf struct {
	activities.RolloutStore
	state    rollout.State
	watching []bool
}

func (s *shelf) Rollout(context.Context, string) (rollout.State, error) { return s.state, nil }

func (s *shelf) Watching(_ context.Context, on bool) error {
	s.watching = append(s.watching, on)
	return nil
}

// With Temporal's data the schedule of the watch was lost; made anew it is paused.
func TestARolloutThatIsTakenUpAgainIsWatched(t *testing.T) {
	t.Parallel()
	for status, watching := range map[rollout.Status][]bool{rollout.Running: {true}, rollout.Paused: {true}, rollout.RolledBack: nil, rollout.Completed: nil} {
		kept := &shelf{state: rollout.State{ID: "r-1", Status: status}}
		var suite testsuite.WorkflowTestSuite
		env := suite.NewTestActivityEnvironment()
		rollouts := &activities.Rollouts{Store: kept, Schedule: kept, Now: time.Now, Log: zap.NewNop()}
		env.RegisterActivity(rollouts)
		value, err := env.ExecuteActivity(rollouts.Recover, "r-1")
		require.NoError(t, err)
		var state rollout.State
		require.NoError(t, value.Get(&state))
		require.Equal(t, status, state.Status)
		require.Equal(t, watching, kept.watching, status)
	}
}
