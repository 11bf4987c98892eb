package migration

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// Moments before or after these years are taken for mistakes: 1970 is how many
// systems write that they do not know.
const (
	firstYear = 2000
	lastYear  = 2099
)

// layouts are the ways of writing a moment that leave no doubt. One without a
// zone is UTC. 05/03/2024 is not among them: it may be in March or in May.
var layouts = []string{
	time.RFC3339Nano,
	"2006-01-02T15:04:05.999999999",
	"2006-01-02T15:04",
	"2006-01-02 15:04:05.999999999Z07:00",
	"2006-01-02 15:04:05.999999999",
	time.DateOnly,
	"Mon Jan 2 2006 15:04:05 GMT-0700", // as a JavaScript date is shown
	"Mon, 02 Jan 2006 15:04:05 GMT",
	time.RFC1123Z,
}

// Moment reads a moment as a database, a program or a person may have written
// it: as a date, as text, or as the seconds or milliseconds since 1970. It is in
// UTC, to the millisecond. False where it is none, or no plausible one.
func Moment(v Value) (time.Time, bool) {
	switch v.Kind {
	case Date:
		return plausible(v.At)
	case Number:
		return ofNumber(v.Number)
	case Text:
		return ofText(strings.TrimSpace(v.Text))
	case Absent, Flag, Document, Other:
	}
	return time.Time{}, false
}

func ofText(text string) (time.Time, bool) {
	// JavaScript adds the zone's name in parentheses after its offset.
	if open := strings.Index(text, " ("); open > 0 && strings.HasSuffix(text, ")") {
		text = text[:open]
	}
	for _, layout := range layouts {
		if t, err := time.Parse(layout, text); err == nil {
			return plausible(t)
		}
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return ofNumber(float64(n))
	}
	return time.Time{}, false
}

// ofNumber takes what is too large for seconds of this century as milliseconds.
// The two ranges do not meet.
func ofNumber(n float64) (time.Time, bool) {
	switch {
	case math.IsNaN(n) || n < 0 || n > 1e13:
		return time.Time{}, false
	case n < 1e11:
		return plausible(time.UnixMilli(int64(n * 1000)))
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
