package wording

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Text is words with fields such as {daysLeft}. It may have several forms, of which a number chooses one, or whether something is
// there. The zero Text is empty.
type Text struct {
	parts []part
	// by is the field that chooses among the forms; empty for a text without.
	by    string
	forms map[string]Text
}

// part is a piece of a text: words, or the name of the field that stands in their place.
type part struct{ words, field string }

// Names of forms.
const (
	formWith     = "with"     // the field is there
	formWithout  = "without"  // it is not
	formToday    = "today"    // no day is left, of 24 hours
	formTomorrow = "tomorrow" // one day is left, of 24 hours
	formOther    = "other"    // CLDR's plural category for what no other form is for
)

// Values are what the fields of a text stand for.
type Values struct {
	// Words are by the name of their field; one that is empty is not there.
	Words map[string]string
	// Counts are numbers of days.
	Counts map[string]int
	// ShortDays says that a day is shorter than 24 hours, so that none is called today or tomorrow.
	ShortDays bool
}

// Say returns the text in its language, with values in the place of its fields. A value is never looked at for fields.
func (t Text) Say(l Language, v Values) string {
	if t.by != "" {
		return t.form(l, v).Say(l, v)
	}
	var b strings.Builder
	for _, p := range t.parts {
		switch count, isCount := v.Counts[p.field]; {
		case p.field == "":
			b.WriteString(p.words)
		case isCount:
			b.WriteString(l.number(count))
		default:
			b.WriteString(v.Words[p.field])
		}
	}
	return b.String()
}

// form returns the form that the values choose.
func (t Text) form(l Language, v Values) Text {
	n, isCount := v.Counts[t.by]
	if !isCount {
		if v.Words[t.by] == "" {
			return t.forms[formWithout]
		}
		return t.forms[formWith]
	}
	var names []string
	if t.by == FieldDaysLeft && !v.ShortDays && n <= 1 {
		names = append(names, []string{formToday, formTomorrow}[max(n, 0)])
	}
	for _, name := range append(names, strconv.Itoa(n), l.plural(n)) {
		if form, ok := t.forms[name]; ok {
			return form
		}
	}
	return t.forms[formOther]
}

// Around returns what a text says before and after the place of a field that it has once.
func (t Text) Around(l Language, v Values, field string) (before, after string) {
	const mark = "\x00" // no text has one
	marked := Values{Words: maps.Clone(v.Words), Counts: v.Counts, ShortDays: v.ShortDays}
	marked.Words[field] = mark
	before, after, _ = strings.Cut(t.Say(l, marked), mark)
	return before, after
}

// has reports whether a form of the text has a field.
func (t Text) has(field string) bool {
	return slices.Contains(t.parts, part{field: field}) ||
		slices.ContainsFunc(slices.Collect(maps.Values(t.forms)), func(form Text) bool { return form.has(field) })
}

// empty reports whether no form of the text says anything.
func (t Text) empty() bool {
	return len(t.parts) == 0 && !slices.ContainsFunc(slices.Collect(maps.Values(t.forms)), func(form Text) bool { return !form.empty() })
}
