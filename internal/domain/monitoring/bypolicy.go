package monitoring

import (
	"slices"

	"marketplace.example/trials/internal/domain/trial"
)

// PolicyFigures are the figures of one policy, of all cohorts together.
type PolicyFigures struct {
	// Policy is its name; empty for all that new vendors do not get any more.
	Policy string `json:"policy"`
	// Running is how many trials that have it now still run, grace included.
	Running int `json:"running"`
	// Conversion is of the trials that were registered with it, in the window of ConversionRate counted with its own length.
	Conversion Figure `json:"conversion"`
}

// byPolicy are the figures of each offered policy, in their order, and what is left of the totals.
func (f ReportFacts) byPolicy() []PolicyFigures {
	all, running, days := []PolicyFigures{}, 0, f.mature()
	former := f.converted(days, func(name Name) Name { return name })
	for _, status := range []trial.Status{trial.Active, trial.Grace} {
		running += f.current(Running(status))
	}
	for _, p := range f.Offered {
		under := func(name Name) Name { return name.Under(p.Name) }
		own := f
		own.Policy = p
		one := PolicyFigures{Policy: p.Name, Running: f.current(StillRunning.Under(p.Name)), Conversion: f.converted(own.mature(), under).withRate(conversionRate())}
		all = append(all, one)
		sameDays := f.converted(days, under)
		running -= one.Running
		former.Numerator, former.Denominator, former.Pending = former.Numerator-sameDays.Numerator, former.Denominator-sameDays.Denominator, former.Pending-sameDays.Pending
	}
	if len(f.Offered) > 0 && (running > 0 || former.Denominator > 0) {
		all = append(all, PolicyFigures{Running: running, Conversion: former.withRate(conversionRate())})
	}
	return all
}

// converted is the conversion of the trials of all cohorts that began on some days; of names those that are meant.
func (f ReportFacts) converted(days []int64, of func(Name) Name) Figure {
	figure := f.windowed(days)
	for _, c := range trial.Cohorts() {
		figure = f.beganOf(figure, c, days, of)
	}
	return figure
}

// current sums a counter of the present state over all cohorts.
func (f ReportFacts) current(name Name) (n int) {
	for _, c := range trial.Cohorts() {
		n += f.Tally[Counter{Current, c, name}]
	}
	return n
}

func conversionRate() Definition {
	all := Definitions()
	return all[slices.IndexFunc(all, func(d Definition) bool { return d.ID == ConversionRate })]
}
