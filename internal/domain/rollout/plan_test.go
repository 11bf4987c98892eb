package rollout_test

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

func TestPlanValidationNamesTheField(t *testing.T) {
	t.Parallel()
	tests := []struct {
		field  string
		change func(*rollout.Plan)
	}{
		{"name", func(p *rollout.Plan) { p.Name = "" }},
		{"name", func(p *rollout.Plan) { p.Name = strings.Repeat("n", 65) }},
		{"noticeDays", func(p *rollout.Plan) { p.NoticeDays = -1 }},
		{"noticeDays", func(p *rollout.Plan) { p.NoticeDays = math.NaN() }},
		{"phases", func(p *rollout.Plan) { p.Phases = nil }},
		{"phases", func(p *rollout.Plan) { p.Phases = make([]rollout.Phase, 21) }},
		{"phases", func(p *rollout.Plan) { p.Phases = p.Phases[:1] }},
		{"stabilityDays", func(p *rollout.Plan) { p.StabilityDays = math.Inf(1) }},
		{"guardDays", func(p *rollout.Plan) { p.GuardDays = math.NaN() }},
		{"backfillPerHour", func(p *rollout.Plan) { p.BackfillPerHour = 0 }},
		{"backfillPerHour", func(p *rollout.Plan) { p.Backfill, p.BackfillPerHour = false, -1 }},
		{"rule", func(p *rollout.Plan) { p.Rule = "" }},
		{"triggers.emailDelivery", func(p *rollout.Plan) { p.Triggers.EmailDelivery = 1 }},
		{"triggers.errorRate", func(p *rollout.Plan) { p.Triggers.ErrorRate = 0 }},
		{"triggers.slowdown", func(p *rollout.Plan) { p.Triggers.Slowdown = math.NaN() }},
		{"triggers.conversion", func(p *rollout.Plan) { p.Triggers.Conversion = math.NaN() }},
		{"phases[2].name", func(p *rollout.Plan) { p.Phases[2].Name = "" }},
		{"phases[2].name", func(p *rollout.Plan) { p.Phases[2].Name = p.Phases[1].Name }},
		{"phases[1].soakDays", func(p *rollout.Plan) { p.Phases[1].SoakDays = 0 }},
		{"phases[1].soakDays", func(p *rollout.Plan) { p.Phases[1].SoakDays = -2 }},
		{"phases[1].soakDays", func(p *rollout.Plan) { p.Phases[1].SoakDays = math.NaN() }},
		{"phases[1].soakDays", func(p *rollout.Plan) { p.Phases[1].SoakDays = 366 }},
		{"phases[2].percentage", func(p *rollout.Plan) { p.Phases[2].Percentage = 10 }},
		{"phases[2].percentage", func(p *rollout.Plan) { p.Phases[2].Percentage = 5 }},
		{"phases[0].percentage", func(p *rollout.Plan) { p.Phases[0].Percentage = -1 }},
		{"phases[5].percentage", func(p *rollout.Plan) { p.Phases[5].Percentage = 100.01 }},
		{"phases[1].percentage", func(p *rollout.Plan) { p.Phases[1].Percentage = 10.005 }},
		{"phases[1].percentage", func(p *rollout.Plan) { p.Phases[1].Percentage = math.NaN() }},
		{"phases[3].gates[5]", func(p *rollout.Plan) { p.Phases[3].Gates = append(rollout.Gates(), "luck") }},
		{"phases[3].gates[1]", func(p *rollout.Plan) {
			p.Phases[3].Gates = []rollout.Gate{rollout.GateEmail, rollout.GateEmail}
		}},
		{"phases[2].criteria[0]", func(p *rollout.Plan) { p.Phases[2].Criteria = []string{"luck"} }},
		{"phases[2].criteria[0]", func(p *rollout.Plan) { p.Phases[2].Criteria = []string{"no-rollback"} }},
		{"phases[3].criteria[1]", func(p *rollout.Plan) { p.Phases[3].Criteria = []string{"feedback-positive", "feedback-positive"} }},
	}
	for _, tt := range tests {
		p := rollout.DefaultPlan()
		tt.change(&p)
		var field *trial.Error
		require.ErrorAs(t, p.Validate(), &field, tt.field)
		require.Equal(t, tt.field, field.Field)
		require.NotEmpty(t, field.Message)
	}
}

func TestPlansThatAreValid(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*rollout.Plan){
		"the default":            func(*rollout.Plan) {},
		"a hundredth":            func(p *rollout.Plan) { p.Phases[1].Percentage = 0.01 },
		"beginning above 0":      func(p *rollout.Plan) { p.Phases = p.Phases[1:] },
		"no notice, no guard":    func(p *rollout.Plan) { p.NoticeDays, p.StabilityDays, p.GuardDays = 0, 0, 0 },
		"no backfill":            func(p *rollout.Plan) { p.Backfill, p.BackfillPerHour = false, 0 },
		"a person's criteria":    func(p *rollout.Plan) { p.Phases[4].Criteria = []string{"feedback-positive", "dashboards-operational"} },
		"plain comparison":       func(p *rollout.Plan) { p.Rule = rollout.RuleThreshold },
		"one phase without gate": func(p *rollout.Plan) { p.Phases = []rollout.Phase{{Name: "all", Percentage: 100, SoakDays: 0.5}} },
	} {
		p := rollout.DefaultPlan()
		change(&p)
		require.NoError(t, p.Validate(), name)
	}
}

func TestForecast(t *testing.T) {
	t.Parallel()
	times := evidence.Times{Day: day, TrialDays: 17}
	tests := []struct {
		rule          rollout.Rule
		perDay        float64
		holds, pauses bool
		text          string
	}{
		{rollout.RuleEvidence, 1, true, true, "the 10 % phase admits about 0 vendors in 2 days; the email gate needs 1; this phase will wait, and pause; a soak of 10 days would be enough"},
		{rollout.RuleEvidence, 2, true, false, "the 10 % phase admits about 0 vendors in 2 days; the email gate needs 1; this phase will wait; a soak of 5 days would be enough"},
		{rollout.RuleEvidence, 4, true, false, "the 10 % phase admits about 1 vendor in 2 days; the email gate needs 1; this phase will wait; a soak of 2.5 days would be enough"},
		{rollout.RuleEvidence, 10, false, false, "the 10 % phase admits about 2 vendors in 2 days; the email gate needs 1, which is enough"},
		{rollout.RuleThreshold, 12, true, true, "the 10 % phase admits about 2 vendors in 2 days; the email gate needs 20; this phase will wait, and pause; a soak of 16.7 days would be enough"},
		{rollout.RuleThreshold, 50, true, false, "the 10 % phase admits about 10 vendors in 2 days; the email gate needs 20; this phase will wait; a soak of 4 days would be enough"},
		{rollout.RuleThreshold, 100, false, false, "the 10 % phase admits about 20 vendors in 2 days; the email gate needs 20, which is enough"},
	}
	for _, tt := range tests {
		p := rollout.DefaultPlan()
		p.Rule = tt.rule
		f := rollout.NewForecast(p, times, tt.perDay)
		require.Len(t, f.Phases, 6)
		require.Equal(t, tt.text, f.Phases[1].Text)
		require.Equal(t, tt.holds, f.Phases[1].Holds)
		require.Equal(t, tt.pauses, f.Phases[1].Pauses)
		require.False(t, f.Phases[0].Holds, "nobody is admitted, and no gate asks for anybody")
	}
	// At 30 a day 43 are admitted on day 7, and their trials over 17 days later.
	require.Equal(t, "no conversion verdict before 43 trials have ended, about day 25 of the rollout; sooner if the rollout starts with 50 known conversions, which show at which age vendors convert",
		rollout.NewForecast(rollout.DefaultPlan(), times, 30).Conversion)
	require.Equal(t, "no conversion verdict before 43 trials have ended; sooner if the rollout starts with 50 known conversions, which show at which age vendors convert", rollout.NewForecast(rollout.DefaultPlan(), times, 0).Conversion)
	p := rollout.DefaultPlan()
	p.Phases[0].Gates = []rollout.Gate{rollout.GateAutomation}
	require.True(t, rollout.NewForecast(p, times, 50).Phases[0].Pauses, "nobody comes at 0 %")
}
