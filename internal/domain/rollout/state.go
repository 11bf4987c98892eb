package rollout

import (
	"fmt"
	"slices"
	"time"
)

// Status is where a rollout stands.
type Status string

// The states of a rollout. Completed and RolledBack are final.
const (
	Running    Status = "running"
	Paused     Status = "paused"
	RolledBack Status = "rolled-back"
	Completed  Status = "completed"
)

// Final tells whether nothing more happens.
func (s Status) Final() bool { return s == RolledBack || s == Completed }

// State is all that is known of a rollout: what its workflow carries and what
// the collection `rollouts` holds, folded from its events.
type State struct {
	ID string `json:"id"`
	// Seq is the number of events applied so far.
	Seq    int    `json:"seq"`
	Status Status `json:"status"`
	Plan   Plan   `json:"plan"`
	Times  Times  `json:"times"`
	// RestartOf is the rollout that this one goes on from; empty for a new one.
	RestartOf string     `json:"restartOf"`
	StartedAt time.Time  `json:"startedAt"`
	StartedBy string     `json:"startedBy"`
	EndedAt   *time.Time `json:"endedAt"`
	// FlagsVersion is the flags' version at the start, FlagsFound what they said.
	FlagsVersion int         `json:"flagsVersion"`
	FlagsFound   *FlagsFound `json:"flagsFound,omitempty"`
	// HandVersion is the last version in which the flags were found set by somebody else than the rollout; 0 for none.
	// Whoever saw an older one does not raise them.
	HandVersion int `json:"handVersion,omitempty"`
	// WrittenVersion is the version in which the rollout last wrote them; 0 for none. What was asked for with an older
	// one has had its turn.
	WrittenVersion int `json:"writtenVersion,omitempty"`

	Stage Stage `json:"stage"`
	// StageSeq counts the stages entered, EnteredAt is the last one's moment, moved
	// on by the time that was spent paused.
	StageSeq  int       `json:"entry"`
	EnteredAt time.Time `json:"enteredAt"`
	// DeployedAt is when stability first began: all phases were through. The tasks
	// and reports after the deployment count their days from it. Nil before.
	DeployedAt *time.Time `json:"deployedAt"`
	// Enabled and Percentage are what the flags are to say.
	Enabled    bool    `json:"enabled"`
	Percentage float64 `json:"percentage"`
	// FlagsAt is when that was last decided.
	FlagsAt time.Time `json:"flagsAt"`

	// Epoch counts how often evidence began anew: with a partial rollback by a trigger, and where a person went on after
	// a trigger's pause.
	Epoch int `json:"epoch"`
	// PartialRollbacks counts those made by triggers; until CooldownUntil the
	// rollout does not go on after one.
	PartialRollbacks int       `json:"partialRollbacks"`
	CooldownUntil    time.Time `json:"cooldownUntil"`
	// Pause is set while Status is Paused.
	Pause *Pause `json:"pause"`

	// Checks are the preflight's, Criteria what was ticked, by id.
	Checks   []Check         `json:"checks"`
	Criteria map[string]Tick `json:"criteria"`
	// CheckedAt is when the preflight was last made.
	CheckedAt time.Time `json:"checkedAt"`
	// UpdatedAt is when stakeholders last had their daily update.
	UpdatedAt time.Time `json:"updatedAt"`
	// Backfill counts the vendors taken in whose trials ran unautomated.
	Backfill *Backfill `json:"backfill"`
	// ReleasedBefore is the flags' version of the last rollback that handed trials over: who was admitted before
	// it goes on unautomated, also where the trial begins later. 0 for none, and once the others are taken in.
	ReleasedBefore int `json:"releasedBefore,omitempty"`
	// Requests are the ids of requests carried out, so that each is once.
	Requests []string `json:"requests"`
	// HandledSignals stands for the signals that the workflow had handled by the last event, whatever came of each; empty
	// for none. A workflow that is reset passes over those.
	HandledSignals string `json:"handledSignals,omitempty"`
}

// held tells whether a person has the rollout wait.
func (s State) held() bool {
	return s.Pause != nil && (s.Pause.Cause == PausedByAdmin || s.Pause.Cause == PausedByOverride)
}

// Pause is why a rollout waits.
type Pause struct {
	Cause  PauseCause `json:"cause"`
	Since  time.Time  `json:"since"`
	By     string     `json:"by"`
	Reason string     `json:"reason"`
	// AtGate and OnTrigger say that it holds over a pause by a gate, or a trigger.
	AtGate    bool `json:"atGate,omitempty"`
	OnTrigger bool `json:"onTrigger,omitempty"`
}

// PauseCause names why a rollout waits.
type PauseCause string

// The causes.
const (
	PausedByAdmin     PauseCause = "admin"
	PausedByOverride  PauseCause = "override"
	PausedByGate      PauseCause = "gate"
	PausedByPreflight PauseCause = "preflight"
	PausedByOutage    PauseCause = "outage"
	PausedByTriggers  PauseCause = "triggers"
)

// Check is one preflight check.
type Check struct {
	ID      string  `json:"id"`
	Verdict Verdict `json:"verdict"`
	Reason  string  `json:"reason"`
	// WaivedBy and WaiverReason say who let it pass all the same.
	WaivedBy     string `json:"waivedBy"`
	WaiverReason string `json:"waiverReason"`
}

// Tick is a criterion that a person has judged.
type Tick struct {
	Met    bool      `json:"met"`
	By     string    `json:"by"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
}

// Backfill is how far taking in the others is.
type Backfill struct {
	// After is the vendor id up to which it has got.
	After string `json:"after"`
	Taken int    `json:"taken"`
	Done  bool   `json:"done"`
}

// Summary is where a rollout stands, in as much as people change it.
type Summary struct {
	// Seq is the number of its last event.
	Seq        int     `json:"seq"`
	Status     Status  `json:"status"`
	Stage      Stage   `json:"stage"`
	Enabled    bool    `json:"enabled"`
	Percentage float64 `json:"percentage"`
}

// Summary is where the rollout stands, as the audit record keeps it.
func (s State) Summary() Summary {
	return Summary{Seq: s.Seq, Status: s.Status, Stage: s.Stage, Enabled: s.Enabled, Percentage: s.Percentage}
}

// Position is where the rollout stands, as snapshots keep it.
func (s State) Position() Position {
	return Position{Epoch: s.Epoch, StageSeq: s.StageSeq, Stage: s.Stage, Since: s.EnteredAt, Percentage: s.Percentage}
}

// Mark is the same as long as the rollout stands as people see it: where it is,
// whether and why it waits, and what the flags are to say.
func (s State) Mark() string {
	mark := fmt.Sprintf("%s.%s.%d.%t.%v", s.ID, s.Status, s.StageSeq, s.Enabled, s.Percentage)
	if s.Pause != nil {
		mark += fmt.Sprintf(".%s-%d", s.Pause.Cause, s.Pause.Since.UnixMilli())
	}
	return mark
}

// Knows tells whether a request was carried out before.
func (s State) Knows(requestID string) bool {
	return requestID != "" && slices.Contains(s.Requests, requestID)
}

// StageName is what people call the present stage.
func (s State) StageName() string { return s.Plan.name(s.Stage) }

// StageEnds is when the present stage is over at the earliest.
func (s State) StageEnds() time.Time {
	end := s.EnteredAt.Add(s.Plan.soak(s.Stage, s.Times.Day))
	if s.CooldownUntil.After(end) {
		return s.CooldownUntil
	}
	return end
}

// stageLimit is until when a stage waits for enough to be seen. A notice may be
// short: its preflight has a day, and where days are compressed at least as long
// as the watch may take to come.
func (s State) stageLimit() time.Time {
	limit := 2 * s.Plan.soak(s.Stage, s.Times.Day)
	if s.Stage.Kind == Notice {
		limit = max(limit, s.Times.Day, watchPatience(s.Times.Day))
	}
	return s.EnteredAt.Add(limit)
}

func (s State) check(id string) (int, bool) {
	i := slices.IndexFunc(s.Checks, func(c Check) bool { return c.ID == id })
	return i, i >= 0
}

// PreflightDue tells whether the preflight is to be made, or made again.
func (s State) PreflightDue(now time.Time) bool {
	return s.prepares() && !now.Before(s.preflightAt())
}

// prepares tells whether the preflight is made until it passes: also where a person
// has set a percentage before, and the rollout waits at that.
func (s State) prepares() bool {
	preparing := s.Status == Running || s.held() && s.Percentage > 0
	return preparing && s.needsPreflight() && s.preflightOpen() != nil
}

// preflightAt is when the preflight is to be made again.
func (s State) preflightAt() time.Time {
	return s.CheckedAt.Add(max(s.Times.Day/preflightsPerDay, leastWatch))
}

// Checked is the state after a preflight that found nothing new.
func (s State) Checked(now time.Time) State {
	s.CheckedAt = now
	return s
}

// preflightsPerDay is how often a preflight that does not pass is made again.
const preflightsPerDay = 24

// preflightOpen is the first check that neither passes nor is waived; nil where
// all do. Without checks the preflight has not been made.
func (s State) preflightOpen() *Check {
	if len(s.Checks) == 0 {
		return &Check{ID: "preflight", Verdict: Insufficient, Reason: "has not been made yet"}
	}
	for i, c := range s.Checks {
		if c.Verdict != Pass && c.WaivedBy == "" {
			return &s.Checks[i]
		}
	}
	return nil
}
