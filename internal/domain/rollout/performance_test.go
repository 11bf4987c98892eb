package rollout_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"marketplace.example/trials/internal/domain/rollout"
)

// some is so many calls of a route.
func some(n int, route string, took time.Duration) (c rollout.Calls) {
	for range n {
		c.Observe(rollout.Call{Route: route, Took: took})
	}
	return c
}

func all(parts ...rollout.Calls) (c rollout.Calls) {
	for _, p := range parts {
		c.Add(p)
	}
	return c
}

// compared is a book with a baseline, in the first phase that admits.
func compared(baseline rollout.Calls) *book {
	b := newBook()
	b.position = inPhase(0, 1, 0)
	b.take(time.Hour, baseline)
	b.position = inPhase(1, 2, 0)
	return b
}

const writing = "POST /api/vendors"

func TestPerformanceComparesEachRouteWithItself(t *testing.T) {
	t.Parallel()
	baseline := all(some(100, reading, 5*time.Millisecond), some(100, writing, 400*time.Millisecond), some(99, "rare", time.Millisecond),
		some(90, "varying", 100*time.Millisecond), some(10, "varying", 400*time.Millisecond))
	for name, tt := range map[string]struct {
		since  rollout.Calls
		fires  bool
		reason string
	}{
		"no data":                      {rollout.Calls{}, false, "no data yet"},
		"slower, and below the floor":  {some(400, reading, 190*time.Millisecond), false, "0 % of the API calls took much longer than their route did before, at most 5.0 % may (of 400 calls)"},
		"as long as always":            {some(400, writing, 500*time.Millisecond), false, "0 % of the API calls took much longer than their route did before, at most 5.0 % may (of 400 calls)"},
		"as long as some calls always": {some(400, "varying", 500*time.Millisecond), false, "0 % of the API calls took much longer than their route did before, at most 5.0 % may (of 400 calls)"},
		"each by its own limit": {all(some(100, reading, 190*time.Millisecond), some(100, writing, 500*time.Millisecond)), false,
			"0 % of the API calls took much longer than their route did before, at most 5.0 % may (of 200 calls)"},
		"a route whose speed is unknown": {some(400, "rare", time.Minute), false, "no data yet"},
		"much slower than before, beyond the floor": {all(some(100, reading, 300*time.Millisecond), some(100, writing, 500*time.Millisecond)), true,
			"50 % of the API calls took much longer than their route did before, at most 5.0 % may (of 200 calls); chance alone would show this less than once in 20 rollouts; of GET /api/vendors/{id} 100 of 100 took longer than 200ms"},
		"the route with the most slow calls is named": {all(some(60, reading, 300*time.Millisecond), some(200, writing, time.Millisecond), some(40, writing, time.Second)), true,
			"33 % of the API calls took much longer than their route did before, at most 5.0 % may (of 300 calls); chance alone would show this less than once in 20 rollouts; of GET /api/vendors/{id} 60 of 60 took longer than 200ms"},
		"half as slow again": {some(100, writing, time.Second), true,
			"100 % of the API calls took much longer than their route did before, at most 5.0 % may (of 100 calls); chance alone would show this less than once in 20 rollouts; of POST /api/vendors 100 of 100 took longer than 608ms"},
		"few calls": {some(99, writing, time.Second), false,
			"100 % of the API calls took much longer than their route did before, at most 5.0 % may (of 99 calls); it takes 100 to judge; of POST /api/vendors 99 of 99 took longer than 608ms"},
	} {
		b := compared(baseline)
		b.take(time.Hour, tt.since)
		a := alarmOf(t, b.judge(), rollout.TriggerPerformance)
		require.Equal(t, tt.reason, a.Reason, name)
		require.Equal(t, tt.fires, a.Firing, name)
		require.Equal(t, a.Seen < 100, a.Undecidable(), name)
		b.plan.Rule = rollout.RuleThreshold
		require.Equal(t, tt.fires, alarmOf(t, b.judge(), rollout.TriggerPerformance).Firing, "%s, by the plain rule", name)
	}
}

func TestPerformanceNeedsABaseline(t *testing.T) {
	t.Parallel()
	for reason, baseline := range map[string]rollout.Calls{
		"cannot be judged: to know the normal speed of a route of the API takes 100 calls before the rollout":                                                 {},
		"cannot be judged: to know the normal speed of a route of the API takes 100 calls before the rollout, and the most were 99, of GET /api/vendors/{id}": all(some(99, reading, time.Millisecond), some(40, writing, time.Millisecond)),
	} {
		b := compared(baseline)
		b.take(time.Hour, some(500, reading, time.Minute))
		a := alarmOf(t, b.judge(), rollout.TriggerPerformance)
		require.False(t, a.Firing)
		require.True(t, a.Undecidable())
		require.Equal(t, reason, a.Reason)
	}
}

// What was well long before hides nothing, neither from the verdict nor from its reason.
func TestTheFiguresOfAnAlarmAreThoseThatRaisedIt(t *testing.T) {
	t.Parallel()
	b := compared(some(100, reading, 5*time.Millisecond))
	b.take(24*time.Hour, some(4000, reading, 5*time.Millisecond))
	b.position = inPhase(2, 3, 0)
	b.take(time.Hour, all(some(120, reading, 5*time.Millisecond), some(80, reading, time.Second)))
	a := alarmOf(t, b.judge(), rollout.TriggerPerformance)
	require.True(t, a.Firing)
	require.InDelta(t, 0.4, a.Estimate, near)
	require.Equal(t, 200, a.Seen)
	require.Equal(t, "40 % of the API calls took much longer than their route did before, at most 5.0 % may (of 200 calls since 3 March 2026 13:00 UTC); "+
		"chance alone would show this less than once in 20 rollouts; of GET /api/vendors/{id} 80 of 200 took longer than 200ms", a.Reason)
	verdict, _ := a.Verdict()
	require.Equal(t, rollout.Fail, verdict)
}

func TestAnAlarmsRateLiesBeyondItsLimit(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b := compared(some(100, reading, 5*time.Millisecond))
		for phase := 1; phase <= 5; phase++ {
			b.position = inPhase(phase, phase+1, 0)
			bad := rapid.IntRange(0, 60).Draw(t, "slow")
			b.take(time.Hour, all(some(rapid.IntRange(0, 300).Draw(t, "fast"), reading, time.Millisecond), some(bad, reading, time.Second)))
			for _, a := range b.judge().Triggers {
				if a.Trigger == rollout.TriggerPerformance && a.Firing {
					require.Greater(t, a.Estimate, a.Limit)
					require.GreaterOrEqual(t, a.Seen, 100)
				}
			}
		}
	})
}
