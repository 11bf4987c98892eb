package policy

import (
	"cmp"
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

// beforeEnd is the only distance that a step may have: in days before the trial's end.
const beforeEnd = "beforeEnd"

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

// Step is one step of a Definition: welcome, expiry and grace-end by their ID alone, and reminders.
type Step struct {
	ID string `yaml:"id"`
	// After and Days say when a reminder goes out: beforeEnd, and how many days.
	After string `yaml:"after"`
	Days  *int   `yaml:"days"`
	// OnSignUpDay says that a reminder may go out on the day of the registration.
	OnSignUpDay bool `yaml:"onSignUpDay"`
	// Hours, Template and Unless are refused: they are not supported yet.
	Hours    *int     `yaml:"hours"`
	Template string   `yaml:"template"`
	Unless   []string `yaml:"unless"`
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

// addSteps adds the reminders to a policy that is valid without them.
func (d Definition) addSteps(made *trial.Policy, path string, p *problems) {
	if len(d.Steps) > MaxSteps {
		p.add(path, "must be at most %d, are %d", MaxSteps, len(d.Steps))
		return
	}
	before := len(*p)
	seen := map[string]bool{}
	at := map[int]int{} // the step of a reminder, by its days
	for i, s := range d.Steps {
		below := fmt.Sprintf("%s[%d]", path, i)
		if s.ID != "" && seen[s.ID] {
			p.add(below+".id", "%.40q is there twice", s.ID)
			continue
		}
		seen[s.ID] = true
		if !s.check(below, made.LengthDays, p) || s.Days == nil {
			continue
		}
		at[*s.Days] = i
		made.ReminderDays = append(made.ReminderDays, *s.Days)
	}
	slices.SortFunc(made.ReminderDays, func(a, b int) int { return cmp.Compare(b, a) })
	for _, kind := range []trial.Kind{trial.Welcome, trial.Expiry, trial.GraceEnd} {
		switch {
		case kind == trial.GraceEnd && made.GraceDays == 0:
			if seen[string(kind)] {
				p.add(path, "have %s, and graceDays is 0", kind)
			}
		case !seen[string(kind)]:
			p.add(path, "have no %s: a trial without it is not yet supported", kind)
		}
	}
	if len(*p) > before {
		return
	}
	for i, days := range made.Earliest() {
		n := at[made.ReminderDays[i]]
		if d.Steps[n].OnSignUpDay || days < made.LengthDays {
			continue
		}
		why := ""
		if made.ReminderDays[i] < made.LengthDays {
			why = ", moved by the quiet days"
		}
		p.add(fmt.Sprintf("%s[%d].days", path, n), "can fall on the day of the registration%s; if that is meant, add onSignUpDay: true", why)
	}
}

// check adds what is wrong with a step by itself, and reports whether that is nothing.
func (s Step) check(path string, lengthDays int, p *problems) bool {
	before := len(*p)
	for _, f := range []struct {
		name  string
		given bool
	}{{"hours", s.Hours != nil}, {"template", s.Template != ""}, {"unless", s.Unless != nil}} {
		if f.given {
			p.add(path+"."+f.name, "is not yet supported")
		}
	}
	switch trial.Kind(s.ID) {
	case trial.Welcome, trial.Expiry, trial.GraceEnd:
		if s.After != "" || s.Days != nil || s.OnSignUpDay {
			p.add(path, "%s has its own time: it takes nothing but its id", s.ID)
		}
		return len(*p) == before
	}
	switch {
	case s.After == "start" || s.After == "afterExpiry":
		p.add(path+".after", "%s is not yet supported: steps of one's own are reminders, %s", s.After, beforeEnd)
	case s.After != beforeEnd:
		p.add(path+".after", "must be %s, for a reminder; other steps are %s, %s and %s", beforeEnd, trial.Welcome, trial.Expiry, trial.GraceEnd)
	case s.Days == nil:
		p.add(path+".days", "is missing")
	case *s.Days < 1:
		p.add(path+".days", "must be 1 or more, is %d", *s.Days)
	case *s.Days > lengthDays:
		p.add(path+".days", "lies before the start: the trial lasts %d days", lengthDays)
	case s.ID != string(trial.Reminder(*s.Days)):
		p.add(path+".id", "must be %s: names of one's own are not yet supported", trial.Reminder(*s.Days))
	}
	return len(*p) == before
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
