package dashboard

import (
	"context"
	"slices"
	"time"

	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/internal/domain/rollout"
)

// rolloutView is the rollout as the overview shows it.
type rolloutView struct {
	rollout.View
	// Outlook answers why it waits, until when, and what would make it go on.
	Outlook rollout.Outlook
	// Back is the last decision that rolled it back; nil for none.
	Back     *rollout.Event
	Timeline []rollout.TimelineEntry
	// Controls are those that apply now, and that the reader may use.
	Controls []controlWords
	// Judges says that the reader may tick what a person judges.
	Judges bool
	// TicksTasks says that the reader may tick the tasks after the deployment now.
	TicksTasks bool
	// Waives says that the reader may waive preflight checks now.
	Waives bool
	// Raised are the triggers that would roll back the rollout.
	Triggers []rollout.TriggerResult
}

// lastRollback is the latest of the last decisions that rolled a rollout back, completely or by alarm; nil for none.
func (d *dashboard) lastRollback(ctx context.Context, v *rollout.View) (*rollout.Event, error) {
	if v == nil || v.Rollout.Status != rollout.RolledBack && v.Rollout.PartialRollbacks == 0 {
		return nil, nil //nolint:nilnil // documented
	}
	last, err := d.Store.Decisions(ctx, v.Rollout.ID, max(1, v.Rollout.Seq-maxDecisions+1), maxDecisions)
	for _, e := range slices.Backward(last) {
		if e.Type == rollout.EventRolledBack {
			return &e, err
		}
	}
	return nil, err
}

// Where says where it is; the outlook says the rest of a rollout that is not over.
func (v rolloutView) Where() string {
	if v.Rollout.Status.Final() {
		return v.Summary
	}
	return sentence(v.Rollout.Where())
}

// Deployed reports whether the tasks after the deployment have begun.
func (v rolloutView) Deployed() bool { return v.Rollout.DeployedAt != nil }

// newRolloutView makes it; back is the last decision that rolled it back, nil for none.
func newRolloutView(v rollout.View, back *rollout.Event, reader access.Role, now time.Time) *rolloutView {
	view := &rolloutView{View: v, Outlook: v.Rollout.OutlookAt(v.Judgement, now), Timeline: v.Rollout.Timeline(now), Back: back}
	if reader.Covers(steers) {
		view.Judges = !v.Rollout.Status.Final()
		view.TicksTasks = taskRefusal(v.Rollout) == ""
		for _, name := range applicable(v.Rollout) {
			view.Controls = append(view.Controls, controls[name])
		}
	}
	view.Waives = reader.Covers(waives) && !v.Rollout.Status.Final()
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
		return []string{rollout.SignalPause, rollout.SignalResume, rollout.SignalAdvance, rollout.SignalSetPercentage, rollout.SignalRollback}
	case s.Status == rollout.Paused:
		return []string{rollout.SignalResume, rollout.SignalAdvance, rollout.SignalSetPercentage, rollout.SignalRollback}
	}
	return []string{rollout.SignalPause, rollout.SignalAdvance, rollout.SignalSetPercentage, rollout.SignalRollback}
}
