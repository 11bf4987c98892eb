package migration

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"marketplace.example/trials/internal/domain/trial"
)

// Times before or after these years count as mistakes: many systems write
// 1970 for unknown.
const (
	firstYear = 2000
	lastYear  = 2099
)

// written matches a date, year first, an optional time, and anything that may
// be a zone.
var written = regexp.MustCompile(`^(\d{4}-\d\d-\d\d)(?:[Tt ] *(\d\d:\d\d)(:\d\d(?:[.,]\d+)?)?)? *(.*)$`)

// offsets are the unambiguous forms of a zone. No zone means UTC. Short
// names such as CST are left out: each has several meanings.
var offsets = []string{"Z07:00", "Z0700", "Z07"}

// layouts are other unambiguous forms of a time. 05/03/2024 is
// left out: it may be in March or in May.
var layouts = []string{
	"Mon Jan 2 2006 15:04:05 GMT-0700", // as JavaScript shows a date
	"Mon, 2 Jan 2006 15:04:05 GMT",
	"Mon, 2 Jan 2006 15:04:05 -0700",
	"Mon, 2 Jan 2006 15:04:05 UTC",
	"Mon Jan _2 15:04:05 UTC 2006", // as the command date and Java show it
	"Mon Jan _2 15:04:05 GMT 2006",
	"20060102T150405Z",
	"20060102T150405-0700",
}

// ParseTime reads a time as a database, a program or a person may have written
// it: as a date, as text, or as the seconds or milliseconds since 1970. It is in
// UTC, to the millisecond. It is false for no time, or an implausible one. All
// times from the marketplace and from files are read by it.
func ParseTime(v Value) (time.Time, bool) {
	switch v.Kind {
	case Date:
		return plausible(v.At)
	case Number:
		return ofNumber(v.Number)
	case Text:
		return ParseTimeText(v.Text)
	case Absent, Flag, Document, Other:
	}
	return time.Time{}, false
}

// ParseTimeText is ParseTime for text.
func ParseTimeText(text string) (time.Time, bool) {
	text = strings.TrimSpace(text)
	if parts := written.FindStringSubmatch(text); parts != nil {
		return ofParts(parts[1], parts[2], parts[3], parts[4])
	}
	// JavaScript adds the zone's name in parentheses after its offset.
	if open := strings.Index(text, " ("); open > 0 && strings.HasSuffix(text, ")") {
		text = text[:open]
	}
	for _, layout := range layouts {
		if t, err := time.Parse(layout, text); err == nil {
			return plausible(t)
		}
	}
	if n, err := strconv.ParseFloat(text, 64); err == nil {
		return ofNumber(n)
	}
	return time.Time{}, false
}

// ofParts reads a date, a time that may lack its seconds or be empty, and a zone.
func ofParts(day, clock, seconds, zone string) (time.Time, bool) {
	zone = strings.ToUpper(zone)
	for _, name := range []string{"[UTC]", "UTC", "GMT"} { // after an offset too, as Go and Java write it
		if rest, ok := strings.CutSuffix(zone, name); ok {
			if zone = strings.TrimSpace(rest); zone == "" {
				zone = "Z"
			}
			break
		}
	}
	if clock == "" {
		t, err := time.Parse(time.DateOnly, day)
		if err != nil || zone != "" {
			return time.Time{}, false
		}
		return plausible(t)
	}
	if seconds == "" {
		seconds = ":00"
	}
	if zone == "" {
		zone = "Z"
	}
	for _, offset := range offsets {
		if t, err := time.Parse("2006-01-02 15:04:05.999999999"+offset, day+" "+clock+seconds+zone); err == nil {
			return plausible(t)
		}
	}
	return time.Time{}, false
}

// ofNumber reads numbers too large for seconds of this century as milliseconds.
// The two ranges do not overlap.
func ofNumber(n float64) (time.Time, bool) {
	switch {
	case math.IsNaN(n) || n < 0 || n > 1e13:
		return time.Time{}, false
	case n < 1e11:
		return plausible(time.UnixMilli(int64(math.Round(n * 1000))))
	}
	return plausible(time.UnixMilli(int64(n)))
}

func plausible(t time.Time) (time.Time, bool) {
	t = t.UTC().Truncate(time.Millisecond)
	if year := t.Year(); year < firstYear || year > lastYear {
		return time.Time{}, false
	}
	return t, true
}

// clocksDiffer is how far in the future a present time may lie:
// clocks and zones explain no more.
const clocksDiffer = 24 * time.Hour

// StartOf is when the trial begins of a vendor that the marketplace has put
// straight into its collection: the document's start, or its creation.
// If there is neither, or if the time is in the future or so long ago that
// the trial would be over, it is unknown whether the vendor is new: then there is a reason, and it must get no
// e-mail. over reports whether a trial with that start would have ended.
func StartOf(v trial.Vendor, now time.Time, over func(start time.Time) bool) (time.Time, Reason) {
	start := v.StartedAt
	if start.IsZero() {
		start = v.CreatedAt
	}
	switch {
	case start.IsZero():
		return start, NoDate
	case start.After(now.Add(clocksDiffer)):
		return start, StartInFuture
	case over(start):
		return start, OverAlready
	case start.After(now):
		return now, ""
	}
	return start, ""
}
