package experiment

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestNoBetGainsUnderItsHypothesis is the whole proof that the evidence is valid: the mean factor of one vendor, dealt by a fair
// coin, is at most 1 whatever the arms' conversion, as long as A's exceeds B's by no more than the hypothesis says.
func TestNoBetGainsUnderItsHypothesis(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		shareB := rapid.Float64Range(0, 1).Draw(t, "share of B")
		shareA := rapid.Float64Range(0, 1).Draw(t, "share of A")
		if shareA-shareB > mostLow {
			return
		}
		difference := rapid.Float64Range(max(-1, shareA-shareB), mostLow).Draw(t, "hypothesis")
		all := newBets(rapid.Float64Range(LeastDifference, MostDifference).Draw(t, "difference"), rapid.Float64Range(0.001, 0.999).Draw(t, "expected"))
		weights := 0.0
		for _, g := range all.against(difference) {
			mean := (shareA*math.Exp(g.convertedA) + (1-shareA)*math.Exp(g.otherA) + shareB*math.Exp(g.convertedB) + (1-shareB)*math.Exp(g.otherB)) / 2
			require.LessOrEqual(t, mean, 1+1e-12)
			weights += math.Exp(g.weight)
		}
		require.InDelta(t, 1, weights, 1e-12)
	})
}

func TestAWiderHypothesisIsHarderToReject(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		all := newBets(rapid.Float64Range(LeastDifference, MostDifference).Draw(t, "difference"), rapid.Float64Range(0.001, 0.999).Draw(t, "expected"))
		count := func(name string) (dealt, converted float64) {
			dealt = float64(rapid.IntRange(0, 5000).Draw(t, name))
			return dealt, math.Floor(dealt * rapid.Float64Range(0, 1).Draw(t, name+" converted"))
		}
		var seen tally
		seen.dealtA, seen.convertedA = count("A")
		seen.dealtB, seen.convertedB = count("B")
		low := rapid.Float64Range(-1, mostLow).Draw(t, "low")
		high := rapid.Float64Range(low, mostLow).Draw(t, "high")
		require.GreaterOrEqual(t, all.against(low).log(seen), all.against(high).log(seen)-1e-9)
	})
}
