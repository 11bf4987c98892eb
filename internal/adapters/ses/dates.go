package ses

import (
	"strings"
	"time"

	"marketplace.example/trials/internal/domain/wording"
)

// zoneOf returns the vendor's zone, or UTC if it is not known here. "Local"
// would be the server's zone, which says nothing about the vendor.
func zoneOf(name string) *time.Location {
	if name == "" || name == "Local" {
		return time.UTC
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return time.UTC
	}
	return zone
}

// dated is one line of the e-mail's table of dates. The zone is separate, so
// that a layout can keep it on one line.
type dated struct{ Label, Date, Zone string }

// day writes the day of a moment in the vendor's zone. A compressed day is written to the second, and without its weekday.
func (c Content) day(w wording.Words, at time.Time) string {
	at = at.In(zoneOf(c.Zone))
	if c.compressed() {
		return c.moment(w, at)
	}
	return w.Dates.Day(at)
}

// moment writes a moment in the vendor's zone.
func (c Content) moment(w wording.Words, at time.Time) string {
	at = at.In(zoneOf(c.Zone))
	day := w.Dates.Day(at)
	if c.compressed() {
		day = w.Dates.Date(at)
	}
	return w.DateTime.Say(w.Dates, wording.Values{Words: map[string]string{
		wording.FieldDate: day, wording.FieldTime: w.Dates.Time(at, c.compressed()),
	}})
}

// dates lists the dates in an e-mail.
func (c Content) dates(w wording.Words) []dated {
	line := func(label wording.Text, at time.Time) dated {
		zone := strings.ReplaceAll(zoneOf(c.Zone).String(), "_", " ")
		return dated{Label: label.Say(w.Language, wording.Values{}), Date: c.moment(w, at), Zone: isolated(w, zone)}
	}
	ended := w.TrialEnds
	if c.Kind == KindExpiry || c.Kind == KindGraceEnd || c.Ended {
		ended = w.TrialEnded
	}
	dates := []dated{line(ended, c.EndsAt)}
	switch {
	case c.GraceEndsAt.IsZero():
	case c.Kind == KindExpiry:
		dates = append(dates, line(w.SellUntil, c.GraceEndsAt))
	case c.Kind == KindGraceEnd:
		dates = append(dates, line(w.SellingPaused, c.GraceEndsAt))
	}
	return dates
}
