package importer

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"marketplace.example/trials/internal/domain/trial"
)

// Problem is a vendor that the system refused to register or to convert.
type Problem struct {
	Line     int    `json:"line"`
	VendorID string `json:"vendorId"`
	Message  string `json:"message"`
}

// Summary is the result of a import, including earlier runs as far as the journal knows.
type Summary struct {
	Vendors     int
	Conversions int
	Registered  int
	Cohorts     map[trial.Cohort]int
	Converted   int
	Refused     []Problem
	// BiggestLag is the longest time in this run from a request's moment to its answer.
	BiggestLag time.Duration
	// LatestStep is the longest time that a probe found a step due. Only some trials are probed.
	LatestStep time.Duration
	// Day is the length of a day.
	Day     time.Duration
	Elapsed time.Duration
	// Complete says that nothing is left to do.
	Complete bool
}

// NewSummary is the summary of a import that has not begun.
func NewSummary(p Plan) Summary {
	return Summary{
		Vendors: len(p.Registrations), Conversions: p.Conversions(),
		Cohorts: map[trial.Cohort]int{trial.Automated: 0, trial.Control: 0},
	}
}

// count adds an entry of the journal.
func (s *Summary) count(e Entry) {
	if e.RegisteredAt != nil {
		s.Registered++
		s.Cohorts[e.Cohort]++
	}
	if e.Converted {
		s.Converted++
	}
	if e.Refused != nil {
		s.Refused = append(s.Refused, *e.Refused)
	}
}

// Progress is the state of a running import.
type Progress struct {
	Summary
	// Recorded is the time on the import's clock: a moment of the recorded time.
	Recorded time.Time
	// Lag is how long the oldest unanswered request has been due.
	Lag time.Duration
	// StepLag is the longest time that a step has been due among the recently probed trials.
	StepLag time.Duration
	// Retrying says that the system does not answer, and requests are retried.
	Retrying bool
}

// InDays is a duration in days of the trial.
func (s Summary) InDays(d time.Duration) float64 {
	if s.Day == 0 {
		return 0
	}
	return float64(d) / float64(s.Day)
}

// LagDays is the lag in days of the trial.
func (p Progress) LagDays() float64 { return p.InDays(p.Lag) }

// BiggestLagDays is the biggest lag in days of the trial.
func (s Summary) BiggestLagDays() float64 { return s.InDays(s.BiggestLag) }

// showProgress passes the progress to the watcher.
func (r *run) showProgress() {
	if r.Watch == nil || r.Day == 0 {
		return
	}
	now := time.Now()
	p := Progress{Summary: r.summary, Retrying: r.caller.retrying.Load() > 0, Lag: r.lag(now), StepLag: r.probe.worst()}
	p.Day = r.Day
	p.Recorded = r.Plan.Begins.Add(Expand(now.Sub(r.began), r.Day))
	r.Watch(p)
}

// lag is how long the oldest unanswered request has been due.
func (r *run) lag(now time.Time) time.Duration {
	oldest := now
	if t := r.upcoming(); t != nil && t.due.Before(oldest) {
		oldest = t.due
	}
	for t := range r.inFlight {
		if t.due.Before(oldest) {
			oldest = t.due
		}
	}
	return now.Sub(oldest)
}

func (r *run) report(format string, args ...any) {
	if r.Report != nil {
		r.Report(fmt.Sprintf(format, args...))
	}
}

func (r *run) reportRefusal(o outcome) {
	r.report("Line %d: vendor %s: %s", o.task.registration.Line, o.task.registration.VendorID, o.err)
}

// entry is the journal's entry for an outcome.
func (o outcome) entry() Entry {
	e := Entry{VendorID: o.task.registration.VendorID}
	switch {
	case o.err != nil:
		e.Refused = &Problem{Line: o.task.registration.Line, VendorID: e.VendorID, Message: o.err.Error()}
	case o.task.convert:
		e.Converted = true
	default:
		e.RegisteredAt, e.Cohort = &o.answer.at, o.answer.cohort
	}
	return e
}

// queue holds the conversions to come, ordered by their moments.
type queue []*task

func (q *queue) push(t *task) {
	at, _ := slices.BinarySearchFunc(*q, t.due, func(queued *task, due time.Time) int {
		return cmp.Or(queued.due.Compare(due), -1) // behind those of the same moment
	})
	*q = slices.Insert(*q, at, t)
}

func (q *queue) pop() { *q = (*q)[1:] }

func (q *queue) first() *task {
	if len(*q) == 0 {
		return nil
	}
	return (*q)[0]
}
