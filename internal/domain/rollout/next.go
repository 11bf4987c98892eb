package rollout

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"marketplace.example/trials/internal/domain/flags"
)

// maxPartial is how often triggers roll a rollout back by a phase; after that
// it pauses.
const maxPartial = 2

// Next returns what the rollout does by itself now, given the last judgement (nil
// for none), or nil and when to ask again. A zero time means to wait for news.
func (s State) Next(j *Judgement, now time.Time) (*Event, time.Time) {
	now = now.UTC().Truncate(time.Millisecond)
	if s.Status.Final() {
		return nil, time.Time{}
	}
	for _, step := range []func(*Judgement, time.Time) *Event{s.triggered, s.outage, s.overridden, s.update, s.advance} {
		if e := step(j, now); e != nil {
			e.Seq, e.At = s.Seq+1, now
			if e.By == "" {
				e.By = flags.Automatic
			}
			return e, time.Time{}
		}
	}
	return nil, s.wakeAt(now)
}

// WantsLatest reports whether to read the latest judgement before this happens:
// the watch signals only judgements that the rollout must act on, so the one
// at hand may be old.
func (e Event) WantsLatest() bool {
	return e.Type == EventCompleted || e.Type == EventDelayed || e.Cause == PausedByGate || e.Cause == PausedByOutage
}

// current reports whether a judgement is about the present epoch's evidence.
func (s State) current(j *Judgement) bool { return j != nil && j.Position.Epoch == s.Epoch }

// triggered rolls back the rollout if a trigger fires. At 0 % as well: trials
// automated before may still run.
func (s State) triggered(j *Judgement, now time.Time) *Event {
	if !s.current(j) || s.Stage.Kind == Notice || !s.Enabled {
		return nil
	}
	trigger := j.Firing()
	switch {
	case trigger == nil, trigger.SharedFate && s.Pause != nil:
		return nil
	case trigger.SharedFate:
		return &Event{Type: EventPaused, Cause: PausedBySharedFate, Judgement: j,
			Reason: fmt.Sprintf("Paused: %s; a rollback would not help.", trigger.Reason)}
	case trigger.Remedy == Immediate:
		return &Event{Type: EventRolledBack, Remedy: Immediate, Trigger: trigger.Trigger, InFlight: flags.Keep, Judgement: j,
			Enabled: new(false), Percentage: new(0.0),
			Reason: "Rolled back completely: " + trigger.Reason + "."}
	case now.Before(s.CooldownUntil):
		return nil // wait for the effect of the last partial rollback
	case s.Percentage == 0 && s.Pause == nil:
		return &Event{Type: EventPaused, Cause: PausedByTriggers, Judgement: j,
			Reason: fmt.Sprintf("Paused: nobody new is admitted, and of the vendors automated before %s.", trigger.Reason)}
	case s.Percentage == 0:
		return nil
	case s.PartialRollbacks >= maxPartial && s.Pause == nil:
		return &Event{Type: EventPaused, Cause: PausedByTriggers, Judgement: j,
			Reason: fmt.Sprintf("Paused: after %d rollbacks by alarms, again %s.", s.PartialRollbacks, trigger.Reason)}
	case s.PartialRollbacks >= maxPartial:
		return nil
	}
	return s.partial(*trigger, j)
}

// partial rolls back to the phase before, or further if a person has set less
// than its percentage. Before the first phase that is 0 %.
func (s State) partial(trigger TriggerResult, j *Judgement) *Event {
	stage, percentage := Stage{Kind: InPhase}, 0.0
	for i, phase := range s.Plan.Phases[:s.Stage.Phase] {
		if phase.Percentage < s.Percentage {
			stage.Phase, percentage = i, phase.Percentage
		}
	}
	return &Event{
		Type: EventRolledBack, Remedy: Partial, Trigger: trigger.Trigger, InFlight: flags.Keep, Judgement: j,
		Stage: &stage, Enabled: new(true), Percentage: &percentage,
		Reason: fmt.Sprintf("Rolled back from %v %% to %v %%: %s.", s.Percentage, percentage, trigger.Reason),
	}
}

// outage pauses during an outage that affects all vendors, and resumes after it.
func (s State) outage(j *Judgement, _ time.Time) *Event {
	switch {
	case j == nil:
		return nil
	case j.Outage != nil && s.Status == Running && s.Percentage > 0:
		return &Event{Type: EventPaused, Cause: PausedByOutage, Judgement: j,
			Reason: fmt.Sprintf("Paused: %s, which affects all vendors alike; a rollback would not help.", causeInWords(j.Outage.Cause))}
	case j.Outage == nil && s.Pause != nil && s.Pause.Cause == PausedByOutage:
		return &Event{Type: EventResumed, Judgement: j, Reason: "Resumed: the outage for all vendors is over."}
	}
	return nil
}

func causeInWords(cause string) string {
	switch cause {
	case OutageSESPaused:
		return "the mail service has paused our account"
	case OutageSESRefusesAll:
		return "the mail service accepts no e-mail at all"
	}
	return cause
}

// overridden detects flags that somebody set by hand, and holds at them. A judgement
// from before the rollout itself last set them does not count.
func (s State) overridden(j *Judgement, _ time.Time) *Event {
	if j == nil || j.Position.StageSeq != s.StageSeq || !j.At.After(s.FlagsAt) {
		return nil
	}
	if !s.changedByHand(j) && s.requestedRollback(j) == nil {
		return nil
	}
	return s.overrideEvent(j)
}

// update is the stakeholders' daily update.
func (s State) update(j *Judgement, now time.Time) *Event {
	if s.Stage.Kind == Notice || now.Before(s.UpdatedAt.Add(s.Times.Day)) {
		return nil
	}
	return &Event{Type: EventUpdate, Judgement: j, Reason: s.SentenceAt(j, now)}
}

// UpdatedBy renews a daily update from the latest judgement: the watch signals only judgements that the rollout must act
// on, so the one it was made with may be old.
func (s State) UpdatedBy(e Event, latest *Judgement) Event {
	e.Judgement, e.Reason = latest, s.SentenceAt(latest, e.At)
	return e
}

// advance leaves a stage whose time is over and whose gates pass.
func (s State) advance(j *Judgement, now time.Time) *Event {
	if s.Status != Running || now.Before(s.StageEnds()) {
		return nil
	}
	next, more := s.Following()
	if !more {
		return s.finish(j, now)
	}
	if j != nil && WatchMissed(j.At, now, s.Times.Day) {
		j = nil // what was judged long ago opens no phase: the next watch judges again
	}
	if e := s.stopped(j, now); e != nil {
		return e
	}
	if s.open(j) {
		return s.delayedEvent(j, now)
	}
	return s.enterEvent(next, j, fmt.Sprintf("Entered %s.", s.Plan.StageName(next)))
}

// finish ends the guard. If too few trials convert, though perhaps by chance, the
// guard lasts as long again, and then pauses for a person to decide.
func (s State) finish(j *Judgement, now time.Time) *Event {
	doubt := j.doubt()
	switch {
	case doubt == nil || s.Plan.GuardDays == 0:
		return &Event{Type: EventCompleted, Judgement: j, Reason: "Completed: the guard is over, and there is no evidence against the rollout."}
	case now.Before(s.StageLimit()):
		return nil
	}
	return &Event{Type: EventPaused, Cause: PausedByGate, Judgement: j,
		Reason: fmt.Sprintf("Paused: twice the guard's time has passed, and %s, which may still be chance.", doubt.Reason)}
}

// Following is the stage after the present one, or after the phase of a percentage
// set by hand, and false after the guard.
func (s State) Following() (Stage, bool) {
	fitting := s.fitting()
	if s.below() {
		return fitting, true
	}
	return s.Plan.next(fitting)
}

// fitting is the stage of the present percentage: the present stage or, if the percentage
// was set by hand, the last phase that admits no more.
func (s State) fitting() Stage {
	if s.Percentage == s.Plan.PercentageIn(s.Stage) {
		return s.Stage
	}
	return s.Plan.phaseFor(s.Percentage)
}

// below reports whether the rollout was rolled back to before its first phase,
// which it then enters again: it admits fewer than that phase says.
func (s State) below() bool { return s.Percentage < s.Plan.PercentageIn(s.fitting()) }

// enterEvent enters a stage, with its percentage.
func (s State) enterEvent(stage Stage, j *Judgement, reason string) *Event {
	return &Event{Type: EventEntered, Stage: &stage, Judgement: j, Reason: reason,
		Enabled: new(true), Percentage: new(s.Plan.PercentageIn(stage))}
}

// open reports whether something still keeps the stage from ending.
func (s State) open(j *Judgement) bool {
	_, failed, insufficient := s.GatesNow(j)
	return len(failed)+len(insufficient) > 0 || s.NeedsPreflight() && s.preflightOpen() != nil
}

// NeedsPreflight reports whether the next phase is the first to admit anybody: after a
// phase of 0 %, or after the notice if a restart or the plan skips that phase; also
// if somebody has set another percentage there by hand.
func (s State) NeedsPreflight() bool {
	switch s.Stage.Kind {
	case Notice:
		return s.Plan.Phases[s.Stage.Phase].Percentage > 0 || s.Percentage > 0
	case InPhase:
		return s.Percentage == 0 || s.Plan.PercentageIn(s.Stage) == 0
	case Stability, Guard:
	}
	return false
}

// stopped pauses a phase whose gate fails, or which has had no data for too long.
func (s State) stopped(j *Judgement, now time.Time) *Event {
	if check := s.preflightOpen(); s.NeedsPreflight() && check != nil {
		if now.Before(s.StageLimit()) && check.Verdict != Fail {
			return nil
		}
		return &Event{Type: EventPaused, Cause: PausedByPreflight, Judgement: j,
			Reason: fmt.Sprintf("Paused before the first vendor: preflight check %s is %s: %s.", check.ID, check.Verdict, check.Reason)}
	}
	_, failed, insufficient := s.GatesNow(j)
	at, waited := s.PausesAt(j)
	switch {
	case len(failed) > 0:
		return &Event{Type: EventPaused, Cause: PausedByGate, Judgement: j, Reason: "Paused at the gate. " + reasons(failed) + "."}
	case len(insufficient) > 0 && !at.IsZero() && !now.Before(at):
		return &Event{Type: EventPaused, Cause: PausedByGate, Judgement: j, Reason: "Paused: " + waited + ". " + reasons(insufficient) + "."}
	}
	return nil
}

// GatesNow sorts the present stage's gates. Without a judgement of this stage
// there is no data. Conversion may lack data: the guard tests it. Below the
// first phase, and after a complete rollback, there are no gates. Criteria that a person ticks and that hold
// the phase are gates too.
func (s State) GatesNow(j *Judgement) (passed, failed, insufficient []GateResult) {
	if s.below() || s.Status == RolledBack {
		return nil, nil, nil
	}
	var gates []GateResult
	for _, gate := range s.Plan.gates(s.Stage) {
		r := GateResult{Gate: gate, Verdict: Insufficient, Reason: "this phase has no judgement yet"}
		if s.current(j) && j.Position.StageSeq == s.StageSeq {
			r = j.GateResult(gate)
		}
		gates = append(gates, r)
	}
	for _, r := range append(gates, s.personGates(j)...) {
		switch {
		case r.Verdict == Fail:
			failed = append(failed, r)
		case r.Verdict == Insufficient && r.Gate != GateConversion:
			insufficient = append(insufficient, r)
		default:
			passed = append(passed, r)
		}
	}
	return passed, failed, insufficient
}

// reasons joins what each gate lacks, and says once what holds several.
func reasons(results []GateResult) string {
	var texts []string
	for _, n := range needsOf(results) {
		text := n.Text
		if n.Name != "" {
			text = n.Name + ": " + text
		}
		if n.Page != "" {
			text += ", on the dashboard's page " + n.Page
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, "; ")
}

// wakeAt is the earliest time that something is due; zero if only news helps.
func (s State) wakeAt(now time.Time) time.Time {
	var at time.Time
	earliest := func(t time.Time) {
		if t.After(now) && (at.IsZero() || t.Before(at)) {
			at = t
		}
	}
	if s.Stage.Kind != Notice {
		earliest(s.UpdatedAt.Add(s.Times.Day))
	}
	if s.prepares() {
		earliest(s.preflightAt())
	}
	if s.Status == Running {
		earliest(s.StageEnds())
		earliest(s.StageLimit())
		if s.Stage.Kind == InPhase {
			earliest(s.blindLimit())
		}
	}
	return at
}

// ClockFormat is how people read a moment, in UTC.
const ClockFormat = "2 January 2006 15:04 UTC"

// Sentence describes the rollout's state when it last moved.
func (s State) Sentence() string { return s.SentenceAt(nil, s.EnteredAt) }

// SentenceAt describes the rollout's state now, given the last judgement
// (nil for none). For a rollout that is over it says how it ended, since the flags may
// have been set since.
func (s State) SentenceAt(j *Judgement, now time.Time) string {
	switch s.Status {
	case Completed:
		return fmt.Sprintf("The rollout is complete: it ended at %v %% of new vendors.", s.Percentage)
	case RolledBack:
		return "The rollout was rolled back completely, which switched the automation off; it is over."
	case Paused:
		return fmt.Sprintf("%s. %s", s.Where(), s.Pause.Reason)
	case Running:
	}
	if now.Before(s.StageEnds()) {
		return fmt.Sprintf("%s, until %s at the earliest.", s.Where(), s.StageEnds().UTC().Format(ClockFormat))
	}
	return s.Where() + ". " + s.waits(j)
}

// Where says at which percentage and in which stage the rollout is, without a full stop.
func (s State) Where() string {
	if s.Pause != nil {
		return fmt.Sprintf("The rollout holds at %v %% in %s since %s", s.Percentage, s.StageName(), s.Pause.Since.UTC().Format(ClockFormat))
	}
	return fmt.Sprintf("The rollout is at %v %%, in %s", s.Percentage, s.StageName())
}

// waits says what a stage whose time is over waits for, and whether the rollout pauses for it.
func (s State) waits(j *Judgement) string {
	what := s.Awaited(j)
	over := "Its time was over on " + s.StageEnds().UTC().Format(ClockFormat)
	if what == "" {
		return over + "; the rollout advances at the next check."
	}
	at, _ := s.PausesAt(j)
	if at.IsZero() {
		return fmt.Sprintf("%s; it waits for %s, and advances by itself once that is there.", over, what)
	}
	return fmt.Sprintf("%s; it waits for %s, and pauses on %s if that is still open.", over, what, at.UTC().Format(ClockFormat))
}

// Awaited is what keeps the stage from ending; empty for nothing.
func (s State) Awaited(j *Judgement) string {
	if check := s.preflightOpen(); check != nil && s.NeedsPreflight() {
		return fmt.Sprintf("preflight check %s to pass or to be waived (%s: %s)", check.ID, check.Verdict, check.Reason)
	}
	_, failed, insufficient := s.GatesNow(j)
	doubt := j.doubt()
	switch {
	case len(failed)+len(insufficient) > 0:
		open := slices.Concat(failed, insufficient)
		if ForPerson(open) {
			return "a person (" + reasons(open) + ")"
		}
		return "the figures (" + reasons(open) + ")"
	case s.Stage.Kind == Guard && doubt != nil && s.Plan.GuardDays > 0:
		return "certainty whether enough trials convert (" + doubt.Reason + ")"
	}
	return ""
}

// ShouldSignal reports whether to signal a judgement to the rollout's workflow:
// whether the workflow would act on it.
func (s State) ShouldSignal(j Judgement, now time.Time) bool {
	e, _ := s.Next(&j, now)
	return e != nil && e.Type != EventUpdate
}
