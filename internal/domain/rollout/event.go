package rollout

import (
	"maps"
	"slices"
	"time"

	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/trial"
)

// EventType names what happened to a rollout.
type EventType string

// The events of a rollout.
const (
	EventStarted    EventType = "started"
	EventPreflight  EventType = "preflight"
	EventEntered    EventType = "entered"
	EventPaused     EventType = "paused"
	EventResumed    EventType = "resumed"
	EventRolledBack EventType = "rolled-back"
	EventOverridden EventType = "overridden"
	// EventDelayed records that a phase takes more than twice its time because a gate is open.
	EventDelayed   EventType = "delayed"
	EventUpdate    EventType = "daily-update"
	EventBackfill  EventType = "backfill"
	EventTicked    EventType = "ticked"
	EventWaived    EventType = "waived"
	EventCompleted EventType = "completed"
)

// Event is a decision about a rollout, automatic or by a person, with the
// inputs of the decision. A rollout's events, in order, are its source of truth.
type Event struct {
	// Seq counts from 1 without gaps.
	Seq  int       `json:"seq"`
	Type EventType `json:"type"`
	At   time.Time `json:"at"`
	// By is who decided: a token's name, or "rollout" for an automatic decision.
	By string `json:"by"`
	// Reason gives the reason in a sentence for people.
	Reason string `json:"reason"`
	// RequestID is set where a person asked.
	RequestID string `json:"requestId,omitempty"`

	// Start is set on EventStarted.
	Start *Start `json:"start,omitempty"`
	// Stage is the stage entered, on EventEntered, EventResumed after an override, and a
	// partial EventRolledBack.
	Stage *Stage `json:"stage,omitempty"`
	// Enabled and Percentage are the values that the flags must have from now on, on
	// EventEntered, EventRolledBack and EventOverridden.
	Enabled    *bool          `json:"enabled,omitempty"`
	Percentage *float64       `json:"percentage,omitempty"`
	Remedy     Remedy         `json:"remedy,omitempty"`
	InFlight   flags.InFlight `json:"inFlight,omitempty"`
	// FlagsVersion is the flags' version after an EventRolledBack that hands trials over; on EventStarted it is
	// that of the previous rollout.
	FlagsVersion int `json:"flagsVersion,omitempty"`
	// FlagsSeen is the flags' version that a person had seen when setting the percentage; 0 if unknown.
	FlagsSeen int `json:"flagsSeen,omitempty"`
	// HandVersion is the version of flags that somebody else than the rollout had set; 0 for
	// none.
	HandVersion int `json:"handVersion,omitempty"`
	// WrittenVersion is the flags' version after the event wrote them; 0 if it did not.
	WrittenVersion int `json:"writtenVersion,omitempty"`
	// Trigger is the alarm that rolled back the rollout; empty for a rollback by a person.
	Trigger Trigger    `json:"trigger,omitempty"`
	Cause   PauseCause `json:"cause,omitempty"`
	// Checks, Tick and Backfill are set on the events of that name.
	Checks   []Check   `json:"checks,omitempty"`
	Subject  string    `json:"subject,omitempty"`
	Tick     *Tick     `json:"tick,omitempty"`
	Backfill *Backfill `json:"backfill,omitempty"`
	// Judgement is the evidence at that time.
	Judgement *Judgement `json:"judgement,omitempty"`
	// HandledSignals identifies the signals that the workflow had handled by then; empty for none.
	HandledSignals string `json:"handledSignals,omitempty"`
}

// Start is what a rollout begins with.
type Start struct {
	ID   string `json:"id"`
	Plan Plan   `json:"plan"`
	// Phase is the first phase, from 0; above 0 only on a restart.
	Phase     int            `json:"phase"`
	RestartOf string         `json:"restartOf"`
	By        string         `json:"by"`
	Times     evidence.Times `json:"times"`
	// FlagsVersion is the flags' version and FlagsFound their values; nil if nobody
	// read them.
	FlagsVersion int         `json:"flagsVersion"`
	FlagsFound   *FlagsFound `json:"flagsFound,omitempty"`
}

// FlagsFound is what the flags said when a rollout started.
type FlagsFound struct {
	Enabled    bool    `json:"enabled"`
	Percentage float64 `json:"percentage"`
}

// Who decides if nobody gives a name: the rollout itself, whoever set the
// flags by hand, or whoever sent a signal without a name.
const (
	byFlags  = "flags"
	bySignal = "signal"
)

// Begin is a rollout's first event.
func Begin(start Start, now time.Time) Event {
	e := Event{Seq: 1, Type: EventStarted, At: now.UTC().Truncate(time.Millisecond), By: start.By, Start: &start,
		Reason: "started with plan " + start.Plan.Name}
	if start.Times.History != nil {
		e.Reason += ". " + start.Times.Explanation()
	}
	return e
}

// Fold is the state after a rollout's events, given in order.
func Fold(events []Event) State {
	var s State
	for _, e := range events {
		s = s.Apply(e)
	}
	return s
}

// Apply returns the state after one more event. It neither checks nor refuses,
// and leaves the receiver unchanged.
func (s State) Apply(e Event) State {
	s.Checks, s.Requests, s.Criteria = slices.Clone(s.Checks), slices.Clone(s.Requests), maps.Clone(s.Criteria)
	s.Seq, s.HandledSignals = e.Seq, e.HandledSignals
	if e.RequestID != "" {
		s.Requests = append(s.Requests, e.RequestID)
	}
	s.setFlags(e)
	switch e.Type {
	case EventStarted:
		s.begin(e)
	case EventPreflight:
		s.preflight(e.Checks)
		s.CheckedAt = e.At
	case EventEntered:
		s.enter(*e.Stage, e.At)
		s.Status, s.Pause = Running, nil
	case EventPaused:
		s.pause(e)
	case EventOverridden:
		s.override(e)
	case EventResumed:
		s.resume(e)
	case EventRolledBack:
		s.rollBack(e)
	case EventDelayed:
		s.DelayedStageSeq = s.StageSeq
	case EventUpdate:
		s.UpdatedAt = e.At
	case EventBackfill:
		s.Backfill, s.ReleasedBefore = e.Backfill, 0
	case EventTicked:
		if s.Criteria == nil {
			s.Criteria = map[string]Tick{}
		}
		s.Criteria[e.Subject] = *e.Tick
		if e.Subject == criterionDashboards {
			s.CheckedAt = time.Time{} // the preflight runs again now
		}
	case EventWaived:
		if i, ok := s.check(e.Subject); ok {
			s.Checks[i].WaivedBy, s.Checks[i].WaiverReason = e.By, e.Reason
		}
	case EventCompleted:
		s.Status, s.EndedAt = Completed, &e.At
	}
	s.hold(e)
	return s
}

// setFlags applies what an event of any type says about the flags.
func (s *State) setFlags(e Event) {
	if e.Enabled != nil {
		s.Enabled = *e.Enabled
	}
	if e.Percentage != nil {
		s.Percentage, s.FlagsAt = *e.Percentage, e.At
	}
	if s.Backfill != nil && (!s.Enabled || s.Percentage < 100) {
		s.Backfill = &Backfill{Taken: s.Backfill.Taken} // it restarts, for those who are not automated by then
	}
	s.HandVersion, s.WrittenVersion = max(s.HandVersion, e.HandVersion), max(s.WrittenVersion, e.WrittenVersion)
	if e.InFlight == flags.Release {
		s.ReleasedBefore = e.FlagsVersion
	}
}

func (s *State) begin(e Event) {
	start := e.Start
	s.ID, s.Plan, s.Times, s.RestartOf, s.FlagsVersion = start.ID, start.Plan, start.Times, start.RestartOf, start.FlagsVersion
	s.FlagsFound = start.FlagsFound
	s.Status, s.StartedAt, s.StartedBy, s.UpdatedAt = Running, e.At, start.By, e.At
	s.Enabled, s.ReleasedBefore = true, e.FlagsVersion
	s.enter(Stage{Kind: Notice, Phase: start.Phase}, e.At)
}

func (s *State) enter(stage Stage, at time.Time) {
	s.Stage, s.EnteredAt = stage, at
	s.StageSeq++
	if stage.Kind == Stability && s.DeployedAt == nil {
		s.DeployedAt = &at
	}
}

// preflight stores new results; an earlier waiver still counts.
func (s *State) preflight(checks []Check) {
	before := s.Checks
	s.Checks = slices.Clone(checks)
	for i, c := range s.Checks {
		for _, b := range before {
			if b.ID == c.ID && c.WaivedBy == "" {
				s.Checks[i].WaivedBy, s.Checks[i].WaiverReason = b.WaivedBy, b.WaiverReason
			}
		}
	}
}

// pause pauses the rollout. A person's pause replaces another one; time already
// spent paused does not count as soak time.
func (s *State) pause(e Event) {
	p := &Pause{Cause: e.Cause, Since: e.At, By: e.By, Reason: e.Reason}
	if s.Pause != nil {
		s.EnteredAt = s.EnteredAt.Add(e.At.Sub(s.Pause.Since))
		p.AtGate = s.Pause.AtGate || s.Pause.Cause == PausedByGate
		p.OnTrigger = s.Pause.onTrigger()
	}
	s.Status, s.Pause = Paused, p
}

// override holds the rollout at the percentage that was set by hand.
func (s *State) override(e Event) {
	e.Cause = PausedByOverride
	s.pause(e)
}

// resume continues the rollout. Time spent paused does not count as soak time; after a gate that
// did not pass, or an override, the stage restarts. After a trigger's pause the evidence restarts, or the same
// evidence would pause the rollout again at once. So would a phase that was late already, without a judgement of the new evidence: its
// time is then over just now.
func (s *State) resume(e Event) {
	if s.Pause != nil && s.Pause.onTrigger() {
		s.Epoch++
	}
	switch {
	case e.Stage != nil:
		s.enter(*e.Stage, e.At)
	case s.Pause == nil:
	case s.Pause.Cause == PausedByGate || s.Pause.AtGate:
		s.enter(s.Stage, e.At) // or its gates would fail by the same evidence
	default:
		s.EnteredAt = s.EnteredAt.Add(e.At.Sub(s.Pause.Since))
		if ended := e.At.Add(-s.Plan.soak(s.Stage, s.Times.Day)); s.Pause.onTrigger() && s.EnteredAt.Before(ended) {
			s.EnteredAt = ended
		}
	}
	s.Status, s.Pause = Running, nil
}

// rollBack rolls back the rollout. If a person has paused it, it stays paused; so it does after a trigger
// while a person holds a percentage, or while calls fail for all: it does not climb again by itself.
func (s *State) rollBack(e Event) {
	if e.Remedy == Immediate {
		s.Status, s.EndedAt, s.Pause = RolledBack, &e.At, nil
		return
	}
	s.enter(*e.Stage, e.At)
	switch {
	case s.held() && (e.Trigger != "" || s.Pause.Cause == PausedByAdmin):
		s.Pause = &Pause{Cause: PausedByAdmin, Since: e.At, By: s.Pause.By, Reason: s.Pause.Reason, OnTrigger: s.Pause.onTrigger()}
	case e.Trigger != "" && s.Pause != nil && s.Pause.Cause == PausedBySharedFate:
		s.Pause = &Pause{Cause: PausedBySharedFate, Since: e.At, By: s.Pause.By, Reason: s.Pause.Reason}
	default:
		s.Status, s.Pause = Running, nil
	}
	if e.Trigger != "" {
		s.Epoch++
		s.PartialRollbacks++
		s.CooldownUntil = e.At.Add(s.Times.Day)
	}
}

// Validate checks what a rollout is to begin with; the error is a *trial.Error.
func (s Start) Validate() error {
	if err := s.Plan.Validate(); err != nil {
		return trial.Within("plan.", err)
	}
	switch {
	case s.Phase < 0 || s.Phase >= len(s.Plan.Phases):
		return trial.Invalid("phase", "must be 1 to %d", len(s.Plan.Phases))
	case s.Phase > 0 && s.RestartOf == "":
		return trial.Invalid("phase", "above 1 needs restartOf, the rollout to continue")
	}
	return nil
}
