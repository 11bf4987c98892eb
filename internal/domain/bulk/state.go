package bulk

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"marketplace.example/trials/internal/domain/trial"
)

// Status is an operation's status.
type Status string

// The states of an operation. Planned waits for a person; Done and Stopped are
// final, but an operation that is done with failures can be resumed.
const (
	// Choosing: its trials are being chosen.
	Choosing Status = "choosing"
	// Planning: a dry run previews each.
	Planning Status = "planning"
	// Planned: the dry run is over.
	Planned Status = "planned"
	Running Status = "running"
	Paused  Status = "paused"
	Done    Status = "done"
	Stopped Status = "stopped"
)

// Final reports whether nothing more happens without a request.
func (s Status) Final() bool { return s == Planned || s == Done || s == Stopped }

// The controls of an operation; the signals have these names.
const (
	ControlStart  = "start"
	ControlPause  = "pause"
	ControlResume = "resume"
	ControlStop   = "stop"
)

// Controls lists them.
func Controls() []string { return []string{ControlStart, ControlPause, ControlResume, ControlStop} }

// Control is an admin's request about an operation.
type Control struct {
	// ID makes the request idempotent; with an empty ID each arrival counts.
	ID     string    `json:"id,omitempty"`
	Name   string    `json:"name"`
	Reason string    `json:"reason"`
	By     string    `json:"by"`
	At     time.Time `json:"at"`
}

// Why an operation paused or stopped by itself, besides the name of a flag.
const (
	CauseAdmin    = "admin"
	CauseNoAnswer = "no-answer"
	CauseTooMany  = "too-many-trials"
)

const (
	// keptControls is how many of the latest controls are kept, and keptTaken how many of their ids.
	keptControls = 20
	keptTaken    = 200
	// maxFailed is how many consecutive items may fail before the operation pauses: then
	// the trials are not the cause.
	maxFailed = 5
	// examplesEach and examplesAll bound the examples of a dry run, for each outcome
	// and reason, and in total.
	examplesEach = 3
	examplesAll  = 30
)

// State is an operation's progress. The workflow carries it, and it
// is stored beside the operation.
type State struct {
	// Seq counts the changes, and is first because of two stored states the one
	// with more changes counts.
	Seq    int    `json:"seq"`
	Status Status `json:"status"`
	// Cause is why it is paused or stopped: a Cause constant, or a flag.
	Cause string `json:"cause"`
	// Total is the number of items, so far while they are being chosen.
	Total int `json:"total"`
	// Next is the number of the first unprocessed item.
	Next int `json:"next"`
	// Plan is the result of a dry run, and Examples some of its items.
	Plan     Tally     `json:"plan"`
	Examples []Example `json:"examples"`
	// Counts are the outcomes so far.
	Counts Tally `json:"counts"`
	// FailedInARow is how many items failed since the last one that did not.
	FailedInARow int        `json:"failedInARow"`
	UpdatedAt    time.Time  `json:"updatedAt"`
	StartedAt    *time.Time `json:"startedAt"`
	EndedAt      *time.Time `json:"endedAt"`
	// Controls are the latest requests by admins, the oldest first.
	Controls []Control `json:"controls"`
	// Taken are short forms of the ids of the latest controls, the oldest first.
	Taken []string `json:"taken,omitempty"`
	// HandledSignals identifies the signals that the workflow had handled by then, with any result; empty for
	// none. A workflow that is reset skips those.
	HandledSignals string `json:"handledSignals,omitempty"`
}

// Example is one item of a dry run.
type Example struct {
	VendorID string      `json:"vendorId"`
	Outcome  ItemOutcome `json:"outcome"`
	Reason   Reason      `json:"reason"`
	Detail   string      `json:"detail"`
	// Was is the trial's end, and Is what it would be; nil if it would not change.
	Was *time.Time `json:"was"`
	Is  *time.Time `json:"is"`
}

// Begin returns the state of an operation that was just requested.
func Begin(o Operation) State {
	s := State{Seq: 1, Status: Choosing, Next: 1, UpdatedAt: o.AskedAt, Plan: Tally{}, Counts: Tally{}, Examples: []Example{}, Controls: []Control{}}
	if o.Filter == nil && o.Undoes == "" {
		s.Total = o.Listed
		s.listed(o, o.AskedAt)
	}
	return s
}

// listed continues once every item is known.
func (s *State) listed(o Operation, at time.Time) {
	if o.DryRun {
		s.Status = Planning
		return
	}
	s.Status, s.StartedAt = Running, &at
}

// changed returns a copy that may be changed, with the next number.
func (s State) changed(at time.Time) State {
	at = at.UTC().Truncate(time.Millisecond)
	s.Seq, s.UpdatedAt = s.Seq+1, at
	s.Controls, s.Examples, s.Taken = slices.Clone(s.Controls), slices.Clone(s.Examples), slices.Clone(s.Taken)
	return s
}

func (s *State) end(status Status, cause string) {
	at := s.UpdatedAt
	s.Status, s.Cause, s.EndedAt = status, cause, &at
}

// Page is a range of items to process next.
type Page struct {
	From int `json:"from"`
	To   int `json:"to"`
}

const (
	// pagesPerMinute keeps a page at about five seconds: that is how long a pause
	// may take to have effect.
	pagesPerMinute = 12
	// largestPage and planPage bound what one activity does.
	largestPage = 100
	planPage    = 500
)

// Page returns the next page of items to carry out or, in a dry run, to preview.
func (s State) Page(o Operation) Page {
	size := planPage
	if s.Status != Planning {
		size = min(max(o.PerMinute/pagesPerMinute, 1), largestPage)
	}
	return Page{From: s.Next, To: min(s.Next+size-1, s.Total)}
}

// Chosen returns the state once total items are known; last says that there
// are no more.
func (s State) Chosen(o Operation, total int, last bool, at time.Time) State {
	s = s.changed(at)
	s.Total = total
	switch {
	case total > MaxItems:
		s.end(Stopped, CauseTooMany)
	case last && total == 0:
		s.end(Done, "")
	case last:
		s.listed(o, s.UpdatedAt)
	}
	return s
}

// Looked returns the state after a dry run's preview of a page.
func (s State) Looked(p Page, examples []Example, seen Tally, at time.Time) State {
	s = s.changed(at)
	s.Next, s.Plan = p.To+1, s.Plan.Plus(seen)
	for _, e := range examples {
		alike := 0
		for _, kept := range s.Examples {
			if kept.Outcome == e.Outcome && kept.Reason == e.Reason {
				alike++
			}
		}
		if alike < examplesEach && len(s.Examples) < examplesAll {
			s.Examples = append(s.Examples, e)
		}
	}
	if s.Next > s.Total {
		s.Next = 1
		s.end(Planned, "")
	}
	return s
}

// Carried returns the state after a page was carried out. If too many consecutive items fail
// it pauses: a part of the system is unavailable, and the rest would fail as well.
func (s State) Carried(p Page, counts Tally, at time.Time) State {
	s = s.changed(at)
	s.Next, s.Counts = p.To+1, s.Counts.Plus(counts)
	switch failed := counts.Of(Failed); {
	case counts.Of(Succeeded)+counts.Of(Refused) > 0:
		s.FailedInARow = 0
	case failed > 0:
		s.FailedInARow += failed
	}
	switch {
	case s.Next > s.Total:
		s.end(Done, "")
	case s.FailedInARow >= maxFailed:
		s.Status, s.Cause = Paused, CauseNoAnswer
	}
	return s
}

// Held returns the state once a flag forbids it.
func (s State) Held(flag string, at time.Time) State {
	s = s.changed(at)
	s.Status, s.Cause = Paused, flag
	return s
}

// Request returns the state after an admin's request. A request for the present state, or with
// an id that was carried out before, changes nothing. A *trial.Error says why it does not apply.
func (s State) Request(c Control) (State, error) {
	if s.isAlready(c.Name) || s.Knows(c.ID) {
		return s, nil
	}
	after := s.changed(c.At)
	if c.ID != "" {
		after.Taken = latest(append(after.Taken, shortID(c.ID)), keptTaken)
		c.ID = ""
	}
	after.Controls = latest(append(after.Controls, c), keptControls)
	switch {
	case c.Name == ControlStart && s.Status == Planned:
		after.Status, after.StartedAt, after.EndedAt = Running, &after.UpdatedAt, nil
	case c.Name == ControlPause && s.Status == Running:
		after.Status, after.Cause = Paused, CauseAdmin
	case c.Name == ControlResume && s.Status == Paused:
		after.Status, after.Cause, after.FailedInARow = Running, "", 0
	case c.Name == ControlResume && s.Status == Done && s.Counts.Of(Failed) > 0:
		// Starts again: items that have a result are only counted.
		after.Status, after.Next, after.Counts, after.EndedAt, after.FailedInARow = Running, 1, Tally{}, nil, 0
	case c.Name == ControlStop && s.Status != Done:
		after.end(Stopped, CauseAdmin)
	default:
		return s, conflict("the operation is %s: %s does not apply", s.Status, c.Name)
	}
	return after, nil
}

// Knows reports whether a request was carried out before.
func (s State) Knows(requestID string) bool {
	return requestID != "" && slices.Contains(s.Taken, shortID(requestID))
}

// Mark changes whenever the operation changes for people, and not with each page of trials that it carries out.
func (s State) Mark() string {
	mark := fmt.Sprintf("%s.%s", s.Status, s.Cause)
	if n := len(s.Controls); n > 0 {
		mark += fmt.Sprintf(".%s-%d", s.Controls[n-1].Name, s.Controls[n-1].At.UnixMilli())
	}
	return mark
}

// shortID shortens a request's id, because every page carries the state.
func shortID(id string) string {
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:6])
}

// latest returns the last elements, at most so many.
func latest[T any](all []T, most int) []T { return all[max(len(all)-most, 0):] }

// isAlready reports whether a control requests the present state.
func (s State) isAlready(control string) bool {
	switch control {
	case ControlStart, ControlResume:
		return s.Status == Running
	case ControlPause:
		return s.Status == Paused
	case ControlStop:
		return s.Status == Stopped
	}
	return false
}

// WillCarryOut reports whether an item still has its turn, now or once the operation is resumed after a pause. A dry run that
// nobody has started carries out nothing.
func (s State) WillCarryOut(o Operation, i Item) bool {
	return i.Open() && i.Number >= s.Next && !s.Status.Final() && (!o.DryRun || s.StartedAt != nil)
}

// Turned is how many items were processed.
func (s State) Turned() int { return s.Next - 1 }

// Sentence describes the operation's progress.
func (s State) Sentence() string {
	switch s.Status {
	case Choosing:
		return fmt.Sprintf("choosing its trials, %d so far", s.Total)
	case Planning:
		return fmt.Sprintf("dry run: previewed %d of %d", s.Turned(), s.Total)
	case Planned:
		return fmt.Sprintf("dry run over: %d of %d would be changed; start it or stop it", s.Plan.Of(Succeeded), s.Total)
	case Paused:
		return fmt.Sprintf("paused (%s) after %d of %d", s.Cause, s.Turned(), s.Total)
	case Stopped:
		return fmt.Sprintf("stopped (%s) after %d of %d", s.Cause, s.Turned(), s.Total)
	case Running, Done:
	}
	return fmt.Sprintf("%s: %d of %d", s.Status, s.Turned(), s.Total)
}

// Details describes the operation in Markdown, for Temporal's Web UI.
func Details(o Operation, s State) string {
	var b strings.Builder
	fmt.Fprintf(&b, "**%s: %s.**\n\nRequested at %s by %s: %s\n", o.Title(), s.Sentence(), o.AskedAt.Format(time.RFC3339), o.By, o.Reason)
	for _, tally := range []struct {
		name   string
		counts Tally
	}{{"Dry run", s.Plan}, {"Outcomes", s.Counts}} {
		if len(tally.counts) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n%s:\n", tally.name)
		for _, c := range tally.counts {
			fmt.Fprintf(&b, "- %d %s: %s\n", c.Items, c.Outcome, c.Reason)
		}
	}
	return b.String()
}

// View is an operation and its progress, for people and programs.
type View struct {
	Operation Operation `json:"operation"`
	State     State     `json:"state"`
	// Summary describes its progress in one sentence.
	Summary string `json:"summary"`
}

// ViewOf returns the view of an operation.
func ViewOf(o Operation, s State) View { return View{Operation: o, State: s, Summary: s.Sentence()} }

// NotFound says that there is no such operation.
func NotFound(id string) error {
	return &trial.Error{Code: trial.CodeNotFound, Field: "operationId", Message: fmt.Sprintf("there is no operation %.80q", id)}
}
