package canary

import (
	"fmt"
	"time"
)

// Reach is what is known of the parts that a canary needs to come at all. Nil is unknown.
type Reach struct {
	// Temporal says that Temporal answers, Worker that a worker polls.
	Temporal, Worker *bool
}

// Health is what the canaries say of the system at a moment.
type Health struct {
	// Fault is empty if nothing is known to be broken.
	Fault  Fault
	Reason string
	// Latest is the latest canary, nil for none.
	Latest *Result
}

// Broken reports whether the canaries have found something broken.
func (h Health) Broken() bool { return h.Fault != "" }

// Assess says how the system is by its canaries. since is when canaries were first due, with the rollout that runs; zero if
// none runs, so that none is due.
func Assess(latest *Result, since, now time.Time, day time.Duration, reach Reach) Health {
	s := Health{Latest: latest}
	last := since
	if latest != nil && latest.EndedAt.After(since) {
		last = latest.EndedAt
	}
	switch {
	case !since.IsZero() && Late(last, now, day):
		s.Fault, s.Reason = absent(reach)
		s.Reason = fmt.Sprintf("no canary has come since %s: %s. %s", last.UTC().Format("2 January 2006 15:04 UTC"), s.Reason, advice[s.Fault])
	case latest != nil && !latest.Well() && latest.EndedAt.After(since):
		s.Fault, s.Reason = latest.Fault, latest.Reason
	}
	return s
}

// absent says why no canary came.
func absent(r Reach) (Fault, string) {
	switch {
	case r.Temporal != nil && !*r.Temporal:
		return TemporalAway, "Temporal does not answer"
	case r.Worker != nil && !*r.Worker:
		return WorkerStopped, "no worker polls for work"
	}
	return NoCanary, "why is not known"
}

// View is what people see of canaries.
type View struct {
	// Configured says that canaries are to come.
	Configured bool `json:"configured"`
	// EverySeconds is how often one begins while a rollout runs.
	EverySeconds float64 `json:"everySeconds"`
	// Fault and Reason are the health's.
	Fault  Fault  `json:"fault"`
	Reason string `json:"reason"`
	// Results are the latest first.
	Results []Result `json:"results"`
}

// Insert puts a result before the others, and keeps the latest MostResults. The same canary's earlier result goes.
func Insert(results []Result, r Result) []Result {
	kept := []Result{r}
	for _, other := range results {
		if other.ID != r.ID && len(kept) < MostResults {
			kept = append(kept, other)
		}
	}
	return kept
}
