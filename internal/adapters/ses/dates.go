package ses

import (
	"time"

	"marketplace.example/trials/internal/domain/layout"
	"marketplace.example/trials/internal/domain/wording"
)

// clock is the vendor's.
func (c Content) clock() wording.Clock {
	return wording.Clock{Zone: c.Zone, Compressed: c.compressed()}
}

// dates lists the dates in an e-mail.
func (c Content) dates(w wording.Words) []layout.Dated {
	line := func(label wording.Text, at time.Time) layout.Dated {
		return layout.Dated{Label: label.Say(w.Language, wording.Values{}), Date: w.Moment(at, c.clock()), Zone: w.ZoneName(c.clock())}
	}
	ended := w.TrialEnds
	if c.Kind == KindExpiry || c.Kind == KindGraceEnd || c.Ended {
		ended = w.TrialEnded
	}
	dates := []layout.Dated{line(ended, c.EndsAt)}
	switch {
	case c.GraceEndsAt.IsZero():
	case c.Kind == KindExpiry:
		dates = append(dates, line(w.SellUntil, c.GraceEndsAt))
	case c.Kind == KindGraceEnd:
		dates = append(dates, line(w.SellingPaused, c.GraceEndsAt))
	}
	return dates
}
