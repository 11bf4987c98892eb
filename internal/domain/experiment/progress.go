package experiment

import (
	"math"

	"marketplace.example/trials/internal/domain/evidence"
)

// alpha is the chance that an interval ever misses the truth: half of it at either end.
const alpha = 0.05

// precision is how closely the ends of an interval are looked for.
const precision = 1e-4

// judge weighs an experiment's evidence. Bets and hypotheses are prepared once.
type judge struct {
	bets       bets
	difference float64
	// equal is the hypothesis of no difference, less that A is worse by the one that matters.
	equal, less against
}

func newJudge(difference, conversion float64) judge {
	b := newBets(difference, conversion)
	return judge{bets: b, difference: difference, equal: b.against(0), less: b.against(-difference)}
}

// progress is what has been seen by a day. Each day narrows the interval, and never widens it unless it contradicts itself.
type progress struct {
	total tally
	// low and high end the interval; evidenceA and evidenceB are the most so far, as logarithms.
	low, high, evidenceA, evidenceB float64
	verdict                         Verdict
}

func (j judge) begin() progress { return progress{low: -1, high: 1, verdict: NotYet} }

// rejects reports whether evidence, by its logarithm, rejects its hypothesis.
func rejects(log float64) bool { return evidence.Reaches(log, alpha/2) }

// interim is one more look, at all that is ripe by then.
func (j judge) interim(p progress, exact bool) progress {
	if p.verdict == Changing {
		p.low, p.high = -1, 1 // no day narrows what a later one contradicts
	}
	p = j.narrow(p, exact)
	switch {
	case p.low > p.high:
		p.low, p.high, p.verdict = -1, 1, Changing
		p = j.narrow(p, exact)
	case p.verdict != NotYet:
	case p.low >= 0:
		p.verdict = ABetter
	case p.high <= 0:
		p.verdict = BBetter
	case p.low >= -j.difference && p.high <= j.difference:
		p.verdict = NoDifference
	}
	return p
}

// narrow moves the interval's ends to what all that is ripe leaves of it.
func (j judge) narrow(p progress, exact bool) progress {
	low, evidenceA := j.lowEnd(p.total, p.low, exact)
	high, evidenceB := j.lowEnd(p.total.swapped(), -p.high, exact)
	p.low, p.high = low, -high
	p.evidenceA, p.evidenceB = max(p.evidenceA, evidenceA), max(p.evidenceB, evidenceB)
	return p
}

// lowEnd is the interval's low end, at least the one so far, and the evidence for a better A as a logarithm. Only an exact one
// is sought between the ends that verdicts go by.
func (j judge) lowEnd(t tally, sofar float64, exact bool) (low, evidenceA float64) {
	evidenceA = j.equal.log(t)
	low = sofar
	switch {
	case rejects(evidenceA):
		low = max(low, 0)
	case low < -j.difference && rejects(j.less.log(t)):
		low = -j.difference
	}
	rejected := func(difference float64) bool { return rejects(j.bets.against(difference).log(t)) }
	if !exact || low >= mostLow || !rejected(low+precision) {
		return low, evidenceA
	}
	low += precision
	for beyond := mostLow; beyond-low > precision; {
		if middle := (low + beyond) / 2; rejected(middle) {
			low = middle
		} else {
			beyond = middle
		}
	}
	return low, evidenceA
}

// estimate is A's share less B's; 0 while either has nobody.
func (t tally) estimate() float64 {
	if t.dealtA == 0 || t.dealtB == 0 {
		return 0
	}
	return t.convertedA/t.dealtA - t.convertedB/t.dealtB
}

// interval is what p shows. The estimate is that of all that is ripe, which may lie outside an interval that was narrower before.
func (p progress) interval() Interval {
	return Interval{Estimate: p.total.estimate(), Low: round(p.low), High: round(p.high)}
}

func round(x float64) float64 { return math.Round(x*1e6) / 1e6 }
