package wording

import (
	"strings"
	"time"
	"unicode"
)

// Voice is a language to write in, with the words that all texts of a language have in common.
type Voice struct {
	Common
	// Language is that of the words, Dates that of dates and numbers: the vendor's, where it is a form of the same.
	Language, Dates Language
}

// Direction is how it is written: ltr or rtl.
func (v Voice) Direction() string {
	if v.Language.RightToLeft() {
		return "rtl"
	}
	return "ltr"
}

// Clock is how a vendor counts time.
type Clock struct {
	// Zone is the vendor's IANA time zone; empty or unknown means UTC.
	Zone string
	// Compressed says that a day has not 24 hours, so that days are written to the second.
	Compressed bool
}

// Location is the vendor's zone. "Local" would be the server's, which says nothing about the vendor.
func (c Clock) Location() *time.Location {
	if c.Zone == "" || c.Zone == "Local" {
		return time.UTC
	}
	zone, err := time.LoadLocation(c.Zone)
	if err != nil {
		return time.UTC
	}
	return zone
}

// ZoneName names the zone that a clock shows.
func (v Voice) ZoneName(c Clock) string {
	return v.Isolated(strings.ReplaceAll(c.Location().String(), "_", " "))
}

// Day writes the day of a moment. A compressed day is written to the second, and without its weekday.
func (v Voice) Day(at time.Time, c Clock) string {
	if c.Compressed {
		return v.Moment(at, c)
	}
	return v.Dates.Day(at.In(c.Location()))
}

// Moment writes a moment.
func (v Voice) Moment(at time.Time, c Clock) string {
	at = at.In(c.Location())
	day := v.Dates.Day(at)
	if c.Compressed {
		day = v.Dates.Date(at)
	}
	return v.DateTime.Say(v.Dates, Values{Words: map[string]string{FieldDate: day, FieldTime: v.Dates.Time(at, c.Compressed)}})
}

// Isolated keeps the direction of a value from changing the order of the words around it, and theirs its own: with the marks that
// Unicode has for that (UAX 9, 2.4).
func (v Voice) Isolated(value string) string {
	if value == "" || !v.Language.RightToLeft() && !strings.ContainsFunc(value, rightToLeft) {
		return value
	}
	return "\u2068" + value + "\u2069"
}

func rightToLeft(r rune) bool {
	return unicode.In(r, unicode.Arabic, unicode.Hebrew, unicode.Syriac, unicode.Thaana, unicode.Nko, unicode.Adlam)
}
