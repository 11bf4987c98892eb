package wording

import (
	"cmp"
	"fmt"
)

// Spoken is the words of one kind of e-mail in one language as their authors wrote them, with all that they take from elsewhere:
// enough to say the same again later. Its fields are stored.
type Spoken struct {
	// Language is that of the words, a tag such as pt-BR.
	Language string `json:"language"`
	// Kind is the kind of e-mail.
	Kind string `json:"kind"`
	// Mail and Common are the fields of the two files, as in a Source.
	Mail   map[string]any `json:"mail"`
	Common map[string]any `json:"common"`
	// Guide names the link to the vendor's guide.
	Guide string `json:"guide"`
}

// Spoken returns the words that For returns for a vendor, as they were written. It is false if there is no such kind.
func (s *Set) Spoken(locale, kind string) (Spoken, bool) {
	l, _, ok := s.find(s.asked(locale), kind)
	if !ok {
		return Spoken{}, false
	}
	return Spoken{Language: l.language.Tag(), Kind: kind, Mail: l.sources[kind].Fields, Common: l.sources[KindCommon].Fields, Guide: s.Pages(locale).Link()}, true
}

// Words are those of For, with dates and numbers as the vendor's locale has them, or as the default language of then has them where
// that is no language; it is empty for English. An error says that this version of the program takes other words.
func (s Spoken) Words(locale, fallback string) (Words, error) {
	language, err := ParseLanguage(s.Language)
	if err != nil {
		return Words{}, fmt.Errorf("language: %w", err)
	}
	var p problems
	var m Mail
	var c Common
	compile(m.fields(language), s.Mail, &p)
	compile(c.fields(language), s.Common, &p)
	if len(p.all) > 0 {
		return Words{}, p.all[0].Err
	}
	asked := language
	for _, name := range []string{locale, cmp.Or(fallback, FallbackLanguage)} {
		if known, err := ParseLanguage(name); err == nil {
			asked = known
			break
		}
	}
	l := lexicon{language: language, common: c}
	return Words{Mail: m.titled(), Voice: l.voice(asked)}, nil
}

// titled is the mail with its subject as the heading where it has none.
func (m Mail) titled() Mail {
	if m.Heading.empty() {
		m.Heading = m.Subject
	}
	return m
}
