package trial

import (
	"strings"
	"time"
)

// Status is where a trial stands.
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

// Final tells whether nothing more happens by itself.
func (s Status) Final() bool { return s == Converted || s == Expired || s == Cancelled }

// Cohort is which side of the rollout a vendor was put on at registration.
type Cohort string

// The cohorts.
const (
	Automated Cohort = "automated"
	Control   Cohort = "control"
)

// State is all that is known of a trial. It is what the workflow carries and
// what the collection `trials` holds; both fold it from the same events.
type State struct {
	VendorID string `json:"vendorId"`
	// Seq is the number of events applied so far.
	Seq    int    `json:"seq"`
	Status Status `json:"status"`
	Cohort Cohort `json:"cohort"`
	// Automated tells whether the steps are ours to do. It begins as
	// Cohort == Automated; the cohort itself never changes.
	Automated bool `json:"automated"`
	// AutomatedUnder is the version of the flags by which the trial came to be automated, at its registration or
	// by being taken in; 0 where it is not automated, or that is not known.
	AutomatedUnder int    `json:"automatedUnder,omitempty"`
	Policy         Policy `json:"policy"`
	// Day is how long a day lasts for this trial, in nanoseconds.
	Day time.Duration `json:"day"`
	// Zone is the vendor's IANA time zone, empty where unknown.
	Zone      string    `json:"zone"`
	StartedAt time.Time `json:"startedAt"`
	EndsAt    time.Time `json:"endsAt"`
	// GraceEndsAt is when the trial expires; equal to EndsAt without grace.
	GraceEndsAt time.Time `json:"graceEndsAt"`
	// Revision counts changes of the schedule, RevisedAt is the last one's moment.
	Revision  int       `json:"revision"`
	RevisedAt time.Time `json:"revisedAt"`
	// Steps are the steps that are over, each exactly once, in the order they ended.
	Steps []StepRecord `json:"steps"`
	// Held is set while a due step waits for a flag.
	Held *HeldStep `json:"held"`
	// ExpiredAt and CancelledAt are set while the trial is in that state.
	ExpiredAt   *time.Time `json:"expiredAt"`
	CancelledAt *time.Time `json:"cancelledAt"`
	// ConvertedAt is billing's moment; ConvertedLate says that it came after
	// the trial was over, and so did not change its state.
	ConvertedAt   *time.Time `json:"convertedAt"`
	ConvertedLate bool       `json:"convertedLate"`
	// Requests are the requests carried out, each as "type of its event/its id", so that none is carried out twice.
	Requests []string `json:"requests"`
	// HandledSignals stands for the signals that the workflow had handled by the last event, whatever came of each; empty
	// for none. A workflow that is reset passes over those.
	HandledSignals string `json:"handledSignals,omitempty"`
}

// StepRecord is how one step ended.
type StepRecord struct {
	Step    Step      `json:"step"`
	Outcome Outcome   `json:"outcome"`
	Reason  Reason    `json:"reason"`
	At      time.Time `json:"at"`
	// Mailed tells whether an e-mail went out with it.
	Mailed bool `json:"mailed"`
}

// Outcome is how a step ended.
type Outcome string

// The outcomes of a step.
const (
	// Ran: the step did what it is for.
	Ran Outcome = "ran"
	// Skipped: its moment came and there was a reason not to.
	Skipped Outcome = "skipped"
	// Superseded: the schedule changed, or the trial ended, before its moment.
	Superseded Outcome = "superseded"
)

// HeldStep is a due step that waits.
type HeldStep struct {
	Step   Step      `json:"step"`
	Reason Reason    `json:"reason"`
	Since  time.Time `json:"since"`
}

// Calendar is how this trial counts days.
func (s State) Calendar() Calendar { return Calendar{Day: s.Day, Zone: s.Zone} }

// Knows tells whether a request of this id was carried out before.
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
