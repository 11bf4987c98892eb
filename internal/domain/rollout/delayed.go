package rollout

import (
	"fmt"
	"slices"
	"time"
)

// usualPatience is after how many times its length a phase with an open gate is delayed, or under RuleThreshold pauses.
const usualPatience = 2

// blindPatience is after how many times its length a phase pauses if one of its gates has seen nothing at all. At ten
// registrations a day, a phase of two days at 10 % sees no vendor by chance in 2 % of rollouts after twice its length, in
// 0.3 % after three times.
const blindPatience = 3

// patient reports whether an open gate only delays the present stage: the rollout advances once it passes.
func (s State) patient(j *Judgement) bool {
	if !s.current(j) || j.Position.StageSeq != s.StageSeq || s.Stage.Kind != InPhase || s.Plan.Rule == RuleThreshold {
		return false
	}
	return !s.NeedsPreflight() || s.preflightOpen() == nil
}

// blindLimit is when a phase pauses if one of its gates has seen nothing.
func (s State) blindLimit() time.Time { return s.EnteredAt.Add(s.times(blindPatience)) }

// PausesAt is when the stage pauses if the judgement stays as it is, and why, in words; zero if it does not pause.
func (s State) PausesAt(j *Judgement) (at time.Time, waited string) {
	_, failed, insufficient := s.GatesNow(j)
	if len(failed) > 0 {
		return s.StageEnds(), "the phase's time has passed"
	}
	if !s.patient(j) {
		return s.StageLimit(), "twice the phase's time has passed and there is still no verdict"
	}
	if slices.ContainsFunc(insufficient, func(r GateResult) bool { return r.Seen == 0 && !r.Gate.ByPerson() }) {
		return s.blindLimit(), fmt.Sprintf("%d times the phase's time has passed without any data", blindPatience)
	}
	return time.Time{}, ""
}

// delayedEvent notifies people, once per stage, that a phase takes more than twice its time because a gate is open.
func (s State) delayedEvent(j *Judgement, now time.Time) *Event {
	_, _, insufficient := s.GatesNow(j)
	if !s.patient(j) || len(insufficient) == 0 || s.DelayedStageSeq == s.StageSeq || now.Before(s.StageLimit()) {
		return nil
	}
	return &Event{Type: EventDelayed, Judgement: j, Reason: fmt.Sprintf("Still at %v %% after twice the phase's time; open gates: %s.", s.Percentage, reasons(insufficient))}
}

// Delayed reports whether people were notified that the present phase takes more than twice its time.
func (s State) Delayed() bool {
	return s.Status == Running && s.DelayedStageSeq > 0 && s.DelayedStageSeq == s.StageSeq
}
