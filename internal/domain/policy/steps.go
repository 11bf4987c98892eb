package policy

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"marketplace.example/trials/internal/domain/trial"
)

// addSteps adds reminders and mailings to a policy that is valid without them.
func (d Definition) addSteps(made *trial.Policy, path string, p *problems) {
	if len(d.Steps) > MaxSteps {
		p.add(path, "must be at most %d, are %d", MaxSteps, len(d.Steps))
		return
	}
	before := len(*p)
	seen := map[string]bool{}
	for i, s := range d.Steps {
		below := fmt.Sprintf("%s[%d]", path, i)
		if s.ID != "" && seen[s.ID] {
			p.add(below+".id", "%.40q is there twice", s.ID)
			continue
		}
		seen[s.ID] = true
		s.addTo(made, below, p)
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
	if len(*p) == before {
		d.checkTimes(*made, path, p)
	}
}

// addTo adds a step to a policy, or what is wrong with it by itself.
func (s Step) addTo(made *trial.Policy, path string, p *problems) {
	switch kind := trial.Kind(s.ID); {
	case slices.Contains([]trial.Kind{trial.Welcome, trial.Expiry, trial.GraceEnd}, kind):
		if s.After != "" || s.Days != nil || s.Hours != nil || s.OnSignUpDay || s.Template != "" || s.Unless != nil {
			p.add(path, "%s has its own time: it takes nothing but its id", s.ID)
		}
	case kind.IsReminder():
		if s.checkReminder(path, made.LengthDays, p) {
			made.ReminderDays = append(made.ReminderDays, *s.Days)
		}
	case s.After == "":
		p.add(path+".after", "is missing: one of %v; steps without it are %s, %s and %s", trial.Anchors(), trial.Welcome, trial.Expiry, trial.GraceEnd)
	case s.Days == nil && s.Hours == nil:
		p.add(path+".days", "is missing: give days or hours")
	default:
		m := s.mailing()
		err, wrong := errors.AsType[*trial.Error](m.Validate(made.LengthDays))
		switch {
		case s.Days != nil && s.Hours != nil:
			p.add(path+".hours", "cannot be combined with days: give one of them")
		case s.Hours != nil && *s.Hours == 0:
			p.add(path+".hours", "must be 1 or more, is 0")
		case wrong:
			p.add(path+"."+err.Field, "%s", err.Message)
		default:
			made.Mailings = append(made.Mailings, m)
		}
	}
}

// mailing is the one that is defined.
func (s Step) mailing() trial.Mailing {
	m := trial.Mailing{ID: trial.Kind(s.ID), After: s.After, Template: s.Template, Unless: s.Unless}
	if s.Days != nil {
		m.Days = *s.Days
	}
	if s.Hours != nil {
		m.Hours = *s.Hours
	}
	if !slices.Contains(m.Unless, trial.UnlessConverted) {
		m.Unless = append([]trial.Condition{trial.UnlessConverted}, m.Unless...)
	}
	return m
}

// checkReminder adds what is wrong with a reminder by itself, and reports whether that is nothing.
func (s Step) checkReminder(path string, lengthDays int, p *problems) bool {
	before := len(*p)
	for _, f := range []struct {
		name  string
		given bool
	}{{"hours", s.Hours != nil}, {"template", s.Template != ""}, {"unless", s.Unless != nil}} {
		if f.given {
			p.add(path+"."+f.name, "is not for a reminder; a step of another name takes it")
		}
	}
	switch {
	case s.After != trial.BeforeEnd:
		p.add(path+".after", "must be %s, for a reminder", trial.BeforeEnd)
	case s.Days == nil:
		p.add(path+".days", "is missing")
	case *s.Days < 1:
		p.add(path+".days", "must be 1 or more, is %d", *s.Days)
	case *s.Days > lengthDays:
		p.add(path+".days", "lies before the start: the trial lasts %d days", lengthDays)
	case s.ID != string(trial.Reminder(*s.Days)):
		p.add(path+".id", "must be %s, for a reminder", trial.Reminder(*s.Days))
	}
	return len(*p) == before
}

// checkTimes adds which steps go out at the wrong time: on the day of the registration without saying so, after the end, or two
// at once. Each is right by itself.
func (d Definition) checkTimes(made trial.Policy, path string, p *problems) {
	unmoved := made
	unmoved.QuietDays = nil
	furthest, own := made.Furthest(), unmoved.Furthest()
	length := 24 * made.LengthDays
	at := map[int]string{} // by the hours since the start, as if nothing moved
	for i, s := range d.Steps {
		if s.After == "" {
			continue
		}
		m, field, moved := s.mailing(), fmt.Sprintf("%s[%d].days", path, i), ""
		hours := 24*m.Days + m.Hours // one of them is 0
		if m.Hours > 0 {
			field = fmt.Sprintf("%s[%d].hours", path, i)
		}
		kind := trial.Kind(s.ID)
		late := furthest[kind] >= made.LengthDays
		if s.After == trial.BeforeEnd && late && own[kind] < made.LengthDays {
			moved = ", moved by the quiet days"
		}
		// A day has 25 hours where the clocks go back.
		signUp := s.After == trial.BeforeEnd && late || s.After == trial.AfterStart && m.Days == 0 && hours <= 24
		since := map[trial.Anchor]int{trial.AfterStart: hours, trial.BeforeEnd: length - hours, trial.AfterExpiry: length + 24*made.GraceDays + hours}[s.After]
		other, taken := at[since]
		switch {
		case signUp && !s.OnSignUpDay:
			p.add(field, "can fall on the day of the registration%s; if that is meant, add onSignUpDay: true", moved)
		case s.After == trial.AfterStart && late && len(made.QuietDays) > 0:
			p.add(field, "can fall after the end, moved by the quiet days")
		case taken:
			p.add(field, "is the time of %s", other)
		default:
			at[since] = s.ID
		}
	}
}
