package app_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/experiment"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/policy"
	"marketplace.example/trials/internal/domain/trial"
)

var noon = time.Date(2026, time.March, 2, 12, 0, 0, 0, time.UTC)

// dealt is what becomes of a vendor who registers an hour after an experiment of two policies has begun, at 100 %.
func dealt(id string, change func(*experiment.Experiment, *flags.Document, *policy.Set, *trial.Vendor)) trial.Vendor {
	set := policy.BuiltIn()
	set.Policies = append(set.Policies, trial.Policy{Name: "week", LengthDays: 7, SendHour: 9}, trial.Policy{Name: "month", LengthDays: 30, SendHour: 9})
	e := experiment.Experiment{ID: "x", ArmA: "week", ArmB: "month", TermsA: set.Policies[1], TermsB: set.Policies[2], HorizonDays: 30, Day: trial.RealDay, Salt: "salt", StartedAt: noon}
	doc := flags.Document{FeatureFlags: flags.Initial(), Salt: "another", Version: 3}
	doc.FeatureFlags.TrialAutomation.RolloutPercentage = 100
	at := noon.Add(time.Hour)
	v := trial.Vendor{ID: id, StartedAt: at, Automation: doc.Admit(id, set.Default, at)}
	v.Automation.PolicyBy = trial.PolicyByDefault
	change(&e, &doc, &set, &v)
	return app.Deal(&e, doc, set, v)
}

func TestAnExperimentDealsEachVendorOnce(t *testing.T) {
	t.Parallel()
	arms := map[string]int{}
	for i := range 1000 {
		id := fmt.Sprintf("vendor-%d", i)
		asItIs := func(*experiment.Experiment, *flags.Document, *policy.Set, *trial.Vendor) {}
		a := dealt(id, asItIs).Automation
		require.Equal(t, dealt(id, asItIs).Automation, a, "it changes its mind")
		require.Equal(t, trial.PolicyByExperiment, a.PolicyBy)
		require.Equal(t, map[string]string{"a": "week", "b": "month"}[a.Experiment.Arm], a.Policy)
		require.Equal(t, "x", a.Experiment.Experiment)
		arms[a.Experiment.Arm]++
	}
	require.InDelta(t, 500, arms["a"], 4*16) // four standard deviations
}

func TestWhomAnExperimentLeavesAlone(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*experiment.Experiment, *flags.Document, *policy.Set, *trial.Vendor){
		"it deals no more": func(e *experiment.Experiment, _ *flags.Document, _ *policy.Set, _ *trial.Vendor) {
			e.DealingEnded = &experiment.DealingEnd{At: noon}
		},
		"99 %": func(_ *experiment.Experiment, d *flags.Document, _ *policy.Set, _ *trial.Vendor) {
			d.FeatureFlags.TrialAutomation.RolloutPercentage = 99
		},
		"control": func(_ *experiment.Experiment, _ *flags.Document, _ *policy.Set, v *trial.Vendor) {
			v.Automation.Cohort = trial.Control
		},
		"named": func(_ *experiment.Experiment, _ *flags.Document, _ *policy.Set, v *trial.Vendor) {
			v.Automation.PolicyBy = trial.PolicyNamed
		},
		"began before": func(_ *experiment.Experiment, _ *flags.Document, _ *policy.Set, v *trial.Vendor) {
			v.StartedAt = noon.Add(-time.Minute)
		},
		"a canary": func(_ *experiment.Experiment, _ *flags.Document, _ *policy.Set, v *trial.Vendor) {
			v.ID = trial.CanaryID("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
		},
		"an arm's policy is gone": func(_ *experiment.Experiment, _ *flags.Document, s *policy.Set, _ *trial.Vendor) {
			s.Policies = s.Policies[:2]
		},
		"an arm's policy is longer by now": func(_ *experiment.Experiment, _ *flags.Document, s *policy.Set, _ *trial.Vendor) {
			s.Policies[2].LengthDays = 45
		},
		"the built-in policy is not offered": func(e *experiment.Experiment, _ *flags.Document, s *policy.Set, _ *trial.Vendor) {
			e.ArmA, e.TermsA = s.Policies[0].Name, s.Policies[0]
			s.Default, s.Policies = "week", s.Policies[1:]
		},
	} {
		var want trial.Vendor
		got := dealt("v", func(e *experiment.Experiment, d *flags.Document, s *policy.Set, v *trial.Vendor) {
			change(e, d, s, v)
			want = *v
		})
		require.Equal(t, want, got, name)
	}
	require.Equal(t, trial.Vendor{ID: "v"}, app.Deal(nil, flags.Document{}, policy.BuiltIn(), trial.Vendor{ID: "v"}))
}
