package rollout

import "fmt"

// changedByHand tells whether the flags, as a judgement found them, say what the rollout did not set. Until it has
// set or held them, they may still be those that an earlier one left, unless somebody has changed them since it started.
func (s State) changedByHand(j *Judgement) bool {
	if s.FlagsAt.IsZero() {
		return s.changedInNotice(j)
	}
	return j.Enabled != s.Enabled || j.Percentage != s.Percentage
}

func (s State) changedInNotice(j *Judgement) bool {
	switch {
	case !j.Enabled && s.FlagsVersion > 0 && (j.DisabledVersion > s.FlagsVersion || j.Version < s.FlagsVersion):
		return true // somebody has switched it off since, or has restored a database, which does
	case j.Enabled == s.Enabled && j.Percentage == s.Percentage, j.Version <= s.FlagsVersion:
		return false
	case s.FlagsFound != nil:
		return j.Enabled != s.FlagsFound.Enabled || j.Percentage != s.FlagsFound.Percentage
	case s.FlagsVersion == 0:
		return !j.Enabled // nobody looked when it started: all that is known is that it is off
	}
	return true
}

// FoundByHand is the version of flags that somebody else than the rollout has set to what it does not know of; 0 where
// nobody has.
func (s State) FoundByHand(d Document) int {
	switch {
	case !s.changedByHand(s.found(d)):
		return 0
	case d.UpdatedBy == Automatic: // by an attempt before, which may have found them so
		return d.HandVersion
	}
	return d.Version
}

// Awaits tells whether a rollback was asked of the rollout that it has neither carried out nor passed over.
func (s State) Awaits(r *RollbackRequest) bool {
	return r != nil && r.RolloutID == s.ID && r.Version > max(s.WrittenVersion, s.HandVersion) && !s.Knows(r.Request.ID)
}

// MaySet tells whether an event may write the flags: where nobody has set them by
// hand, or asked for a rollback that comes first. A rollback and a person's word always may, but never switch on what
// somebody has switched off by hand, and raise what somebody has lowered only where they saw that.
func (s State) MaySet(e Event, d Document) bool {
	j := s.found(d)
	j.At = e.At
	if s.comesFirst(e, j) {
		return false
	}
	if !s.changedByHand(j) {
		return true
	}
	if e.Type == EventEntered {
		return false
	}
	now := d.FeatureFlags.TrialAutomation
	lowers := *e.Percentage <= now.RolloutPercentage && (now.Enabled || !*e.Enabled)
	return lowers || now.Enabled && e.FlagsSeen >= d.Version
}

// Foreign is what has happened instead of an event that could not write the
// flags, or completes the rollout at them: somebody has set them by hand, or asked for a rollback. nil where the event holds.
func (s State) Foreign(e Event, d Document) *Event {
	j := s.found(d)
	j.At = e.At
	says := e.Percentage != nil && (j.Enabled == *e.Enabled && j.Percentage == *e.Percentage || !j.Enabled && !*e.Enabled)
	if !s.comesFirst(e, j) && (says || !s.changedByHand(j)) {
		return nil
	}
	foreign := s.byHand(j)
	if foreign.RequestID == "" {
		foreign.RequestID = e.RequestID // it has had its answer, and is not carried out later
	}
	if e.RequestID != "" && e.InFlight == Release {
		foreign.InFlight = Release
	}
	foreign.Seq, foreign.At = e.Seq, e.At
	foreign.Reason += fmt.Sprintf(" (Seen when about to: %s)", e.Reason)
	return foreign
}

// found is what flags say that were not judged by anything else.
func (s State) found(d Document) *Judgement {
	f := d.FeatureFlags.TrialAutomation
	return &Judgement{
		Formula: FormulaVersion, Position: s.Position(), Enabled: f.Enabled, Percentage: f.RolloutPercentage, Version: d.Version,
		DisabledVersion: d.DisabledVersion, Rollback: d.Rollback,
	}
}

// comesFirst tells whether a rollback was asked for that is to be carried out before an event: one that goes further back.
func (s State) comesFirst(e Event, j *Judgement) bool {
	asked := s.askedFor(j)
	return asked != nil && asked.RequestID != e.RequestID && !e.goesAsFarAs(*asked)
}

// goesAsFarAs tells whether an event takes the rollout back at least as far as another.
func (e Event) goesAsFarAs(asked Event) bool {
	if e.Type != EventRolledBack && e.Type != EventOverridden {
		return false
	}
	return !*e.Enabled || *asked.Enabled && *e.Percentage <= *asked.Percentage
}

// WithHandover is an event that goes as far as a rollback which was asked for meanwhile: it hands over what that would.
func (s State) WithHandover(e Event, d Document) Event {
	if asked := s.askedFor(s.found(d)); asked != nil && asked.InFlight == Release && e.goesAsFarAs(*asked) {
		e.InFlight = Release
	}
	return e
}

// byHand is what flags that somebody set by hand come to: the rollback that was asked for with them; else, disabled, the
// end of the rollout; else it holds at them.
func (s State) byHand(j *Judgement) *Event {
	asked := s.askedFor(j)
	if asked != nil && (*asked.Enabled == j.Enabled && *asked.Percentage == j.Percentage || !*asked.Enabled && !j.Enabled) {
		return asked
	}
	e := &Event{Type: EventOverridden, By: byFlags, Judgement: j, Enabled: new(true), Percentage: new(j.Percentage), HandVersion: j.Version,
		Reason: fmt.Sprintf("Holding: the percentage was set to %v by hand, the plan says %v.", j.Percentage, s.Percentage)}
	if !j.Enabled {
		e.Type, e.Remedy, e.InFlight, e.Enabled = EventRolledBack, Immediate, Keep, new(false)
		e.Reason = "Taken back completely: automation was disabled by hand."
	}
	if asked != nil { // and somebody has lowered them further
		e.RequestID, e.InFlight = asked.RequestID, asked.InFlight
	}
	return e
}

// askedFor is the rollback that was asked for together with the flags, unless they were raised above it since; nil for
// none.
func (s State) askedFor(j *Judgement) *Event {
	if !s.Awaits(j.Rollback) {
		return nil
	}
	asked := j.Rollback.Request
	asked.Seen = "" // it was as seen
	if j.Enabled && j.Percentage > asked.Percentage {
		return nil
	}
	e, err := s.Request(SignalRollback, asked, j, j.At)
	if err != nil {
		return nil
	}
	e.HandVersion = j.Version
	return e
}
