package wording

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gohugoio/locales"
	"golang.org/x/text/language"

	"marketplace.example/trials/internal/domain/trial"
)

// Language is a language or one of its forms, such as pt or pt-BR, with what Unicode's CLDR knows of it.
type Language struct {
	tag  language.Tag
	cldr locales.Translator
	// zero is the digit 0 of its numbers; '0' unless it has others.
	zero rune
	// clock24 says that it counts hours from 0 to 23.
	clock24 bool
}

// ParseLanguage returns the language of a name such as pt-BR. It fails on one that is none, or whose dates and plural forms are
// not known.
func ParseLanguage(name string) (Language, error) {
	if !trial.ValidLocale(name) {
		return Language{}, fmt.Errorf("%.40q is no language like pt-BR", name)
	}
	l := Language{tag: language.Make(name), zero: '0'}
	for _, tag := range l.chain() {
		found, ok := known[tag]
		if !ok {
			continue
		}
		l.cldr = found()
		if zero, ok := zeros[tag]; ok {
			l.zero = zero
		}
		afternoon := time.Date(2026, time.January, 1, 13, 0, 0, 0, time.UTC)
		l.clock24 = strings.Contains(l.cldr.FmtTimeShort(afternoon), "13")
		return l, nil
	}
	return Language{}, errors.New("dates and plural forms of " + l.Tag() + " are not known here")
}

// Tag is its name, as it is written in BCP 47.
func (l Language) Tag() string { return l.tag.String() }

// chain are the names of the language and of those above it, from pt-BR to pt.
func (l Language) chain() []string {
	var chain []string
	for tag := l.tag; tag != language.Und; tag = tag.Parent() {
		chain = append(chain, tag.String())
	}
	return chain
}

// sameAs reports whether two are forms of one language, in one script.
func (l Language) sameAs(o Language) bool {
	base, _ := l.tag.Base()
	script, _ := l.tag.Script()
	otherBase, _ := o.tag.Base()
	otherScript, _ := o.tag.Script()
	return base == otherBase && script == otherScript
}

// RightToLeft reports whether it is written from right to left.
func (l Language) RightToLeft() bool {
	script, _ := l.tag.Script()
	switch script.String() {
	case "Arab", "Hebr", "Thaa", "Syrc", "Nkoo", "Adlm", "Rohg":
		return true
	}
	return false
}

// Day writes the day of a moment with its weekday, in the moment's zone.
func (l Language) Day(at time.Time) string { return l.digits(l.cldr.FmtDateFull(at)) }

// Date writes the day of a moment without its weekday.
func (l Language) Date(at time.Time) string { return l.digits(l.cldr.FmtDateLong(at)) }

// Time writes the time of day, to the minute or to the second. Hours count from 0 to 23 in every language: at noon and at midnight,
// where many trials end, 12:00 is read both ways.
func (l Language) Time(at time.Time, seconds bool) string {
	switch {
	case !l.clock24 && seconds:
		return l.digits(at.Format("15:04:05"))
	case !l.clock24:
		return l.digits(at.Format("15:04"))
	case seconds:
		return l.digits(l.cldr.FmtTimeMedium(at))
	}
	return l.digits(l.cldr.FmtTimeShort(at))
}

func (l Language) number(n int) string { return l.digits(strconv.Itoa(n)) }

// digits writes the digits of a text as the language does.
func (l Language) digits(text string) string {
	if l.zero == '0' {
		return text
	}
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return l.zero + r - '0'
		}
		return r
	}, text)
}

// plural is the name of CLDR's plural category of a whole number.
func (l Language) plural(n int) string {
	return strings.ToLower(l.cldr.CardinalPluralRule(float64(n), 0).String())
}

// plurals are the categories that numbers of days need, in CLDR's order.
func (l Language) plurals() []string {
	needed := map[string]bool{}
	for n := range MaxDays + 1 {
		needed[l.plural(n)] = true
	}
	return slices.DeleteFunc([]string{"zero", "one", "two", "few", "many", formOther}, func(name string) bool { return !needed[name] })
}
