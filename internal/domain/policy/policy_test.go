package policy_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"marketplace.example/trials/internal/domain/policy"
	"marketplace.example/trials/internal/domain/trial"
)

func of(name string, length, grace int) trial.Policy {
	return trial.Policy{Name: name, LengthDays: length, GraceDays: grace, SendHour: 9}
}

func set() policy.Set {
	return policy.Set{
		Default: "short", Policies: []trial.Policy{of("long", 30, 5), of("short", 7, 0), of("pro", 10, 3)},
		Rules: []policy.Rule{
			{When: map[string]string{"country": "BR", "plan": "pro"}, Policy: "pro"},
			{When: map[string]string{"country": "BR"}, Policy: "long"},
		},
	}
}

func TestAPolicyIsChosen(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		asked policy.Asked
		want  string
		by    trial.PolicyBy
	}{
		"nothing said":            {policy.Asked{}, "short", trial.PolicyByDefault},
		"named":                   {policy.Asked{Policy: "long"}, "long", trial.PolicyNamed},
		"the default named":       {policy.Asked{Policy: "short"}, "short", trial.PolicyNamed},
		"named over rules":        {policy.Asked{Policy: "short", Attributes: trial.Attributes{"country": "BR"}}, "short", trial.PolicyNamed},
		"the first rule":          {policy.Asked{Attributes: trial.Attributes{"plan": "pro", "country": "BR", "segment": "x"}}, "pro", trial.PolicyByRule},
		"the second rule":         {policy.Asked{Attributes: trial.Attributes{"plan": "free", "country": "BR"}}, "long", trial.PolicyByRule},
		"an attribute is missing": {policy.Asked{Attributes: trial.Attributes{"plan": "pro"}}, "short", trial.PolicyByDefault},
		"letters count":           {policy.Asked{Attributes: trial.Attributes{"country": "br"}}, "short", trial.PolicyByDefault},
	} {
		p, by, err := set().Choose(c.asked)
		require.NoError(t, err, name)
		require.Equal(t, c.want, p.Name, name)
		require.Equal(t, c.by, by, name)
	}
	_, _, err := set().Choose(policy.Asked{Policy: "gold"})
	require.Equal(t, trial.Invalid("policy", "is none of the policies: long, short, pro"), err)
	_, _, err = set().Choose(policy.Asked{Policy: trial.DefaultPolicy().Name})
	require.Error(t, err, "the built-in policy is offered only where the file has it")
}

func TestWithoutAFileEverybodyGetsTheBuiltInPolicy(t *testing.T) {
	t.Parallel()
	built := policy.BuiltIn()
	require.Equal(t, []trial.Policy{trial.DefaultPolicy()}, built.Policies)
	require.Equal(t, trial.DefaultPolicy(), built.OfDefault())
	require.Equal(t, trial.DefaultPolicy(), built.Longest())
	p, by, err := built.Choose(policy.Asked{Attributes: trial.Attributes{"country": "BR"}})
	require.NoError(t, err)
	require.Equal(t, trial.DefaultPolicy(), p)
	require.Equal(t, trial.PolicyByDefault, by)
}

func TestANameStandsForItsPolicy(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]struct {
		p     trial.Policy
		known bool
	}{
		"long": {of("long", 30, 5), true}, "standard-14d": {trial.DefaultPolicy(), true}, "gone": {of("short", 7, 0), false}, "": {of("short", 7, 0), false},
	} {
		p, known := set().Of(name)
		require.Equal(t, want.p, p, name)
		require.Equal(t, want.known, known, name)
	}
	require.Equal(t, of("long", 30, 5), set().Longest())
	v := trial.Vendor{ID: "v1", StartedAt: time.Unix(0, 0), Automation: &trial.Automation{Cohort: trial.Control, Policy: "pro"}}
	require.Equal(t, v.Registration(of("pro", 10, 3), time.Hour), set().Registration(v, time.Hour))
}

func TestARegistrationIsRepeatedOnlyWithTheSame(t *testing.T) {
	t.Parallel()
	br, us := trial.Attributes{"country": "BR"}, trial.Attributes{"country": "US"}
	for name, c := range map[string]struct {
		known trial.Automation
		asked policy.Asked
		same  bool
	}{
		"nothing":                      {trial.Automation{Policy: "short", PolicyBy: trial.PolicyByDefault}, policy.Asked{}, true},
		"no attributes and empty ones": {trial.Automation{Policy: "short", PolicyBy: trial.PolicyByDefault}, policy.Asked{Attributes: trial.Attributes{}}, true},
		"rules changed since":          {trial.Automation{Policy: "gone", PolicyBy: trial.PolicyByRule, Attributes: br}, policy.Asked{Attributes: br}, true},
		"other attributes":             {trial.Automation{Policy: "long", PolicyBy: trial.PolicyByRule, Attributes: br}, policy.Asked{Attributes: us}, false},
		"attributes left out":          {trial.Automation{Policy: "long", PolicyBy: trial.PolicyByRule, Attributes: br}, policy.Asked{}, false},
		"attributes added":             {trial.Automation{Policy: "short", PolicyBy: trial.PolicyByDefault}, policy.Asked{Attributes: br}, false},
		"named":                        {trial.Automation{Policy: "pro", PolicyBy: trial.PolicyNamed}, policy.Asked{Policy: "pro"}, true},
		"another name":                 {trial.Automation{Policy: "pro", PolicyBy: trial.PolicyNamed}, policy.Asked{Policy: "long"}, false},
		"the name left out":            {trial.Automation{Policy: "pro", PolicyBy: trial.PolicyNamed}, policy.Asked{}, false},
		"a name added":                 {trial.Automation{Policy: "short", PolicyBy: trial.PolicyByDefault}, policy.Asked{Policy: "short"}, false},
		"not on record, attributes":    {trial.Automation{Policy: "long"}, policy.Asked{Attributes: br}, true},
		"not on record, its name":      {trial.Automation{Policy: "long"}, policy.Asked{Policy: "long"}, true},
		"not on record, another name":  {trial.Automation{Policy: "long"}, policy.Asked{Policy: "pro"}, false},
	} {
		require.Equal(t, c.same, c.asked.Repeats(c.known), name)
	}
}

// Whatever a vendor's attributes are, the same ones give the same policy, and repeat the registration that they made.
func TestAChoiceIsRepeatable(t *testing.T) {
	t.Parallel()
	words := rapid.SampledFrom([]string{"BR", "US", "pro", "free"})
	rapid.Check(t, func(t *rapid.T) {
		s := set()
		asked := policy.Asked{Attributes: rapid.MapOfN(rapid.SampledFrom([]string{"country", "plan", "segment"}), words, 0, 3).Draw(t, "attributes")}
		if rapid.Bool().Draw(t, "named") {
			asked.Policy = rapid.SampledFrom(s.Policies).Draw(t, "policy").Name
		}
		p, by, err := s.Choose(asked)
		require.NoError(t, err)
		again, _, err := s.Choose(asked)
		require.NoError(t, err)
		require.Equal(t, p, again)
		require.True(t, asked.Repeats(trial.Automation{Policy: p.Name, PolicyBy: by, Attributes: asked.Attributes}))
		found, known := s.Of(p.Name)
		require.True(t, known)
		require.Equal(t, p, found)
	})
}
