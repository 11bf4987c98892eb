package trial

import (
	"slices"
	"time"
)

// daysFrom counts days away from a moment, on the calendar of a vendor.
type daysFrom struct {
	base time.Time
	// sign is 1 for days after base, -1 for days before it.
	sign int
	day  time.Duration
	// loc is nil where the hours of the zone are unknown, or days are compressed.
	loc  *time.Location
	hour int
}

// at returns the time n days away: at the hour on the zone's calendar, or exactly n days away if the zone's hours are unknown.
func (d daysFrom) at(n int) time.Time {
	exact := d.base.Add(time.Duration(d.sign*n) * d.day).UTC()
	if d.loc == nil {
		return exact
	}
	year, month, day := d.base.In(d.loc).Date()
	at := onClock(time.Date(year, month, day+d.sign*n, d.hour, 0, 0, 0, time.UTC), d.loc)
	if !d.beyond(at, d.base) {
		return exact // the zone skipped that whole day, as Samoa did in 2011
	}
	return at
}

// beyond reports whether a lies farther away than b.
func (d daysFrom) beyond(a, b time.Time) bool { return d.sign*a.Compare(b) > 0 }

// of is the time of an e-mail before anything moves it.
func (d daysFrom) of(m Mailing) time.Time {
	if m.Hours > 0 {
		return d.base.Add(time.Duration(d.sign*m.Hours) * d.day / 24).UTC()
	}
	return d.at(m.Days)
}

// counted lists the e-mails whose distance counts from an anchor: mailings, and reminders, which count from the end.
func (p Policy) counted(from Anchor) []Mailing {
	var all []Mailing
	if from == BeforeEnd {
		for _, days := range p.ReminderDays {
			all = append(all, Mailing{ID: Reminder(days), After: BeforeEnd, Days: days})
		}
	}
	for _, m := range p.Mailings {
		if m.After == from {
			all = append(all, m)
		}
	}
	return all
}

// mails are the steps of the e-mails that count from an anchor, whose moment is base. One that would fall on a quiet day
// moves away from base, day by day: before the end earlier, otherwise later. Their order stays, no two that have moved come
// on one day, and none goes out at a time that is taken. One in hours that moves goes out at the SendHour.
func (s State) mails(from Anchor, base time.Time, taken []time.Time) []Step {
	counted := s.Policy.counted(from)
	if len(counted) == 0 {
		return nil
	}
	days := daysFrom{base: base, sign: 1, day: s.Day, hour: s.Policy.SendHour}
	if from == BeforeEnd {
		days.sign = -1
	}
	days.loc, _ = s.Calendar().local()
	quiet := s.quiet()
	slices.SortStableFunc(counted, func(a, b Mailing) int { return days.sign * days.of(a).Compare(days.of(b)) })
	steps, last := make([]Step, 0, len(counted)), base
	for _, m := range counted {
		own := days.of(m)
		at, n := own, m.Days
		if m.Hours > 0 {
			n = m.Hours/24 - 1
		}
		for quiet(at) || !days.beyond(at, last) || days.beyond(own, at) || slices.ContainsFunc(taken, at.Equal) {
			n++
			at = days.at(n)
		}
		step := Step{Kind: m.ID, Revision: s.Revision, At: at}
		if from == AfterStart {
			step.Revision = s.RevisionOfStart(m.ID)
		}
		steps, last = append(steps, step), at
	}
	return steps
}

// Furthest are the greatest distances from their anchors, in days, to which the e-mails of a valid policy may be moved by
// quiet days, by kind. They may be too great.
func (p Policy) Furthest() map[Kind]int {
	furthest, spans := map[Kind]int{}, p.spans(len(p.ReminderDays)+len(p.Mailings))
	for _, from := range Anchors() {
		counted := p.counted(from)
		for _, m := range counted {
			_, own := m.reach()
			furthest[m.ID] = own
			for _, o := range counted {
				near, far := o.reach()
				if len(p.QuietDays) == 0 || near > own {
					continue
				}
				between := 0 // e-mails that may come from this one up to m, each on a free day
				for _, b := range counted {
					if n, f := b.reach(); n <= own && f >= near {
						between++
					}
				}
				furthest[m.ID] = max(furthest[m.ID], far+spans[between]-1)
			}
		}
	}
	return furthest
}

// reach is how many days lie between an e-mail's day and its anchor's, at least and at most, where nothing moves it. It is the hour
// of the day that makes the difference; a day may have 23 or 25 hours.
func (m Mailing) reach() (least, most int) {
	if m.Hours > 0 {
		return (m.Hours - 1) / 24, m.Hours/24 + 1
	}
	return m.Days, m.Days
}
