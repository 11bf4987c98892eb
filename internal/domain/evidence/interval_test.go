package evidence_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"marketplace.example/trials/internal/domain/evidence"
)

// Known values; the last one by hand.
func TestWilson(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ seen, n, low, high float64 }{{0, 0, 0, 1}, {0, 10, 0, .2775}, {10, 10, .7225, 1}, {5, 10, .2366, .7634}} {
		low, high := evidence.Wilson(c.seen/max(c.n, 1), c.n)
		require.InDelta(t, c.low, low, 1e-4)
		require.InDelta(t, c.high, high, 1e-4)
	}
}

func estimated(seen, n float64) evidence.Estimated {
	low, high := evidence.Wilson(seen/n, n)
	return evidence.Estimated{Share: seen / n, Low: low, High: high}
}

// The values of Newcombe's table II, for 56/70 - 48/80, 9/10 - 3/10 and 10/10 - 0/10.
func TestTheIntervalOfADifference(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ a, n, b, m, low, high float64 }{{56, 70, 48, 80, .0524, .3339}, {9, 10, 3, 10, .1705, .8090}, {10, 10, 0, 10, .6075, 1}} {
		d := evidence.Difference(estimated(c.a, c.n), estimated(c.b, c.m))
		require.InDelta(t, c.a/c.n-c.b/c.m, d.Share, 1e-12)
		require.InDelta(t, c.low, d.Low, 1e-4)
		require.InDelta(t, c.high, d.High, 1e-4)
	}
}

func TestADifferenceTurnedRoundIsTheSame(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) evidence.Estimated {
			n := rapid.IntRange(1, 1000).Draw(t, name)
			return estimated(float64(rapid.IntRange(0, n).Draw(t, name+" seen")), float64(n))
		}
		a, b := draw("a"), draw("b")
		d, back := evidence.Difference(a, b), evidence.Difference(b, a)
		require.InDelta(t, d.Low, -back.High, 1e-12)
		require.LessOrEqual(t, d.Low, d.Share)
		require.LessOrEqual(t, d.Share, d.High)
		require.GreaterOrEqual(t, d.Low, -1-1e-9)
		require.LessOrEqual(t, d.High, 1+1e-9)
	})
}

func TestThingsAreCountedAsPeopleDo(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"0 calls", "1 call", "2 calls"}, []string{
		evidence.Counted(0, "call", "calls"), evidence.Counted(1, "call", "calls"), evidence.Counted(2, "call", "calls"),
	})
	require.Equal(t, []string{"0.5 days", "1 day", "1.5 days"}, []string{
		evidence.Counted(0.5, "day", "days"), evidence.Counted(1.0, "day", "days"), evidence.Counted(1.5, "day", "days"),
	})
}
