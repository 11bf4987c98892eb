package wording

import (
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// common is what has to be there in each language.
func common() map[string]any {
	return map[string]any{
		"greeting": "Hello", "dateTime": "{date} {time}", "trialEnds": "ends", "trialEnded": "ended", "sellUntil": "until", "sellingPaused": "paused",
		"why": "why", "questions": "ask {support}", "unsubscribe": "stop", "feedback": "helpful?", "demonstration": "{dayLength}",
	}
}

func source(language, kind string, fields map[string]any) Source {
	return Source{File: language + "/" + kind + ".yaml", Language: language, Kind: kind, Fields: fields}
}

// said is a mail whose subject says where it comes from.
func said(language, kind string) Source {
	return source(language, kind, map[string]any{"subject": language + " " + kind, "paragraphs": []any{"text"}})
}

// builtIns are English and Portuguese.
func builtIns() []Source {
	var all []Source
	for _, l := range []string{"en", "pt"} {
		all = append(all, source(l, KindCommon, common()))
		for _, kind := range BuiltInKinds() {
			all = append(all, said(l, kind))
		}
	}
	return all
}

func subject(s *Set, locale, kind string) string {
	w, ok := s.For(locale, kind)
	if !ok {
		return ""
	}
	return w.Subject.Say(w.Language, Values{})
}

func TestAVendorGetsItsLanguageOrTheNextOne(t *testing.T) {
	t.Parallel()
	s, wrong := NewSet("es", builtIns(), []Source{
		said("pt-BR", "welcome"), said("es", "welcome"), source("es", KindCommon, common()), said("en", "half-way"),
		source("ar", KindCommon, common()), said("ar", "reminder"),
	})
	require.Empty(t, wrong)
	require.Equal(t, []string{"ar", "en", "es", "pt", "pt-BR"}, s.Languages())
	require.Equal(t, []string{"welcome", "reminder", "expiry", "grace-end", "half-way"}, s.Kinds())
	for _, c := range []struct{ locale, kind, want string }{
		{"pt-BR", "welcome", "pt-BR welcome"},
		{"pt-BR", "expiry", "pt expiry"},
		{"pt-PT", "welcome", "pt welcome"},
		{"pt", "welcome", "pt welcome"},
		{"ar-EG", "reminder", "ar reminder"},
		{"ar-EG", "welcome", "es welcome"},
		{"ar", "expiry", "en expiry"},
		{"pt", "half-way", "en half-way"},
		{"", "welcome", "es welcome"},
		{"nonsense", "welcome", "es welcome"},
		{"tlh", "welcome", "es welcome"},
		{"ja", "expiry", "en expiry"},
		{"en-GB", "welcome", "en welcome"},
		{"en", "farewell", ""},
	} {
		require.Equal(t, c.want, subject(s, c.locale, c.kind), "%s %s", c.locale, c.kind)
	}
}

// An e-mail in English has English dates, of the vendor's country if it speaks it.
func TestDatesAreThoseOfTheVendorsFormOfTheLanguage(t *testing.T) {
	t.Parallel()
	s, wrong := NewSet("en", builtIns(), nil)
	require.Empty(t, wrong)
	for locale, want := range map[string]string{"en-US": "en-US", "pt-BR": "pt-BR", "fr": "en", "": "en"} {
		w, ok := s.For(locale, "welcome")
		require.True(t, ok)
		require.Equal(t, want, w.Dates.Tag())
	}
}

// A file may change one text alone; the rest is as it was, with what the languages below take from it.
func TestAFileLeavesTheRestAsItIs(t *testing.T) {
	t.Parallel()
	s, wrong := NewSet("en", builtIns(), []Source{
		source("pt", "welcome", map[string]any{"heading": "Oi"}), source("pt-BR", "welcome", map[string]any{"button": "Abrir"}),
		source("pt-BR", KindCommon, map[string]any{"greeting": "Oi"}),
	})
	require.Empty(t, wrong)
	for locale, want := range map[string][4]string{
		"pt-BR": {"pt welcome", "Oi", "Abrir", "Oi"}, "pt": {"pt welcome", "Oi", "", "Hello"}, "en": {"en welcome", "en welcome", "", "Hello"},
	} {
		w, _ := s.For(locale, "welcome")
		text := func(t Text) string { return t.Say(w.Language, Values{}) }
		require.Equal(t, want, [4]string{text(w.Subject), text(w.Heading), text(w.Button), text(w.Greeting)}, locale)
	}
	w, _ := s.For("pt-BR", "expiry")
	require.Equal(t, "Oi", w.Greeting.Say(w.Language, Values{}), "what they have in common counts for what is taken from above")
}

func TestWordsThatWouldLeaveSomebodyOutAreRefused(t *testing.T) {
	t.Parallel()
	without := func(name string) map[string]any {
		fields := maps.Clone(common())
		delete(fields, name)
		return fields
	}
	for name, c := range map[string]struct {
		fallback string
		own      []Source
		want     string
	}{
		"no common":           {"en", []Source{said("ar", "welcome")}, "ar/welcome.yaml: its language needs a common.yaml beside it"},
		"common, not whole":   {"en", []Source{source("ar", KindCommon, without("why"))}, "ar/common.yaml: why: is missing"},
		"no such default":     {"ja", nil, ": language: has no words: make a folder ja, or name one of en, pt"},
		"no language":         {"english", nil, `: language: "english" is no language like pt-BR`},
		"folder, no language": {"en", []Source{said("english", "welcome")}, `english/welcome.yaml: "english" is no language like pt-BR`},
		"a kind of one alone": {"en", []Source{said("pt", "half-way")}, "pt/half-way.yaml: is not there in en, the default language"},
		"an unknown text":     {"en", []Source{source("en", "welcome", map[string]any{"subjet": "x"})}, "en/welcome.yaml: subjet: is no field here; such are after, button, heading, paragraphs, preheader, subject"},
		"no subject":          {"en", []Source{source("en", "half-way", map[string]any{"paragraphs": []any{"x"}})}, "en/half-way.yaml: subject: is missing"},
		"no paragraphs":       {"en", []Source{source("en", "half-way", map[string]any{"subject": "x"})}, "en/half-way.yaml: paragraphs: is missing"},
		"paragraphs as text":  {"en", []Source{source("en", "welcome", map[string]any{"paragraphs": "x"})}, "en/welcome.yaml: paragraphs: must be a list of 1 to 20 paragraphs"},
		"too many":            {"en", []Source{source("en", "welcome", map[string]any{"after": slices.Repeat([]any{"x"}, 21)})}, "en/welcome.yaml: after: must be a list of 1 to 20"},
		"one paragraph wrong": {"en", []Source{source("en", "welcome", map[string]any{"after": []any{"x", "{y}"}})}, "en/welcome.yaml: after[1]: {y} is no field"},
		"questions to nobody": {"en", []Source{source("en", KindCommon, map[string]any{"questions": "Ask us"})}, "en/common.yaml: questions: must have {support} once"},
		"a name in a label":   {"en", []Source{source("en", KindCommon, map[string]any{"trialEnds": "{name}"})}, "en/common.yaml: trialEnds: {name} is no field here; such are none"},
		"date without time":   {"en", []Source{source("en", KindCommon, map[string]any{"dateTime": "{date}"})}, "en/common.yaml: dateTime: must have {time} once"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, wrong := NewSet(c.fallback, builtIns(), c.own)
			require.Nil(t, s)
			var all []string
			for _, p := range wrong {
				text := p.File + ": " + p.Err.Error()
				if p.Err.Field == "" {
					text = p.File + ": " + p.Err.Message
				}
				all = append(all, text)
			}
			require.Len(t, all, 1, "%q", all)
			require.Contains(t, all[0], c.want)
		})
	}
}
