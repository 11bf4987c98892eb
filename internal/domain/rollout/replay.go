package rollout

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"marketplace.example/trials/internal/domain/flags"
)

// Snapshots reads a rollout's snapshot by its number, counted from 1, and reports
// whether there is one.
type Snapshots func(number int) (Snapshot, bool, error)

// Replayed is the result of judging and deciding again.
type Replayed struct {
	ID string `json:"id"`
	// Events is the number of events, Snapshots that of snapshots applied.
	Events    int `json:"events"`
	Snapshots int `json:"snapshots"`
	// Judgements and Decisions count those recomputed and compared. The
	// other events are requests by people, taken as stored.
	Judgements  int          `json:"judgements"`
	Decisions   int          `json:"decisions"`
	Differences []Difference `json:"differences"`
}

// Difference is a result that differs from the stored one.
type Difference struct {
	// Seq is the event's number, Type its type.
	Seq  int       `json:"seq"`
	Type EventType `json:"type"`
	// What names the part that differs, Stored and Anew its two values.
	What   string `json:"what"`
	Stored string `json:"stored"`
	Anew   string `json:"anew"`
}

// errNoStart says that there is nothing to replay.
var errNoStart = errors.New("the rollout's first event, which holds its plan, is missing")

// Replay recomputes a rollout's judgements from its snapshots, and from them
// its decisions, and compares both with the stored ones. Requests by people, and
// the findings of preflight and backfill, are facts: it takes them as stored.
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
	// judged are the recomputed judgements, by the snapshot's number.
	judged map[int]Judgement
}

// judge applies the snapshots, and judges those that an event was decided on.
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

// event compares one event, which was applied to s.
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
	case e.isReplacement():
		r.decision(e, s.replacementAnew(e))
	case e.Type == EventUpdate:
		// It shows the last judgement, but does not wait for it.
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

// byPerson reports whether a person requested the event.
func (e Event) byPerson() bool {
	return e.RequestID != "" || e.By != flags.Automatic && e.By != byFlags
}

// isReplacement reports whether the event replaces another, which found the flags set
// by hand when it was about to write them: no snapshot contains that.
func (e Event) isReplacement() bool {
	return e.By == byFlags && e.Judgement != nil && e.Judgement.Snapshot == 0
}

// replacementAnew recomputes such an event from the flags found. They may equal the rollout's own: somebody
// has set them back over what an earlier attempt or a watch had found.
func (s State) replacementAnew(e Event) *Event {
	found := *e.Judgement
	found.At, found.Position = e.At, s.Position()
	anew := s.overrideEvent(&found)
	anew.Seq, anew.At = s.Seq+1, e.At
	if strings.HasPrefix(e.Reason, anew.Reason+" (Seen when about to: ") {
		anew.Reason = e.Reason // what it was about to do is stored nowhere else
	}
	return anew
}

// judgement compares the judgement that an event was decided on, and returns the recomputed one; the
// stored one if no snapshot contains it.
func (r *replayRun) judgement(e Event) *Judgement {
	if e.Judgement == nil || e.Judgement.Snapshot == 0 {
		return e.Judgement
	}
	anew, found := r.judged[e.Judgement.Snapshot]
	if !found {
		r.differ(e, "the judgement cannot be recomputed", fmt.Sprintf("made on snapshot %d", e.Judgement.Snapshot),
			fmt.Sprintf("after snapshot %d the next one is not stored", r.Snapshots))
		return e.Judgement
	}
	r.Judgements++
	if what, stored, now := differing(stored(*e.Judgement), stored(anew)); what != "" {
		r.differ(e, what, stored, now)
	}
	return &anew
}

// stored rounds a judgement to the millisecond, as the database does.
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

// decision compares an event with the recomputed one, nil for none. Their
// judgements are compared separately.
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

// withoutJudgement also leaves out the flags found and the signals handled: no snapshot contains those.
func withoutJudgement(e Event) string {
	e.Judgement, e.HandVersion, e.WrittenVersion, e.HandledSignals = nil, 0, 0, ""
	return written(e)
}

func written(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return err.Error() // a number that JSON lacks: it differs from any that JSON has
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

// Rehearse replays a rollout's snapshots under another plan, and lists what that plan would have
// decided. It leaves out requests by people and the flags they set; the preflight passes, and no
// phase waits for a person. The snapshots contain what the real rollout admitted: another percentage would
// have seen other vendors.
func Rehearse(p Plan, events []Event, read Snapshots) (Rehearsed, error) {
	if len(events) == 0 || events[0].Start == nil {
		return Rehearsed{}, errNoStart
	}
	start := *events[0].Start
	start.Plan = p.withoutPersons()
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
	// latest is the last judgement, known the last one signaled to the workflow.
	latest, known *Judgement
}

func (r *rehearsal) apply(e Event) {
	r.State = r.State.Apply(e)
	r.Events = append(r.Events, e)
}

// onJudgement handles a judgement as the workflow would, which is signaled only what it must act on.
func (r *rehearsal) onJudgement(j Judgement) {
	r.latest = &j
	if r.State.ShouldSignal(j, r.now) {
		r.known = &j
	}
	r.settle()
}

// until advances the time, with everything that falls due.
func (r *rehearsal) until(end time.Time) {
	for {
		r.settle()
		_, wake := r.State.Next(r.known, r.now)
		if wake.IsZero() || wake.After(end) {
			break
		}
		// Decisions fall on milliseconds, which need not divide a day.
		r.now = wake.Add(time.Millisecond - 1).Truncate(time.Millisecond)
	}
	r.now = end
}

// settle does everything that is due now.
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
