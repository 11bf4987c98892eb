package experiment

import (
	"math"
	"slices"
)

// tally is how many ripe vendors each arm has, and how many of them converted. An expected one has fractions.
type tally struct{ dealtA, convertedA, dealtB, convertedB float64 }

func (t *tally) add(a, b Count) {
	t.dealtA += float64(a.Dealt)
	t.convertedA += float64(a.Converted)
	t.dealtB += float64(b.Dealt)
	t.convertedB += float64(b.Converted)
}

// swapped is the tally with the arms' names exchanged.
func (t tally) swapped() tally { return tally{t.dealtB, t.convertedB, t.dealtA, t.convertedA} }

// bet is one component of the evidence: the conversion rate that it centers on, its stake, and the logarithm of its weight.
type bet struct{ rate, stake, weight float64 }

// bets are the components, fixed at an experiment's start. Their weights add up to 1.
type bets []bet

// mostLow is the highest low end of an interval that is looked for. Stakes are bounded so that no bet loses everything for a
// difference up to it.
const mostLow = MostDifference

// newBets spreads bets around the difference that matters and the conversion expected. Whatever they are, the evidence is
// valid; they decide how soon it is found.
func newBets(difference, conversion float64) bets {
	var all bets
	for _, r := range []struct{ odds, weight float64 }{{0.5, 0.2}, {1, 0.4}, {2, 0.4}} {
		odds := r.odds * conversion / (1 - conversion)
		rate := odds / (1 + odds)
		most := 0.95 / max(1-rate, rate+mostLow)
		for k := -2; k <= 4; k++ {
			stake := difference / (2 * rate * (1 - rate)) * math.Exp2(float64(k)/2)
			all = append(all, bet{rate: rate, stake: min(stake, most), weight: r.weight * spread[k+2]})
		}
	}
	sum := 0.0
	for _, b := range all {
		sum += b.weight
	}
	for i := range all {
		all[i].weight = math.Log(all[i].weight / sum)
	}
	return all
}

// spread weighs the stakes of half, 0.7, 1, 1.4, 2, 2.8 and 4 times the one that is best at the difference that matters.
var spread = [...]float64{1, 2, 3, 3, 2, 1, 0.5}

// against is what the evidence gains, by bet, from each kind of vendor, as logarithms.
type against []struct{ weight, convertedA, otherA, convertedB, otherB float64 }

// against prepares the evidence against the hypothesis that A's conversion exceeds B's by no more than a difference of at most mostLow.
//
// Each vendor multiplies a bet by 1 + s(Y-a) in A and 1 - s(Y-b) in B, with Y = 1 if it converts, and a - b the difference. A
// vendor falls to either arm with a chance of one half, whatever it will do, so the mean factor is 1 + s/2 (p_A - p_B - (a - b)),
// at most 1 under the hypothesis.
func (all bets) against(difference float64) against {
	n := make(against, len(all))
	for i, b := range all {
		inA, inB := b.rate+max(difference, 0), b.rate+max(-difference, 0)
		n[i].weight = b.weight
		n[i].convertedA, n[i].otherA = math.Log1p(b.stake*(1-inA)), math.Log1p(-b.stake*inA)
		n[i].convertedB, n[i].otherB = math.Log1p(-b.stake*(1-inB)), math.Log1p(b.stake*inB)
	}
	return n
}

// log is the natural logarithm of the evidence: 0 without data.
func (n against) log(t tally) float64 {
	logs := make([]float64, len(n))
	for i, g := range n {
		logs[i] = g.weight + t.convertedA*g.convertedA + (t.dealtA-t.convertedA)*g.otherA +
			t.convertedB*g.convertedB + (t.dealtB-t.convertedB)*g.otherB
	}
	top := slices.Max(logs)
	sum := 0.0
	for _, l := range logs {
		sum += math.Exp(l - top)
	}
	return top + math.Log(sum)
}
