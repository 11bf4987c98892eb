package wording

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"marketplace.example/trials/internal/domain/trial"
)

// FallbackLanguage is the default language where no other is named, and the last one that is looked into.
const FallbackLanguage = "en"

// Source is a file with words, as its author wrote it.
type Source struct {
	// File names it in a Problem.
	File string
	// Language is its folder's name, Kind its own.
	Language, Kind string
	// Fields are texts, lists and maps of them, as in the file.
	Fields map[string]any
}

// Set is what e-mails say in every language that there is.
type Set struct {
	byTag map[string]*lexicon
	// fallback is the default language.
	fallback Language
}

// lexicon is what e-mails say in one language, with all that it takes from the languages above it.
type lexicon struct {
	language Language
	common   Common
	mails    map[string]Mail
	// pages is nil where there are no words for them.
	pages Pages
	// sources are by kind.
	sources map[string]Source
}

// NewSet returns the built-in words, with a marketplace's own over them, and everything that is wrong with the latter; the set is
// nil then. A file may leave out what the same language says without it, or the one above it: pt for pt-BR.
func NewSet(fallback string, builtIn, own []Source) (*Set, []Problem) {
	s := &Set{byTag: map[string]*lexicon{}}
	var all []Problem
	byLanguage := map[string][]Source{}
	for _, source := range slices.Concat(builtIn, own) {
		language, err := ParseLanguage(source.Language)
		if err != nil {
			all = append(all, Problem{source.File, trial.Invalid("", "%s", err.Error())})
			continue
		}
		if _, known := s.byTag[language.Tag()]; !known {
			s.byTag[language.Tag()] = &lexicon{language: language, mails: map[string]Mail{}}
		}
		byLanguage[language.Tag()] = append(byLanguage[language.Tag()], source)
	}
	for _, tag := range s.topDown() {
		all = append(all, s.fill(s.byTag[tag], byLanguage[tag])...)
	}
	language, err := ParseLanguage(fallback)
	if err != nil {
		return nil, append(all, Problem{Err: trial.Invalid("language", "%s", err.Error())})
	}
	s.fallback = language
	if len(all) == 0 {
		all = s.gaps()
	}
	if len(all) > 0 {
		return nil, all
	}
	return s, nil
}

// topDown are the languages, those first from which others take what they leave out.
func (s *Set) topDown() []string {
	return slices.SortedFunc(maps.Keys(s.byTag), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(s.byTag[a].language.chain()), len(s.byTag[b].language.chain())), strings.Compare(a, b))
	})
}

// fill puts together what a language says: its own files, over the built-in ones, over those of the language above.
func (s *Set) fill(l *lexicon, own []Source) []Problem {
	l.sources = map[string]Source{}
	for _, above := range l.language.chain()[1:] {
		if known, ok := s.byTag[above]; ok {
			l.sources = maps.Clone(known.sources)
			break
		}
	}
	for _, source := range own {
		merged := maps.Clone(l.sources[source.Kind].Fields)
		if merged == nil {
			merged = map[string]any{}
		}
		maps.Copy(merged, source.Fields)
		source.Fields = merged
		l.sources[source.Kind] = source
	}
	var all []Problem
	for _, kind := range slices.Sorted(maps.Keys(l.sources)) {
		p, source := problems{file: l.sources[kind].File}, l.sources[kind]
		switch kind {
		case KindCommon:
			compile(l.common.fields(l.language), source.Fields, &p)
		case KindPages:
			l.pages = Pages{}
			l.pages.compile(l.language, source.Fields, &p)
		default:
			var m Mail
			compile(m.fields(l.language), source.Fields, &p)
			l.mails[kind] = m.titled()
		}
		all = append(all, p.all...)
	}
	if _, ok := l.sources[KindCommon]; !ok {
		file := own[0].File
		all = append(all, Problem{file, trial.Invalid("", "its language needs a %s.yaml beside it: the greeting, the names of dates and the footer are not built in for %s",
			KindCommon, l.language.Tag())})
	}
	return all
}

// gaps are the kinds that some vendor could not be written to in: what is in no language that everybody's falls back to.
func (s *Set) gaps() []Problem {
	var all []Problem
	if _, ok := s.in(s.fallback.chain()); !ok {
		all = append(all, Problem{Err: trial.Invalid("language", "has no words: make a folder %s, or name one of %s", s.fallback.Tag(), strings.Join(s.Languages(), ", "))})
	}
	for _, tag := range s.Languages() {
		l := s.byTag[tag]
		for _, kind := range slices.Sorted(maps.Keys(l.mails)) {
			if _, _, ok := s.find(s.fallback, kind); !ok {
				all = append(all, Problem{l.sources[kind].File, trial.Invalid("", "is not there in %s, the default language, which vendors of other languages get", s.fallback.Tag())})
			}
		}
	}
	return all
}

// Languages are those that e-mails can be written in, by their tags.
func (s *Set) Languages() []string { return slices.Sorted(maps.Keys(s.byTag)) }

// Fallback is the tag of the default language, which has words for every kind.
func (s *Set) Fallback() string { return s.fallback.Tag() }

// Kinds are the kinds of e-mail that there are: those built in first.
func (s *Set) Kinds() []string {
	kinds := BuiltInKinds()
	for _, tag := range s.Languages() {
		for _, kind := range slices.Sorted(maps.Keys(s.byTag[tag].mails)) {
			if !slices.Contains(kinds, kind) {
				kinds = append(kinds, kind)
			}
		}
	}
	slices.Sort(kinds[len(BuiltInKinds()):])
	return kinds
}

// HasButton reports whether the e-mails of a kind have a button in any language.
func (s *Set) HasButton(kind string) bool {
	return slices.ContainsFunc(slices.Collect(maps.Values(s.byTag)), func(l *lexicon) bool { m := l.mails[kind]; return !m.Button.empty() })
}

// Words are what one e-mail says: all of it in one language.
type Words struct {
	Mail
	Voice
}

// For returns the words of a kind for a vendor: those of its locale, the language above it, the default language, or English, the
// first that has that kind. A locale that is no language counts as none. It is false if there is no such kind.
func (s *Set) For(locale, kind string) (Words, bool) {
	asked := s.asked(locale)
	l, m, ok := s.find(asked, kind)
	if !ok {
		return Words{}, false
	}
	return Words{Mail: m, Voice: l.voice(asked)}, true
}

// asked is the language of a locale; the default one where it is none.
func (s *Set) asked(locale string) Language {
	asked, err := ParseLanguage(locale)
	if err != nil {
		return s.fallback
	}
	return asked
}

// voice is the language for a vendor of another form of it.
func (l *lexicon) voice(asked Language) Voice {
	v := Voice{Common: l.common, Language: l.language, Dates: l.language}
	if asked.sameAs(l.language) {
		v.Dates = asked
	}
	return v
}

// order are the languages in which words are looked for.
func (s *Set) order(asked Language) []string {
	return slices.Concat(asked.chain(), s.fallback.chain(), []string{FallbackLanguage})
}

func (s *Set) find(asked Language, kind string) (*lexicon, Mail, bool) {
	for _, tag := range s.order(asked) {
		if l, ok := s.byTag[tag]; ok {
			if m, ok := l.mails[kind]; ok {
				return l, m, true
			}
		}
	}
	return nil, Mail{}, false
}

// in returns the first language of a chain that there is.
func (s *Set) in(chain []string) (*lexicon, bool) {
	for _, tag := range chain {
		if l, ok := s.byTag[tag]; ok {
			return l, true
		}
	}
	return nil, false
}
