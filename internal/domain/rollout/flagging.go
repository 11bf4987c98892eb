package rollout

import (
	"fmt"
	"slices"

	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/flags"
)

// changedByHand reports whether the flags found by a judgement differ from what the rollout set. Until the rollout has
// set or held them, they may still be those of an earlier one, unless somebody has changed them since it started.
func (s State) changedByHand(j *Judgement) bool {
	if s.FlagsAt.IsZero() {
		return s.changedInNotice(j)
	}
	return j.Enabled != s.Enabled || j.Percentage != s.Percentage
}

func (s State) changedInNotice(j *Judgement) bool {
	switch {
	case !j.Enabled && s.FlagsVersion > 0 && (j.DisabledVersion > s.FlagsVersion || j.Version < s.FlagsVersion):
		return true // somebody has switched it off since, or has restored a database, which does the same
	case j.Enabled == s.Enabled && j.Percentage == s.Percentage, j.Version <= s.FlagsVersion:
		return false
	case s.FlagsFound != nil:
		return j.Enabled != s.FlagsFound.Enabled || j.Percentage != s.FlagsFound.Percentage
	case s.FlagsVersion == 0:
		return !j.Enabled // nobody read them at the start: all that is known is that it is off
	}
	return true
}

// Carry returns the event to store when e is carried out over the flags found, and makes c set them; c
// stays empty if the flags are not the event's to write. An event writes them once, however often it is attempted.
func (s State) Carry(e Event, c *flags.Change) Event {
	found := c.Found
	if e.Type == EventCompleted {
		return s.releasing(s.pausedWithOverride(e, found), found, found.Version)
	}
	if e.Percentage == nil || e.Enabled == nil {
		return e
	}
	w := s.written(e, found)
	if w != nil && !w.StillSays(found) || w == nil && !s.maySet(e, found) {
		e = s.pausedWithOverride(e, found)
		e.HandVersion = s.foundByHand(e, found)
		return s.releasing(e, found, found.Version)
	}
	e = s.withHandover(e, found)
	if w == nil {
		c.TrialAutomation.Enabled, c.TrialAutomation.RolloutPercentage = *e.Enabled, *e.Percentage
		w = &flags.Write{RolloutID: s.ID, Seq: e.Seq, At: e.At, Enabled: *e.Enabled, Percentage: *e.Percentage,
			Version: found.Version + 1, HandVersion: s.foundByHand(e, found)}
		c.Write = w
	}
	e.HandVersion, e.WrittenVersion = w.HandVersion, w.Version
	return s.releasing(e, found, w.Version)
}

// written is what an earlier attempt wrote for an event; nil for nothing.
func (s State) written(e Event, d flags.Document) *flags.Write {
	if w := d.Write; w != nil && w.RolloutID == s.ID && w.Seq == e.Seq && w.At.Equal(e.At) {
		return w
	}
	return nil
}

// unstored is what an attempt wrote for a decision that may not be stored; nil for none.
func (s State) unstored(d flags.Document) *flags.Write {
	if w := d.Write; w != nil && w.RolloutID == s.ID && w.Seq > s.Seq {
		return w
	}
	return nil
}

// changed reports whether somebody else changed the flags before an event is carried out. What an earlier attempt wrote
// for that event is the rollout's own change; what was written for another event that is not stored is not.
func (s State) changed(e Event, d flags.Document, j *Judgement) bool {
	w := s.unstored(d)
	switch {
	case w == nil:
		return s.changedByHand(j)
	case s.written(e, d) != nil:
		return !w.StillSays(d)
	}
	return !w.StillSays(d) || s.changedByHand(j)
}

// releasing records which trials an event hands over: those admitted by flags older than the event's own, or
// older than those of the requested rollback.
func (s State) releasing(e Event, found flags.Document, version int) Event {
	if e.InFlight != flags.Release {
		return e
	}
	e.FlagsVersion = version
	if r := found.Rollback; s.Awaits(r) && r.Request.InFlight == flags.Release {
		e.FlagsVersion = r.Version
	}
	return e
}

// foundByHand is the version of flags that somebody else than the rollout set without its knowledge; 0 for
// none.
func (s State) foundByHand(e Event, d flags.Document) int {
	w, changed := s.written(e, d), s.changed(e, d, s.found(d))
	switch {
	case changed && d.UpdatedBy != flags.Automatic:
		return d.Version
	case changed:
		return d.HandVersion
	case w != nil:
		return w.HandVersion // the earlier attempt overwrote them
	}
	return 0
}

// Awaits reports whether a rollback was requested that the rollout has neither carried out nor skipped.
func (s State) Awaits(r *flags.RollbackRequest) bool {
	return r != nil && r.RolloutID == s.ID && !r.Overruled && r.Version > max(s.WrittenVersion, s.HandVersion) && !s.Knows(r.Request.ID)
}

// maySet reports whether an event may write the flags: if nobody has set them by hand or requested a
// rollback that takes precedence. A rollback and a person's request always may, but never switch on what somebody
// switched off by hand, and raise what somebody lowered only if they had seen that.
func (s State) maySet(e Event, d flags.Document) bool {
	j := s.found(d)
	j.At = e.At
	if s.comesFirst(e, j) || s.overruled(e, d) {
		return false
	}
	switch {
	case e.echoes():
		return false
	case !s.changed(e, d, j):
		return true
	case e.Type == EventEntered:
		return false
	}
	now := d.FeatureFlags.TrialAutomation
	lowers := *e.Percentage <= now.RolloutPercentage && (now.Enabled || !*e.Enabled)
	return lowers || now.Enabled && e.FlagsSeen >= d.Version
}

// echoes reports whether an event only repeats the flags found set by hand: they need not be written, and may
// have been set again since.
func (e Event) echoes() bool { return e.By == byFlags && e.HandVersion > 0 }

// overruled reports whether an event is a rollback over which somebody has raised the flags by hand since.
func (s State) overruled(e Event, d flags.Document) bool {
	r := d.Rollback
	if r == nil || r.RolloutID != s.ID || e.RequestID == "" {
		return false
	}
	return r.Overruled && r.Request.ID == e.RequestID || slices.Contains(r.Before, e.RequestID)
}

// pausedWithOverride is the event that replaces e over flags that e may not write.
func (s State) pausedWithOverride(e Event, d flags.Document) Event {
	if foreign := s.foreign(e, d); foreign != nil {
		return *foreign
	}
	return s.withHandover(e, d)
}

// foreign is the event that replaces one which could not write the flags, or which completes the rollout
// at them: somebody has set them by hand, or requested a rollback. It is nil if the event holds.
func (s State) foreign(e Event, d flags.Document) *Event {
	j := s.found(d)
	j.At = e.At
	says := e.Percentage != nil && (j.Enabled == *e.Enabled && j.Percentage == *e.Percentage || !j.Enabled && !*e.Enabled)
	w := s.written(e, d)
	overruled := s.overruled(e, d) || w != nil && j.Enabled && (j.Percentage > w.Percentage || !w.Enabled)
	if !s.comesFirst(e, j) && !s.overruled(e, d) && (says || !e.echoes() && !s.changed(e, d, j)) {
		return nil
	}
	foreign := s.byHand(j)
	if foreign.RequestID == "" {
		foreign.RequestID = e.RequestID // it is answered by this event, and not carried out later
	}
	if e.RequestID != "" && e.InFlight == flags.Release && !overruled {
		foreign.InFlight = flags.Release
	}
	foreign.Seq, foreign.At = e.Seq, e.At
	foreign.Reason += fmt.Sprintf(" (Seen when about to: %s)", e.Reason)
	return foreign
}

// found is a judgement that holds only the flags.
func (s State) found(d flags.Document) *Judgement {
	f := d.FeatureFlags.TrialAutomation
	return &Judgement{
		Formula: evidence.FormulaVersion, Position: s.Position(), Enabled: f.Enabled, Percentage: f.RolloutPercentage, Version: d.Version,
		DisabledVersion: d.DisabledVersion, Rollback: d.Rollback,
	}
}

// comesFirst reports whether a requested rollback takes precedence over an event: one that rolls back further.
func (s State) comesFirst(e Event, j *Judgement) bool {
	asked := s.askedFor(j)
	return asked != nil && asked.RequestID != e.RequestID && !e.goesAsFarAs(*asked)
}

// goesAsFarAs reports whether an event rolls back the rollout at least as far as another.
func (e Event) goesAsFarAs(asked Event) bool {
	if e.Type != EventRolledBack && e.Type != EventOverridden {
		return false
	}
	return !*e.Enabled || *asked.Enabled && *e.Percentage <= *asked.Percentage
}

// withHandover makes an event that goes as far as a rollback requested meanwhile hand over the same trials.
func (s State) withHandover(e Event, d flags.Document) Event {
	if asked := s.askedFor(s.found(d)); asked != nil && asked.InFlight == flags.Release && e.goesAsFarAs(*asked) {
		e.InFlight = flags.Release
	}
	return e
}

// byHand is the event for flags that somebody set by hand: the rollback that was requested with them; else, if they are
// disabled, the end of the rollout; else the rollout holds at them.
func (s State) byHand(j *Judgement) *Event {
	asked := s.askedFor(j)
	if asked != nil && (*asked.Enabled == j.Enabled && *asked.Percentage == j.Percentage || !*asked.Enabled && !j.Enabled) {
		return asked
	}
	e := &Event{Type: EventOverridden, By: byFlags, Judgement: j, Enabled: new(true), Percentage: new(j.Percentage), HandVersion: j.Version,
		Reason: fmt.Sprintf("Holding: the percentage was set to %v by hand, the plan says %v.", j.Percentage, s.Percentage)}
	if !j.Enabled {
		e.Type, e.Remedy, e.InFlight, e.Enabled = EventRolledBack, Immediate, flags.Keep, new(false)
		e.Reason = "Rolled back completely: automation was disabled by hand."
	}
	if asked != nil { // and somebody has lowered them further
		e.RequestID, e.InFlight = asked.RequestID, asked.InFlight
	}
	return e
}

// askedFor is the rollback that was requested together with the flags, unless somebody raised them above it since; nil
// for none.
func (s State) askedFor(j *Judgement) *Event {
	if !s.Awaits(j.Rollback) {
		return nil
	}
	asked := j.Rollback.Request
	asked.Seen = "" // the flags changed with the request, so its mark cannot match
	if asked.Exceeded(j.Enabled, j.Percentage) {
		return nil
	}
	e, err := s.Request(SignalRollback, asked, j, j.At)
	if err != nil {
		return nil
	}
	e.HandVersion = j.Version
	return e
}
