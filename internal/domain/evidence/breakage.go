package evidence

import (
	"math"
	"sort"
)

// Breakage holds the shares of bad observations that a proportional gate distinguishes: Healthy, and evenly from Least
// to Most for a broken system. NewBreakage makes one.
type Breakage struct {
	Healthy, Least, Most float64
}

const (
	// breakages is the number of broken shares in the mixture.
	breakages = 12
	// leastMargin is how far a share stays from 0 and 1.
	leastMargin = 0.005
	// mostWanted bounds what Wanted answers.
	mostWanted = 100_000
)

// NewBreakage moves each share so far from 0 and 1 that no observation is impossible. No broken share is below the
// healthy one, so that one more failure never speaks for health.
func NewBreakage(healthy, least, most float64) Breakage {
	inside := func(share float64) float64 { return min(max(share, leastMargin), 1-leastMargin) }
	b := Breakage{Healthy: inside(healthy)}
	b.Least = max(inside(least), b.Healthy)
	b.Most = max(inside(most), b.Least)
	return b
}

// LogRatio is the natural logarithm of the likelihood ratio of what was seen, broken against healthy:
//
//	L = (1/J) Σ_j Lik(b_j) / Lik(h),   Lik(p) = p^bad (1-p)^(seen-bad),
//
// the mean over an even mixture of J broken shares (Robbins, Statistical methods related to the law of the iterated
// logarithm, 1970). It is 0 where nothing was seen. Below 0 what was seen fits the healthy share better than a break:
// then the next step's risk is tolerable, which is when to take it (Xu, Duan, Huang, SQR: Balancing Speed, Quality and
// Risk in Online Controlled Experiments, KDD 2018). bad may be a sum of shares, and lies in 0 to seen.
func (b Breakage) LogRatio(bad, seen float64) float64 {
	likelihood := func(share float64) float64 { return bad*math.Log(share) + (seen-bad)*math.Log(1-share) }
	logs := make([]float64, breakages)
	for i := range logs {
		logs[i] = likelihood(b.Least + (b.Most-b.Least)*float64(i)/(breakages-1))
	}
	return logMean(logs) - likelihood(b.Healthy)
}

// Speaks reports whether the observations fit the healthy share better than a break. Without any they do not.
func (b Breakage) Speaks(bad, seen float64) bool { return b.LogRatio(bad, seen) < 0 }

// Wanted is how many more good observations are needed until they speak for health; 0 if they do.
func (b Breakage) Wanted(bad, seen float64) int {
	return sort.Search(mostWanted, func(more int) bool { return b.Speaks(bad, seen+float64(more)) })
}
