package trial

import "golang.org/x/text/language"

// MaxLocale is how many letters a vendor's locale has at most: more than any that people use, by section 4.4.1 of RFC 5646.
const MaxLocale = 35

// ValidLocale reports whether a text is a language of BCP 47, such as pt-BR, whose parts are all known.
func ValidLocale(name string) bool {
	if name == "" || len(name) > MaxLocale {
		return false
	}
	tag, err := language.Parse(name)
	return err == nil && tag != language.Und
}
