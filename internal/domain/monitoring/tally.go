package monitoring

import (
	"strconv"
	"time"

	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// Counter is one number that is kept: how often something happened in a
// period, or how many there are now.
type Counter struct {
	Period Period
	Cohort trial.Cohort
	Name   Name
}

// Name is what a counter counts.
type Name string

// The counters of what happened, by the day it happened on.
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
	// Adopted and Released count trials handed over from one side to the other.
	Adopted  Name = "adopted"
	Released Name = "released"
	// StepsDone, StepsSkipped and StepsFailed count the steps of automated trials that are over;
	// StepsLate those of the done ones that were late by more than an hour (of a
	// day of 24). StepsHeld counts steps that had to wait for a flag, once each time.
	StepsDone    Name = "stepsDone"
	StepsLate    Name = "stepsLate"
	StepsSkipped Name = "stepsSkipped"
	StepsFailed  Name = "stepsFailed"
	StepsHeld    Name = "stepsHeld"
)

// The counters of how the trials stand now that began on a day.
const (
	// Began counts them all, and the others those in that state; what is left
	// is still running.
	Began          Name = "began"
	BeganConverted Name = "beganConverted"
	BeganExpired   Name = "beganExpired"
	BeganCancelled Name = "beganCancelled"
	// BeganUntracked counts those of the converted that the figures leave out,
	// since the flag conversionTracking was off.
	BeganUntracked Name = "beganUntracked"
)

// Running counts the trials that are in a status now; its period is Standing.
func Running(s trial.Status) Name { return Name(s) }

// Period is the time that a counter belongs to, named as it is stored.
type Period string

// Current is the period of counters of how things are now.
const Current Period = "standing"

// DayOf is the period of the day that a moment lies in, days counting from
// 1970 and lasting so long.
func DayOf(at time.Time, day time.Duration) Period { return numbered("day", dayNumber(at, day)) }

// SlotOf is the period of the ten minutes (of a day of 24 hours) that a moment
// lies in: the interval of package rollout.
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

// Tally is how counters stand, or by how much they change. A counter that is
// not in it is 0.
type Tally map[Counter]int

// Add adds another tally.
func (t Tally) Add(o Tally) { t.addTimes(o, 1) }

// Subtract takes another tally off.
func (t Tally) Subtract(o Tally) { t.addTimes(o, -1) }

func (t Tally) addTimes(o Tally, times int) {
	for c, n := range o {
		if t[c] += times * n; t[c] == 0 {
			delete(t, c)
		}
	}
}

// ByPeriod is the tally of each period.
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
