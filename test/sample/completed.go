package sample

import (
	"time"

	"marketplace.example/trials/internal/domain/rollout"
)

// Completed is the busy world with a rollout that began eleven days earlier: it is complete, and the tasks of its first weeks have begun.
func Completed() *World {
	w := Busy()
	whole := 100.0
	w.Document.FeatureFlags.TrialAutomation.RolloutPercentage = whole
	for i := range w.Rollout {
		w.Rollout[i].At = w.Rollout[i].At.Add(-11 * day)
	}
	add := func(at time.Time, e rollout.Event) {
		e.Seq, e.At, e.By = len(w.Rollout)+1, at, "rollout"
		w.Rollout = append(w.Rollout, e)
	}
	add(Now.Add(-10*day), rollout.Event{Type: rollout.EventEntered, Stage: &rollout.Stage{Kind: rollout.Stability}, Percentage: &whole, Reason: "Entered stability."})
	add(Now.Add(-day), rollout.Event{Type: rollout.EventCompleted, Reason: "Completed early: everything holds"})
	return w
}
