package policy

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"

	"marketplace.example/trials/internal/domain/trial"
)

// Bounds of a file.
const (
	MaxPolicies = 50
	MaxRules    = 100
	// MaxSteps bounds the steps of one policy, which keeps a workflow's history small.
	MaxSteps = 20
)

// validName is what a policy may be called; no name needs escaping anywhere.
var validName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,39}$`)

// File is the content of a file with policies, as its author writes it.
type File struct {
	Policies []Definition `yaml:"policies"`
	Rules    []Rule       `yaml:"rules"`
	Default  string       `yaml:"default"`
}

// Definition is one policy in a file. Nothing has a default: what a policy promises stands in the file. Nil means missing.
type Definition struct {
	Name       string           `yaml:"name"`
	LengthDays *int             `yaml:"lengthDays"`
	GraceDays  *int             `yaml:"graceDays"`
	SendHour   *int             `yaml:"sendHour"`
	QuietDays  []trial.QuietDay `yaml:"quietDays"`
	Steps      []Step           `yaml:"steps"`
}

// Step is one step of a Definition: welcome, expiry and grace-end by their ID alone, reminders, and mailings.
type Step struct {
	ID string `yaml:"id"`
	// After, and Days or Hours, say when a reminder or a mailing goes out. A reminder is in days before the end.
	After trial.Anchor `yaml:"after"`
	Days  *int         `yaml:"days"`
	Hours *int         `yaml:"hours"`
	// OnSignUpDay says that it may go out on the day of the registration.
	OnSignUpDay bool `yaml:"onSignUpDay"`
	// Template and Unless are a mailing's; Unless always has trial.UnlessConverted.
	Template string            `yaml:"template"`
	Unless   []trial.Condition `yaml:"unless"`
}

// problems collects what is wrong with a file, each a *trial.Error whose field is a path in it, such as "policies[0].name".
type problems []error

func (p *problems) add(path, format string, args ...any) {
	*p = append(*p, trial.Invalid(path, format, args...))
}

// Set returns the policies of the file. Its error joins everything that is wrong with it, each a *trial.Error whose field is a
// path in the file.
func (f File) Set() (Set, error) {
	var p problems
	switch n := len(f.Policies); {
	case n == 0:
		p.add("policies", "is missing; without a file everybody gets %s", trial.DefaultPolicy().Name)
	case n > MaxPolicies:
		p.add("policies", "must be at most %d, are %d", MaxPolicies, n)
		return Set{}, errors.Join(p...)
	}
	s := Set{Default: f.Default, Rules: append([]Rule{}, f.Rules...)}
	for i, d := range f.Policies {
		path := fmt.Sprintf("policies[%d]", i)
		if d.Name != "" && slices.Contains(s.names(), d.Name) {
			p.add(path+".name", "is the name of another policy before")
		}
		s.Policies = append(s.Policies, d.policy(path, &p))
	}
	s.checkRules(&p)
	switch {
	case f.Default == "":
		p.add("default", "is missing")
	case !slices.Contains(s.names(), f.Default):
		p.add("default", "is none of the policies")
	}
	if len(p) > 0 {
		return Set{}, errors.Join(p...)
	}
	return s, nil
}

// policy returns the policy that is defined, and adds what is wrong with it.
func (d Definition) policy(path string, p *problems) trial.Policy {
	before := len(*p)
	made := trial.Policy{Name: d.Name}
	if len(d.QuietDays) > 0 {
		made.QuietDays = d.QuietDays
	}
	for _, f := range []struct {
		name string
		from *int
		to   *int
	}{{"lengthDays", d.LengthDays, &made.LengthDays}, {"graceDays", d.GraceDays, &made.GraceDays}, {"sendHour", d.SendHour, &made.SendHour}} {
		if f.from == nil {
			p.add(path+"."+f.name, "is missing")
			continue
		}
		*f.to = *f.from
	}
	if !validName.MatchString(d.Name) {
		p.add(path+".name", "must be 1 to 40 small letters, digits and dashes, beginning with a letter or digit")
	}
	if len(*p) > before {
		return made // the rest is judged by these
	}
	if err, ok := errors.AsType[*trial.Error](made.Validate()); ok {
		p.add(path+"."+err.Field, "%s", err.Message)
		return made
	}
	d.addSteps(&made, path+".steps", p)
	if built := trial.DefaultPolicy(); len(*p) == before && made.Name == built.Name && !reflect.DeepEqual(made, built) {
		p.add(path+".name", "is the built-in policy's, whose terms are others; give yours another name")
	}
	return made
}

// checkRules adds what is wrong with the rules.
func (s Set) checkRules(p *problems) {
	if len(s.Rules) > MaxRules {
		p.add("rules", "must be at most %d, are %d", MaxRules, len(s.Rules))
		return
	}
	for i, r := range s.Rules {
		path := fmt.Sprintf("rules[%d]", i)
		switch {
		case r.Policy == "":
			p.add(path+".policy", "is missing")
		case !slices.Contains(s.names(), r.Policy):
			p.add(path+".policy", "is none of the policies")
		}
		if len(r.When) == 0 {
			p.add(path+".when", "is missing; what everybody else gets is the default")
			continue
		}
		if err, ok := errors.AsType[*trial.Error](trial.Attributes(r.When).Validate()); ok {
			p.add(path+".when"+err.Field[len("attributes"):], "%s", err.Message)
			continue
		}
		for j, earlier := range s.Rules[:i] {
			if len(earlier.When) > 0 && earlier.fits(r.When) {
				p.add(path+".when", "can never count: rules[%d] fits all its vendors, and comes first", j)
				break
			}
		}
	}
}
