package trial

import (
	"slices"
	"strings"
	"time"
)

// Status is a trial's status.
type Status string

// The states of a trial. Converted, Expired and Cancelled are final, but an
// admin can revive the latter two.
const (
	Active    Status = "active"
	Grace     Status = "grace"
	Converted Status = "converted"
	Expired   Status = "expired"
	Cancelled Status = "cancelled"
)

// Statuses lists every status, in the order of a trial's life.
func Statuses() []Status { return []Status{Active, Grace, Converted, Expired, Cancelled} }

// Final reports whether nothing more happens by itself.
func (s Status) Final() bool { return s == Converted || s == Expired || s == Cancelled }

// Cohort is a group of vendors that is counted by itself.
type Cohort string

// The cohorts. A vendor is dealt Automated or Control at registration, once. Adopted are the control vendors whose trials
// a backfill has automated: see State.CountedAs.
const (
	Automated Cohort = "automated"
	Control   Cohort = "control"
	Adopted   Cohort = "adopted"
)

// Cohorts lists every cohort, in display order.
func Cohorts() []Cohort { return []Cohort{Automated, Control, Adopted} }

// Known reports whether there is such a cohort.
func (c Cohort) Known() bool { return slices.Contains(Cohorts(), c) }

// State is everything known of a trial. The workflow carries it and
// the collection `trials` holds it; both fold it from the same events.
type State struct {
	VendorID string `json:"vendorId"`
	// Seq is the number of events applied so far.
	Seq    int    `json:"seq"`
	Status Status `json:"status"`
	// Cohort is what registration dealt; it never changes. Figures, reports and lists go by CountedAs.
	Cohort Cohort `json:"cohort"`
	// Automated says that this system carries out the steps. It begins as Cohort == Automated.
	Automated bool `json:"automated"`
	// AutomatedUnder is the version of the flags that made the trial automated, at registration or
	// later; 0 if it is not automated, or unknown.
	AutomatedUnder int `json:"automatedUnder,omitempty"`
	// AdoptedAt is when a backfill last automated the trial; nil for never. A release keeps it.
	AdoptedAt *time.Time `json:"adoptedAt,omitempty"`
	Policy    Policy     `json:"policy"`
	// Experiment is the arm that a policy experiment dealt the vendor; nil for none. It never changes.
	Experiment *Assignment `json:"experiment,omitempty"`
	// Moved is the latest move to another policy, nil if there was none.
	Moved *Move `json:"moved,omitempty"`
	// Day is the length of a day for this trial, in nanoseconds.
	Day time.Duration `json:"day"`
	// Zone is the vendor's IANA time zone, empty if unknown.
	Zone      string    `json:"zone"`
	StartedAt time.Time `json:"startedAt"`
	EndsAt    time.Time `json:"endsAt"`
	// GraceEndsAt is when the trial expires; equal to EndsAt without grace.
	GraceEndsAt time.Time `json:"graceEndsAt"`
	// Revision counts changes of the schedule, RevisedAt is the time of the last one.
	Revision  int       `json:"revision"`
	RevisedAt time.Time `json:"revisedAt"`
	// Steps are the finished steps, each exactly once, in the order they ended.
	Steps []StepRecord `json:"steps"`
	// Held is set while a due step waits for a flag.
	Held *HeldStep `json:"held"`
	// ExpiredAt and CancelledAt are set while the trial is in that state.
	ExpiredAt   *time.Time `json:"expiredAt"`
	CancelledAt *time.Time `json:"cancelledAt"`
	// ConvertedAt is billing's time; ConvertedLate says that it lies after
	// the end of the trial, and so did not change its state.
	ConvertedAt   *time.Time `json:"convertedAt"`
	ConvertedLate bool       `json:"convertedLate"`
	// ConvertedUntracked says that figures leave the conversion out, and the trial with it.
	ConvertedUntracked bool `json:"convertedUntracked,omitempty"`
	// Requests are the requests carried out, each as "type of its event/its id", so that none is carried out twice.
	Requests []string `json:"requests"`
	// HandledSignals identifies the signals that the workflow had handled by the last event, with any result; empty
	// for none. A workflow that is reset skips those.
	HandledSignals string `json:"handledSignals,omitempty"`
}

// StepRecord records how one step ended.
type StepRecord struct {
	Step    Step        `json:"step"`
	Outcome StepOutcome `json:"outcome"`
	Reason  Reason      `json:"reason"`
	At      time.Time   `json:"at"`
	// Mailed says that its e-mail was sent.
	Mailed bool `json:"mailed"`
}

// StepOutcome is how a step ended.
type StepOutcome string

// The outcomes of a step.
const (
	// Ran: the step did its work.
	Ran StepOutcome = "ran"
	// Skipped: it was due and there was a reason not to run it.
	Skipped StepOutcome = "skipped"
	// Superseded: the schedule changed, or the trial ended, before it was due.
	Superseded StepOutcome = "superseded"
)

// HeldStep is a due step that waits.
type HeldStep struct {
	Step   Step      `json:"step"`
	Reason Reason    `json:"reason"`
	Since  time.Time `json:"since"`
}

// CountedAs is the cohort in which figures, reports and lists count the trial: the one it was dealt, but Adopted from the
// first adoption of a control trial on, even if it is released later.
func (s State) CountedAs() Cohort {
	if s.Cohort == Control && s.AdoptedAt != nil {
		return Adopted
	}
	return s.Cohort
}

// BeforeAdoption reports whether a step was due before the trial was adopted: it belongs to the time in which nothing was
// automated, so it says nothing about the automation, and its e-mail would be about the past.
func (s State) BeforeAdoption(step Step) bool {
	return s.AdoptedAt != nil && !step.At.After(*s.AdoptedAt)
}

// Calendar returns the trial's way of counting days.
func (s State) Calendar() Calendar { return Calendar{Day: s.Day, Zone: s.Zone} }

// Knows reports whether a request of this id was carried out before.
func (s State) Knows(requestID string) bool {
	known, _ := s.carriedOut("", requestID)
	return known
}

// carriedOut tells whether a request with this id was carried out before, and whether it caused this type of event.
func (s State) carriedOut(event EventType, requestID string) (known, same bool) {
	if requestID == "" {
		return false, false
	}
	for _, r := range s.Requests {
		caused, id, _ := strings.Cut(r, "/")
		if id == requestID {
			known, same = true, same || caused == string(event)
		}
	}
	return known, same
}

// joinRequest is the entry in State.Requests of a request.
func joinRequest(caused EventType, requestID string) string { return string(caused) + "/" + requestID }

func (s State) finished(step Step) bool {
	for _, r := range s.Steps {
		if r.Step.Kind == step.Kind && r.Step.Revision == step.Revision {
			return true
		}
	}
	return false
}
