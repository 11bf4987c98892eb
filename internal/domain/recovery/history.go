package recovery

import (
	"cmp"
	"slices"

	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// Comparison is what came of comparing a stored history with what its workflow knows. What is stored stays.
type Comparison[E any] struct {
	// Missing are the events that are to be added, in order.
	Missing []E
	// Differs is the number of the first event that is another here than there, Gap that of the first that neither knows,
	// though later ones are known; 0 for none. From there on nothing is added.
	Differs, Gap int
}

// CompareTrial compares a trial's events.
func CompareTrial(stored, recovered []trial.Event) Comparison[trial.Event] {
	return compare(stored, recovered, func(e trial.Event) int { return e.Seq }, trial.Event.Same)
}

// CompareRollout compares a rollout's decisions.
func CompareRollout(stored, recovered []rollout.Event) Comparison[rollout.Event] {
	return compare(stored, recovered, func(e rollout.Event) int { return e.Seq }, func(a, b rollout.Event) bool { return a.Type == b.Type })
}

// compare goes through events that begin with number 1 where they are stored, and anywhere where they are recovered.
func compare[E any](stored, recovered []E, seq func(E) int, same func(a, b E) bool) (c Comparison[E]) {
	known := slices.Clip(stored)
	for _, e := range recovered {
		switch n := seq(e); {
		case n > len(known)+1:
			c.Gap = len(known) + 1
			return c
		case n == len(known)+1:
			known, c.Missing = append(known, e), append(c.Missing, e)
		case !same(known[n-1], e):
			c.Differs = n
			return c
		}
	}
	return c
}

// Rollout is what the workflow of a rollout knows: its decisions, in order.
type Rollout struct {
	ID        string
	Decisions []rollout.Event
}

// JoinRuns puts together what the runs of each rollout's workflow know. The rollout that began last comes last, since it
// is the one that is the latest.
func JoinRuns(runs []Rollout) []Rollout {
	known := map[string][]rollout.Event{}
	for _, run := range runs {
		known[run.ID] = append(known[run.ID], run.Decisions...)
	}
	var all []Rollout
	for id, decisions := range known {
		if len(decisions) == 0 {
			continue
		}
		slices.SortFunc(decisions, func(a, b rollout.Event) int { return cmp.Compare(a.Seq, b.Seq) })
		all = append(all, Rollout{ID: id, Decisions: decisions})
	}
	slices.SortFunc(all, func(a, b Rollout) int { return a.Decisions[0].At.Compare(b.Decisions[0].At) })
	return all
}
