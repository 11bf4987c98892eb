package monitoring

import (
	"time"

	"marketplace.example/trials/internal/domain/trial"
)

// rateDays are the four weeks that a rate of registrations is taken from.
const rateDays = 28

// RatePeriods are those whose counters a rate of registrations needs: the last four weeks, without today.
func RatePeriods(now time.Time, day time.Duration) []Period {
	periods := make([]Period, 0, rateDays)
	for back := rateDays; back > 0; back-- {
		periods = append(periods, numbered("day", dayNumber(now, day)-int64(back)))
	}
	return periods
}

// RegistrationsPerDay is how many vendors began a trial a day in those periods, in all cohorts. It counts from the first day
// with one, since the days before may be older than the installation; 0 if there is none.
func (t Tally) RegistrationsPerDay(periods []Period) float64 {
	began, days := 0, 0
	for _, p := range periods {
		for _, c := range trial.Cohorts() {
			began += t[Counter{p, c, Began}]
		}
		if began > 0 {
			days++
		}
	}
	return float64(began) / float64(max(days, 1))
}
