package config_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/policy"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/internal/platform/config"
)

func TestThePoliciesToCopyAreTheBuiltInOne(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]config.Config{"without a file": {}, "with it": {Policies: policiesFile}} {
		set, err := c.ReadPolicies()
		require.NoError(t, err, name)
		require.Equal(t, policy.BuiltIn(), set, name)
	}
}

// policies are a file of two, each line of which the cases below change.
const policies = `policies:
  - name: long
    lengthDays: 30
    graceDays: 5
    sendHour: 8
    quietDays: [sat, sun, 2026-12-25]
    steps:
      - {id: welcome}
      - {id: reminder-10d, after: beforeEnd, days: 10}
      - {id: win-back, after: afterExpiry, hours: 36, template: win-back}
      - {id: expiry}
      - {id: grace-end}
  - name: brazil
    lengthDays: 7
    graceDays: 0
    sendHour: 10
    steps: [{id: welcome}, {id: reminder-7d, after: beforeEnd, days: 7, onSignUpDay: true}, {id: expiry}]
rules:
  - {when: {country: BR, plan: pro}, policy: brazil}
  - when: {country: NO}
    policy: brazil
default: long
`

func TestPoliciesAreRead(t *testing.T) {
	t.Parallel()
	set, err := config.ReadPolicies(strings.NewReader(policies))
	require.NoError(t, err)
	require.Equal(t, policy.Set{
		Default: "long",
		Policies: []trial.Policy{
			{Name: "long", LengthDays: 30, ReminderDays: []int{10}, GraceDays: 5, SendHour: 8, QuietDays: []trial.QuietDay{"sat", "sun", "2026-12-25"}, Mailings: []trial.Mailing{
				{ID: "win-back", After: trial.AfterExpiry, Hours: 36, Template: "win-back", Unless: []trial.Condition{"converted"}},
			}},
			{Name: "brazil", LengthDays: 7, ReminderDays: []int{7}, SendHour: 10},
		},
		Rules: []policy.Rule{
			{When: map[string]string{"country": "BR", "plan": "pro"}, Policy: "brazil"},
			{When: map[string]string{"country": "NO"}, Policy: "brazil"},
		},
	}, set)
}

func TestPoliciesThatMakeNoSenseAreExplainedByLineAndField(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ from, to, problem string }{
		"unknown field":      {"sendHour: 8", "sendhour: 8", "line 5: policies[0].sendhour: is not a field here"},
		"half a day":         {"lengthDays: 30", "lengthDays: 30.5", "line 3: policies[0].lengthDays: must be a whole number"},
		"text for a number":  {"lengthDays: 30", "lengthDays: month", "line 3: policies[0].lengthDays: must be a whole number"},
		"no list":            {"[sat, sun, 2026-12-25]", "sat", "line 6: policies[0].quietDays: must be a list"},
		"nothing said":       {"[sat, sun, 2026-12-25]", "", "line 6: policies[0].quietDays: is missing its value"},
		"no such day":        {"sun, 2026", "sunday, 2026", "line 6: policies[0].quietDays[1]: \"sunday\" is neither one of"},
		"before the start":   {"{id: reminder-10d, after: beforeEnd, days: 10}", "{id: reminder-31d, after: beforeEnd, days: 31}", "line 9: policies[0].steps[1].days: lies before the start"},
		"no wording":         {"template: win-back", "unless: [converted]", "line 10: policies[0].steps[2].template: is missing: the name of its wording"},
		"part of a day":      {"hours: 36", "hours: 1.5", "line 10: policies[0].steps[2].hours: must be a whole number"},
		"no such anchor":     {"afterExpiry", "[afterExpiry]", "line 10: policies[0].steps[2]: a value in it must be text"},
		"no such condition":  {"template: win-back", "template: win-back, unless: [opened]", "line 10: policies[0].steps[2].unless: \"opened\" is none of [converted extended]"},
		"one name twice":     {"name: brazil", "name: long", "line 13: policies[1].name: is the name of another policy before"},
		"a rule for nothing": {"pro}, policy: brazil", "pro}, policy: gold", "line 19: rules[0].policy: is none of the policies"},
		"a rule twice":       {"when: {country: NO}", "when: {plan: pro, country: BR}", "line 20: rules[1].when: can never count: rules[0]"},
		"an address":         {"country: NO", "contact: a@b.example", "line 20: rules[1].when.contact: must hold no personal data"},
		"an unknown default": {"default: long", "default: short", "line 22: default: is none of the policies"},
		"too large":          {"default: long", "#" + strings.Repeat("#", 1<<20), "is larger than"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := strings.Replace(policies, c.from, c.to, 1)
			require.NotEqual(t, policies, text)
			set, err := config.ReadPolicies(strings.NewReader(text))
			require.ErrorContains(t, err, c.problem)
			require.Zero(t, set)
		})
	}
	_, err := config.Parse(map[string]string{"POLICIES": planFile}, config.Client)
	require.ErrorContains(t, err, "POLICIES: "+planFile+": line 5: name: is not a field here")
}
