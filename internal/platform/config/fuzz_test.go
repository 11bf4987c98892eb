package config_test

import (
	"bytes"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/policy"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/internal/platform/config"
)

// seed gives the fuzzer a file of the project, and pieces that are not one.
func seed(f *testing.F, paths ...string) {
	f.Helper()
	for _, path := range paths {
		content, err := os.ReadFile(path)
		require.NoError(f, err)
		f.Add(content)
		f.Add(content[:len(content)/2])
	}
	for _, piece := range []string{
		"", "{}", "a: b", "- 1", "---\na: 1\n---\nb: 2", "a: &x [*x]", "&a [*a, *a]", "a: {<<: *b}", "\x00", "? [a]\n: b", "name: 1e400",
		"phases: [{gates: null}]", "alerts: {conversionRateDropped: {threshold: .nan}}", "stakeholders: [{role: management, email: a@b.example}]",
	} {
		f.Add([]byte(piece))
	}
}

// Whatever a file holds, it is a plan that holds together or an error.
func FuzzReadPlan(f *testing.F) {
	seed(f, planFile)
	f.Fuzz(func(t *testing.T, content []byte) {
		plan, err := config.ReadPlan(bytes.NewReader(content))
		if err != nil {
			require.NotEmpty(t, err.Error())
			return
		}
		require.NoError(t, plan.Validate())
	})
}

func FuzzReadStakeholders(f *testing.F) {
	seed(f, "../../../deploy/stakeholders.example.yaml")
	f.Fuzz(func(t *testing.T, content []byte) {
		people, err := config.ReadStakeholders(bytes.NewReader(content))
		if err != nil {
			require.NotEmpty(t, err.Error())
			return
		}
		for _, p := range people {
			require.True(t, p.Email != "" || p.Webhook != "")
			require.NotContains(t, p.Email, "\n")
		}
	})
}

func FuzzReadAlerts(f *testing.F) {
	seed(f, "../../../deploy/alerts.json")
	f.Fuzz(func(t *testing.T, content []byte) {
		rules, err := config.ReadAlerts(bytes.NewReader(content))
		if err != nil {
			require.NotEmpty(t, err.Error())
			return
		}
		for _, rule := range rules {
			require.NoError(t, rule.Validate(), rule.ID)
		}
	})
}

func FuzzReadBrand(f *testing.F) {
	seed(f, "../../../deploy/mail/brand.yaml")
	f.Fuzz(func(t *testing.T, content []byte) {
		b, err := config.ReadBrand(bytes.NewReader(content))
		if err != nil {
			require.NotEmpty(t, err.Error())
			return
		}
		require.Empty(t, b.Problems())
		require.NotContains(t, b.Sender.Name+b.Sender.ReplyTo, "\n")
		require.NotEmpty(t, b.Target("welcome", "v-1", "t"))
	})
}

// Whatever a file holds, each of its policies can be promised, and everybody gets one of them.
func FuzzReadPolicies(f *testing.F) {
	seed(f, policiesFile)
	f.Add([]byte(policies))
	f.Fuzz(func(t *testing.T, content []byte) {
		set, err := config.ReadPolicies(bytes.NewReader(content))
		if err != nil {
			require.NotEmpty(t, err.Error())
			return
		}
		require.Contains(t, set.Policies, set.OfDefault())
		for _, p := range set.Policies {
			require.NoError(t, p.Validate(), p.Name)
			s := trial.NewState(trial.Registration{Cohort: trial.Automated, Policy: p, Day: trial.RealDay, Zone: "Europe/Berlin", At: time.Unix(0, 0)})
			require.Len(t, s.Schedule(), 2+min(p.GraceDays, 1)+len(p.ReminderDays)+len(p.Mailings), p.Name)
		}
		for _, r := range set.Rules {
			p, by, err := set.Choose(policy.Asked{Attributes: r.When})
			require.NoError(t, err)
			require.Equal(t, trial.PolicyByRule, by)
			require.Equal(t, r.Policy, p.Name, "the rule can count")
		}
	})
}
