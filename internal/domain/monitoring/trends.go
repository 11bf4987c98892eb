package monitoring

import (
	"time"

	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/feedback"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// daysOfWeek is how many days a week of registration has; the first is a Monday.
const daysOfWeek = 7

// mondayOffset is the weekday of day 0, a Thursday, counted from Monday.
const mondayOffset = 3

// Trends are what the charts of the figures show: each day of a range, the weeks of registration that it touches, and the last
// day's API calls by the hour.
type Trends struct {
	At time.Time
	// Days are those of the range and today, oldest first.
	Days []Day
	// Weeks are by registration, oldest first.
	Weeks []Week
	// Hours are the last 24 (of a day of 24), oldest first; the last is not over.
	Hours []Hour
	// Feedback are the answers that were given in the range, by the vendor's cohort; nil where they could not be counted.
	Feedback map[trial.Cohort]feedback.Tally
}

// Week is what has become by now of the trials that began in a week.
type Week struct {
	From    time.Time
	Cohorts map[trial.Cohort]BeganWeek
	// Over says that all of them have ended unless they were changed: only then do weeks compare.
	Over bool
	// LeftOut says that some of its days are not counted for the control cohort, as a backfill may have reached them.
	LeftOut bool
}

// BeganWeek is what has become of a cohort's trials that began in a week. Cancelled trials are left out, as in the conversion rate.
type BeganWeek struct {
	ConvertedShare
	// Running is how many of Trials still run.
	Running int
}

// Hour is how long the API calls of an hour took.
type Hour struct {
	From time.Time
	Responses
}

// TrendFacts are the inputs of a Trends.
type TrendFacts struct {
	ReportFacts
	// Range is how many days before today it reaches.
	Range int
	// Hours are the API calls of the last hours, oldest first, and HoursEnd is when the last of them ends.
	Hours    []rollout.Calls
	HoursEnd time.Time
	// Feedback are the answers in the range; Uncounted says that they are not known.
	Feedback  []feedback.Count
	Uncounted bool
}

// weeksBack is how many days the weeks of registration reach back at least: to four whose trials are over.
func weeksBack(p trial.Policy, back int) int64 { return int64(max(back, matureAfter(p)+4*daysOfWeek)) }

// TrendPeriods are those whose counters trends need.
func TrendPeriods(now time.Time, day time.Duration, p trial.Policy, back int) []Period {
	today := dayNumber(now, day)
	var periods []Period
	for n := mondayOf(today - weeksBack(p, back)); n <= today; n++ {
		periods = append(periods, numbered("day", n))
	}
	return periods
}

// TrendsFrom is the moment at which the range of trends begins.
func TrendsFrom(now time.Time, day time.Duration, back int) time.Time {
	return time.Unix(0, (dayNumber(now, day)-int64(back))*int64(day)).UTC()
}

// mondayOf is the number of the day on which a day's week began.
func mondayOf(day int64) int64 {
	in := (day + mondayOffset) % daysOfWeek
	if in < 0 {
		in += daysOfWeek
	}
	return day - in
}

// MakeTrends makes the trends.
func MakeTrends(f TrendFacts) Trends {
	h := Trends{At: f.Now}
	first := f.today() - int64(f.Range)
	for _, n := range days(first, f.today()) {
		h.Days = append(h.Days, f.dayAt(n))
	}
	for monday := mondayOf(f.today() - weeksBack(f.Policy, f.Range)); monday <= f.today(); monday += daysOfWeek {
		h.Weeks = append(h.Weeks, f.weekAt(monday))
	}
	hour := f.Day / 24
	for i, calls := range f.Hours {
		h.Hours = append(h.Hours, Hour{From: f.HoursEnd.Add(-hour * time.Duration(len(f.Hours)-i)), Responses: responsesOf(calls)})
	}
	if f.Uncounted {
		return h
	}
	h.Feedback = map[trial.Cohort]feedback.Tally{}
	for _, c := range f.Feedback {
		h.Feedback[c.Cohort] = h.Feedback[c.Cohort].Plus(c.Tally)
	}
	return h
}

func (f TrendFacts) weekAt(monday int64) Week {
	last := monday + daysOfWeek - 1
	w := Week{From: f.startOfDay(monday), Cohorts: map[trial.Cohort]BeganWeek{}, Over: last <= f.today()-int64(matureAfter(f.Policy))}
	for _, n := range days(monday, min(last, f.today())) {
		w.LeftOut = w.LeftOut || f.backfilled(n)
	}
	for _, c := range trial.Cohorts() {
		began := f.began(Figure{}, c, f.ofCohort(c, days(monday, min(last, f.today()))))
		if began.Denominator <= 0 {
			continue
		}
		b := BeganWeek{Running: max(began.Pending, 0)}
		b.Trials, b.Share = began.Denominator, evidence.Ratio(began.Numerator, began.Denominator)
		b.Low, b.High = evidence.Wilson(b.Share, float64(b.Trials))
		w.Cohorts[c] = b
	}
	return w
}
