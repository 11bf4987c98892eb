package rollout

import "fmt"

// changedByHand tells whether the flags say what the rollout did not set. Before its
// first phase it has set nothing: they may still be those that an earlier one left,
// unless somebody has changed them since it started.
func (s State) changedByHand(enabled bool, percentage float64, version int) bool {
	switch {
	case enabled == s.Enabled && percentage == s.Percentage:
		return false
	case s.Stage.Kind == Notice && version <= s.FlagsVersion:
		return false
	case s.Stage.Kind == Notice && s.FlagsVersion == 0 && s.FlagsFound == nil:
		return !enabled // nobody looked when it started: all that is known is that it is off
	case s.Stage.Kind == Notice && s.FlagsFound != nil:
		return enabled != s.FlagsFound.Enabled || percentage != s.FlagsFound.Percentage
	}
	return true
}

// MaySet tells whether an event may write the flags: where nobody has set them by
// hand. A rollback and a person's word always may, but never switch on or raise what
// somebody has lowered by hand.
func (s State) MaySet(e Event, d Document) bool {
	now := d.FeatureFlags.TrialAutomation
	if !s.changedByHand(now.Enabled, now.RolloutPercentage, d.Version) {
		return true
	}
	if e.Type == EventEntered {
		return false
	}
	lowers := *e.Percentage <= now.RolloutPercentage && (now.Enabled || !*e.Enabled)
	return lowers || e.Type == EventOverridden && e.RequestID != "" && now.Enabled
}

// Foreign is what has happened instead of an event that could not write the
// flags: somebody has set them by hand. nil where the event holds.
func (s State) Foreign(e Event, d Document) *Event {
	now := d.FeatureFlags.TrialAutomation
	if now.Enabled == *e.Enabled && now.RolloutPercentage == *e.Percentage || !now.Enabled && !*e.Enabled {
		return nil
	}
	if !s.changedByHand(now.Enabled, now.RolloutPercentage, d.Version) {
		return nil
	}
	foreign := byHand(&Judgement{
		Formula: FormulaVersion, At: e.At, Position: s.Position(), Enabled: now.Enabled, Percentage: now.RolloutPercentage, Version: d.Version,
	}, s)
	foreign.Seq, foreign.At = e.Seq, e.At
	foreign.Reason += fmt.Sprintf(" (Seen when about to: %s)", e.Reason)
	return foreign
}

// byHand is what flags that somebody set by hand come to: disabled, they end the
// rollout; else it holds at them.
func byHand(j *Judgement, s State) *Event {
	if !j.Enabled {
		return &Event{Type: EventRolledBack, Remedy: Immediate, InFlight: Keep, By: byFlags, Judgement: j,
			Enabled: new(false), Percentage: new(j.Percentage), Reason: "Taken back completely: automation was disabled by hand."}
	}
	return &Event{Type: EventOverridden, By: byFlags, Judgement: j, Enabled: new(true), Percentage: new(j.Percentage),
		Reason: fmt.Sprintf("Holding: the percentage was set to %v by hand, the plan says %v.", j.Percentage, s.Percentage)}
}
