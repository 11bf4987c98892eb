package importer

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/client"
)

func TestOverdueIsSinceWhenTheNextStepIsDue(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 9, 12, 0, 0, 0, time.UTC)
	next := func(after time.Duration) *client.Step { return &client.Step{At: now.Add(after)} }
	for name, c := range map[string]struct {
		trial *client.Trial
		want  time.Duration
	}{
		"not begun":        {nil, 0},
		"nothing to come":  {&client.Trial{}, 0},
		"to come":          {&client.Trial{Next: next(time.Second)}, 0},
		"due":              {&client.Trial{Next: next(-3 * time.Second)}, 3 * time.Second},
		"waits on purpose": {&client.Trial{Next: next(-3 * time.Second), Held: &client.Hold{}}, 0},
	} {
		require.Equal(t, c.want, overdue(c.trial, now), name)
	}
}

func TestAProbeFollowsRunningTrialsAndForgets(t *testing.T) {
	t.Parallel()
	startedAt := time.Date(2026, 3, 9, 12, 0, 0, 0, time.UTC)
	p := &probe{busy: true} // so that it does not really look
	p.follow("a", startedAt, time.Second)
	p.follow("b", startedAt.Add(time.Second), time.Second)
	p.ask(t.Context(), startedAt.Add(17*time.Second))
	require.Len(t, p.running, 2)
	p.ask(t.Context(), startedAt.Add(17*time.Second+1))
	require.Equal(t, "b", p.running[0].vendorID, "the first trial and its grace are over")

	p.note(time.Minute)
	p.note(0)
	require.Equal(t, time.Minute, p.worst())
	for range probesKept - 2 {
		p.note(time.Second)
	}
	require.Equal(t, time.Minute, p.worst())
	p.note(time.Second)
	require.Equal(t, time.Second, p.worst())
}

func TestLooksOneAfterTheOtherLieFarApart(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 2, 3, 7, 1000} {
		seen := map[int]bool{}
		for round := range 4 * n {
			place := spread(round, n)
			require.GreaterOrEqual(t, place, 0)
			require.Less(t, place, n)
			seen[place] = true
		}
		require.Len(t, seen, n, "each of %d is looked at", n)
	}
	for round := range 1000 {
		apart := spread(round, 1000) - spread(round+1, 1000)
		require.Greater(t, max(apart, -apart), 300)
	}
}
