package rollout

import (
	"fmt"
	"math"

	"marketplace.example/trials/internal/domain/evidence"
)

// Forecast says, before a rollout starts, what each phase will be able to decide, and what it risks.
type Forecast struct {
	// Plan is the plan's name.
	Plan                string  `json:"plan"`
	RegistrationsPerDay float64 `json:"registrationsPerDay"`
	// Recent says that this is the rate of the last four weeks.
	Recent bool            `json:"recent"`
	Phases []PhaseForecast `json:"phases"`
	// Conversion says when its trigger can act at the earliest.
	Conversion string `json:"conversion"`
	// Runs is how often the plan was simulated, 0 for not; Explanation says how.
	Runs        int    `json:"runs"`
	Explanation string `json:"explanation,omitempty"`
	// Others are forecasts at other rates, for comparison.
	Others []Forecast `json:"others,omitempty"`
}

// PhaseForecast is the data that one phase will have.
type PhaseForecast struct {
	Name       string  `json:"name"`
	Percentage float64 `json:"percentage"`
	SoakDays   float64 `json:"soakDays"`
	// FromDay is the day on which it begins, if no phase before waits.
	FromDay int `json:"fromDay"`
	// Vendors is how many it will admit in that time.
	Vendors float64 `json:"vendors"`
	// Decidable says from when on there are verdicts, Risk what the phase risks; nil where nobody is admitted, or where
	// it was not simulated.
	Decidable Decidable  `json:"decidable"`
	Risk      *PhaseRisk `json:"risk"`
	// Holds says that a gate will lack data when the soak is over; SoakWouldDo is
	// the shortest soak, in days, that has enough.
	Holds       bool    `json:"holds"`
	SoakWouldDo float64 `json:"soakWouldDo"`
	// Pauses says that even twice the soak is too short.
	Pauses bool   `json:"pauses"`
	Text   string `json:"text"`
}

// NewForecast forecasts what a plan can decide at perDay registrations a day. A vendor
// gets its welcome on the day it is admitted, so it counts for the gates at once.
func NewForecast(p Plan, t evidence.Times, perDay float64) Forecast {
	f := Forecast{Plan: p.Name, RegistrationsPerDay: perDay}
	day, admitted, least := 0.0, 0.0, float64(evidence.LeastMatured(evidence.Null{Limit: p.Triggers.Conversion, Side: evidence.TooLow}, alphaConversion))
	var ends *int // the day on which a verdict on conversion is possible
	for i, phase := range p.Phases {
		rate := perDay * phase.Percentage / 100
		last := i == len(p.Phases)-1 // vendors are admitted on after it
		if ends == nil && rate > 0 && (last || admitted+rate*phase.SoakDays >= least) {
			ends = new(dayOf(day + (least-admitted)/rate + t.TrialDays))
		}
		next := newPhaseForecast(phase, rate, p.Rule)
		next.FromDay = dayOf(day)
		if rate > 0 {
			next.Decidable = decidableFrom(p.Rule, day, rate)
			next.Decidable.Conversion = ends
		}
		f.Phases = append(f.Phases, next)
		admitted += rate * phase.SoakDays
		day += phase.SoakDays
	}
	f.Conversion = fmt.Sprintf("no conversion verdict before %.0f trials have ended", least)
	if ends != nil {
		f.Conversion += fmt.Sprintf(", about day %d of the rollout", *ends)
	}
	if p.Rule == RuleEvidence {
		f.Conversion += fmt.Sprintf("; sooner if the rollout starts with %d known conversions, which show at which age vendors convert", evidence.EnoughHistory)
	}
	return f
}

// dayOf is the number of the day, from 1, that a time in days since the first phase's beginning falls in.
func dayOf(days float64) int { return int(min(math.Floor(days), maxForecastDay)) + 1 }

// maxForecastDay bounds the days of a forecast, where hardly anybody comes.
const maxForecastDay = 100_000

// decidableFrom is when a phase that begins after so many days has the least data for a verdict, at rate vendors a day.
func decidableFrom(rule Rule, begins, rate float64) Decidable {
	needed, callsNeeded := vendorsNeeded(rule), 1.0
	if rule == RuleThreshold {
		callsNeeded = enoughCalls
	}
	return Decidable{
		Email: new(dayOf(begins + needed[GateEmail]/rate)), Steps: new(dayOf(begins + needed[GateAutomation]/rate)),
		API: new(dayOf(begins + callsNeeded/callsPerDay)),
	}
}

// vendorsNeeded is the minimum number of vendors by gate; gates that need none are left out.
func vendorsNeeded(rule Rule) map[Gate]float64 {
	if rule == RuleThreshold {
		return map[Gate]float64{GateEmail: enoughEmail, GateAutomation: enoughAutomation}
	}
	return map[Gate]float64{GateEmail: 1, GateAutomation: 1}
}

func newPhaseForecast(phase Phase, rate float64, rule Rule) PhaseForecast {
	f := PhaseForecast{Name: phase.Name, Percentage: phase.Percentage, SoakDays: phase.SoakDays, Vendors: rate * phase.SoakDays}
	needed, by := 0.0, Gate("")
	for _, gate := range phase.Gates {
		if n := vendorsNeeded(rule)[gate]; n > needed {
			needed, by = n, gate
		}
	}
	switch {
	case needed == 0:
		f.Text = fmt.Sprintf("the %v %% phase has no gate that needs vendors", phase.Percentage)
		return f
	case rate == 0:
		f.Holds, f.Pauses = true, true
		f.Text = fmt.Sprintf("the %v %% phase admits no vendor; the %s gate needs %.0f: this phase will wait, and pause", phase.Percentage, by, needed)
		return f
	}
	f.SoakWouldDo = math.Ceil(10*needed/rate) / 10
	lengths := float64(blindPatience)
	if rule == RuleThreshold {
		lengths = usualPatience
	}
	f.Holds, f.Pauses = f.Vendors < needed, lengths*f.Vendors < needed
	f.Text = fmt.Sprintf("the %v %% phase admits about %s in %s; the %s gate needs %.0f", phase.Percentage,
		evidence.Counted(int(math.Round(f.Vendors)), "vendor", "vendors"), evidence.Counted(phase.SoakDays, "day", "days"), by, needed)
	switch {
	case f.Pauses:
		f.Text += fmt.Sprintf("; this phase will wait, and pause; a soak of %s would be enough", evidence.Counted(f.SoakWouldDo, "day", "days"))
	case f.Holds:
		f.Text += fmt.Sprintf("; this phase will wait; a soak of %s would be enough", evidence.Counted(f.SoakWouldDo, "day", "days"))
	default:
		f.Text += ", which is enough"
	}
	return f
}
