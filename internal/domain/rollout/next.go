package rollout

import (
	"fmt"
	"strings"
	"time"
)

// maxPartial is how often triggers take a rollout back by a phase; the next
// time it pauses.
const maxPartial = 2

// Next is what a rollout does by itself now, given what was last judged (nil:
// nothing yet), or nil and when to look again. A zero time waits for news.
func (s State) Next(j *Judgement, now time.Time) (*Event, time.Time) {
	now = now.UTC().Truncate(time.Millisecond)
	if s.Status.Final() {
		return nil, time.Time{}
	}
	for _, step := range []func(*Judgement, time.Time) *Event{s.triggered, s.outage, s.overridden, s.update, s.advance} {
		if e := step(j, now); e != nil {
			e.Seq, e.At = s.Seq+1, now
			if e.By == "" {
				e.By = Automatic
			}
			return e, time.Time{}
		}
	}
	return nil, s.wakeAt(now)
}

// WantsLatest tells whether to ask for the latest judgement before this happens:
// the watch signals only what the rollout has to act on, so that the one at hand
// may be old.
func (e Event) WantsLatest() bool {
	return e.Type == EventCompleted || e.Cause == PausedByGate || e.Cause == PausedByOutage
}

// current tells whether a judgement is about the evidence that counts now.
func (s State) current(j *Judgement) bool { return j != nil && j.Position.Epoch == s.Epoch }

// triggered rolls back the rollout where a trigger says so. At 0 % as well: those
// automated before may still run.
func (s State) triggered(j *Judgement, now time.Time) *Event {
	if !s.current(j) || s.Stage.Kind == Notice || !s.Enabled {
		return nil
	}
	trigger := j.Firing()
	switch {
	case trigger == nil:
		return nil
	case trigger.Remedy == Immediate:
		return &Event{Type: EventRolledBack, Remedy: Immediate, Trigger: trigger.Trigger, InFlight: Keep, Judgement: j,
			Enabled: new(false), Percentage: new(0.0),
			Reason: "Rolled back completely: " + trigger.Reason + "."}
	case now.Before(s.CooldownUntil):
		return nil // after a partial rollback its effect is waited for
	case s.Percentage == 0 && s.Pause == nil:
		return &Event{Type: EventPaused, Cause: PausedByTriggers, Judgement: j,
			Reason: fmt.Sprintf("Paused: nobody new is admitted, and of those automated before %s.", trigger.Reason)}
	case s.Percentage == 0:
		return nil
	case s.PartialRollbacks >= maxPartial && s.Pause == nil:
		return &Event{Type: EventPaused, Cause: PausedByTriggers, Judgement: j,
			Reason: fmt.Sprintf("Paused: it was rolled back %d times already, and again %s.", s.PartialRollbacks, trigger.Reason)}
	case s.PartialRollbacks >= maxPartial:
		return nil
	}
	return s.partial(*trigger, j)
}

// partial goes back to the phase before, or further where a person has set less
// than that. Before the first there is 0 %.
func (s State) partial(trigger TriggerResult, j *Judgement) *Event {
	stage, percentage := Stage{Kind: InPhase}, 0.0
	for i, phase := range s.Plan.Phases[:s.Stage.Phase] {
		if phase.Percentage < s.Percentage {
			stage.Phase, percentage = i, phase.Percentage
		}
	}
	return &Event{
		Type: EventRolledBack, Remedy: Partial, Trigger: trigger.Trigger, InFlight: Keep, Judgement: j,
		Stage: &stage, Enabled: new(true), Percentage: &percentage,
		Reason: fmt.Sprintf("Rolled back from %v %% to %v %%: %s.", s.Percentage, percentage, trigger.Reason),
	}
}

// outage pauses while all vendors are struck alike, and goes on after.
func (s State) outage(j *Judgement, _ time.Time) *Event {
	switch {
	case j == nil:
		return nil
	case j.Outage != nil && s.Status == Running && s.Percentage > 0:
		return &Event{Type: EventPaused, Cause: PausedByOutage, Judgement: j,
			Reason: fmt.Sprintf("Paused: %s, which strikes all vendors alike; going back would help nobody.", causeInWords(j.Outage.Cause))}
	case j.Outage == nil && s.Pause != nil && s.Pause.Cause == PausedByOutage:
		return &Event{Type: EventResumed, Judgement: j, Reason: "Resumed: what struck all vendors alike is over."}
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

// overridden sees flags that somebody set by hand, and holds at them. What was
// judged before the rollout itself last set them tells nothing.
func (s State) overridden(j *Judgement, _ time.Time) *Event {
	if j == nil || j.Position.StageSeq != s.StageSeq || !j.At.After(s.FlagsAt) {
		return nil
	}
	if !s.changedByHand(j) && s.askedFor(j) == nil {
		return nil
	}
	return s.byHand(j)
}

// update is the stakeholders' daily update.
func (s State) update(j *Judgement, now time.Time) *Event {
	if s.Stage.Kind == Notice || now.Before(s.UpdatedAt.Add(s.Times.Day)) {
		return nil
	}
	return &Event{Type: EventUpdate, Judgement: j, Reason: s.SentenceAt(j, now)}
}

// UpdatedBy is a daily update that tells of the latest judgement: the watch signals only what the rollout has to act on, so
// that the one it was made with may be old.
func (s State) UpdatedBy(e Event, latest *Judgement) Event {
	e.Judgement, e.Reason = latest, s.SentenceAt(latest, e.At)
	return e
}

// advance leaves a stage whose time is over and whose gates let it.
func (s State) advance(j *Judgement, now time.Time) *Event {
	if s.Status != Running || now.Before(s.StageEnds()) {
		return nil
	}
	next, more := s.following()
	if !more {
		return s.finish(j, now)
	}
	if e := s.stopped(j, now); e != nil || s.open(j) {
		return e
	}
	return s.enterEvent(next, j, fmt.Sprintf("Entered %s.", s.Plan.name(next)))
}

// finish ends the guard. Where too few trials convert, though chance alone may be
// why, it goes on for as long again, and then pauses for a person to decide.
func (s State) finish(j *Judgement, now time.Time) *Event {
	doubt := j.doubt()
	switch {
	case doubt == nil || s.Plan.GuardDays == 0:
		return &Event{Type: EventCompleted, Judgement: j, Reason: "Completed: the guard is over, and nothing spoke against the rollout."}
	case now.Before(s.stageLimit()):
		return nil
	}
	return &Event{Type: EventPaused, Cause: PausedByGate, Judgement: j,
		Reason: fmt.Sprintf("Paused: twice the guard's time has passed, and %s, which may still be chance.", doubt.Reason)}
}

// following is the stage after the present one, or after the phase of a percentage
// that was set by hand, and false after the guard.
func (s State) following() (Stage, bool) {
	fitting := s.fitting()
	if s.below() {
		return fitting, true
	}
	return s.Plan.next(fitting)
}

// fitting is the stage that the percentage is of: the present one, or, where that was
// set by hand, the last phase that admits no more.
func (s State) fitting() Stage {
	if s.Percentage == s.Plan.percentage(s.Stage) {
		return s.Stage
	}
	return s.Plan.phaseFor(s.Percentage)
}

// below tells whether the rollout was rolled back to before its first phase,
// which it then enters again: fewer are admitted than that phase says.
func (s State) below() bool { return s.Percentage < s.Plan.percentage(s.fitting()) }

// enterEvent enters a stage, with its percentage.
func (s State) enterEvent(stage Stage, j *Judgement, reason string) *Event {
	return &Event{Type: EventEntered, Stage: &stage, Judgement: j, Reason: reason,
		Enabled: new(true), Percentage: new(s.Plan.percentage(stage))}
}

// open tells whether something still keeps the stage from being left.
func (s State) open(j *Judgement) bool {
	_, failed, insufficient := s.gatesNow(j)
	return len(failed)+len(insufficient) > 0 || s.needsPreflight() && s.preflightOpen() != nil
}

// needsPreflight tells whether the next phase is the first to admit anybody: from a
// phase of 0 %, or from the notice, where a restart or the plan leaves that out; also
// where somebody has set another percentage there by hand.
func (s State) needsPreflight() bool {
	switch s.Stage.Kind {
	case Notice:
		return s.Plan.Phases[s.Stage.Phase].Percentage > 0 || s.Percentage > 0
	case InPhase:
		return s.Percentage == 0 || s.Plan.percentage(s.Stage) == 0
	case Stability, Guard:
	}
	return false
}

// stopped pauses a phase whose gate fails, or for which too little was seen in
// twice its time.
func (s State) stopped(j *Judgement, now time.Time) *Event {
	if check := s.preflightOpen(); s.needsPreflight() && check != nil {
		if now.Before(s.stageLimit()) && check.Verdict != Fail {
			return nil
		}
		return &Event{Type: EventPaused, Cause: PausedByPreflight, Judgement: j,
			Reason: fmt.Sprintf("Paused before anybody is admitted: preflight check %s is %s: %s.", check.ID, check.Verdict, check.Reason)}
	}
	_, failed, insufficient := s.gatesNow(j)
	switch {
	case len(failed) > 0:
		return &Event{Type: EventPaused, Cause: PausedByGate, Judgement: j, Reason: "Paused at the gate: " + reasons(failed) + "."}
	case len(insufficient) > 0 && !now.Before(s.stageLimit()):
		return &Event{Type: EventPaused, Cause: PausedByGate, Judgement: j,
			Reason: "Paused: twice the phase's time has passed and there is still no verdict: " + reasons(insufficient) + "."}
	}
	return nil
}

// gatesNow sorts the present stage's gates. Without a judgement of this stage
// nothing was seen. Conversion may lack data: its test is the guard's. Below the
// first phase, and once it was rolled back, there is nothing to see.
func (s State) gatesNow(j *Judgement) (passed, failed, insufficient []GateResult) {
	if s.below() || s.Status == RolledBack {
		return nil, nil, nil
	}
	for _, gate := range s.Plan.gates(s.Stage) {
		r := GateResult{Gate: gate, Verdict: Insufficient, Reason: "nothing was judged in this phase yet"}
		if j != nil && j.Position.StageSeq == s.StageSeq {
			r = j.GateResult(gate)
		}
		switch {
		case r.Verdict == Fail:
			failed = append(failed, r)
		case r.Verdict == Insufficient && gate != GateConversion:
			insufficient = append(insufficient, r)
		default:
			passed = append(passed, r)
		}
	}
	return passed, failed, insufficient
}

func reasons(results []GateResult) string {
	texts := make([]string, len(results))
	for i, r := range results {
		texts[i] = fmt.Sprintf("%s: %s", r.Gate, r.Reason)
	}
	return strings.Join(texts, "; ")
}

// wakeAt is when something is due at the earliest; zero where only news helps.
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
		earliest(s.stageLimit())
	}
	return at
}

const clock = "2 January 2006 15:04 UTC"

// Sentence says where the rollout stood when it last moved.
func (s State) Sentence() string { return s.SentenceAt(nil, s.EnteredAt) }

// SentenceAt says where the rollout stands at a moment, given what was last judged
// (nil: nothing yet). Of one that is over it says how it ended, since the flags may
// have been set since.
func (s State) SentenceAt(j *Judgement, now time.Time) string {
	switch s.Status {
	case Completed:
		return fmt.Sprintf("The rollout is complete: it ended at %v %% of new vendors.", s.Percentage)
	case RolledBack:
		return "The rollout was rolled back completely, which switched the automation off; it is over."
	case Paused:
		return fmt.Sprintf("The rollout holds at %v %% in %s since %s. %s", s.Percentage, s.StageName(), s.Pause.Since.UTC().Format(clock), s.Pause.Reason)
	case Running:
	}
	where := fmt.Sprintf("The rollout is at %v %%, in %s", s.Percentage, s.StageName())
	if now.Before(s.StageEnds()) {
		return fmt.Sprintf("%s, until %s at the earliest.", where, s.StageEnds().UTC().Format(clock))
	}
	return where + ". " + s.waits(j)
}

// waits says what keeps a stage whose time is over, and when the rollout pauses for it.
func (s State) waits(j *Judgement) string {
	what := s.awaited(j)
	over := "Its time was over on " + s.StageEnds().UTC().Format(clock)
	if what == "" {
		return over + "; it goes on with the next look."
	}
	return fmt.Sprintf("%s; it waits for %s, and pauses on %s if that has not come.", over, what, s.stageLimit().UTC().Format(clock))
}

// awaited is what keeps the stage from being left; empty for nothing.
func (s State) awaited(j *Judgement) string {
	if check := s.preflightOpen(); check != nil && s.needsPreflight() {
		return fmt.Sprintf("preflight check %s to pass or to be waived (%s: %s)", check.ID, check.Verdict, check.Reason)
	}
	_, failed, insufficient := s.gatesNow(j)
	doubt := j.doubt()
	switch {
	case len(failed)+len(insufficient) > 0:
		return "the figures (" + reasons(append(failed, insufficient...)) + ")"
	case s.Stage.Kind == Guard && doubt != nil && s.Plan.GuardDays > 0:
		return "certainty whether enough trials convert (" + doubt.Reason + ")"
	}
	return ""
}

// ShouldSignal tells whether the workflow of a rollout has to hear of a judgement:
// whether it would act on it.
func (s State) ShouldSignal(j Judgement, now time.Time) bool {
	e, _ := s.Next(&j, now)
	return e != nil && e.Type != EventUpdate
}
