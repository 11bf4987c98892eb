package rollout

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"marketplace.example/trials/internal/domain/evidence"
)

// Decidable are the first days on which a verdict, good or bad, is possible about each; the first phase begins on day 1. Nil
// means not with the vendors of this phase and those before.
type Decidable struct {
	Email      *int `json:"email"`
	Steps      *int `json:"steps"`
	API        *int `json:"api"`
	Conversion *int `json:"conversion"`
}

// PhaseRisk says what a phase risks, as simulated.
type PhaseRisk struct {
	// Held is the chance that the rollout pauses for a person in this phase, or is rolled back, although all is well;
	// HeldError is its standard error.
	Held      float64 `json:"held"`
	HeldError float64 `json:"heldError"`
	// Email, Steps and API are the vendors admitted until the rollback, were that broken from the phase's beginning on.
	Email Loss `json:"email"`
	Steps Loss `json:"steps"`
	API   Loss `json:"api"`
}

// Loss is a number of vendors: in half of the runs at most Median, in 95 % at most Most. Nil means that so many runs found
// no break within searchDays.
type Loss struct {
	Median *int `json:"median"`
	Most   *int `json:"most"`
}

// String writes a loss as "17 (36)".
func (l Loss) String() string {
	text := func(n *int) string {
		if n == nil {
			return "not found"
		}
		return strconv.Itoa(*n)
	}
	if l.Median == nil {
		return "not found"
	}
	return text(l.Median) + " (" + text(l.Most) + ")"
}

// newLoss takes the numbers of all runs.
func newLoss(numbers []int) Loss {
	slices.Sort(numbers)
	at := func(share float64) *int {
		n := numbers[min(int(share*float64(len(numbers))), len(numbers)-1)]
		if n == notFound {
			return nil
		}
		return &n
	}
	return Loss{Median: at(0.5), Most: at(0.95)}
}

// WithRisk adds what each phase of the plan risks. It simulates the plan, always with the same result, in well under a
// second; a plan too long for that, or with too many vendors, is left without. The error says why the context has ended.
func (f Forecast) WithRisk(ctx context.Context, p Plan) (Forecast, error) {
	passages := newSimulation(p.withoutPersons(), f.RegistrationsPerDay, simulatedPerDay).passages(ctx)
	if ctx.Err() != nil {
		return Forecast{}, fmt.Errorf("simulating plan %s: %w", p.Name, context.Cause(ctx))
	}
	f.Explanation = explanation
	if len(passages) < leastRuns {
		f.Explanation = "The plan is too long to be simulated with so many vendors: what it risks is not known."
		return f, nil
	}
	f.Runs = len(passages)
	first := len(p.Phases) - p.starts()
	f.Phases = slices.Clone(f.Phases)
	for i := range f.Phases[first:] {
		f.Phases[first+i].Risk = newPhaseRisk(passages, first, i)
	}
	return f, nil
}

// newPhaseRisk is that of the n-th phase which admits vendors, where first is the first; nil if too few runs entered it.
func newPhaseRisk(passages []passage, first, n int) *PhaseRisk {
	held, lost := 0, [watchedKinds][]int{}
	for _, p := range passages {
		if p.stopped == first+n {
			held++
		}
		if n >= len(p.lost) {
			continue
		}
		for kind, vendors := range p.lost[n] {
			lost[kind] = append(lost[kind], vendors)
		}
	}
	if len(lost[mails]) < leastRuns {
		return nil
	}
	runs := float64(len(passages))
	share := float64(held) / runs
	return &PhaseRisk{
		Held: share, HeldError: math.Sqrt(share * (1 - share) / runs),
		Email: newLoss(lost[mails]), Steps: newLoss(lost[steps]), API: newLoss(lost[calls]),
	}
}

// explanation says what the figures of a forecast mean and how they come about.
var explanation = fmt.Sprintf("Simulated in up to %d runs with the rules that judge a rollout. All is well if %v %% of the e-mails are delivered and %v %% of the steps fail. "+
	"Broken means, from the phase's first moment on, that %v %% of the e-mails are delivered, %v %% of the steps fail, or %v %% of %d API calls a day are slow. "+
	"\"17 (36)\": in half of the runs at most 17 vendors are admitted before the rollback, in 95 %% at most 36; \"not found\": no alarm within %d days. "+
	"Decidable: the first day on which e-mail, steps, API and conversion can be judged, if no phase waits. "+
	"Held: the rollout pauses for a person, or is rolled back, although all is well; what a person ticks is taken as met in time. A milder break takes longer to find and costs more vendors.",
	mostRuns, percents(1-healthyBad), percents(healthyBad), percents(brokenDelivered), percents(brokenSteps), percents(brokenCalls), callsPerDay, searchDays)

func percents(share float64) float64 { return math.Round(100 * share) }

// ForecastRow is one phase at one rate.
type ForecastRow struct {
	PhaseForecast
	// RegistrationsPerDay is the rate; Recent says that it is that of the last four weeks.
	RegistrationsPerDay float64
	Recent              bool
}

// Rows lists the phases, each at all rates in order; one that admits nobody is the same at each.
func (f Forecast) Rows() []ForecastRow {
	all := append(slices.Clone(f.Others), f)
	var rows []ForecastRow
	for i, phase := range f.Phases {
		for _, g := range all {
			rows = append(rows, ForecastRow{g.Phases[i], g.RegistrationsPerDay, g.Recent})
			if phase.Percentage == 0 {
				break
			}
		}
	}
	return rows
}

// VendorsText is the number of vendors; a dash where nobody is admitted.
func (f PhaseForecast) VendorsText() string {
	if f.Percentage == 0 {
		return "-"
	}
	return rounded(f.Vendors)
}

// Rate writes the registrations a day, with a star for those of the last four weeks; a dash where nobody is admitted.
func (r ForecastRow) Rate() string {
	switch text := rounded(r.RegistrationsPerDay); {
	case r.Percentage == 0:
		return "-"
	case r.Recent:
		return text + "*"
	default:
		return text
	}
}

func rounded(x float64) string { return strconv.FormatFloat(math.Round(10*x)/10, 'f', -1, 64) }

// DecidableText writes the days for e-mail, steps, API and conversion as "3/3/3/25".
func (f PhaseForecast) DecidableText() string {
	if f.Percentage == 0 {
		return "-"
	}
	var days []string
	for _, day := range []*int{f.Decidable.Email, f.Decidable.Steps, f.Decidable.API, f.Decidable.Conversion} {
		text := "-"
		if day != nil {
			text = strconv.Itoa(*day)
		}
		days = append(days, text)
	}
	return strings.Join(days, "/")
}

// HeldText writes the chance with its standard error; a dash where it is not known.
func (f PhaseForecast) HeldText() string {
	const little = 0.01
	switch r := f.Risk; {
	case r == nil:
		return "-"
	case r.Held+2*r.HeldError < little:
		return "< 1 %"
	default:
		return fmt.Sprintf("%.1f ± %.1f %%", 100*r.Held, 100*r.HeldError)
	}
}

// LossTexts are the losses if e-mail, steps or the API break; dashes where they are not known.
func (f PhaseForecast) LossTexts() [watchedKinds]string {
	if f.Risk == nil {
		return [watchedKinds]string{"-", "-", "-"}
	}
	return [watchedKinds]string{f.Risk.Email.String(), f.Risk.Steps.String(), f.Risk.API.String()}
}

// Sentence says what the first phase that admits vendors risks by its e-mails; empty where it is not known.
func (f Forecast) Sentence() string {
	for _, phase := range f.Phases {
		if phase.Risk == nil || phase.Risk.Email.Most == nil {
			continue
		}
		return fmt.Sprintf("At %s registrations a day, were e-mail broken from the first vendor on, %s (95 %%: %d) would be admitted before the rollout is rolled back.",
			rounded(f.RegistrationsPerDay), evidence.Counted(*phase.Risk.Email.Median, "vendor", "vendors"), *phase.Risk.Email.Most)
	}
	return ""
}
