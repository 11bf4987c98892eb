package evidence_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"marketplace.example/trials/internal/domain/evidence"
)

// mail tells e-mail that arrives from e-mail that does not.
func mail() evidence.Breakage { return evidence.NewBreakage(0.03, 0.10, 0.70) }

func anyBreakage(t *rapid.T) evidence.Breakage {
	share := func(name string) float64 { return rapid.Float64Range(-0.5, 1.5).Draw(t, name) }
	return evidence.NewBreakage(share("healthy"), share("least"), share("most"))
}

func TestTheRatioByHand(t *testing.T) {
	t.Parallel()
	// The twelve shares from 0.1 to 0.7 have a mean of 0.4: a good one is worth 0.6/0.97, a bad one 0.4/0.03.
	require.InDelta(t, math.Log(0.6/0.97), mail().LogRatio(0, 1), 1e-12)
	require.InDelta(t, math.Log(0.4/0.03), mail().LogRatio(1, 1), 1e-12)
	one := evidence.NewBreakage(0.1, 0.5, 0.5)
	require.InDelta(t, 2*math.Log(0.5/0.1)+8*math.Log(0.5/0.9), one.LogRatio(2, 10), 1e-12)
}

func TestWhatSpeaksForHealth(t *testing.T) {
	t.Parallel()
	tests := []struct {
		bad, seen float64
		speaks    bool
		wanted    int
	}{
		{0, 0, false, 1}, {0, 1, true, 0}, {1, 1, false, 6}, {1, 6, false, 1}, {1, 7, true, 0},
		{0.5, 1, false, 3}, {2, 40, true, 0}, {10, 20, false, 118}, {40, 1000, true, 0},
	}
	for _, tt := range tests {
		require.Equal(t, tt.speaks, mail().Speaks(tt.bad, tt.seen), "%+v", tt)
		require.Equal(t, tt.wanted, mail().Wanted(tt.bad, tt.seen), "%+v", tt)
	}
}

func TestNothingSeenSpeaksForNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b := anyBreakage(t)
		require.InDelta(t, 0, b.LogRatio(0, 0), 1e-12, "L is 1")
		require.False(t, b.Speaks(0, 0))
	})
}

func TestOneMoreFailureNeverSpeaksForHealth(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b := anyBreakage(t)
		seen := float64(rapid.IntRange(0, 10_000).Draw(t, "seen"))
		bad := rapid.Float64Range(0, seen).Draw(t, "bad")
		before := b.LogRatio(bad, seen)
		require.GreaterOrEqual(t, b.LogRatio(bad+1, seen+1), before-near, "one more that is bad")
		require.LessOrEqual(t, b.LogRatio(bad, seen+1), before+near, "one more that is good")
		if bad+1 <= seen {
			require.GreaterOrEqual(t, b.LogRatio(bad+1, seen), before-near, "one that turns out to be bad")
		}
	})
}

// However it came, only how many were bad of how many counts.
func TestTheRatioOfABatchIsThatOfItsParts(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b, all := anyBreakage(t), anyObservations(t)
		at := rapid.IntRange(0, len(all)).Draw(t, "split")
		whole, parts := newEvidence(evidence.Null{Limit: 0.1, Side: evidence.TooHigh}), newEvidence(evidence.Null{Limit: 0.1, Side: evidence.TooHigh})
		for _, x := range all {
			whole.ObserveMany(x, 2)
		}
		for range 2 {
			for _, x := range all[at:] {
				parts.ObserveMany(x, 1)
			}
			for _, x := range all[:at] {
				parts.ObserveMany(x, 1)
			}
		}
		a, z := whole.Total(), parts.Total()
		require.InDelta(t, b.LogRatio(a.Sum, float64(a.Seen)), b.LogRatio(z.Sum, float64(z.Seen)), near)
	})
}

func TestTheRatioOfVeryManyIsANumber(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b := anyBreakage(t)
		seen := rapid.Float64Range(0, 1e15).Draw(t, "seen")
		l := b.LogRatio(seen*rapid.Float64Range(0, 1).Draw(t, "share"), seen)
		require.False(t, math.IsNaN(l) || math.IsInf(l, 0), "%v", l)
		require.LessOrEqual(t, 0.005, b.Healthy)
		require.LessOrEqual(t, b.Healthy, b.Least)
		require.LessOrEqual(t, b.Least, b.Most)
		require.LessOrEqual(t, b.Most, 0.995)
	})
}
