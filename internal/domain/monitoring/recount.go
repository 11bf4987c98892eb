package monitoring

import (
	"cmp"
	"slices"
)

// Counted is one reading of the counters.
type Counted struct {
	Tally Tally
	// Changes counts the writes of each period.
	Changes map[Period]int
}

// Recount is the result of comparing the counters with the truth.
type Recount struct {
	// Trials and Sends are the numbers of records read.
	Trials int `json:"trials"`
	Sends  int `json:"sends"`
	// Counters is how many were compared, Wrong how many differed.
	Counters int `json:"counters"`
	Wrong    int `json:"wrong"`
	// Differences names up to twenty of the wrong ones.
	Differences []Difference `json:"differences"`
	// Moving are the periods that changed meanwhile, and were not compared.
	Moving []Period `json:"moving"`
}

// Difference is a counter that was wrong.
type Difference struct {
	Period  Period `json:"period"`
	Counter string `json:"counter"`
	Counted int    `json:"counted"`
	True    int    `json:"true"`
}

// shownDifferences is how many wrong counters are listed.
const shownDifferences = 20

// Compare returns the corrections that make the counters true. truth
// was read between the two readings of the counters; a
// period that changed in between is left for the next time.
func Compare(before, after Counted, truth Tally) (corrections Tally, r Recount) {
	moved := map[Period]bool{}
	for _, t := range []Tally{before.Tally, after.Tally, truth} {
		for c := range t {
			moved[c.Period] = before.Changes[c.Period] != after.Changes[c.Period]
		}
	}
	corrections = Tally{}
	for _, t := range []Tally{truth, after.Tally} {
		for c := range t {
			if off := truth[c] - after.Tally[c]; off != 0 && !moved[c.Period] {
				corrections[c] = off
			}
		}
	}
	r.Moving = []Period{}
	for period, yes := range moved {
		if yes {
			r.Moving = append(r.Moving, period)
		}
	}
	slices.Sort(r.Moving)
	for c := range truth {
		if !moved[c.Period] {
			r.Counters++
		}
	}
	r.Wrong, r.Differences = len(corrections), []Difference{}
	for c := range corrections {
		r.Differences = append(r.Differences, Difference{Period: c.Period, Counter: c.Field(), Counted: after.Tally[c], True: truth[c]})
	}
	slices.SortFunc(r.Differences, func(a, b Difference) int {
		return cmp.Or(cmp.Compare(a.Period, b.Period), cmp.Compare(a.Counter, b.Counter))
	})
	r.Differences = r.Differences[:min(len(r.Differences), shownDifferences)]
	return corrections, r
}
