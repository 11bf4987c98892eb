package wording

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// KindCommon is the name of the file with what all e-mails of a language have in common.
const KindCommon = "common"

// BuiltInKinds are the kinds of e-mail that every trial may send, in that order.
func BuiltInKinds() []string { return []string{"welcome", "reminder", "expiry", "grace-end"} }

// ValidKind reports whether a kind of e-mail may be called so.
func ValidKind(name string) bool {
	return kindName.MatchString(name) && name != KindCommon && name != KindPages
}

var kindName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,39}$`)

// Mail is what an e-mail of one kind says. What may be left out is empty then.
type Mail struct {
	Subject Text
	// Preheader is what lists of e-mails show behind the subject; it may be left out.
	Preheader Text
	// Heading is the subject if it is left out.
	Heading    Text
	Paragraphs []Text
	// Button may be left out, for none.
	Button Text
	// After are the paragraphs behind the button; they may be left out.
	After []Text
}

// Common is what the e-mails of a language have in common.
type Common struct {
	Greeting Text
	// DateTime joins a day with a time of day.
	DateTime Text
	// Colon stands between a label and what it names where nothing else parts them; it may be left out, for a bare one.
	Colon Text
	// TrialEnds, TrialEnded, SellUntil and SellingPaused name dates.
	TrialEnds, TrialEnded, SellUntil, SellingPaused Text
	// Why says why the vendor gets the e-mail, Questions where it may ask, Unsubscribe what its link does; Feedback asks whether
	// the e-mail helped.
	Why, Questions, Unsubscribe, Feedback Text
	// Demonstration says how long a day lasts where that is not 24 hours.
	Demonstration Text
}

// field is one of a file: where it goes, and what it must be.
type field struct {
	text *Text
	list *[]Text
	rule rule
	// optional says that it may be left out.
	optional bool
}

// fields are those of a file about a kind.
func (m *Mail) fields(l Language) map[string]field {
	line := rule{language: l, fields: mailFields, letters: maxLine}
	paragraph := rule{language: l, fields: mailFields, letters: maxParagraph, mayBeEmpty: true}
	return map[string]field{
		"subject": {text: &m.Subject, rule: line}, "preheader": {text: &m.Preheader, rule: line, optional: true},
		"heading": {text: &m.Heading, rule: line, optional: true}, "paragraphs": {list: &m.Paragraphs, rule: paragraph},
		"button": {text: &m.Button, rule: line, optional: true}, "after": {list: &m.After, rule: paragraph, optional: true},
	}
}

// fields are those of the file about what all have in common.
func (c *Common) fields(l Language) map[string]field {
	line := func(fields map[string]use, needs ...string) rule {
		return rule{language: l, fields: fields, letters: maxLine, needs: needs}
	}
	label := field{rule: line(nil)}
	all := map[string]field{
		"greeting":      {text: &c.Greeting, rule: line(map[string]use{FieldName: perhaps})},
		"dateTime":      {text: &c.DateTime, rule: line(map[string]use{FieldDate: always, FieldTime: always}, FieldDate, FieldTime)},
		"why":           {text: &c.Why, rule: line(map[string]use{FieldBrand: perhaps})},
		"questions":     {text: &c.Questions, rule: line(map[string]use{FieldBrand: perhaps, FieldSupport: always}, FieldSupport)},
		"demonstration": {text: &c.Demonstration, rule: line(map[string]use{FieldDayLength: always})},
	}
	all["colon"] = field{text: &c.Colon, rule: line(nil), optional: true}
	for name, text := range map[string]*Text{
		"trialEnds": &c.TrialEnds, "trialEnded": &c.TrialEnded, "sellUntil": &c.SellUntil, "sellingPaused": &c.SellingPaused, "unsubscribe": &c.Unsubscribe, "feedback": &c.Feedback,
	} {
		label.text = text
		all[name] = label
	}
	return all
}

// compile fills the fields with what a file says, and adds what is wrong with it.
func compile(fields map[string]field, raw map[string]any, p *problems) {
	for _, name := range slices.Sorted(maps.Keys(raw)) {
		if _, known := fields[name]; !known {
			p.add(name, "is no field here; such are %s", strings.Join(slices.Sorted(maps.Keys(fields)), ", "))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		f, value := fields[name], raw[name]
		switch {
		case value == nil && !f.optional:
			p.add(name, "is missing")
		case value == nil:
		case f.text != nil:
			*f.text = f.rule.compile(name, value, p)
		default:
			*f.list = f.rule.list(name, value, p)
		}
	}
}

// list returns the texts of a list.
func (r rule) list(path string, raw any, p *problems) []Text {
	items, isList := raw.([]any)
	if !isList || len(items) == 0 || len(items) > maxParagraphs {
		p.add(path, "must be a list of 1 to %d paragraphs", maxParagraphs)
		return nil
	}
	texts := make([]Text, len(items))
	for i, item := range items {
		texts[i] = r.compile(fmt.Sprintf("%s[%d]", path, i), item, p)
	}
	return texts
}
