package activities_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/activities"
	"marketplace.example/trials/rollout"
)

// kennel is a rollout whose watch came last at some moment.
type kennel struct {
	state  rollout.State
	judged *rollout.Judgement
	told   []rollout.Message
}

func (k *kennel) CurrentRollout(context.Context) (rollout.State, bool, error) {
	return k.state, k.state.ID != "", nil
}

func (k *kennel) Ledger(context.Context, string) (rollout.Ledger, *rollout.Judgement, bool, error) {
	return rollout.Ledger{}, k.judged, k.judged != nil, nil
}

func (k *kennel) Tell(_ context.Context, m rollout.Message) error {
	k.told = append(k.told, m)
	return nil
}

func TestPeopleAreToldOfAWatchThatDoesNotCome(t *testing.T) {
	t.Parallel()
	start := rollout.Start{ID: "r", Plan: rollout.DefaultPlan(), Times: rollout.Times{Day: 24 * time.Hour, TrialDays: 17}}
	k := &kennel{}
	clock := now
	dog := &activities.Watchdog{Store: k, Teller: k, Now: func() time.Time { return clock }}
	require.NoError(t, dog.Look(t.Context()))
	require.Empty(t, k.told, "no rollout runs")

	k.state = rollout.State{}.Apply(rollout.Begin(start, now))
	clock = now.Add(30 * time.Minute)
	require.NoError(t, dog.Look(t.Context()))
	require.Empty(t, k.told, "three watches may be late")

	clock = now.Add(31 * time.Minute)
	require.NoError(t, dog.Look(t.Context()))
	require.Len(t, k.told, 1)
	require.Equal(t, rollout.NoticeCritical, k.told[0].Kind)
	clock = clock.Add(time.Hour)
	require.NoError(t, dog.Look(t.Context()))
	require.Equal(t, k.told[0].Key, k.told[1].Key, "the same key, so that each is told once")

	k.judged = &rollout.Judgement{At: clock}
	require.NoError(t, dog.Look(t.Context()))
	require.Len(t, k.told, 2, "it came")
	clock = clock.Add(time.Hour)
	require.NoError(t, dog.Look(t.Context()))
	require.NotEqual(t, k.told[0].Key, k.told[2].Key, "another gap")

	k.state.Status = rollout.Completed
	require.NoError(t, dog.Look(t.Context()))
	require.Len(t, k.told, 3)
}
