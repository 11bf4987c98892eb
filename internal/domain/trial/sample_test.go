package trial_test

import (
	"strings"
	"time"

	"marketplace.example/trials/internal/domain/trial"
)

// at reads a moment in UTC as the tables write it: "2026-03-02 10:00", with
// seconds and milliseconds where they matter.
func at(moment string) time.Time {
	layout := "2006-01-02 15:04:05"[:min(len(moment), 19)]
	t, err := time.Parse(layout, moment)
	if err != nil {
		panic(err)
	}
	return t
}

// sample is the registration of an automated vendor whose zone is unknown. Its
// steps: welcome 2026-03-02 10:00, reminders on the 9th, 13th and 15th at
// 10:00, expiry on the 16th and grace-end on the 19th at 10:00.
func sample(change ...func(*trial.Registration)) trial.Registration {
	r := trial.Registration{
		VendorID: "v1", Cohort: trial.Automated, Policy: trial.DefaultPolicy(),
		Day: trial.RealDay, At: at("2026-03-02 10:00"),
	}
	for _, c := range change {
		c(&r)
	}
	return r
}

func inZone(zone, start string) func(*trial.Registration) {
	return func(r *trial.Registration) { r.Zone, r.At = zone, at(start) }
}

func withPolicy(change func(*trial.Policy)) func(*trial.Registration) {
	return func(r *trial.Registration) { change(&r.Policy) }
}

func control(r *trial.Registration) { r.Cohort = trial.Control }

func noGrace(p *trial.Policy) { p.GraceDays = 0 }

// due is the decision of a step with nothing amiss.
var due = trial.Decision{Action: trial.Run, Reason: trial.ReasonDue, Mail: true}

// lived is the trial after every step due by a time ran when due.
func lived(s trial.State, until string) trial.State {
	for {
		step, ok := s.Next()
		if !ok || step.At.After(at(until)) {
			return s
		}
		s = s.Apply(s.StepEvent(step, due, trial.StepFacts{Now: step.At}, true))
	}
}

// asked is the trial after a request that must be taken.
func asked(s trial.State, message, now string, r trial.Request) trial.State {
	if r.Reason == "" {
		r.Reason = "a test"
	}
	e, err := s.Request(message, r, at(now))
	if err != nil {
		panic(err)
	}
	return s.Apply(*e)
}

// named finds a step of the present schedule.
func named(s trial.State, kind trial.Kind) trial.Step {
	for _, step := range s.Schedule() {
		if step.Kind == kind {
			return step
		}
	}
	panic("no step " + string(kind))
}

// lines formats steps, one a line: "kind/revision time".
func lines(steps []trial.Step) string {
	var b strings.Builder
	for _, s := range steps {
		b.WriteString(strings.TrimPrefix(s.Key(""), "/") + " " + s.At.Format("2006-01-02 15:04:05") + "\n")
	}
	return b.String()
}
