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

// ApplyToFlags returns the event to store when e is carried out over the flags found, and makes c set them; c
// stays empty if the flags are not the event's to write. An event writes them once, however often it is attempted.
func (s State) ApplyToFlags(e Event, c *flags.Change) Event {
	found := c.Found
	if e.Type == EventCompleted {
		return s.withReleaseVersion(s.yieldToOverride(e, found), found, found.Version)
	}
	if e.Percentage == nil || e.Enabled == nil {
		return e
	}
	w := s.earlierWrite(e, found)
	if w != nil && !w.StillSays(found) || w == nil && !s.mayWriteFlags(e, found) {
		e = s.yieldToOverride(e, found)
		e.HandVersion = s.overrideVersion(e, found)
		return s.withReleaseVersion(e, found, found.Version)
	}
	e = s.withHandover(e, found)
	if w == nil {
		c.TrialAutomation.Enabled, c.TrialAutomation.RolloutPercentage = *e.Enabled, *e.Percentage
		w = &flags.Write{RolloutID: s.ID, Seq: e.Seq, At: e.At, Enabled: *e.Enabled, Percentage: *e.Percentage,
			Version: found.Version + 1, HandVersion: s.overrideVersion(e, found)}
		c.Write = w
	}
	e.HandVersion, e.WrittenVersion = w.HandVersion, w.Version
	return s.withReleaseVersion(e, found, w.Version)
}

// earlierWrite is what an earlier attempt wrote for an event; nil for nothing.
func (s State) earlierWrite(e Event, d flags.Document) *flags.Write {
	if w := d.Write; w != nil && w.RolloutID == s.ID && w.Seq == e.Seq && w.At.Equal(e.At) {
		return w
	}
	return nil
}

// unstoredWrite is what an attempt wrote for a decision that may not be stored; nil for none.
func (s State) unstoredWrite(d flags.Document) *flags.Write {
	if w := d.Write; w != nil && w.RolloutID == s.ID && w.Seq > s.Seq {
		return w
	}
	return nil
}

// changedByOthers reports whether somebody else changed the flags before an event is carried out. What an earlier attempt wrote
// for that event is the rollout's own change; what was written for another event that is not stored is not.
func (s State) changedByOthers(e Event, d flags.Document, j *Judgement) bool {
	w := s.unstoredWrite(d)
	switch {
	case w == nil:
		return s.changedByHand(j)
	case s.earlierWrite(e, d) != nil:
		return !w.StillSays(d)
	}
	return !w.StillSays(d) || s.changedByHand(j)
}

// withReleaseVersion records which trials an event hands over: those admitted by flags older than the event's own, or
// older than those of the requested rollback.
func (s State) withReleaseVersion(e Event, found flags.Document, version int) Event {
	if e.InFlight != flags.Release {
		return e
	}
	e.FlagsVersion = version
	if r := found.Rollback; s.Awaits(r) && r.Request.InFlight == flags.Release {
		e.FlagsVersion = r.Version
	}
	return e
}

// overrideVersion is the version of flags that somebody else than the rollout set without its knowledge; 0 for
// none.
func (s State) overrideVersion(e Event, d flags.Document) int {
	w, changed := s.earlierWrite(e, d), s.changedByOthers(e, d, s.judgementOfFlags(d))
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

// mayWriteFlags reports whether an event may write the flags: if nobody has set them by hand or requested a
// rollback that takes precedence. A rollback and a person's request always may, but never switch on what somebody
// switched off by hand, and raise what somebody lowered only if they had seen that.
func (s State) mayWriteFlags(e Event, d flags.Document) bool {
	j := s.judgementOfFlags(d)
	j.At = e.At
	if s.rollbackComesFirst(e, j) || s.overruled(e, d) {
		return false
	}
	switch {
	case e.repeatsFlags():
		return false
	case !s.changedByOthers(e, d, j):
		return true
	case e.Type == EventEntered:
		return false
	}
	now := d.FeatureFlags.TrialAutomation
	lowers := *e.Percentage <= now.RolloutPercentage && (now.Enabled || !*e.Enabled)
	return lowers || now.Enabled && e.FlagsSeen >= d.Version
}

// repeatsFlags reports whether an event only repeats the flags found set by hand: they need not be written, and may
// have been set again since.
func (e Event) repeatsFlags() bool { return e.By == byFlags && e.HandVersion > 0 }

// overruled reports whether an event is a rollback over which somebody has raised the flags by hand since.
func (s State) overruled(e Event, d flags.Document) bool {
	r := d.Rollback
	if r == nil || r.RolloutID != s.ID || e.RequestID == "" {
		return false
	}
	return r.Overruled && r.Request.ID == e.RequestID || slices.Contains(r.Before, e.RequestID)
}

// yieldToOverride is the event that replaces e over flags that e may not write.
func (s State) yieldToOverride(e Event, d flags.Document) Event {
	if replacement := s.replacement(e, d); replacement != nil {
		return *replacement
	}
	return s.withHandover(e, d)
}

// replacement is the event that replaces one which could not write the flags, or which completes the rollout
// at them: somebody has set them by hand, or requested a rollback. It is nil if the event holds.
func (s State) replacement(e Event, d flags.Document) *Event {
	j := s.judgementOfFlags(d)
	j.At = e.At
	alreadySo := e.Percentage != nil && (j.Enabled == *e.Enabled && j.Percentage == *e.Percentage || !j.Enabled && !*e.Enabled)
	w := s.earlierWrite(e, d)
	overruled := s.overruled(e, d) || w != nil && j.Enabled && (j.Percentage > w.Percentage || !w.Enabled)
	if !s.rollbackComesFirst(e, j) && !s.overruled(e, d) && (alreadySo || !e.repeatsFlags() && !s.changedByOthers(e, d, j)) {
		return nil
	}
	replacement := s.overrideEvent(j)
	if replacement.RequestID == "" {
		replacement.RequestID = e.RequestID // it is answered by this event, and not carried out later
	}
	if e.RequestID != "" && e.InFlight == flags.Release && !overruled {
		replacement.InFlight = flags.Release
	}
	replacement.Seq, replacement.At = e.Seq, e.At
	replacement.Reason += fmt.Sprintf(" (Seen when about to: %s)", e.Reason)
	return replacement
}

// judgementOfFlags is a judgement that holds only the flags.
func (s State) judgementOfFlags(d flags.Document) *Judgement {
	f := d.FeatureFlags.TrialAutomation
	return &Judgement{
		Formula: evidence.FormulaVersion, Position: s.Position(), Enabled: f.Enabled, Percentage: f.RolloutPercentage, Version: d.Version,
		DisabledVersion: d.DisabledVersion, Rollback: d.Rollback,
	}
}

// rollbackComesFirst reports whether a requested rollback takes precedence over an event: one that rolls back further.
func (s State) rollbackComesFirst(e Event, j *Judgement) bool {
	asked := s.requestedRollback(j)
	return asked != nil && asked.RequestID != e.RequestID && !e.rollsBackAsFarAs(*asked)
}

// rollsBackAsFarAs reports whether an event rolls back the rollout at least as far as another.
func (e Event) rollsBackAsFarAs(asked Event) bool {
	if e.Type != EventRolledBack && e.Type != EventOverridden {
		return false
	}
	return !*e.Enabled || *asked.Enabled && *e.Percentage <= *asked.Percentage
}

// withHandover makes an event that goes as far as a rollback requested meanwhile hand over the same trials.
func (s State) withHandover(e Event, d flags.Document) Event {
	if asked := s.requestedRollback(s.judgementOfFlags(d)); asked != nil && asked.InFlight == flags.Release && e.rollsBackAsFarAs(*asked) {
		e.InFlight = flags.Release
	}
	return e
}

// overrideEvent is the event for flags that somebody set by hand: the rollback that was requested with them; else, if they are
// disabled, the end of the rollout; else the rollout holds at them.
func (s State) overrideEvent(j *Judgement) *Event {
	asked := s.requestedRollback(j)
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

// requestedRollback is the rollback that was requested together with the flags, unless somebody raised them above it since; nil
// for none.
func (s State) requestedRollback(j *Judgement) *Event {
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
