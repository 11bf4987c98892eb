package evidence

import (
	"math"
	"slices"
	"time"
)

// FormulaVersion names the way evidence is weighed; it is stored with every
// decision, so that an old one is never read with a new formula.
const FormulaVersion = "mixture-32/5"

// components is how many alternatives a test weighs at once.
const components = 32

// Side says on which side of its limit a mean is bad.
type Side string

// The sides.
const (
	TooLow  Side = "too-low"
	TooHigh Side = "too-high"
)

// Null is the hypothesis that holds until there is evidence against it:
// the mean is no worse than Limit. Limit lies strictly between 0 and 1.
type Null struct {
	Limit float64 `json:"limit"`
	Side  Side    `json:"side"`
}

// alternative is the j-th of the means on the null's bad side, which they
// cover evenly.
func (n Null) alternative(j int) float64 {
	place := (float64(j) + 0.5) / components
	if n.Side == TooHigh {
		return n.Limit + (1-n.Limit)*place
	}
	return n.Limit * place
}

// increments are what an observation in [0,1] adds to each component's log
// likelihood ratio: ln(x q/p0 + (1-x)(1-q)/(1-p0)).
func (n Null) increments(x float64) (add [components]float64) {
	for j := range add {
		q := n.alternative(j)
		add[j] = math.Log(x*q/n.Limit + (1-x)*(1-q)/(1-n.Limit))
	}
	return add
}

// Sums are the components' log likelihood ratios so far. The zero value is
// without observations.
type Sums [components]float64

func (s *Sums) add(increments [components]float64, times float64) {
	for j := range s {
		s[j] += times * increments[j]
	}
}

// Log is the natural logarithm of the evidence: of the mean of exp(S_j). It is
// 0 without observations. Under the null the evidence is a non-negative
// supermartingale that begins at 1, so it reaches 1/alpha with a probability of
// at most alpha, however often it is evaluated (Ville 1939).
func (s Sums) Log() float64 {
	return logMean(s[:])
}

// logMean is the logarithm of the mean of the exponentials.
func logMean(logs []float64) float64 {
	top := slices.Max(logs)
	if math.IsInf(top, -1) {
		return top
	}
	sum := 0.0
	for _, l := range logs {
		sum += math.Exp(l - top)
	}
	return top + math.Log(sum) - math.Log(float64(len(logs)))
}

// Evidence is the evidence against a null, weighed from several starts at
// once, so that good early weeks cannot hide a later break. The zero value
// with a null is ready to use.
type Evidence struct {
	Null Null `json:"null"`
	// Runs are the runs begun so far, the earliest first.
	Runs []Run `json:"runs"`
}

// Run is the evidence from one start on.
type Run struct {
	Since time.Time `json:"since"`
	// Seen counts the observations, Sum adds them up: its share of Seen is the
	// estimate of the mean.
	Seen int     `json:"seen"`
	Sum  float64 `json:"sum"`
	Sums Sums    `json:"sums"`
}

// Mean is the estimate; 0 without observations.
func (r Run) Mean() float64 {
	if r.Seen == 0 {
		return 0
	}
	return r.Sum / float64(r.Seen)
}

// add counts an observation n times.
func (r *Run) add(increments [components]float64, x float64, n int) {
	r.Seen += n
	r.Sum += float64(n) * x
	r.Sums.add(increments, float64(n))
}

// Begin starts one more run.
func (e *Evidence) Begin(at time.Time) { e.Runs = append(e.Runs, Run{Since: at}) }

// ObserveMany adds n times the same observation in [0,1] to every run.
func (e *Evidence) ObserveMany(x float64, n int) {
	if n > 0 {
		increments := e.Null.increments(x)
		for i := range e.Runs {
			e.Runs[i].add(increments, x, n)
		}
	}
}

// Observe adds an observation in [0,1] that became known at a time. It counts in
// the runs that began before then, since observations may arrive late.
func (e *Evidence) Observe(known time.Time, x float64) {
	increments := e.Null.increments(x)
	for i := range e.Runs {
		if r := &e.Runs[i]; !r.Since.After(known) {
			r.add(increments, x, 1)
		}
	}
}

// Correct replaces an observation by its corrected value. It counts in
// the runs that began before it was first known.
func (e *Evidence) Correct(known time.Time, before, after float64) {
	minus, plus := e.Null.increments(before), e.Null.increments(after)
	for i := range e.Runs {
		r := &e.Runs[i]
		if r.Since.After(known) {
			continue
		}
		r.Sum += after - before
		r.Sums.add(minus, -1)
		r.Sums.add(plus, 1)
	}
}

// Log is the logarithm of the evidence averaged over the planned starts.
func (e Evidence) Log(planned int) float64 {
	logs := make([]float64, len(e.Runs))
	for i, r := range e.Runs {
		logs[i] = r.Sums.Log()
	}
	return Averaged(logs, planned)
}

// Averaged is the logarithm of the evidence averaged over the planned starts, given the logarithms of those begun so far;
// a start still to come counts as 1. An average of supermartingales is one.
func Averaged(logs []float64, planned int) float64 {
	all := make([]float64, max(planned, len(logs), 1))
	copy(all, logs)
	return logMean(all)
}

// Strongest is the index of the run with the most evidence, the earliest of several; 0 without runs. If the average of
// Log reaches more than 1, so does this run, and its mean lies beyond the null's limit: with mean m each component is at
// most n ln(1 + (m-p0)(q_j-p0)/(p0(1-p0))), by Jensen's inequality, which is 0 or less unless m is on q_j's side of p0.
func (e Evidence) Strongest() int {
	strongest := 0
	for i := range e.Runs {
		if e.Runs[i].Sums.Log() > e.Runs[strongest].Sums.Log() {
			strongest = i
		}
	}
	return strongest
}

// Total is the longest run: all observations since the first start.
func (e Evidence) Total() Run {
	if len(e.Runs) == 0 {
		return Run{}
	}
	return e.Runs[0]
}

// Reaches reports whether evidence, given by its logarithm, reaches 1/alpha.
func Reaches(log, alpha float64) bool { return log >= -math.Log(alpha) }
