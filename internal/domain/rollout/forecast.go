package rollout

import (
	"fmt"
	"math"

	"marketplace.example/trials/internal/domain/evidence"
)

// Forecast says, before a rollout starts, what each phase will be able to decide.
type Forecast struct {
	RegistrationsPerDay float64         `json:"registrationsPerDay"`
	Phases              []PhaseForecast `json:"phases"`
	// Conversion says when its trigger can act at the earliest.
	Conversion string `json:"conversion"`
}

// PhaseForecast is the data that one phase will have.
type PhaseForecast struct {
	Name       string  `json:"name"`
	Percentage float64 `json:"percentage"`
	SoakDays   float64 `json:"soakDays"`
	// Vendors is how many it will admit in that time.
	Vendors float64 `json:"vendors"`
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
	f := Forecast{RegistrationsPerDay: perDay}
	day, endsAt := 0.0, -1.0
	admitted, least := 0.0, float64(evidence.LeastMatured(evidence.Null{Limit: p.Triggers.Conversion, Side: evidence.TooLow}, alphaConversion))
	for _, phase := range p.Phases {
		rate := perDay * phase.Percentage / 100
		f.Phases = append(f.Phases, newPhaseForecast(phase, rate, p.Rule))
		if endsAt < 0 && rate > 0 && admitted+rate*phase.SoakDays >= least {
			endsAt = day + (least-admitted)/rate + t.TrialDays
		}
		admitted += rate * phase.SoakDays
		day += phase.SoakDays
	}
	if endsAt < 0 && perDay > 0 {
		endsAt = day + (least-admitted)/(perDay*p.Phases[len(p.Phases)-1].Percentage/100) + t.TrialDays
	}
	f.Conversion = fmt.Sprintf("no conversion verdict before %.0f trials have ended", least)
	if endsAt >= 0 {
		f.Conversion += fmt.Sprintf(", about day %.0f of the rollout", math.Ceil(endsAt))
	}
	if p.Rule == RuleEvidence {
		f.Conversion += fmt.Sprintf("; sooner if the rollout starts with %d known conversions, which show at which age vendors convert", evidence.EnoughHistory)
	}
	return f
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
	f.Text = fmt.Sprintf("the %v %% phase admits about %.0f vendors in %v days; the %s gate needs %.0f", phase.Percentage, f.Vendors, phase.SoakDays, by, needed)
	switch {
	case f.Pauses:
		f.Text += fmt.Sprintf("; this phase will wait, and pause; a soak of %v days would be enough", f.SoakWouldDo)
	case f.Holds:
		f.Text += fmt.Sprintf("; this phase will wait; a soak of %v days would be enough", f.SoakWouldDo)
	default:
		f.Text += ", which is enough"
	}
	return f
}
