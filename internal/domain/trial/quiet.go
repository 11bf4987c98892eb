package trial

import (
	"fmt"
	"slices"
	"time"
)

// QuietDay is a day on which neither reminders nor mailings go out: a weekday as "sat", each week, or a date as "2026-12-25", on the vendor's
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

// quietOn reports whether a day is quiet, given as its midnight in UTC.
func (p Policy) quietOn(day time.Time) bool {
	return slices.Contains(p.QuietDays, weekdays[day.Weekday()]) || slices.Contains(p.QuietDays, QuietDay(day.Format(time.DateOnly)))
}

// spans are, by n up to most, the greatest numbers of days in a row among which only n are free.
func (p Policy) spans(most int) []int {
	free, dates := p.freeDays()
	longest := make([]int, most+1)
	walk := func(start int) {
		for n, day := 0, start; n < most; day++ {
			if free(day) {
				n++
				longest[n] = max(longest[n], day-start+1)
			}
		}
	}
	for start := range weekdays {
		walk(start - 1_000_000) // long before any date
	}
	for _, date := range dates {
		for start := date - longest[most]; start <= date; start++ {
			walk(start)
		}
	}
	return longest
}

// freeDays tells which days are not quiet, counted from 1970-01-01, and lists the dates among the quiet ones.
func (p Policy) freeDays() (free func(day int) bool, dates []int) {
	weekly, dated := [7]bool{}, map[int]bool{}
	for _, q := range p.QuietDays {
		if weekday, ok := q.Weekday(); ok {
			weekly[weekday] = true
		} else if at, ok := q.Date(); ok {
			day := int(at.Unix() / int64(RealDay/time.Second))
			dated[day], dates = true, append(dates, day)
		}
	}
	const thursday = 4 // the first day's weekday
	return func(day int) bool { return !dated[day] && !weekly[((day+thursday)%7+7)%7] }, dates
}

// quiet returns whether a time falls on a quiet day, on the vendor's calendar, in UTC where the zone is unknown. Days that are
// compressed are no calendar days.
func (s State) quiet() func(time.Time) bool {
	if s.Day != RealDay || len(s.Policy.QuietDays) == 0 {
		return func(time.Time) bool { return false }
	}
	loc, ok := location(s.Zone)
	if !ok {
		loc = time.UTC
	}
	return func(at time.Time) bool { return s.Policy.quietOn(date(at.In(loc))) }
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
