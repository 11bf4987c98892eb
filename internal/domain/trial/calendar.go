package trial

import (
	"time"
	// Zones must be known in an image without a zone database too: a worker
	// that knew none would plan the same trial differently.
	_ "time/tzdata"
)

// RealDay is a day outside of demos and tests.
const RealDay = 24 * time.Hour

// Calendar adds days. Where a day lasts a day and the vendor's zone is known,
// these are the zone's calendar days, so a trial that began at 18:00 ends at
// 18:00 also when the clocks change in between. Elsewhere a day is a duration.
type Calendar struct {
	// Day is how long one day lasts; RealDay unless time is compressed.
	Day time.Duration
	// Zone is an IANA name, or empty where it is not known.
	Zone string
}

// AddDays is the moment n days after t, n may be negative.
func (c Calendar) AddDays(t time.Time, n int) time.Time {
	loc, ok := c.local()
	if !ok || n == 0 {
		return t.Add(time.Duration(n) * c.Day).UTC()
	}
	t = t.In(loc)
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	return onClock(time.Date(year, month, day+n, hour, minute, second, t.Nanosecond(), time.UTC), loc)
}

// reminder is the moment of a reminder n days before end: at the hour on the
// zone's calendar, or exactly n days before where hours mean nothing.
func (c Calendar) reminder(end time.Time, n, hour int) time.Time {
	exact := end.Add(-time.Duration(n) * c.Day).UTC()
	loc, ok := c.local()
	if !ok {
		return exact
	}
	year, month, day := end.In(loc).Date()
	at := onClock(time.Date(year, month, day-n, hour, 0, 0, 0, time.UTC), loc)
	if !at.Before(end) {
		return exact // the zone skipped that whole day, as Samoa did in 2011
	}
	return at
}

// daysUntil counts the days from now to the end as its reader does: by the dates
// on the vendor's clock, UTC where the zone is not known. Where time is
// compressed there are no dates, and it is rounded.
func (c Calendar) daysUntil(now, end time.Time) int {
	if c.Day != RealDay {
		return int((end.Sub(now) + c.Day/2) / max(c.Day, 1))
	}
	loc, ok := location(c.Zone)
	if !ok {
		loc = time.UTC
	}
	return int(date(end.In(loc)).Sub(date(now.In(loc))) / RealDay)
}

// date is midnight in UTC of the date that t shows.
func date(t time.Time) time.Time {
	year, month, day := t.Date()
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// onClock is the moment at which the clocks in loc show what shown shows in
// UTC. Of a time that occurs twice it is the first; a time that the clocks
// skip is taken as if they had not been moved yet, so 02:30 becomes 03:30.
// time.Date promises neither, and a schedule must not depend on the Go release
// that computes it.
func onClock(shown time.Time, loc *time.Location) time.Time {
	_, before := shown.Add(-RealDay).In(loc).Zone()
	_, after := shown.Add(RealDay).In(loc).Zone()
	early := shown.Add(-time.Duration(before) * time.Second)
	late := shown.Add(-time.Duration(after) * time.Second)
	_, atEarly := early.In(loc).Zone()
	_, atLate := late.In(loc).Zone()
	if atEarly != before && atLate == after {
		return late
	}
	return early
}

// local is the vendor's location, and whether local hours apply at all.
func (c Calendar) local() (*time.Location, bool) {
	if c.Day != RealDay {
		return nil, false
	}
	return location(c.Zone)
}

// ValidZone tells whether a zone is one that local hours can be computed in.
// "Local" is refused: it would mean the server's zone, not the vendor's.
func ValidZone(zone string) bool {
	_, ok := location(zone)
	return ok
}

func location(zone string) (*time.Location, bool) {
	if zone == "" || zone == "Local" {
		return nil, false
	}
	loc, err := time.LoadLocation(zone)
	return loc, err == nil
}

// millisecond cuts what the database would cut, so that a state and its stored
// form are equal.
func millisecond(t time.Time) time.Time {
	return t.UTC().Truncate(time.Millisecond)
}
