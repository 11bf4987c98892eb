package policy

import (
	"slices"
	"strings"

	"marketplace.example/trials/internal/domain/trial"
)

// Asked is what a registration says about the vendor's policy. The zero value says nothing.
type Asked struct {
	// Policy is the name of a policy, empty for none.
	Policy string
	// Attributes are what the rules go by.
	Attributes trial.Attributes
}

// Choose returns the policy of a new vendor and why it is that one: the policy asked for by name, otherwise that of the first rule
// that fits, otherwise the default. An unknown name is a *trial.Error with the field policy.
func (s Set) Choose(a Asked) (trial.Policy, trial.PolicyBy, error) {
	if a.Policy != "" {
		i := slices.IndexFunc(s.Policies, func(p trial.Policy) bool { return p.Name == a.Policy })
		if i < 0 {
			return trial.Policy{}, "", trial.Invalid("policy", "is none of the policies: %s", strings.Join(s.names(), ", "))
		}
		return s.Policies[i], trial.PolicyNamed, nil
	}
	for _, r := range s.Rules {
		if r.fits(a.Attributes) {
			p, _ := s.Of(r.Policy)
			return p, trial.PolicyByRule, nil
		}
	}
	return s.OfDefault(), trial.PolicyByDefault, nil
}

// Repeats reports whether a registration asks for the same as the one before, of which that is on record. Where it is not on
// record how the policy was chosen, only another policy's name differs.
func (a Asked) Repeats(known trial.Automation) bool {
	if known.PolicyBy == "" {
		return a.Policy == "" || a.Policy == known.Policy
	}
	named := ""
	if known.PolicyBy == trial.PolicyNamed {
		named = known.Policy
	}
	return a.Policy == named && a.Attributes.Equal(known.Attributes)
}

// fits reports whether a vendor has all attributes of the rule.
func (r Rule) fits(attributes trial.Attributes) bool {
	for key, value := range r.When {
		if has, ok := attributes[key]; !ok || has != value {
			return false
		}
	}
	return true
}

func (s Set) names() []string {
	names := make([]string, 0, len(s.Policies))
	for _, p := range s.Policies {
		names = append(names, p.Name)
	}
	return names
}
