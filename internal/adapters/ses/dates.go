package ses

import (
	"time"

	"marketplace.example/trials/internal/domain/wording"
)

// dated is one line of the e-mail's table of dates. The zone is separate, so
// that a layout can keep it on one line.
type dated struct{ Label, Date, Zone string }

// clock is the vendor's.
func (c Content) clock() wording.Clock {
	return wording.Clock{Zone: c.Zone, Compressed: c.compressed()}
}

// dates lists the dates in an e-mail.
func (c Content) dates(w wording.Words) []dated {
	line := func(label wording.Text, at time.Time) dated {
		return dated{Label: label.Say(w.Language, wording.Values{}), Date: w.Moment(at, c.clock()), Zone: w.ZoneName(c.clock())}
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
