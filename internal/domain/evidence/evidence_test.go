package evidence_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"marketplace.example/trials/internal/domain/evidence"
)

// noon is the time that tests count from.
var noon = time.Date(2026, time.March, 2, 12, 0, 0, 0, time.UTC)

const day = 24 * time.Hour

// near is the tolerance for two ways of adding up the same logarithms.
const near = 1e-6

func newEvidence(n evidence.Null) evidence.Evidence {
	e := evidence.Evidence{Null: n}
	e.Begin(noon)
	return e
}

func anyNull(t *rapid.T) evidence.Null {
	return evidence.Null{
		Limit: rapid.Float64Range(0.01, 0.99).Draw(t, "limit"),
		Side:  rapid.SampledFrom([]evidence.Side{evidence.TooLow, evidence.TooHigh}).Draw(t, "side"),
	}
}

func anyObservations(t *rapid.T) []float64 {
	return rapid.SliceOfN(rapid.Float64Range(0, 1), 0, 60).Draw(t, "observations")
}

// worst is the observation that speaks most against a null.
func worst(n evidence.Null) float64 {
	if n.Side == evidence.TooLow {
		return 0
	}
	return 1
}

func TestNoDataIsNoEvidence(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		e := evidence.Evidence{Null: anyNull(t)}
		for range rapid.IntRange(0, 6).Draw(t, "runs") {
			e.Begin(noon)
		}
		require.InDelta(t, 0, e.Log(5), 1e-12, "E is 1")
		require.Zero(t, e.Total().Mean())
	})
}

func TestEvidenceByHand(t *testing.T) {
	t.Parallel()
	// The alternatives below 0.5 lie around 0.25: a failure is worth 0.75/0.5 on average.
	e := newEvidence(evidence.Null{Limit: 0.5, Side: evidence.TooLow})
	e.ObserveMany(0, 1)
	require.InDelta(t, math.Log(1.5), e.Log(1), 1e-12)
	// Above 0.2 they lie around 0.6.
	e = newEvidence(evidence.Null{Limit: 0.2, Side: evidence.TooHigh})
	e.ObserveMany(1, 1)
	require.InDelta(t, math.Log(3), e.Log(1), 1e-12)
	require.True(t, evidence.Reaches(math.Log(20), 0.05))
	require.False(t, evidence.Reaches(math.Log(19.99), 0.05))
}

func TestOneMoreFailureNeverLowersEvidence(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		e := newEvidence(anyNull(t))
		for _, x := range anyObservations(t) {
			e.ObserveMany(x, 1)
		}
		before := e.Log(5)
		e.ObserveMany(worst(e.Null), 1)
		require.GreaterOrEqual(t, e.Log(5), before-1e-12)
	})
}

func TestEvidenceIsExpectedToStayWhereTheLimitHolds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := anyNull(t)
		seen := anyObservations(t)
		log := func(next float64) float64 {
			e := newEvidence(n)
			for _, x := range append(seen, next) {
				e.ObserveMany(x, 1)
			}
			return e.Log(1)
		}
		e := newEvidence(n)
		for _, x := range seen {
			e.ObserveMany(x, 1)
		}
		top := e.Log(1)
		// At the limit the next E is on average the present one: Ville's condition.
		mean := n.Limit*math.Exp(log(1)-top) + (1-n.Limit)*math.Exp(log(0)-top)
		require.InDelta(t, 1, mean, 1e-9)
	})
}

func TestSplittingABatchChangesNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := anyNull(t)
		x, times := rapid.Float64Range(0, 1).Draw(t, "x"), rapid.IntRange(0, 300).Draw(t, "times")
		split := rapid.IntRange(0, times).Draw(t, "split")
		whole, parts, single := newEvidence(n), newEvidence(n), newEvidence(n)
		whole.ObserveMany(x, times)
		parts.ObserveMany(x, split)
		parts.ObserveMany(x, times-split)
		for range times {
			single.ObserveMany(x, 1)
		}
		for _, e := range []evidence.Evidence{parts, single} {
			require.InDelta(t, whole.Log(1), e.Log(1), near)
			require.Equal(t, whole.Total().Seen, e.Total().Seen)
			require.InDelta(t, whole.Total().Sum, e.Total().Sum, near)
		}
	})
}

func TestEvidenceDoesNotOverflow(t *testing.T) {
	t.Parallel()
	for _, x := range []float64{0, 1} {
		e := newEvidence(evidence.Null{Limit: 0.9, Side: evidence.TooLow})
		e.ObserveMany(x, 5_000_000)
		require.False(t, math.IsInf(e.Log(1), 0) || math.IsNaN(e.Log(1)))
		require.Greater(t, math.Abs(e.Log(1)), 1000.0)
		require.False(t, math.IsNaN(e.Log(5)))
	}
}

func TestAStartNotBegunCountsAsOne(t *testing.T) {
	t.Parallel()
	e := newEvidence(evidence.Null{Limit: 0.9, Side: evidence.TooLow})
	e.ObserveMany(0, 3)
	require.InDelta(t, math.Log((math.Exp(e.Log(1))+4)/5), e.Log(5), 1e-12)
	// Good weeks before count for nothing in a later start.
	e = newEvidence(evidence.Null{Limit: 0.9, Side: evidence.TooLow})
	e.ObserveMany(1, 1000)
	e.Begin(noon.Add(day))
	e.ObserveMany(0, 10)
	require.Greater(t, e.Log(5), math.Log(20))
}

func TestCorrectionsEqualTheFinalShareSeenAtOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := anyNull(t)
		shares := rapid.SliceOfN(rapid.Float64Range(0, 1), 1, 8).Draw(t, "shares")
		corrected, atOnce := newEvidence(n), newEvidence(n)
		corrected.ObserveMany(shares[0], 1)
		corrected.Begin(noon.Add(2 * time.Hour))
		for i := 1; i < len(shares); i++ {
			corrected.Correct(noon.Add(time.Hour), shares[i-1], shares[i])
		}
		atOnce.ObserveMany(shares[len(shares)-1], 1)
		require.InDelta(t, atOnce.Runs[0].Sums.Log(), corrected.Runs[0].Sums.Log(), near)
		require.InDelta(t, atOnce.Runs[0].Sum, corrected.Runs[0].Sum, near)
		require.Equal(t, 1, corrected.Runs[0].Seen)
		require.Zero(t, corrected.Runs[1].Sums, "the run began after it was known")
	})
}

func TestLeastMatured(t *testing.T) {
	t.Parallel()
	require.Equal(t, 43, evidence.LeastMatured(evidence.Null{Limit: 0.1, Side: evidence.TooLow}, 0.05))
}

var inDays = evidence.Times{Day: day, TrialDays: 17}

// Of averaged runs the strongest has the evidence, and its mean shows why.
func TestTheStrongestRunLiesBeyondTheLimit(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		e := evidence.Evidence{Null: anyNull(t)}
		for range rapid.IntRange(1, 5).Draw(t, "runs") {
			e.Begin(noon)
			for _, x := range anyObservations(t) {
				e.ObserveMany(x, 1)
			}
		}
		if e.Log(5) <= near {
			return
		}
		strongest := e.Runs[e.Strongest()]
		require.GreaterOrEqual(t, strongest.Sums.Log(), e.Log(5))
		if e.Null.Side == evidence.TooLow {
			require.Less(t, strongest.Mean(), e.Null.Limit)
		} else {
			require.Greater(t, strongest.Mean(), e.Null.Limit)
		}
	})
	require.Zero(t, evidence.Evidence{}.Strongest())
}

func TestARateAndItsLimitAreToldApart(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		rate, limit float64
		want        [2]string
	}{
		{0.62, 0.05, [2]string{"62 %", "5.0 %"}},
		{0.05, 0.05, [2]string{"5.0 %", "5.0 %"}},
		{0.0504, 0.05, [2]string{"5.04 %", "5.00 %"}},
		{0.204, 0.2, [2]string{"20.4 %", "20.0 %"}},
		{0.2 + 1e-9, 0.2, [2]string{"20 %", "20 %"}},
	} {
		rate, limit := evidence.Percents(tt.rate, tt.limit)
		require.Equal(t, tt.want, [2]string{rate, limit})
	}
}
