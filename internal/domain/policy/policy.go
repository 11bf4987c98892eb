// Package policy holds the policies that a marketplace offers, and chooses the one of each new vendor. A trial keeps the policy
// that it began with.
package policy

import (
	"time"

	"marketplace.example/trials/internal/domain/trial"
)

// Set is the configured policies, of which each new vendor gets one.
type Set struct {
	// Default is the name of the policy of vendors for whom nothing else is said.
	Default string `json:"default"`
	// Policies are all of them, at least the default one.
	Policies []trial.Policy `json:"policies"`
	// Rules choose by a vendor's attributes: the first that fits counts.
	Rules []Rule `json:"rules"`
}

// Rule gives vendors with certain attributes a policy.
type Rule struct {
	// When are the attributes that a vendor must have, others beside them.
	When map[string]string `json:"when" yaml:"when"`
	// Policy is the name of the policy.
	Policy string `json:"policy" yaml:"policy"`
}

// BuiltIn is the set without a file: trial.DefaultPolicy for everybody.
func BuiltIn() Set { return Only(trial.DefaultPolicy()) }

// Only is a set of one policy.
func Only(p trial.Policy) Set {
	return Set{Default: p.Name, Policies: []trial.Policy{p}, Rules: []Rule{}}
}

// Of returns the policy of a name. One that is not configured, any more or in this process yet, is the built-in one if it has
// that name; otherwise the default policy, and known is false.
func (s Set) Of(name string) (p trial.Policy, known bool) {
	for _, p := range s.Policies {
		if p.Name == name {
			return p, true
		}
	}
	if p := trial.DefaultPolicy(); p.Name == name {
		return p, true
	}
	return s.OfDefault(), false
}

// OfDefault returns the default policy.
func (s Set) OfDefault() trial.Policy {
	for _, p := range s.Policies {
		if p.Name == s.Default {
			return p
		}
	}
	return trial.DefaultPolicy() // no set of this package is like that
}

// Longest is the policy whose trials last longest, their grace included. Figures that wait for trials to be over wait that long.
func (s Set) Longest() trial.Policy {
	longest := s.OfDefault()
	for _, p := range s.Policies {
		if p.LengthDays+p.GraceDays > longest.LengthDays+longest.GraceDays {
			longest = p
		}
	}
	return longest
}

// Registration returns the input of a registered vendor's trial, with the policy that was chosen for it.
func (s Set) Registration(v trial.Vendor, day time.Duration) trial.Registration {
	p, _ := s.Of(v.Automation.Policy)
	return v.Registration(p, day)
}
