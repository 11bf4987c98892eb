package dashboard

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"marketplace.example/trials/internal/domain/rollout"
)

// Moments are written for whoever looks: in UTC, or in the zone of the viewer's clock with UTC beside it. That clock is the now of a page,
// whose location is the zone, so that nothing is kept beside the request.

// stamp is a moment as it is written everywhere here.
func stamp(t, now time.Time) string {
	if now.Location() == time.UTC {
		return t.UTC().Format("2006-01-02 15:04:05 UTC")
	}
	return beside(t, now.Location(), "2 Jan 2006, ", "15:04:05")
}

// day is a moment in a few letters, where the year is plain.
func day(t, now time.Time) string {
	if now.Location() == time.UTC {
		return t.UTC().Format("2 Jan 15:04")
	}
	return beside(t, now.Location(), "2 Jan, ", "15:04")
}

// hour is a moment of the last day.
func hour(t, now time.Time) string {
	if now.Location() == time.UTC {
		return t.UTC().Format("15:04 UTC")
	}
	return beside(t, now.Location(), "", "15:04")
}

// beside writes a moment in a zone with UTC beside it, whose day is there only where it is another. Its seconds are the same.
func beside(t time.Time, loc *time.Location, date, clock string) string {
	local, utc := t.In(loc), t.UTC()
	other := "15:04 UTC"
	if local.Format(time.DateOnly) != utc.Format(time.DateOnly) {
		other = date + other
	}
	return fmt.Sprintf("%s %s (%s)", local.Format(date+clock), abbreviation(local), utc.Format(other))
}

// abbreviation is that of a moment's zone. The tz database has but an offset for some.
func abbreviation(t time.Time) string {
	short, _ := t.Zone()
	if strings.HasPrefix(short, "-") || strings.HasPrefix(short, "+") {
		return "UTC" + short
	}
	return short
}

// written are the moments within sentences of the rules, which are in UTC.
var written = regexp.MustCompile(`\b(?:\d{1,2} [A-Z][a-z]+ \d{4}|\d{4}-\d\d-\d\d) \d\d:\d\d(?::\d\d)? UTC\b`)

var writtenForms = []string{rollout.ClockFormat, "2 January 2006 15:04:05 UTC", "2006-01-02 15:04:05 UTC", "2006-01-02 15:04 UTC"}

// local is a sentence of the rules, with its moments as the viewer reads them.
func local(text string, now time.Time) string {
	if now.Location() == time.UTC {
		return text
	}
	return written.ReplaceAllStringFunc(text, func(found string) string {
		for _, form := range writtenForms {
			if t, err := time.Parse(form, found); err == nil {
				clock := "15:04"
				if t.Second() != 0 {
					clock = "15:04:05"
				}
				return beside(t, now.Location(), "2 Jan 2006, ", clock)
			}
		}
		return found
	})
}
