package rollout

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/evidence"
)

func forecast(t *testing.T, p Plan, perDay float64) Forecast {
	t.Helper()
	f, err := NewForecast(p, evidence.Times{TrialDays: 17}, perDay).WithRisk(t.Context(), p)
	require.NoError(t, err)
	return f
}

// `make simulate` shows 12 (31), 16 (38) and 20 (47) vendors for e-mails of which 60 % arrive from the start, and 8 (14), 10 (17)
// and 9 (18) for steps of which 80 % fail, in 240 runs each that are watched four times a day. A median of 240 runs is good to
// about 2, their 95 % to about 6.
func TestTheRiskIsThatOfTheSimulation(t *testing.T) {
	t.Parallel()
	for _, want := range []struct{ perDay, mails, mostMails, steps, mostSteps float64 }{{10, 12, 31, 8, 14}, {30, 16, 38, 10, 17}, {50, 20, 47, 9, 18}} {
		r := newPhaseRisk(newSimulation(DefaultPlan(), want.perDay, 4).passages(t.Context()), 1, 0)
		require.InDelta(t, want.mails, float64(*r.Email.Median), 3, "%v a day: %v", want.perDay, r.Email)
		require.InDelta(t, want.mostMails, float64(*r.Email.Most), 8, "%v a day: %v", want.perDay, r.Email)
		require.InDelta(t, want.steps, float64(*r.Steps.Median), 2, "%v a day: %v", want.perDay, r.Steps)
		require.InDelta(t, want.mostSteps, float64(*r.Steps.Most), 4, "%v a day: %v", want.perDay, r.Steps)
	}
}

func TestARiskGrowsWithTheRate(t *testing.T) {
	t.Parallel()
	rates := []float64{10, 50, 1000, 100_000}
	for i := range len(rates) - 1 {
		less, more := forecast(t, DefaultPlan(), rates[i]), forecast(t, DefaultPlan(), rates[i+1])
		for n := range less.Phases {
			require.GreaterOrEqual(t, more.Phases[n].Vendors, less.Phases[n].Vendors)
			a, b := less.Phases[n].Risk, more.Phases[n].Risk
			if n == 0 {
				require.Nil(t, a, "nobody is admitted")
				continue
			}
			for kind, loss := range [][2]Loss{{a.Email, b.Email}, {a.Steps, b.Steps}, {a.API, b.API}} {
				require.GreaterOrEqual(t, *loss[1].Median+2, *loss[0].Median, "%v a day, phase %d, %d", rates[i], n, kind)
			}
		}
	}
}

func TestTheSameIsForecastAgain(t *testing.T) {
	t.Parallel()
	first := forecast(t, DefaultPlan(), 30)
	require.Equal(t, first, forecast(t, DefaultPlan(), 30))
}

func TestWhatHoldsARollout(t *testing.T) {
	t.Parallel()
	plain := DefaultPlan()
	plain.Rule = RuleThreshold
	require.Greater(t, forecast(t, plain, 30).Phases[1].Risk.Held, 0.9, "twenty vendors are asked for, and twelve come in twice the time")
	strict := DefaultPlan()
	strict.Triggers.EmailDelivery = 0.99
	require.Greater(t, forecast(t, strict, 50).Phases[1].Risk.Held, forecast(t, DefaultPlan(), 50).Phases[1].Risk.Held+0.02, "a healthy system delivers less")

	judged := DefaultPlan()
	judged.Phases[1].Criteria = []string{"feedback-positive"}
	require.Equal(t, forecast(t, DefaultPlan(), 30).Phases, forecast(t, judged, 30).Phases, "what a person judges is not simulated")

	f := forecast(t, DefaultPlan(), 0)
	require.Equal(t, "100.0 ± 0.0 %", f.Phases[1].HeldText(), "nobody comes")
	require.Equal(t, "not found", f.Phases[1].Risk.Email.String())
	require.Nil(t, f.Phases[2].Risk, "it is never reached")
	require.Empty(t, f.Sentence())
	require.Equal(t, "-/-/-/-", f.Phases[1].DecidableText())

	quick := DefaultPlan()
	quick.NoticeDays, quick.Phases = 0, quick.Phases[1:]
	require.Equal(t, "not found", forecast(t, quick, 30).Phases[0].Risk.API.String(), "nobody knows how fast it was before")
}

// Whatever somebody asks, it is answered soon: a plan with too much to simulate is left without its risk.
func TestTheWorkOfAForecastIsBounded(t *testing.T) {
	t.Parallel()
	p := DefaultPlan()
	p.Phases = nil
	for i := range maxPhases {
		p.Phases = append(p.Phases, Phase{Name: fmt.Sprint(i), Percentage: float64(i + 1), SoakDays: maxPlanDays, Gates: Gates()})
	}
	require.NoError(t, p.Validate())
	for _, perDay := range []float64{0, 0.1, 100, 1_000_000} {
		s := newSimulation(p, perDay, simulatedPerDay)
		s.passages(t.Context())
		const lastLook = (maxPhases + 1) * workOfWeighing * int(watchedKinds)
		require.LessOrEqual(t, s.work, mostWork+lastLook, "%v a day", perDay)
		for kind := range s.memory {
			require.LessOrEqual(t, len(s.memory[kind]), rememberedAtMost)
		}
	}
	f := forecast(t, p, 1_000_000)
	require.Zero(t, f.Runs)
	require.Contains(t, f.Explanation, "is not known")
	require.Equal(t, "-", f.Phases[0].HeldText())
}

// endingContext ends once it was asked so often.
type endingContext struct {
	context.Context
	left int
}

func (c *endingContext) Err() error {
	c.left--
	if c.left < 0 {
		return context.Canceled
	}
	return nil
}

// Whoever goes, in the middle of a run too, leaves no work behind.
func TestAForecastEndsWithItsContext(t *testing.T) {
	t.Parallel()
	for _, looks := range []int{0, 1, 700, 20_000} {
		ctx := &endingContext{t.Context(), looks}
		_, err := NewForecast(DefaultPlan(), evidence.Times{TrialDays: 17}, 30).WithRisk(ctx, DefaultPlan())
		require.ErrorIs(t, err, context.Canceled)
		require.GreaterOrEqual(t, ctx.left, -10, "it ends each of its loops, and asks for the cause")
	}
}

func TestHowAForecastIsWritten(t *testing.T) {
	t.Parallel()
	for want, risk := range map[string]PhaseRisk{
		"< 1 %": {}, "0.8 ± 0.4 %": {Held: 0.0075, HeldError: 0.0043}, "2.5 ± 0.8 %": {Held: 0.025, HeldError: 0.0078},
	} {
		require.Equal(t, want, PhaseForecast{Risk: &risk}.HeldText())
	}
	require.Equal(t, "17 (36)", Loss{new(17), new(36)}.String())
	require.Equal(t, "17 (not found)", Loss{Median: new(17)}.String())
	f := Forecast{RegistrationsPerDay: 17.25, Phases: []PhaseForecast{{}, {Percentage: 10, Vendors: 3.45, Risk: &PhaseRisk{Email: Loss{new(17), new(36)}}}}}
	require.Equal(t, "At 17.3 registrations a day, were e-mail broken from the first vendor on, 17 vendors (95 %: 36) would be admitted before the rollout is rolled back.", f.Sentence())
	other := f
	other.RegistrationsPerDay = 10
	f.Recent, f.Others = true, []Forecast{other}
	var rates []string
	for _, row := range f.Rows() {
		rates = append(rates, row.Rate()+" "+row.VendorsText())
	}
	require.Equal(t, []string{"- -", "10 3.5", "17.3* 3.5"}, rates)
}
