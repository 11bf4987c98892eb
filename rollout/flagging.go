package rollout

import "fmt"

// MaySet tells whether an event may write the flags: where they say what the
// rollout knows of, or say it already. A rollback and a person's word always
// may, but never switch on or raise what somebody has lowered by hand.
func (s State) MaySet(e Event, f Flags) bool {
	now := f.TrialAutomation
	if now.Enabled == s.Enabled && now.RolloutPercentage == s.Percentage {
		return true
	}
	if e.Type == EventEntered {
		return s.Stage.Kind == Notice // starting a rollout sets the flags
	}
	lowers := *e.Percentage <= now.RolloutPercentage && (now.Enabled || !*e.Enabled)
	return lowers || e.Type == EventOverridden && e.RequestID != "" && now.Enabled
}

// Foreign is what has happened instead of an event that could not write the
// flags: somebody has set them by hand. nil where the event holds.
func (s State) Foreign(e Event, d Document) *Event {
	now := d.FeatureFlags.TrialAutomation
	if now.Enabled == *e.Enabled && now.RolloutPercentage == *e.Percentage || e.Type == EventRolledBack && !now.Enabled {
		return nil
	}
	foreign := s.overridden(&Judgement{
		Formula: FormulaVersion, At: e.At, Position: s.Position(), Enabled: now.Enabled, Percentage: now.RolloutPercentage, Version: d.Version,
	}, e.At)
	if foreign == nil {
		return nil
	}
	foreign.Seq, foreign.At = e.Seq, e.At
	foreign.Reason += fmt.Sprintf(" (Seen when about to: %s)", e.Reason)
	return foreign
}
