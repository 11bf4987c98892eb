package rollout

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Snapshots reads a rollout's snapshot of a number, counted from 1, and tells
// whether there is one.
type Snapshots func(number int) (Snapshot, bool, error)

// Replayed is what judging and deciding anew came to.
type Replayed struct {
	ID string `json:"id"`
	// Events is how many there are, Snapshots how many were taken in.
	Events    int `json:"events"`
	Snapshots int `json:"snapshots"`
	// Judgements and Decisions are how many were made anew and compared. The
	// other events are requests of people, taken as stored.
	Judgements  int          `json:"judgements"`
	Decisions   int          `json:"decisions"`
	Differences []Difference `json:"differences"`
}

// Difference is where that came to something else than what is stored.
type Difference struct {
	// Seq is the event's number, Type what it is.
	Seq  int       `json:"seq"`
	Type EventType `json:"type"`
	// What says what differs, Stored and Anew how.
	What   string `json:"what"`
	Stored string `json:"stored"`
	Anew   string `json:"anew"`
}

// errNoStart says that there is nothing to replay.
var errNoStart = errors.New("the rollout's first event, which holds its plan, is not there")

// Replay makes a rollout's judgements anew from its snapshots, and from them
// its decisions, and compares both with what is stored. Requests of people, and
// what preflight and backfill found, are facts: they are taken as stored.
func Replay(events []Event, read Snapshots) (Replayed, error) {
	if len(events) == 0 || events[0].Start == nil {
		return Replayed{}, errNoStart
	}
	r := replayRun{Replayed: Replayed{ID: events[0].Start.ID, Events: len(events), Differences: []Difference{}}}
	if err := r.judge(*events[0].Start, events, read); err != nil {
		return r.Replayed, err
	}
	var s State
	for _, e := range events {
		r.event(s, e)
		s = s.Apply(e)
	}
	return r.Replayed, nil
}

type replayRun struct {
	Replayed
	// judged is what was judged anew, by the snapshot's number.
	judged map[int]Judgement
}

// judge takes the snapshots in, and judges those that an event was decided on.
func (r *replayRun) judge(start Start, events []Event, read Snapshots) error {
	last, wanted := 0, map[int]bool{}
	for _, e := range events {
		if e.Judgement != nil {
			wanted[e.Judgement.Snapshot] = true
			last = max(last, e.Judgement.Snapshot)
		}
	}
	r.judged = map[int]Judgement{}
	ledger := NewLedger(start.Plan)
	for r.Snapshots < last {
		s, found, err := read(r.Snapshots + 1)
		if err != nil || !found {
			return err
		}
		r.Snapshots++
		ledger.Apply(start.Plan, s, start.Times.Day)
		if wanted[s.Number] {
			r.judged[s.Number] = Judge(start.Plan, start.Times, ledger, s)
		}
	}
	return nil
}

// event compares one event, which happened to a state.
func (r *replayRun) event(s State, e Event) {
	j := r.judgement(e)
	switch {
	case e.Type == EventStarted:
		r.decision(e, new(Begin(*e.Start, e.At)))
	case e.byPerson():
	case e.Type == EventPreflight:
		r.decision(e, new(s.CheckedEvent(e.Checks, e.At)))
	case e.Type == EventBackfill && e.Backfill != nil:
		taken := e.Backfill.Taken
		if s.Backfill != nil {
			taken -= s.Backfill.Taken
		}
		r.decision(e, new(s.BackfilledEvent(e.Backfill.After, taken, e.Backfill.Done, e.At)))
	case e.foreign():
		r.decision(e, s.foreignAnew(e))
	case e.Type == EventUpdate:
		// It shows what was judged last, but does not wait for it.
		anew, _ := s.Next(nil, e.At)
		if anew != nil && anew.Type == EventUpdate {
			anew = new(s.UpdatedBy(*anew, j))
		}
		r.decision(e, anew)
	default:
		anew, _ := s.Next(j, e.At)
		r.decision(e, anew)
	}
}

// byPerson tells whether a person asked for it.
func (e Event) byPerson() bool { return e.RequestID != "" || e.By != Automatic && e.By != byFlags }

// foreign tells whether it stands for another event, which found the flags set
// by hand when it was about to write them: no snapshot has seen that.
func (e Event) foreign() bool {
	return e.By == byFlags && e.Judgement != nil && e.Judgement.Snapshot == 0
}

// foreignAnew is such an event made anew from what the flags said. They may say what the rollout had them say: somebody
// has set them back to that, over what an attempt before or a look of the watch had found.
func (s State) foreignAnew(e Event) *Event {
	found := *e.Judgement
	found.At, found.Position = e.At, s.Position()
	anew := s.byHand(&found)
	anew.Seq, anew.At = s.Seq+1, e.At
	if strings.HasPrefix(e.Reason, anew.Reason+" (Seen when about to: ") {
		anew.Reason = e.Reason // what it was about to do is not stored otherwise
	}
	return anew
}

// judgement compares what an event was decided on, and is that made anew; as
// stored where no snapshot has seen it.
func (r *replayRun) judgement(e Event) *Judgement {
	if e.Judgement == nil || e.Judgement.Snapshot == 0 {
		return e.Judgement
	}
	anew, found := r.judged[e.Judgement.Snapshot]
	if !found {
		r.differ(e, "the judgement cannot be made anew", fmt.Sprintf("made on snapshot %d", e.Judgement.Snapshot),
			fmt.Sprintf("after snapshot %d the next one is not stored", r.Snapshots))
		return e.Judgement
	}
	r.Judgements++
	if what, stored, now := differing(stored(*e.Judgement), stored(anew)); what != "" {
		r.differ(e, what, stored, now)
	}
	return &anew
}

// stored is a judgement as the database keeps it, to the millisecond.
func stored(j Judgement) Judgement {
	triggers := make([]TriggerResult, len(j.Triggers))
	for i, a := range j.Triggers {
		if a.DecidableFrom != nil {
			a.DecidableFrom = new(a.DecidableFrom.UTC().Truncate(time.Millisecond))
		}
		triggers[i] = a
	}
	j.Triggers = triggers
	return j
}

// differing names the first part in which two judgements differ, byte by byte;
// empty for none.
func differing(a, b Judgement) (what, inA, inB string) {
	if a.Formula != b.Formula {
		return "the formula", a.Formula, b.Formula
	}
	for i := range min(len(a.Triggers), len(b.Triggers)) {
		if x, y := written(a.Triggers[i]), written(b.Triggers[i]); x != y {
			return "trigger " + string(a.Triggers[i].Trigger), x, y
		}
	}
	for i := range min(len(a.Gates), len(b.Gates)) {
		if x, y := written(a.Gates[i]), written(b.Gates[i]); x != y {
			return "gate " + string(a.Gates[i].Gate), x, y
		}
	}
	if x, y := written(a), written(b); x != y {
		return "the judgement", x, y
	}
	return "", "", ""
}

// decision compares an event with what is decided anew, nil for nothing. What
// it was decided on was compared before.
func (r *replayRun) decision(e Event, anew *Event) {
	r.Decisions++
	if anew == nil {
		r.differ(e, "the decision", e.Reason, "nothing is decided")
		return
	}
	if x, y := withoutJudgement(e), withoutJudgement(*anew); x != y {
		r.differ(e, "the decision", x, y)
	}
}

// withoutJudgement leaves out as well which flags were found, and which signals were handled: no snapshot has seen those.
func withoutJudgement(e Event) string {
	e.Judgement, e.HandVersion, e.WrittenVersion, e.HandledSignals = nil, 0, 0, ""
	return written(e)
}

func written(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return err.Error() // a number that JSON has not: it differs from any that it has
	}
	return string(text)
}

func (r *replayRun) differ(e Event, what, stored, anew string) {
	r.Differences = append(r.Differences, Difference{Seq: e.Seq, Type: e.Type, What: what, Stored: stored, Anew: anew})
}

// Rehearsed is what another plan would have done with a rollout's snapshots.
type Rehearsed struct {
	Snapshots int     `json:"snapshots"`
	Events    []Event `json:"events"`
	State     State   `json:"state"`
}

// Rehearse walks a rollout's snapshots with the state that a plan would have
// had, and lists what it would have decided. What people asked for, and the
// flags they set, is left out, and the preflight passes. What was seen is what the
// real rollout admitted: another percentage would have seen other vendors.
func Rehearse(p Plan, events []Event, read Snapshots) (Rehearsed, error) {
	if len(events) == 0 || events[0].Start == nil {
		return Rehearsed{}, errNoStart
	}
	start := *events[0].Start
	start.Plan = p
	if err := start.Validate(); err != nil {
		return Rehearsed{}, err
	}
	r := rehearsal{now: events[0].At}
	r.apply(Begin(start, r.now))
	ledger := NewLedger(p)
	for !r.State.Status.Final() {
		s, found, err := read(r.Snapshots + 1)
		if err != nil {
			return r.Rehearsed, err
		}
		if !found {
			break
		}
		r.Snapshots++
		r.until(s.At)
		s.Position, s.Enabled, s.Percentage, s.Version = r.State.Position(), r.State.Enabled, r.State.Percentage, r.State.FlagsVersion
		ledger.Apply(p, s, start.Times.Day)
		r.onJudgement(Judge(p, start.Times, ledger, s))
	}
	return r.Rehearsed, nil
}

type rehearsal struct {
	Rehearsed
	now time.Time
	// latest is what was judged last, known what the workflow was told of.
	latest, known *Judgement
}

func (r *rehearsal) apply(e Event) {
	r.State = r.State.Apply(e)
	r.Events = append(r.Events, e)
}

// onJudgement takes a judgement as the workflow would: it is told what it has to act on.
func (r *rehearsal) onJudgement(j Judgement) {
	r.latest = &j
	if r.State.ShouldSignal(j, r.now) {
		r.known = &j
	}
	r.settle()
}

// until lets the time pass, with all that falls due.
func (r *rehearsal) until(end time.Time) {
	for {
		r.settle()
		_, wake := r.State.Next(r.known, r.now)
		if wake.IsZero() || wake.After(end) {
			break
		}
		// What is due is decided to the millisecond, which a day need not be made of.
		r.now = wake.Add(time.Millisecond - 1).Truncate(time.Millisecond)
	}
	r.now = end
}

// settle does all that is due at this moment.
func (r *rehearsal) settle() {
	for {
		if r.State.PreflightDue(r.now) {
			r.apply(r.State.CheckedEvent([]Check{{ID: "rehearsal", Verdict: Pass, Reason: "taken as passed"}}, r.now))
		}
		e, _ := r.State.Next(r.known, r.now)
		if e == nil {
			return
		}
		if e.WantsLatest() && r.known != r.latest {
			r.known = r.latest
			continue
		}
		if e.Type == EventUpdate {
			e.Judgement = r.latest
		}
		r.apply(*e)
	}
}
