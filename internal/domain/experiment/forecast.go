package experiment

import (
	"math"
	"slices"
	"time"

	"marketplace.example/trials/internal/domain/evidence"
)

// Forecast is how long an experiment would take, by the truth.
type Forecast struct {
	// Difference is until the better arm is named, were it better by just the smallest difference that matters; None is
	// until it is known that no such difference is left, were there none.
	Difference Duration `json:"difference"`
	None       Duration `json:"none"`
}

// Duration is in days from the start, the last vendors' trials included: by when half of all experiments, and nine of ten,
// have that verdict. Nil: they have not while vendors are dealt for MaxDays.
type Duration struct {
	Median *int `json:"median"`
	Ninety *int `json:"ninety"`
	// Found is the share of experiments that come to that verdict at all.
	Found float64 `json:"found"`
}

// simulated is how many experiments a forecast lives through for each truth.
const simulated = 200

// Forecast says before a start how long an experiment would take, from seeded simulations with daily looks. The request must
// be valid; the same one always has the same forecast.
func (r Request) Forecast(horizonDays int) Forecast {
	base, better := r.Expected.Conversion, r.Expected.Conversion+r.Difference
	if better >= 1 {
		base, better = base-r.Difference, base
	}
	j := newJudge(r.Difference, r.Expected.Conversion)
	return Forecast{
		Difference: j.duration(ABetter, better, base, r.Expected.PerDay, horizonDays),
		None:       j.duration(NoDifference, r.Expected.Conversion, r.Expected.Conversion, r.Expected.PerDay, horizonDays),
	}
}

// duration lives through experiments whose arms convert so often, until they have a verdict.
func (j judge) duration(want Verdict, shareA, shareB, perDay float64, horizonDays int) Duration {
	var days []int
	for seed := range uint64(simulated) {
		chance, p := evidence.Chance(seed<<32), j.begin()
		for day := 0; day < MaxDays && p.verdict == NotYet; day++ {
			p.total.convertedA, p.total.dealtA = drawn(&chance, p.total.convertedA, p.total.dealtA, perDay/2, shareA)
			p.total.convertedB, p.total.dealtB = drawn(&chance, p.total.convertedB, p.total.dealtB, perDay/2, shareB)
			if p = j.interim(p, false); p.verdict == want {
				days = append(days, day+1+horizonDays)
			}
		}
	}
	slices.Sort(days)
	at := func(share float64) *int {
		if i := int(math.Ceil(share*simulated)) - 1; i < len(days) {
			return &days[i]
		}
		return nil
	}
	return Duration{Median: at(0.5), Ninety: at(0.9), Found: float64(len(days)) / simulated}
}

// drawn adds a day's vendors of an arm: those that convert and those that do not come each as a Poisson process.
func drawn(chance *evidence.Chance, converted, dealt, perDay, share float64) (convertedAfter, dealtAfter float64) {
	yes, no := float64(chance.Poisson(perDay*share)), float64(chance.Poisson(perDay*(1-share)))
	return converted + yes, dealt + yes + no
}

const (
	// rateDays is over how many days the rate of registrations is taken.
	rateDays = 28
	// expectedCounts is how many vendors the conversion expected at the start counts for while few are ripe.
	expectedCounts = 20
)

// moreDays is after how many days there will be a verdict if vendors come and convert as so far; nil where that will not be.
func (e Experiment) moreDays(j judge, p progress, rows []Row, at time.Time) *int {
	today, perDay := e.today(at), e.perDay(rows, at)
	share := func(converted, dealt float64) float64 {
		return (converted + expectedCounts*e.Expected.Conversion) / (dealt + expectedCounts)
	}
	shareA, shareB := share(p.total.convertedA, p.total.dealtA), share(p.total.convertedB, p.total.dealtB)
	byDay := make(map[int]Row, len(rows))
	for _, r := range rows {
		byDay[r.Day] = r
	}
	for day := max(0, int(today)-e.HorizonDays); day < MaxDays; day++ {
		ripeIn := float64(day+1+e.HorizonDays) - today
		if ripeIn <= 0 {
			continue // ripe already
		}
		left := perDay / 2 * min(1, max(0, float64(day+1)-today))
		a, b := float64(byDay[day].A.Dealt)+left, float64(byDay[day].B.Dealt)+left
		p.total.dealtA, p.total.convertedA = p.total.dealtA+a, p.total.convertedA+a*shareA
		p.total.dealtB, p.total.convertedB = p.total.dealtB+b, p.total.convertedB+b*shareB
		if p = j.interim(p, false); p.verdict != NotYet {
			days := int(math.Ceil(ripeIn))
			return &days
		}
	}
	return nil
}

// perDay is how many vendors are dealt a day of late, as expected at the start before the first day is over; 0 once dealing has ended.
func (e Experiment) perDay(rows []Row, at time.Time) float64 {
	whole := int(e.today(at))
	switch {
	case e.Status() != Dealing:
		return 0
	case whole < 1:
		return e.Expected.PerDay
	}
	days, dealt := min(whole, rateDays), 0
	for _, r := range rows {
		if r.Day < whole && r.Day >= whole-days {
			dealt += r.A.Dealt + r.B.Dealt
		}
	}
	return float64(dealt) / float64(days)
}
