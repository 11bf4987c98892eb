package trial

import (
	"time"
	// Zones must be known in an image without a zone database too: a worker
	// without them would plan the same trial differently.
	_ "time/tzdata"
)

// RealDay is a day outside of demos and tests.
const RealDay = 24 * time.Hour

// Calendar adds days. If a day lasts 24 hours and the vendor's zone is known,
// these are the zone's calendar days, so a trial that began at 18:00 ends at
// 18:00 even if the clocks change in between. Otherwise a day is a duration.
type Calendar struct {
	// Day is the length of a day; RealDay unless time is compressed.
	Day time.Duration
	// Zone is an IANA name, or empty if unknown.
	Zone string
}

// AddDays returns the time n days after t; n may be negative.
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

// daysUntil counts the days from now to the end as its reader does: by the dates
// on the vendor's clock, in UTC if the zone is unknown. With compressed
// days there are no dates, and it rounds.
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

// date returns midnight in UTC of the date that t shows.
func date(t time.Time) time.Time {
	year, month, day := t.Date()
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// onClock returns the time at which the clocks in loc show what shown shows in
// UTC. It is the first one of a time that occurs twice; for a time that the clocks
// skip it uses the offset before the change, so 02:30 becomes 03:30.
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

// local returns the vendor's location, and whether local hours apply at all.
func (c Calendar) local() (*time.Location, bool) {
	if c.Day != RealDay {
		return nil, false
	}
	return location(c.Zone)
}

// ValidZone reports whether local hours can be computed in a zone.
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

// millisecond truncates as the database does, so that a state equals its stored
// form.
func millisecond(t time.Time) time.Time {
	return t.UTC().Truncate(time.Millisecond)
}
