package trial

import (
	"fmt"
	"strings"
	"time"
)

// Overview answers the query `status`.
type Overview struct {
	VendorID string `json:"vendorId"`
	Status   Status `json:"status"`
	// Cohort is the one that the trial is counted in: State.CountedAs.
	Cohort    Cohort `json:"cohort"`
	Automated bool   `json:"automated"`
	Policy    string `json:"policy"`
	// Experiment is the arm that a policy experiment dealt the vendor; nil for none.
	Experiment *Assignment `json:"experiment,omitempty"`
	// RegisteredPolicy is the one that a trial was registered with that was moved to another since; empty if it was not.
	RegisteredPolicy string       `json:"registeredPolicy,omitempty"`
	Revision         int          `json:"revision"`
	StartedAt        time.Time    `json:"startedAt"`
	EndsAt           time.Time    `json:"endsAt"`
	GraceEndsAt      time.Time    `json:"graceEndsAt"`
	Next             *Step        `json:"next"`
	Held             *HeldStep    `json:"held"`
	ConvertedAt      *time.Time   `json:"convertedAt"`
	ConvertedLate    bool         `json:"convertedLate"`
	Steps            []StepRecord `json:"steps"`
	// Summary sums it up in one sentence.
	Summary string `json:"summary"`
}

// Overview returns the trial as people and programs see it.
func (s State) Overview() Overview {
	o := Overview{
		VendorID: s.VendorID, Status: s.Status, Cohort: s.CountedAs(), Automated: s.Automated, Policy: s.Policy.Name, Experiment: s.Experiment,
		Revision: s.Revision, StartedAt: s.StartedAt, EndsAt: s.EndsAt, GraceEndsAt: s.GraceEndsAt,
		Held: s.Held, ConvertedAt: s.ConvertedAt, ConvertedLate: s.ConvertedLate, Steps: s.Steps, Summary: s.Sentence(),
	}
	if s.Moved != nil {
		o.RegisteredPolicy = s.Moved.From
	}
	if o.Steps == nil {
		o.Steps = []StepRecord{}
	}
	if next, ok := s.Next(); ok {
		o.Next = &next
	}
	return o
}

// TimetableEntry is one step to come.
type TimetableEntry struct {
	Kind Kind      `json:"kind"`
	At   time.Time `json:"at"`
	// Local is the time on the vendor's clock, empty if the zone is unknown.
	Local string `json:"local"`
}

// Timetable answers the query `schedule`: what happens next and when.
type Timetable struct {
	VendorID string           `json:"vendorId"`
	Zone     string           `json:"zone"`
	Revision int              `json:"revision"`
	Steps    []TimetableEntry `json:"steps"`
}

// Timetable lists what is still to come, in UTC and on the vendor's clock.
func (s State) Timetable() Timetable {
	t := Timetable{VendorID: s.VendorID, Zone: s.Zone, Revision: s.Revision, Steps: []TimetableEntry{}}
	for _, step := range s.Pending() {
		t.Steps = append(t.Steps, s.entry(step))
	}
	return t
}

const clock = "2006-01-02 15:04:05 UTC"

// Sentence describes the trial's state, for the Web UI and the command line.
func (s State) Sentence() string {
	next, ok := s.Next()
	switch {
	case s.Status == Converted:
		return "Converted at " + s.ConvertedAt.Format(clock) + "."
	case s.Status == Cancelled && s.ConvertedLate:
		return fmt.Sprintf("Cancelled at %s; converted late, at %s.", s.CancelledAt.Format(clock), s.ConvertedAt.Format(clock))
	case s.Status == Cancelled:
		return "Cancelled at " + s.CancelledAt.Format(clock) + "."
	case s.Status == Expired && s.ConvertedLate:
		return fmt.Sprintf("Expired at %s; converted late, at %s.", s.ExpiredAt.Format(clock), s.ConvertedAt.Format(clock))
	case s.Status == Expired && !ok:
		return "Expired at " + s.ExpiredAt.Format(clock) + " without converting."
	case s.Held != nil:
		return fmt.Sprintf("Held at %s since %s: %s.", s.Held.Step.Kind, s.Held.Since.Format(clock), s.Held.Reason)
	case s.Status == Expired:
		return fmt.Sprintf("Expired at %s without converting; next is %s at %s.", s.ExpiredAt.Format(clock), next.Kind, next.At.Format(clock))
	}
	if !ok {
		return fmt.Sprintf("%s; only a conversion can still arrive.", s.Status)
	}
	return fmt.Sprintf("%s; next is %s at %s.", s.Status, next.Kind, next.At.Format(clock))
}

// Details describes the trial in Markdown, for the Web UI.
func (s State) Details() string {
	var b strings.Builder
	fmt.Fprintf(&b, "**%s**\n\n%s cohort, policy %s, revision %d, ends %s\n", s.Sentence(), s.CountedAs(), s.Policy.Name, s.Revision, s.EndsAt.Format(clock))
	if len(s.Steps) > 0 {
		b.WriteString("\n| step | outcome | reason | when |\n| --- | --- | --- | --- |\n")
	}
	for _, r := range s.Steps {
		fmt.Fprintf(&b, "| %s (revision %d) | %s | %s | %s |\n", r.Step.Kind, r.Step.Revision, r.Outcome, r.Reason, r.At.Format(clock))
	}
	if pending := s.Pending(); len(pending) > 0 {
		b.WriteString("\nTo come:\n")
		for _, step := range pending {
			fmt.Fprintf(&b, "- %s at %s\n", step.Kind, step.At.Format(clock))
		}
	}
	return b.String()
}
