package monitoring

import (
	"fmt"

	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/trial"
)

// mostAge is the age, in days, from which conversions are counted together.
const mostAge = 60

// ConvertedAtAge counts, by the day on which trials began, those that converted in time at an age of so many whole days, without
// those that the figures leave out.
func ConvertedAtAge(days int) Name { return Name(fmt.Sprintf("beganConvertedAge%02d", days)) }

// ageOf is a trial's age at its conversion, in whole days.
func ageOf(s trial.State) int {
	return min(max(int(s.ConvertedAt.Sub(s.StartedAt)/s.Day), 0), mostAge)
}

// AgeConversion is how many trials have converted by an age.
type AgeConversion struct {
	// Days is the age.
	Days               int
	Automated, Control ConvertedShare
	// Difference is automated minus control, with its 95 % interval; nil where a cohort has no trial of that age.
	Difference *evidence.Estimated
}

// ConvertedShare is the share of a cohort that has converted: by an age, or of a week.
type ConvertedShare struct {
	// Share is that of all trials, Low and High its 95 % interval.
	evidence.Estimated
	// Trials is how many that is of; 0 where there is no Share.
	Trials int
}

// byAge is the conversion by age, from the first day to the end of grace, of the trials in the report's window.
func (f ReportFacts) byAge() []AgeConversion {
	most := matureAfter(f.Policy) - 1
	automated, control := f.lifeTable(trial.Automated, most), f.lifeTable(trial.Control, most)
	all := make([]AgeConversion, 0, most)
	for i := range most {
		a := AgeConversion{Days: i + 1, Automated: automated[i], Control: control[i]}
		if a.Automated.Trials > 0 && a.Control.Trials > 0 {
			d := evidence.Difference(a.Automated.Estimated, a.Control.Estimated)
			a.Difference = &d
		}
		all = append(all, a)
	}
	if automated[0].Trials == 0 && control[0].Trials == 0 {
		return nil
	}
	return all
}

// lifeTable is the share of a cohort that has converted by the end of each day of its trials, by the product-limit estimator
// (Kaplan and Meier 1958) with ages in whole days: at each age those count that were surely old enough to have converted at it.
// Cancelled trials are left out, as in the conversion rate. The interval is that of the trials that have reached the age, so it
// is wider than need be: younger ones count in the share too.
func (f ReportFacts) lifeTable(c trial.Cohort, most int) []ConvertedShare {
	first, today := f.today()-int64(WindowDays+matureAfter(f.Policy)), f.today()
	table := make([]ConvertedShare, most)
	left := 1.0
	for age := range most {
		// Of a day's trials the youngest began at its end.
		old := f.ofCohort(c, days(first, today-int64(age)-2))
		began := f.sum(old, c, Began) - f.sum(old, c, BeganCancelled) - f.sum(old, c, BeganUntracked)
		if began <= 0 {
			break
		}
		risk := began
		for earlier := range age {
			risk -= f.sum(old, c, ConvertedAtAge(earlier))
		}
		if risk > 0 {
			left *= 1 - evidence.Ratio(min(f.sum(old, c, ConvertedAtAge(age)), risk), risk)
		}
		share := ConvertedShare{Trials: began}
		share.Share = 1 - left
		share.Low, share.High = evidence.Wilson(share.Share, float64(began))
		table[age] = share
	}
	return table
}
