package rollout_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// reading is the route of a test's calls unless it says another.
const reading = "GET /api/vendors/{id}"

func calls(took ...time.Duration) (c rollout.Calls) {
	for _, d := range took {
		c.Observe(rollout.Call{Route: reading, Took: d})
	}
	return c
}

func TestBucketsOfCalls(t *testing.T) {
	t.Parallel()
	require.Zero(t, rollout.TookBucket(0))
	require.Zero(t, rollout.TookBucket(time.Millisecond))
	require.Equal(t, 1, rollout.TookBucket(time.Millisecond+time.Microsecond))
	for b := range 140 {
		require.Equal(t, b, rollout.TookBucket(rollout.TookUpTo(b)), "the edge belongs to the bucket")
		require.Equal(t, b+1, rollout.TookBucket(rollout.TookUpTo(b)+time.Microsecond))
	}
	require.Equal(t, 140, rollout.TookBucket(time.Hour), "the last holds all that took longer")
	rapid.Check(t, func(t *rapid.T) {
		a := time.Duration(rapid.Int64Range(0, int64(10*time.Minute)).Draw(t, "a"))
		b := a + time.Duration(rapid.Int64Range(0, int64(time.Minute)).Draw(t, "longer"))
		require.LessOrEqual(t, rollout.TookBucket(a), rollout.TookBucket(b))
	})
}

func TestQuantileOfCalls(t *testing.T) {
	t.Parallel()
	require.Zero(t, rollout.Calls{}.Quantile(0.95))
	took := make([]time.Duration, 100)
	for i := range took {
		took[i] = time.Duration(i+1) * 10 * time.Millisecond
	}
	c := calls(took...)
	require.Equal(t, 100, c.Count())
	for share, want := range map[float64]time.Duration{
		0: 10 * time.Millisecond, 0.5: 500 * time.Millisecond, 0.95: 950 * time.Millisecond, 1: time.Second,
	} {
		require.Equal(t, rollout.TookUpTo(rollout.TookBucket(want)), c.Quantile(share), "%v", share)
		require.GreaterOrEqual(t, c.Quantile(share), want, "up to the width of a bucket above")
		require.LessOrEqual(t, float64(c.Quantile(share)), 1.1*float64(want))
	}
}

func TestSlowerThan(t *testing.T) {
	t.Parallel()
	c := calls(100*time.Millisecond, 2*time.Second, 2200*time.Millisecond, 3*time.Second)
	require.Equal(t, 2, c.SlowerThan(2*time.Second), "the bucket of 2 s itself does not lie wholly beyond")
	require.Equal(t, 4, c.SlowerThan(time.Millisecond))
	require.Zero(t, c.SlowerThan(time.Minute))
}

func TestAddCalls(t *testing.T) {
	t.Parallel()
	var c rollout.Calls
	c.Add(rollout.Calls{})
	require.Zero(t, c.Count())
	c.Add(rollout.Calls{Failed: 2, Took: map[int]int{3: 4}})
	c.Add(rollout.Calls{Failed: 1, Took: map[int]int{3: 1, 9: 5}})
	require.Equal(t, rollout.Calls{Failed: 3, Took: rollout.Durations{3: 5, 9: 5}}, c)
	c.Observe(rollout.Call{Route: "a", Took: time.Millisecond, Failed: true})
	c.Observe(rollout.Call{Route: "b", Took: time.Millisecond})
	c.Add(rollout.Calls{Took: rollout.Durations{3: 1}, Routes: map[string]rollout.Durations{"b": {3: 1}}})
	require.Equal(t, rollout.Calls{
		Failed: 4, Took: rollout.Durations{0: 2, 3: 6, 9: 5}, Routes: map[string]rollout.Durations{"a": {0: 1}, "b": {0: 1, 3: 1}},
	}, c)
	c.AddInterval(rollout.Calls{})
	require.Empty(t, c.Intervals, "one without calls is left out")
	c.Observe(rollout.Call{About: trial.Adopted})
	require.Equal(t, rollout.CallCount{Seen: 1}, c.Control, "whom they were dealt to")
}
