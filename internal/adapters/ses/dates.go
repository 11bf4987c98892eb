package ses

import (
	"fmt"
	"strings"
	"time"
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

// date writes at in the vendor's zone and names that zone. A compressed day is
// written to the second, and without its weekday.
func (c Content) date(label string, at time.Time) dated {
	zone := zoneOf(c.Zone)
	layout := "Monday, 2 January 2006 at 15:04"
	if c.compressed() {
		layout = "2 January 2006 at 15:04:05"
	}
	return dated{
		Label: label,
		Date:  at.In(zone).Format(layout),
		Zone:  strings.ReplaceAll(zone.String(), "_", " "),
	}
}

// dates lists the dates in an e-mail of this kind.
func (c Content) dates() []dated {
	ended := c.Kind == KindExpiry || c.Kind == KindGraceEnd
	label := "Trial ends"
	if ended {
		label = "Trial ended"
	}
	dates := []dated{c.date(label, c.EndsAt)}
	switch {
	case c.GraceEndsAt.IsZero():
	case c.Kind == KindExpiry:
		dates = append(dates, c.date("You can sell until", c.GraceEndsAt))
	case c.Kind == KindGraceEnd:
		dates = append(dates, c.date("Selling paused", c.GraceEndsAt))
	}
	return dates
}

// countDays writes a number of days: "1 day", "3 days".
func countDays(n int) string {
	if n == 1 {
		return "1 day"
	}
	return fmt.Sprintf("%d days", n)
}

// untilEnd says how far away the end is. Only a 24-hour day can be
// "today" or "tomorrow".
func (c Content) untilEnd() string {
	switch {
	case c.DaysLeft == 0 && !c.compressed():
		return "today"
	case c.DaysLeft == 0:
		return "now"
	case c.DaysLeft == 1 && !c.compressed():
		return "tomorrow"
	default:
		return "in " + countDays(c.DaysLeft)
	}
}
