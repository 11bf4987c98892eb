package rollout

import (
	"fmt"
	"time"
)

// StageKind names a part of a rollout.
type StageKind string

// The kinds of stage, in their order.
const (
	Notice    StageKind = "notice"
	InPhase   StageKind = "phase"
	Stability StageKind = "stability"
	Guard     StageKind = "guard"
)

// Stage is a part of a rollout: its notice, one of its phases, stability, or guard.
type Stage struct {
	Kind StageKind `json:"kind"`
	// Phase is the phase's index, from 0; of the last one in stability and guard.
	Phase int `json:"phase"`
}

// IsPhase tells whether a stage is one of the phases of the plan.
func (s Stage) IsPhase() bool { return s.Kind == InPhase }

// next is the stage after this one, and false after the guard.
func (p Plan) next(s Stage) (Stage, bool) {
	last := len(p.Phases) - 1
	switch {
	case s.Kind == Notice:
		return Stage{InPhase, s.Phase}, true
	case s.Kind == InPhase && s.Phase < last:
		return Stage{InPhase, s.Phase + 1}, true
	case s.Kind == InPhase:
		return Stage{Stability, last}, true
	case s.Kind == Stability:
		return Stage{Guard, last}, true
	}
	return s, false
}

// soak is a stage's minimum length.
func (p Plan) soak(s Stage, day time.Duration) time.Duration { return Days(p.soakDays(s), day) }

// soakDays is a stage's minimum length, in days.
func (p Plan) soakDays(s Stage) float64 {
	switch s.Kind {
	case Notice:
		return p.NoticeDays
	case InPhase:
		return p.Phases[s.Phase].SoakDays
	case Stability:
		return p.StabilityDays
	case Guard:
		return p.GuardDays
	}
	return 0
}

// PercentageIn is the share of new vendors that a stage admits.
func (p Plan) PercentageIn(s Stage) float64 {
	if s.Kind == Notice {
		return 0
	}
	return p.Phases[s.Phase].Percentage
}

// gates are the gates that must pass before a stage ends.
func (p Plan) gates(s Stage) []Gate {
	if s.Kind != InPhase {
		return nil
	}
	return p.Phases[s.Phase].Gates
}

// StageName is a stage's name for people.
func (p Plan) StageName(s Stage) string {
	if s.Kind != InPhase {
		return string(s.Kind)
	}
	return fmt.Sprintf("phase %d of %d, %s (%v %%)", s.Phase+1, len(p.Phases), p.Phases[s.Phase].Name, p.Phases[s.Phase].Percentage)
}
