package wording

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// compiled is the text of an e-mail, and what is wrong with it.
func compiled(t *testing.T, name string, raw any) (Text, []string) {
	t.Helper()
	r := rule{language: inLanguage(t, name), fields: mailFields, letters: maxLine}
	var p problems
	text := r.compile("subject", raw, &p)
	var all []string
	for _, one := range p.all {
		all = append(all, one.Err.Error())
	}
	return text, all
}

// forms is a choice among forms.
func forms(by string, of map[string]any) map[string]any { return map[string]any{by: of} }

func values(daysLeft int) Values {
	return Values{Words: map[string]string{FieldName: "Zoë", FieldBrand: "", FieldEndDate: "4 March"}, Counts: map[string]int{FieldDaysLeft: daysLeft, FieldGraceDays: 3, FieldLengthDays: 14}}
}

func TestANumberChoosesTheForm(t *testing.T) {
	t.Parallel()
	en, wrong := compiled(t, "en", forms("daysLeft", map[string]any{
		"today": "ends today", "tomorrow": "ends tomorrow", "0": "ends now", "7": "ends in a week", "one": "ends in {daysLeft} day", "other": "ends in {daysLeft} days",
	}))
	require.Empty(t, wrong)
	ar, wrong := compiled(t, "ar-EG", forms("daysLeft", map[string]any{
		"zero": "0", "one": "واحد", "two": "يومان", "few": "{daysLeft} أيام", "many": "{daysLeft} يومًا", "other": "{daysLeft} يوم",
	}))
	require.Empty(t, wrong)
	for n, want := range map[int][3]string{
		0: {"ends today", "ends now", "0"}, 1: {"ends tomorrow", "ends in 1 day", "واحد"}, 2: {"ends in 2 days", "ends in 2 days", "يومان"},
		3: {"ends in 3 days", "ends in 3 days", "٣ أيام"}, 7: {"ends in a week", "ends in a week", "٧ أيام"}, 11: {"ends in 11 days", "ends in 11 days", "١١ يومًا"},
		100: {"ends in 100 days", "ends in 100 days", "١٠٠ يوم"},
	} {
		v, short := values(n), values(n)
		short.ShortDays = true
		require.Equal(t, want, [3]string{en.Say(inLanguage(t, "en"), v), en.Say(inLanguage(t, "en"), short), ar.Say(inLanguage(t, "ar-EG"), v)}, n)
	}
}

func TestFormsMayLieWithinForms(t *testing.T) {
	t.Parallel()
	text, wrong := compiled(t, "en", forms("brand", map[string]any{
		"with":    "Sell on {brand}",
		"without": forms("graceDays", map[string]any{"0": "No grace", "one": "{graceDays} day", "other": "{graceDays} days"}),
	}))
	require.Empty(t, wrong)
	v := values(1)
	require.Equal(t, "3 days", text.Say(inLanguage(t, "en"), v))
	v.Words[FieldBrand] = "Nordic"
	require.Equal(t, "Sell on Nordic", text.Say(inLanguage(t, "en"), v))
}

// What a vendor calls itself is no template.
func TestAValueIsNotLookedAtForFields(t *testing.T) {
	t.Parallel()
	text, wrong := compiled(t, "en", forms("name", map[string]any{"with": "Hello {name}, until {endDate}", "without": "Hello"}))
	require.Empty(t, wrong)
	v := values(1)
	v.Words[FieldName] = "{endDate}{support}{daysLeft}"
	require.Equal(t, "Hello {endDate}{support}{daysLeft}, until 4 March", text.Say(inLanguage(t, "en"), v))
}

func TestBlanksAreOneButNoBreakSpacesStay(t *testing.T) {
	t.Parallel()
	text, wrong := compiled(t, "fr", "  Des\n questions\u00a0?\t\u202f! ")
	require.Empty(t, wrong)
	require.Equal(t, "Des questions\u00a0? \u202f!", text.Say(inLanguage(t, "fr"), Values{}))
}

func TestTextsThatCannotBeSaidAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		language string
		raw      any
		want     string
	}{
		"unknown field":        {"en", "Hello {email}", "subject: {email} is no field here; such are brand, daysLeft, endDate, graceDays, graceEndDate, lengthDays, name, support"},
		"a brace":              {"en", "Hello {", "subject: has a brace that belongs to no field"},
		"a template":           {"en", "Hello {{.Brand}}", "subject: has a brace that belongs to no field"},
		"an expression":        {"en", "{vendor.email}", "subject: has a brace that belongs to no field"},
		"nothing":              {"en", " \n", "subject: is empty"},
		"HTML":                 {"en", "Hello <b>you</b>", "subject: looks like HTML"},
		"an entity":            {"en", "Tom &amp; Ann", "subject: looks like HTML"},
		"too long":             {"en", strings.Repeat("ö", 201), "subject: has 201 letters, at most 200 are allowed"},
		"a bell":               {"en", "a\ab", "subject: contains control characters"},
		"turned text":          {"en", "a\u202eb", "subject: contains control characters"},
		"broken text":          {"en", "a\xff", "subject: contains control characters"},
		"a number":             {"en", 14, "subject: must be text; put numbers and the like into quotes"},
		"a list":               {"en", []any{"a"}, "subject: must be text"},
		"nothing at all":       {"en", nil, "subject: must be text"},
		"two that choose":      {"en", map[string]any{"daysLeft": map[string]any{}, "name": map[string]any{}}, "subject: must be text, or the one field that chooses"},
		"a field as choice":    {"en", forms("email", map[string]any{"with": "a", "without": "b"}), "subject.email: is no field that could choose among forms"},
		"a date as choice":     {"en", forms("endDate", map[string]any{"with": "a", "without": "b"}), "subject.endDate: chooses nothing here"},
		"chosen before":        {"en", forms("name", map[string]any{"with": forms("name", map[string]any{"with": "a", "without": "b"}), "without": "c"}), "subject.name.with.name: chooses nothing here"},
		"no forms":             {"en", map[string]any{"daysLeft": nil}, "subject.daysLeft: must have forms: one, other, or a number"},
		"text as forms":        {"en", map[string]any{"name": "x"}, "subject.name: must have forms: with and without"},
		"one that may lack":    {"en", "Write to {support}", "subject: {support} may be missing: write support: {with: …, without: …}"},
		"without, but used":    {"en", forms("support", map[string]any{"with": "a", "without": "{support}"}), "subject.support.without: {support} may be missing"},
		"no form without":      {"en", forms("support", map[string]any{"with": "{support}"}), "subject.support: has no form without"},
		"another form":         {"en", forms("support", map[string]any{"with": "a", "without": "b", "other": "c"}), "subject.support.other: is no form in this language; such are with and without"},
		"a number bare":        {"en", "{daysLeft} days", "subject: {daysLeft} is a number, which needs forms: write daysLeft: {one: …, other: …}"},
		"no other":             {"en", forms("daysLeft", map[string]any{"one": "a"}), "subject.daysLeft: has no form other"},
		"no form for one":      {"en", forms("daysLeft", map[string]any{"other": "{daysLeft} days"}), "subject.daysLeft: has no form one, which this language has for 1"},
		"one alone, not other": {"fr", forms("daysLeft", map[string]any{"1": "x", "other": "{daysLeft} jours"}), "subject.daysLeft: has no form one, which this language has for 0"},
		"none for a hundred":   {"ar", forms("daysLeft", map[string]any{"zero": "", "one": "a", "two": "b", "few": "{daysLeft}", "other": "{daysLeft}"}), "subject.daysLeft: has no form many, which this language has for 11"},
		"form of another":      {"en", forms("daysLeft", map[string]any{"one": "a", "few": "b", "other": "c"}), "subject.daysLeft.few: is no form in this language; such are one, other, or a number, today, tomorrow"},
		"grace has no today":   {"en", forms("graceDays", map[string]any{"today": "a", "other": "c"}), "subject.graceDays.today: is no form in this language; such are one, other, or a number"},
		"a number with zeros":  {"en", forms("daysLeft", map[string]any{"01": "a", "other": "c"}), "subject.daysLeft.01: is no form"},
		"wrong within":         {"en", forms("daysLeft", map[string]any{"one": "{daysLeft} {x}", "other": "c"}), "subject.daysLeft.one: {x} is no field"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, wrong := compiled(t, c.language, c.raw)
			require.NotEmpty(t, wrong)
			for _, one := range wrong {
				if strings.HasPrefix(one, c.want) {
					return
				}
			}
			require.Fail(t, "not named", "%s is not among %q", c.want, wrong)
		})
	}
	text, wrong := compiled(t, "ja", "残り{daysLeft}日")
	require.Empty(t, wrong, "one form is enough there")
	require.Equal(t, "残り1日", text.Say(inLanguage(t, "ja"), values(1)))
}

// Whatever is written as a text, it is refused or can be said for every number of days.
func TestWhateverIsWrittenCanBeSaidOrIsRefused(t *testing.T) {
	t.Parallel()
	piece := rapid.SampledFrom([]string{"a", " ", "{", "}", "{daysLeft}", "{name}", "{endDate}", "{x}", "<b>", "\u202e", "&", "é", "م"})
	literal := rapid.Custom(func(t *rapid.T) any { return strings.Join(rapid.SliceOfN(piece, 0, 6).Draw(t, "pieces"), "") })
	form := rapid.SampledFrom([]string{"with", "without", "today", "tomorrow", "0", "1", "zero", "one", "two", "few", "many", "other", "x"})
	by := rapid.SampledFrom([]string{"daysLeft", "graceDays", "name", "endDate", "x"})
	raw := rapid.OneOf(literal, rapid.Custom(func(t *rapid.T) any {
		return map[string]any{by.Draw(t, "by"): rapid.MapOfN(form, literal, 0, 8).AsAny().Draw(t, "forms")}
	}))
	rapid.Check(t, func(rt *rapid.T) {
		name := rapid.SampledFrom([]string{"en", "ar", "pl", "ja"}).Draw(rt, "language")
		value := raw.Draw(rt, "raw")
		text, wrong := compiled(t, name, value)
		if len(wrong) > 0 {
			return
		}
		for n := range 400 {
			said := text.Say(inLanguage(t, name), values(n))
			require.NotContains(rt, said, "{")
		}
	})
}
