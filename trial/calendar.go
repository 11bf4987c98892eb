package trial

import "time"

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
	if loc, ok := c.local(); ok {
		return t.In(loc).AddDate(0, 0, n).UTC()
	}
	return t.Add(time.Duration(n) * c.Day).UTC()
}

// reminder is the moment of a reminder n days before end: at the hour on the
// zone's calendar, or exactly n days before where hours mean nothing.
func (c Calendar) reminder(end time.Time, n, hour int) time.Time {
	loc, ok := c.local()
	if !ok {
		return end.Add(-time.Duration(n) * c.Day).UTC()
	}
	year, month, day := end.In(loc).Date()
	return time.Date(year, month, day-n, hour, 0, 0, 0, loc).UTC()
}

// local is the vendor's location, and whether local hours apply at all.
func (c Calendar) local() (*time.Location, bool) {
	if c.Day != RealDay || c.Zone == "" {
		return nil, false
	}
	loc, err := time.LoadLocation(c.Zone)
	if err != nil {
		return nil, false
	}
	return loc, true
}

// ValidZone tells whether a zone is one that local hours can be computed in.
// "Local" is refused: it would mean the server's zone, not the vendor's.
func ValidZone(zone string) bool {
	if zone == "" || zone == "Local" {
		return false
	}
	_, err := time.LoadLocation(zone)
	return err == nil
}

// moment cuts what the database would cut, so that a state and its stored
// form are equal.
func moment(t time.Time) time.Time {
	return t.UTC().Truncate(time.Millisecond)
}
