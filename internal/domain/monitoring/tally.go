package monitoring

import (
	"strconv"
	"time"

	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// Counter is one stored number: how often something happened in a
// period, or how many there are now.
type Counter struct {
	Period Period
	Cohort trial.Cohort
	Name   Name
}

// Name is what a counter counts.
type Name string

// The counters of events, by the day of the event.
const (
	// ConvertedInTime and ConvertedLate count conversions; late ones came after
	// the trial was over.
	ConvertedInTime Name = "converted"
	ConvertedLate   Name = "convertedLate"
	// EnteredGrace, EnteredExpiry and EnteredCancelled count ends of trials; a trial that is
	// revived can end again.
	EnteredGrace     Name = "graced"
	EnteredExpiry    Name = "expired"
	EnteredCancelled Name = "cancelled"
	// Extended, Shortened and Revived count what admins did.
	Extended  Name = "extended"
	Shortened Name = "shortened"
	Revived   Name = "revived"
	// Adopted and Released count trials that became automated or unautomated.
	Adopted  Name = "adopted"
	Released Name = "released"
	// StepsDone, StepsSkipped and StepsFailed count the finished steps of automated trials, of adopted ones those due since;
	// StepsLate those of the done ones that were late by more than an hour (of a
	// day of 24). StepsHeld counts the times that a step had to wait for a flag.
	StepsDone    Name = "stepsDone"
	StepsLate    Name = "stepsLate"
	StepsSkipped Name = "stepsSkipped"
	StepsFailed  Name = "stepsFailed"
	StepsHeld    Name = "stepsHeld"
)

// The counters of the present states of the trials that began on a day.
const (
	// Began counts all of them, the others those in that state; the rest
	// still run.
	Began          Name = "began"
	BeganConverted Name = "beganConverted"
	BeganExpired   Name = "beganExpired"
	BeganCancelled Name = "beganCancelled"
	// BeganUntracked counts converted trials that the figures leave out
	// because the flag conversionTracking was off.
	BeganUntracked Name = "beganUntracked"
)

// StillRunning counts, by the policy that they have now alone, the trials that run, grace included; its period is Current.
const StillRunning Name = "running"

// Under is the counter of those of a policy: of StillRunning the one that they have now, of what began on a day the one that they
// were registered with, which no move changes.
func (n Name) Under(policy string) Name { return n + ":" + Name(policy) }

// Running counts the trials that are in a status now; its period is Current.
func Running(s trial.Status) Name { return Name(s) }

// Period is the time that a counter belongs to, by its stored name.
type Period string

// Current is the period of the counters of the present state.
const Current Period = "standing"

// DayOf is the period of the day that a time falls in, given the length of a day; days count from
// 1970.
func DayOf(at time.Time, day time.Duration) Period { return numbered("day", dayNumber(at, day)) }

// SlotOf is the period of the ten minutes (of a day of 24 hours) that a time
// falls in: the interval of package rollout.
func SlotOf(at time.Time, day time.Duration) Period {
	return numbered("slot", rollout.Interval(at, day))
}

func numbered(kind string, n int64) Period { return Period(kind + "/" + strconv.FormatInt(n, 10)) }

// dayNumber counts days from 1970.
func dayNumber(at time.Time, day time.Duration) int64 {
	n := at.UnixNano() / int64(day)
	if at.UnixNano()%int64(day) < 0 {
		n--
	}
	return n
}

// Field is the counter's name within its period.
func (c Counter) Field() string { return string(c.Cohort) + "." + string(c.Name) }

// Tally holds counters, or changes of them. A counter that is
// missing is 0.
type Tally map[Counter]int

// Add adds another tally.
func (t Tally) Add(o Tally) { t.addTimes(o, 1) }

// Subtract subtracts another tally.
func (t Tally) Subtract(o Tally) { t.addTimes(o, -1) }

func (t Tally) addTimes(o Tally, times int) {
	for c, n := range o {
		if t[c] += times * n; t[c] == 0 {
			delete(t, c)
		}
	}
}

// ByPeriod splits the tally by period.
func (t Tally) ByPeriod() map[Period]Tally {
	parts := map[Period]Tally{}
	for c, n := range t {
		if parts[c.Period] == nil {
			parts[c.Period] = Tally{}
		}
		parts[c.Period][c] = n
	}
	return parts
}
