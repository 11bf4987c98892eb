package monitoring

import "slices"

// Counted is what the counters say at a moment.
type Counted struct {
	Tally Tally
	// Changes counts the writes of each period.
	Changes map[Period]int
}

// Recount is what a comparison of the counters with the truth came to.
type Recount struct {
	// Trials and Sends are how many were read.
	Trials int `json:"trials"`
	Sends  int `json:"sends"`
	// Counters are how many were compared, Wrong how many were wrong.
	Counters int `json:"counters"`
	Wrong    int `json:"wrong"`
	// Moving are the periods that changed meanwhile, and were not compared.
	Moving []Period `json:"moving"`
}

// Compare says by how much the counters are to be changed to be true. truth
// was gathered between the two moments at which the counters were read; a
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
	r.Wrong = len(corrections)
	return corrections, r
}
