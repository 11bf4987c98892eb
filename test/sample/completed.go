package sample

import (
	"time"

	"marketplace.example/trials/internal/domain/rollout"
)

// Completed is the busy world ten days after its rollout's last phase: the rollout is complete, and its tasks have begun.
func Completed() *World {
	w := Busy()
	whole := 100.0
	w.Document.FeatureFlags.TrialAutomation.RolloutPercentage = whole
	w.Moment = Now.Add(10*day + time.Hour)
	add := func(at time.Time, e rollout.Event) {
		e.Seq, e.At, e.By = len(w.Rollout)+1, at, "rollout"
		w.Rollout = append(w.Rollout, e)
	}
	add(Now.Add(time.Hour), rollout.Event{Type: rollout.EventEntered, Stage: &rollout.Stage{Kind: rollout.Stability}, Percentage: &whole, Reason: "Entered stability."})
	add(Now.Add(9*day), rollout.Event{Type: rollout.EventCompleted, Reason: "Completed early: everything holds"})
	return w
}
