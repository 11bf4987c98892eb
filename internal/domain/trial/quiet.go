package trial

import (
	"fmt"
	"slices"
	"time"
)

// QuietDay is a day on which no reminder goes out: a weekday as "sat", each week, or a date as "2026-12-25", on the vendor's
// calendar.
type QuietDay string

// weekdays are the weekdays' names, Sunday first as in the package time.
var weekdays = []QuietDay{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// Weekday returns the weekday that is meant; false for a date.
func (q QuietDay) Weekday() (time.Weekday, bool) {
	i := slices.Index(weekdays, q)
	return time.Weekday(max(i, 0)), i >= 0
}

// Date returns the date that is meant, at midnight in UTC; false for anything else.
func (q QuietDay) Date() (time.Time, bool) {
	at, err := time.Parse(time.DateOnly, string(q))
	return at, err == nil
}

// quiet reports whether no reminder goes out on a day, given as its midnight in UTC.
func (p Policy) quiet(day time.Time) bool {
	return slices.Contains(p.QuietDays, weekdays[day.Weekday()]) || slices.Contains(p.QuietDays, QuietDay(day.Format(time.DateOnly)))
}

// longestQuiet is the greatest number of quiet days in a row.
func (p Policy) longestQuiet() int {
	var starts []time.Time
	for i := range weekdays { // any week without a date of the policy: those add to it below
		starts = append(starts, time.Date(1, 1, 1+i, 0, 0, 0, 0, time.UTC))
	}
	for _, q := range p.QuietDays {
		if day, ok := q.Date(); ok {
			for p.quiet(day.AddDate(0, 0, -1)) {
				day = day.AddDate(0, 0, -1)
			}
			starts = append(starts, day)
		}
	}
	longest := 0
	for _, start := range starts {
		n := 0
		for p.quiet(start.AddDate(0, 0, n)) {
			n++
		}
		longest = max(longest, n)
	}
	return longest
}

// Earliest are the greatest distances before the end, in days, to which quiet days may move the reminders of a valid policy, in
// the order of ReminderDays. They may be too great, never too small.
func (p Policy) Earliest() []int {
	most, later := p.longestQuiet(), 0
	earliest := slices.Clone(p.ReminderDays)
	for i := len(earliest) - 1; i >= 0 && most > 0; i-- {
		later = max(earliest[i], later+1) + most
		earliest[i] = later
	}
	return earliest
}

// reminderDays are the distances before the end, in days, at which the reminders go out, in the order of ReminderDays. One that
// would fall on a quiet day goes out on the last day before that is none, and before the next reminder: their order stays, and
// no two come on one day. last is the date of the trial's end, as its midnight in UTC.
func (p Policy) reminderDays(last time.Time) []int {
	days := slices.Clone(p.ReminderDays)
	later := 0
	for i := len(days) - 1; i >= 0; i-- {
		days[i] = max(days[i], later+1)
		for p.quiet(last.AddDate(0, 0, -days[i])) {
			days[i]++
		}
		later = days[i]
	}
	return days
}

// lastDay is the date of the trial's end on the vendor's calendar, in UTC where the zone is unknown; false where days are no
// calendar days.
func (c Calendar) lastDay(end time.Time) (time.Time, bool) {
	if c.Day != RealDay {
		return time.Time{}, false
	}
	loc, ok := location(c.Zone)
	if !ok {
		loc = time.UTC
	}
	return date(end.In(loc)), true
}

// validateQuietDays names what is no quiet day, and refuses a policy without any other day.
func (p Policy) validateQuietDays() error {
	if len(p.QuietDays) > MaxQuietDays {
		return Invalid("quietDays", "must be at most %d, are %d", MaxQuietDays, len(p.QuietDays))
	}
	left := len(weekdays)
	for i, q := range p.QuietDays {
		_, weekly := q.Weekday()
		if _, dated := q.Date(); !weekly && !dated {
			return Invalid(fmt.Sprintf("quietDays[%d]", i), "%.20q is neither one of %v nor a date like 2026-12-25", q, weekdays)
		}
		if slices.Contains(p.QuietDays[:i], q) {
			return Invalid(fmt.Sprintf("quietDays[%d]", i), "%s is there twice", q)
		}
		if weekly {
			left--
		}
	}
	if left == 0 {
		return Invalid("quietDays", "leave no day for reminders")
	}
	return nil
}
