package wording

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"marketplace.example/trials/internal/domain/trial"
)

// The fields of a text.
const (
	FieldName         = "name"         // the vendor's name
	FieldBrand        = "brand"        // the marketplace's name
	FieldSupport      = "support"      // the marketplace's address for questions
	FieldEndDate      = "endDate"      // the day on which the trial ends or ended
	FieldGraceEndDate = "graceEndDate" // the day on which the grace ends or ended
	FieldDaysLeft     = "daysLeft"     // days until the trial's end
	FieldGraceDays    = "graceDays"    // days of grace
	FieldLengthDays   = "lengthDays"   // days that the trial lasts from now on
	FieldDate         = "date"         // a day, in the text that joins it with its time
	FieldTime         = "time"         // a time of day
	FieldDayLength    = "dayLength"    // how long a day lasts in a demonstration
)

// use says how a text may use a field.
type use int

const (
	always  use = iota // it is there
	perhaps            // it may be missing, so that the text needs a form without it
	count              // a number, for which a language may need several forms
)

// mailFields are those of an e-mail's own words.
var mailFields = map[string]use{
	FieldName: perhaps, FieldBrand: perhaps, FieldSupport: perhaps, FieldEndDate: always, FieldGraceEndDate: perhaps,
	FieldDaysLeft: count, FieldGraceDays: count, FieldLengthDays: count,
}

// MaxDays is the greatest number of days that a text must have a form for.
const MaxDays = 400

// Bounds of a text, in letters, and of a list.
const (
	maxLine       = 200
	maxParagraph  = 2000
	maxParagraphs = 20
)

// rule is what a text must be.
type rule struct {
	language Language
	fields   map[string]use
	letters  int
	// needs are the fields that it must have, once.
	needs []string
	// mayBeEmpty says that a form may say nothing, and leave its paragraph out.
	mayBeEmpty bool
}

// within is the rule for a form that a field has chosen.
func (r rule) within(field string) rule {
	r.fields = maps.Clone(r.fields)
	r.fields[field] = always
	return r
}

// compile returns the text that stands at a path of a file, and adds what is wrong with it.
func (r rule) compile(path string, raw any, p *problems) Text {
	switch raw := raw.(type) {
	case string:
		parts := r.parts(path, raw, p)
		for _, field := range r.needs {
			if n := len(slices.DeleteFunc(slices.Clone(parts), func(one part) bool { return one.field != field })); parts != nil && n != 1 {
				p.add(path, "must have {%s} once", field)
			}
		}
		return Text{parts: parts}
	case map[string]any:
		if len(raw) != 1 {
			p.add(path, "must be text, or the one field that chooses among its forms")
			return Text{}
		}
		for by, forms := range raw { // the one
			return r.choice(path, by, forms, p)
		}
	}
	p.add(path, "must be text; put numbers and the like into quotes")
	return Text{}
}

// choice returns the text with several forms.
func (r rule) choice(path, by string, raw any, p *problems) Text {
	kind, known := r.fields[by]
	forms, isMap := raw.(map[string]any)
	path += "." + by
	switch {
	case !known:
		p.add(path, "is no field that could choose among forms; such are %s", r.named(perhaps, count))
		return Text{}
	case kind == always:
		p.add(path, "chooses nothing here")
		return Text{}
	case !isMap:
		p.add(path, "must have forms: %s", r.formsOf(kind))
		return Text{}
	}
	t := Text{by: by, forms: map[string]Text{}}
	for _, name := range slices.Sorted(maps.Keys(forms)) {
		inner := r
		if name != formWithout {
			inner = r.within(by)
		}
		if problem := r.formProblem(by, kind, name); problem != "" {
			p.add(path+"."+name, "%s", problem)
			continue
		}
		t.forms[name] = inner.compile(path+"."+name, forms[name], p)
	}
	if missing := r.missing(by, kind, t.forms); missing != "" {
		p.add(path, "has no form %s", missing)
	}
	return t
}

// exact is the form for one number.
var exact = regexp.MustCompile(`^(0|[1-9]\d{0,3})$`)

// formProblem says why a form cannot be of that name; empty if it can.
func (r rule) formProblem(by string, kind use, name string) string {
	possible := r.formsOf(kind)
	if kind == perhaps && (name == formWith || name == formWithout) {
		return ""
	}
	if kind == count && (name == formOther || exact.MatchString(name) || slices.Contains(r.language.plurals(), name)) {
		return ""
	}
	if by == FieldDaysLeft {
		if name == formToday || name == formTomorrow {
			return ""
		}
		possible += ", today, tomorrow"
	}
	return "is no form in this language; such are " + possible
}

func (r rule) formsOf(kind use) string {
	if kind == perhaps {
		return formWith + " and " + formWithout
	}
	return strings.Join(r.language.plurals(), ", ") + ", or a number"
}

// missing names the first form that is not there and will be needed; empty for none.
func (r rule) missing(by string, kind use, forms map[string]Text) string {
	if kind == perhaps {
		for _, name := range []string{formWith, formWithout} {
			if _, ok := forms[name]; !ok {
				return name
			}
		}
		return ""
	}
	other, hasOther := forms[formOther]
	if hasOther && !other.has(by) { // what does not name the number fits every number
		return ""
	}
	least := 0
	if by == FieldLengthDays {
		least = 1 // a trial lasts a day at least
	}
	for n := least; n <= MaxDays; n++ {
		category := r.language.plural(n)
		_, byNumber := forms[strconv.Itoa(n)]
		if _, byPlural := forms[category]; !byNumber && !byPlural {
			return fmt.Sprintf("%s, which this language has for %d", category, n)
		}
	}
	return ""
}

// braced is a field in a text, or a brace that belongs to none.
var braced = regexp.MustCompile(`\{([A-Za-z]{1,40})\}|[{}]`)

// parts splits a text at its fields.
func (r rule) parts(path, text string, p *problems) []part {
	if problem := r.wordsProblem(text); problem != "" {
		p.add(path, "%s", problem)
		return nil
	}
	var parts []part
	rest := strings.Join(strings.FieldsFunc(text, isBlank), " ")
	for rest != "" {
		at := braced.FindStringSubmatchIndex(rest)
		if at == nil {
			return append(parts, part{words: rest})
		}
		if at[0] > 0 {
			parts = append(parts, part{words: rest[:at[0]]})
		}
		field := ""
		if at[2] >= 0 {
			field = rest[at[2]:at[3]]
		}
		if problem := r.fieldProblem(field); problem != "" {
			p.add(path, "%s", problem)
			return nil
		}
		parts, rest = append(parts, part{field: field}), rest[at[1]:]
	}
	return parts
}

// isBlank reports whether a character is a blank or breaks a line. No-break spaces stay as they are.
func isBlank(r rune) bool { return unicode.IsSpace(r) && r != '\u00a0' && r != '\u202f' }

// markup is what the author of a text may have meant as HTML.
var markup = regexp.MustCompile(`<[A-Za-z/!]|&(#\w+|[A-Za-z]\w*);`)

func (r rule) wordsProblem(text string) string {
	switch n := utf8.RuneCountInString(text); {
	case strings.TrimSpace(text) == "" && !r.mayBeEmpty:
		return "is empty"
	case n > r.letters:
		return fmt.Sprintf("has %d letters, at most %d are allowed", n, r.letters)
	case !utf8.ValidString(text) || strings.ContainsFunc(text, hidden):
		return "contains control characters or others that cannot be seen"
	case markup.MatchString(text):
		return "looks like HTML, which would be shown as it stands: write plain words"
	}
	return ""
}

// hidden reports whether a character could change how others are read. The joiners of some scripts may stay.
func hidden(r rune) bool {
	return !unicode.IsSpace(r) && !unicode.Is(unicode.Join_Control, r) && unicode.In(r, unicode.Cc, unicode.Cf)
}

// fieldProblem says why a text cannot use a field; empty if it can.
func (r rule) fieldProblem(field string) string {
	kind, known := r.fields[field]
	switch {
	case field == "":
		return "has a brace that belongs to no field; fields are written like {" + FieldBrand + "}"
	case !known:
		return fmt.Sprintf("{%s} is no field here; such are %s", field, r.named(always, perhaps, count))
	case kind == perhaps:
		return fmt.Sprintf("{%s} may be missing: write %s: {with: …, without: …}", field, field)
	case kind == count && len(r.language.plurals()) > 1:
		return fmt.Sprintf("{%s} is a number, which needs forms: write %s: {%s: …}", field, field, strings.Join(r.language.plurals(), ": …, "))
	}
	return ""
}

// named lists the fields of some uses.
func (r rule) named(uses ...use) string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(r.fields)) {
		if slices.Contains(uses, r.fields[name]) {
			names = append(names, name)
		}
	}
	if names == nil {
		return "none"
	}
	return strings.Join(names, ", ")
}

// Problem is what is wrong with a file, at a path in it.
type Problem struct {
	File string
	Err  *trial.Error
}

// problems collects those of one file.
type problems struct {
	file string
	all  []Problem
}

func (p *problems) add(path, format string, args ...any) {
	p.all = append(p.all, Problem{p.file, trial.Invalid(path, format, args...)})
}
