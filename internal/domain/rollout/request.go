package rollout

import (
	"cmp"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/trial"
)

// WorkflowType is the name under which the rollout workflow is registered, and
// WorkflowID its one id: there is one rollout at a time.
const (
	WorkflowType = "Rollout"
	WorkflowID   = "rollout-trial-automation"
)

// Message names are part of the contract with admins and tctl.
const (
	QueryStatus         = "status"
	QueryDecisions      = "decisions"
	SignalRollback      = "rollback"
	SignalPause         = "pause"
	SignalResume        = "resume"
	SignalAdvance       = "advance"
	SignalSetPercentage = "set-percentage"
	SignalTick          = "tick"
	SignalWaive         = "waive"
	SignalJudged        = "judged"
)

// maxReason bounds the reason given with a request, in characters.
const maxReason = 500

// ValidateRequest checks a request by itself; the error is a *trial.Error.
func ValidateRequest(r flags.Request, name string) error {
	switch {
	case strings.TrimSpace(r.Reason) == "":
		return trial.Invalid("reason", "is missing")
	case utf8.RuneCountInString(r.Reason) > maxReason:
		return trial.Invalid("reason", "must be at most %d characters", maxReason)
	}
	switch name {
	case SignalRollback:
		if r.InFlight != "" && r.InFlight != flags.Keep && r.InFlight != flags.Release {
			return trial.Invalid("inFlight", "must be keep or release")
		}
		return within(r.Percentage)
	case SignalSetPercentage:
		return within(r.Percentage)
	}
	return nil
}

func within(percentage float64) error {
	if err := flags.ValidPercentage(percentage); err != nil {
		return trial.Invalid("percentage", "must be 0 to 100 in steps of 0.01, is %v", percentage)
	}
	return nil
}

// Request turns a request into the event it causes. A nil event without an
// error means that it was carried out before. A *trial.Error
// says why it is refused; nothing has changed then.
func (s State) Request(name string, r flags.Request, j *Judgement, now time.Time) (*Event, error) {
	if s.Knows(r.ID) {
		return nil, nil //nolint:nilnil // documented: nothing to do and nothing wrong
	}
	if err := ValidateRequest(r, name); err != nil {
		return nil, err
	}
	if r.Seen != "" && r.Seen != s.Mark() {
		return nil, trial.Conflict("the rollout has moved on since this page was opened: it is %s now, at %v %%, in %s", s.Status, s.Percentage, s.StageName())
	}
	if s.Status.Final() && !s.ticksTask(name, r) {
		return nil, trial.Conflict("the rollout is %s: %s does not apply", s.Status, name)
	}
	if s.outdated(name, r) {
		return nil, trial.Conflict("somebody has set the flags since %s was requested: the rollout is at %v %% now", name, s.Percentage)
	}
	r.By = cmp.Or(r.By, bySignal)
	e, err := s.requested(name, r, j)
	if err != nil {
		return nil, err
	}
	e.Seq, e.At, e.By, e.RequestID, e.Judgement = s.Seq+1, now.UTC().Truncate(time.Millisecond), r.By, r.ID, j
	return e, nil
}

// outdated reports whether a request to raise or to advance was made before somebody set the flags by hand, which
// takes precedence.
func (s State) outdated(name string, r flags.Request) bool {
	return s.Raises(name, r) && r.FlagsVersion > 0 && r.FlagsVersion < s.HandVersion
}

// Raises reports whether a request may have more vendors admitted than now, at once or later.
func (s State) Raises(name string, r flags.Request) bool {
	return MayRaise(name) && (name != SignalSetPercentage || r.Percentage > s.Percentage)
}

// MayRaise reports whether a message of this name may admit more vendors, now or later: it carries the flags' version.
func MayRaise(name string) bool {
	return name == SignalAdvance || name == SignalResume || name == SignalSetPercentage
}

// BoundToSeen reports whether a request counts only for the state that was seen when it was asked for: it raises, or it lets a stage
// end by what a person has found of that one.
func (s State) BoundToSeen(name string, r flags.Request) bool {
	return name == SignalWaive || name == SignalTick && r.Met && !IsTask(r.Subject) || s.Raises(name, r)
}

// ticksTask reports whether a request ticks a task of a completed rollout:
// tasks go on for months after it.
func (s State) ticksTask(name string, r flags.Request) bool {
	return s.Status == Completed && name == SignalTick && IsTask(r.Subject)
}

func (s State) requested(name string, r flags.Request, j *Judgement) (*Event, error) {
	switch name {
	case SignalRollback:
		return s.requestRollback(r)
	case SignalPause:
		if s.Pause != nil && s.Pause.Cause == PausedByAdmin {
			return nil, trial.Conflict("the rollout is paused already")
		}
		return &Event{Type: EventPaused, Cause: PausedByAdmin, Reason: "Paused: " + r.Reason}, nil
	case SignalResume:
		return s.requestResume(r)
	case SignalAdvance:
		return s.requestAdvance(r, j)
	case SignalSetPercentage:
		return &Event{Type: EventOverridden, Enabled: new(true), Percentage: &r.Percentage, FlagsSeen: r.FlagsVersion,
			Reason: fmt.Sprintf("Holding at %v %%, set by hand: %s", r.Percentage, r.Reason)}, nil
	case SignalTick:
		if _, known := CriterionByPerson(r.Subject); !known && !IsTask(r.Subject) {
			return nil, trial.Invalid("criterion", "%.80q is not one that a person judges", r.Subject)
		}
		if IsTask(r.Subject) && s.DeployedAt == nil {
			return nil, trial.Conflict("task %s comes after the last phase: there is nothing to tick yet", r.Subject)
		}
		return &Event{Type: EventTicked, Subject: r.Subject, Reason: r.Reason,
			Tick: &Tick{Met: r.Met, By: r.By, Reason: r.Reason}}, nil
	case SignalWaive:
		i, known := s.check(r.Subject)
		if !known {
			return nil, trial.Invalid("check", "%.80q is no preflight check", r.Subject)
		}
		if s.Checks[i].Verdict == Pass {
			return nil, trial.Conflict("check %s passes: there is nothing to waive", r.Subject)
		}
		return &Event{Type: EventWaived, Subject: r.Subject, Reason: r.Reason}, nil
	}
	return nil, trial.Invalid("message", "%q is not one of the rollout's", name)
}

// requestRollback rolls back to the last phase that admits no more than requested.
func (s State) requestRollback(r flags.Request) (*Event, error) {
	e := &Event{Type: EventRolledBack, InFlight: r.InFlight, Percentage: &r.Percentage}
	if e.InFlight == "" {
		e.InFlight = flags.Keep
	}
	if r.Percentage == 0 {
		e.Remedy, e.Enabled, e.Reason = Immediate, new(false), "Rolled back completely: "+r.Reason
		return e, nil
	}
	if r.Percentage >= s.Percentage {
		return nil, trial.Invalid("percentage", "must be below the present %v, is %v", s.Percentage, r.Percentage)
	}
	if s.prepared() != nil { // lower the percentage only
		e.Type, e.Enabled = EventOverridden, new(true)
		e.Reason = fmt.Sprintf("Holding at %v %%, rolled back by hand from %v %%: %s", r.Percentage, s.Percentage, r.Reason)
		return e, nil //nolint:nilerr // an open preflight refuses no rollback: it only decides its kind
	}
	stage := s.Plan.phaseFor(r.Percentage)
	e.Remedy, e.Enabled, e.Stage = Partial, new(true), &stage
	e.Reason = fmt.Sprintf("Rolled back from %v %% to %v %%: %s", s.Percentage, r.Percentage, r.Reason)
	return e, nil
}

// requestResume resumes the rollout; if the percentage was set by hand, in the phase that fits
// it, though not past an open preflight.
func (s State) requestResume(r flags.Request) (*Event, error) {
	if s.Status != Paused {
		return nil, trial.Conflict("the rollout is not paused")
	}
	if s.Percentage > 0 {
		if err := s.prepared(); err != nil {
			return nil, err
		}
	}
	e := &Event{Type: EventResumed, Reason: "Resumed: " + r.Reason}
	stage := s.fitting()
	if stage != s.Stage || s.Pause.Cause == PausedByOverride && s.Stage.Kind == InPhase {
		e.Stage = &stage
	}
	return e, nil
}

// prepared refuses to enter a phase that admits vendors before the preflight passes.
func (s State) prepared() error {
	if check := s.preflightOpen(); check != nil && s.NeedsPreflight() {
		return trial.Conflict("preflight check %s is %s: %s; waive it first", check.ID, check.Verdict, check.Reason)
	}
	return nil
}

// requestAdvance advances without waiting for the soak or the gates, but not past
// a failed preflight.
func (s State) requestAdvance(r flags.Request, j *Judgement) (*Event, error) {
	next, more := s.Following()
	if !more {
		return &Event{Type: EventCompleted, Reason: "Completed early: " + r.Reason}, nil
	}
	if s.Plan.PercentageIn(next) > 0 {
		if err := s.prepared(); err != nil {
			return nil, err
		}
	}
	return s.enterEvent(next, j, fmt.Sprintf("Entered %s by hand: %s", s.Plan.StageName(next), r.Reason)), nil
}

// phaseFor is the last phase that admits no more than a percentage.
func (p Plan) phaseFor(percentage float64) Stage {
	stage := Stage{Kind: InPhase}
	for i, phase := range p.Phases {
		if phase.Percentage <= percentage {
			stage.Phase = i
		}
	}
	return stage
}
