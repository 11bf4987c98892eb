package rollout

import (
	"fmt"
	"slices"
	"time"

	"marketplace.example/trials/internal/domain/evidence"
)

// Status is a rollout's status.
type Status string

// The states of a rollout. Completed and RolledBack are final.
const (
	Running    Status = "running"
	Paused     Status = "paused"
	RolledBack Status = "rolled-back"
	Completed  Status = "completed"
)

// Final reports whether nothing more happens.
func (s Status) Final() bool { return s == RolledBack || s == Completed }

// State is everything known of a rollout, folded from its events: its workflow
// carries it and the collection `rollouts` holds it.
type State struct {
	ID string `json:"id"`
	// Seq is the number of events applied so far.
	Seq    int            `json:"seq"`
	Status Status         `json:"status"`
	Plan   Plan           `json:"plan"`
	Times  evidence.Times `json:"times"`
	// RestartOf is the rollout that this one continues; empty for a new one.
	RestartOf string     `json:"restartOf"`
	StartedAt time.Time  `json:"startedAt"`
	StartedBy string     `json:"startedBy"`
	EndedAt   *time.Time `json:"endedAt"`
	// FlagsVersion is the flags' version at the start, FlagsFound their values then.
	FlagsVersion int         `json:"flagsVersion"`
	FlagsFound   *FlagsFound `json:"flagsFound,omitempty"`
	// HandVersion is the last version of flags found set by somebody else than the rollout; 0 for none.
	// A request made with an older one does not raise them.
	HandVersion int `json:"handVersion,omitempty"`
	// WrittenVersion is the version in which the rollout last wrote them; 0 for none. It has decided on
	// requests with an older one.
	WrittenVersion int `json:"writtenVersion,omitempty"`

	Stage Stage `json:"stage"`
	// StageSeq counts the stages entered; EnteredAt is when the last one was, moved
	// forward by the time spent paused.
	StageSeq  int       `json:"entry"`
	EnteredAt time.Time `json:"enteredAt"`
	// DelayedStageSeq is the StageSeq for which people were notified of the delay; 0 for none.
	DelayedStageSeq int `json:"delayedStageSeq,omitempty"`
	// DeployedAt is when stability first began: all phases were over. The tasks
	// and reports after the deployment count their days from it. Nil before.
	DeployedAt *time.Time `json:"deployedAt"`
	// Enabled and Percentage are the values that the flags must have.
	Enabled    bool    `json:"enabled"`
	Percentage float64 `json:"percentage"`
	// FlagsAt is when that was last decided.
	FlagsAt time.Time `json:"flagsAt"`

	// Epoch counts the restarts of the evidence: at a partial rollback by a trigger, and when a person resumes after
	// a trigger's pause.
	Epoch int `json:"epoch"`
	// PartialRollbacks counts those by triggers; the rollout does not advance
	// before CooldownUntil.
	PartialRollbacks int       `json:"partialRollbacks"`
	CooldownUntil    time.Time `json:"cooldownUntil"`
	// HeldLimited and HeldFull are how long it has held 10 % or more, and 100 %.
	HeldLimited Held `json:"heldLimited,omitzero"`
	HeldFull    Held `json:"heldFull,omitzero"`
	// Pause is set while Status is Paused.
	Pause *Pause `json:"pause"`

	// Checks are the preflight's, Criteria what was ticked, by id.
	Checks   []Check         `json:"checks"`
	Criteria map[string]Tick `json:"criteria"`
	// CheckedAt is when the preflight last ran.
	CheckedAt time.Time `json:"checkedAt"`
	// UpdatedAt is when stakeholders last got their daily update.
	UpdatedAt time.Time `json:"updatedAt"`
	// Backfill is the progress of the backfill; nil before it.
	Backfill *Backfill `json:"backfill"`
	// ReleasedBefore is the flags' version of the last rollback that handed trials over: vendors admitted before
	// it continue unautomated, even if their trial begins later. 0 for none, and after a backfill.
	ReleasedBefore int `json:"releasedBefore,omitempty"`
	// Requests are the ids of the requests carried out, so that each counts once.
	Requests []string `json:"requests"`
	// HandledSignals identifies the signals that the workflow had handled by the last event, with any result; empty
	// for none. A workflow that is reset skips those.
	HandledSignals string `json:"handledSignals,omitempty"`
}

// held reports whether a person has paused the rollout.
func (s State) held() bool {
	return s.Pause != nil && (s.Pause.Cause == PausedByAdmin || s.Pause.Cause == PausedByOverride)
}

// Pause is the reason why a rollout is paused.
type Pause struct {
	Cause  PauseCause `json:"cause"`
	Since  time.Time  `json:"since"`
	By     string     `json:"by"`
	Reason string     `json:"reason"`
	// AtGate and OnTrigger say that it replaced a pause by a gate, or by a trigger.
	AtGate    bool `json:"atGate,omitempty"`
	OnTrigger bool `json:"onTrigger,omitempty"`
}

// onTrigger reports whether a trigger has paused the rollout.
func (p Pause) onTrigger() bool {
	return p.OnTrigger || p.Cause == PausedByTriggers || p.Cause == PausedBySharedFate
}

// PauseCause names the cause of a pause.
type PauseCause string

// The causes.
const (
	PausedByAdmin     PauseCause = "admin"
	PausedByOverride  PauseCause = "override"
	PausedByGate      PauseCause = "gate"
	PausedByPreflight PauseCause = "preflight"
	PausedByOutage    PauseCause = "outage"
	PausedByTriggers  PauseCause = "triggers"
	// PausedBySharedFate is a trigger that fires inside and outside the rollout alike.
	PausedBySharedFate PauseCause = "shared-fate"
)

// Check is one preflight check.
type Check struct {
	ID      string  `json:"id"`
	Verdict Verdict `json:"verdict"`
	Reason  string  `json:"reason"`
	// WaivedBy and WaiverReason say who let it pass anyway, and why.
	WaivedBy     string `json:"waivedBy"`
	WaiverReason string `json:"waiverReason"`
}

// Tick is a person's judgement of a criterion.
type Tick struct {
	Met    bool      `json:"met"`
	By     string    `json:"by"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
}

// Backfill is the progress of automating trials that ran unautomated.
type Backfill struct {
	// After is the last vendor id that was processed.
	After string `json:"after"`
	Taken int    `json:"taken"`
	Done  bool   `json:"done"`
}

// Summary is the part of a rollout's state that people change.
type Summary struct {
	// Seq is the number of its last event.
	Seq        int     `json:"seq"`
	Status     Status  `json:"status"`
	Stage      Stage   `json:"stage"`
	Enabled    bool    `json:"enabled"`
	Percentage float64 `json:"percentage"`
}

// Summary returns the rollout's state as the audit record keeps it.
func (s State) Summary() Summary {
	return Summary{Seq: s.Seq, Status: s.Status, Stage: s.Stage, Enabled: s.Enabled, Percentage: s.Percentage}
}

// Position returns the rollout's stage as snapshots keep it.
func (s State) Position() Position {
	return Position{Epoch: s.Epoch, StageSeq: s.StageSeq, Stage: s.Stage, Since: s.EnteredAt, Percentage: s.Percentage}
}

// Mark changes whenever the rollout changes for people: its stage,
// its pause, or the values that the flags must have.
func (s State) Mark() string {
	mark := fmt.Sprintf("%s.%s.%d.%t.%v", s.ID, s.Status, s.StageSeq, s.Enabled, s.Percentage)
	if s.Pause != nil {
		mark += fmt.Sprintf(".%s-%d", s.Pause.Cause, s.Pause.Since.UnixMilli())
	}
	return mark
}

// Knows reports whether a request was carried out before.
func (s State) Knows(requestID string) bool {
	return requestID != "" && slices.Contains(s.Requests, requestID)
}

// StageName is the present stage's name for people.
func (s State) StageName() string { return s.Plan.StageName(s.Stage) }

// StageEnds is the earliest end of the present stage.
func (s State) StageEnds() time.Time {
	end := s.EnteredAt.Add(s.Plan.soak(s.Stage, s.Times.Day))
	if s.CooldownUntil.After(end) {
		return s.CooldownUntil
	}
	return end
}

// StageLimit is when a stage has waited long: it pauses, or people are notified that it
// is delayed. A notice may be short: its preflight has a day, and with compressed days
// at least as long as a watch may take.
func (s State) StageLimit() time.Time {
	limit := s.times(usualPatience)
	if s.Stage.Kind == Notice {
		limit = max(limit, s.Times.Day, watchPatience(s.Times.Day))
	}
	return s.EnteredAt.Add(limit)
}

// times is so many times the present stage's length, which a cooldown may extend.
func (s State) times(n int) time.Duration { return time.Duration(n) * s.StageEnds().Sub(s.EnteredAt) }

func (s State) check(id string) (int, bool) {
	i := slices.IndexFunc(s.Checks, func(c Check) bool { return c.ID == id })
	return i, i >= 0
}

// PreflightDue reports whether the preflight must run now.
func (s State) PreflightDue(now time.Time) bool {
	return (s.prepares() || s.stale(now)) && !now.Before(s.preflightAt())
}

// stale reports whether a preflight that has passed says too little: before the first vendor is admitted, days may have gone by,
// and a person may have judged since.
func (s State) stale(now time.Time) bool {
	return s.Status == Running && s.NeedsPreflight() && (s.CheckedAt.IsZero() || !now.Before(s.StageEnds()))
}

// prepares reports whether the preflight runs until it passes: also if a person
// has set a percentage before, and the rollout is paused at that.
func (s State) prepares() bool {
	preparing := s.Status == Running || s.held() && s.Percentage > 0
	return preparing && s.NeedsPreflight() && s.preflightOpen() != nil
}

// preflightAt is when the preflight runs next.
func (s State) preflightAt() time.Time {
	return s.CheckedAt.Add(max(s.Times.Day/preflightsPerDay, leastWatch))
}

// Checked returns the state after a preflight with the same result as before.
func (s State) Checked(now time.Time) State {
	s.CheckedAt = now
	return s
}

// preflightsPerDay is how often a preflight that does not pass runs again.
const preflightsPerDay = 24

// preflightOpen is the first check that neither passes nor is waived; nil if
// all do. Without checks the preflight has not run.
func (s State) preflightOpen() *Check {
	if len(s.Checks) == 0 {
		return &Check{ID: "preflight", Verdict: Insufficient, Reason: "has not run yet"}
	}
	for i, c := range s.Checks {
		if c.Verdict != Pass && c.WaivedBy == "" {
			return &s.Checks[i]
		}
	}
	return nil
}
