package dashboard

import (
	"slices"
	"time"

	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/internal/domain/rollout"
)

// rolloutView is the rollout as the overview shows it.
type rolloutView struct {
	rollout.View
	// Outlook answers why it waits, until when, and what would make it go on.
	Outlook  rollout.Outlook
	Timeline []rollout.TimelineEntry
	// Controls are those that apply now, and that the reader may use.
	Controls []controlWords
	// Judges says that the reader may tick what a person judges.
	Judges bool
	// Raised are the triggers that would roll back the rollout.
	Triggers []rollout.TriggerResult
}

func newRolloutView(v rollout.View, reader access.Role, now time.Time) *rolloutView {
	view := &rolloutView{View: v, Outlook: v.Rollout.OutlookAt(v.Judgement, now), Timeline: v.Rollout.Timeline()}
	if reader.Covers(steers) {
		view.Judges = !v.Rollout.Status.Final()
		for _, name := range applicable(v.Rollout) {
			view.Controls = append(view.Controls, controls[name])
		}
	}
	if v.Judgement != nil {
		view.Triggers = slices.Clone(v.Judgement.Triggers)
	}
	return view
}

// applicable are the controls that a rollout takes where it stands.
func applicable(s rollout.State) []string {
	switch {
	case s.Status.Final():
		return nil
	case s.Status == rollout.Paused && s.Pause.Cause == rollout.PausedByOutage: // else it would go on by itself
		return []string{rollout.SignalPause, rollout.SignalResume, rollout.SignalAdvance, rollout.SignalRollback}
	case s.Status == rollout.Paused:
		return []string{rollout.SignalResume, rollout.SignalAdvance, rollout.SignalRollback}
	}
	return []string{rollout.SignalPause, rollout.SignalAdvance, rollout.SignalRollback}
}
