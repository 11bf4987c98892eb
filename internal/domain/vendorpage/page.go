// Package vendorpage is what vendors see on the pages that e-mails link to: in their language, with the marketplace's brand.
package vendorpage

import (
	"marketplace.example/trials/internal/domain/brand"
	"marketplace.example/trials/internal/domain/wording"
)

// Look is how pages look and what they can say.
type Look struct {
	Brand brand.Brand
	Words *wording.Set
}

// Page is what all pages have. The zero value shows nothing.
type Page struct {
	brand.Colors

	Brand               brand.Brand
	Language, Direction string
	// Say are the texts of [wording.Pages], by their names.
	Say map[string]string
	// Question asks whether an e-mail helped.
	Question string
	// Questions is what stands before and after the address for questions.
	Questions [2]string
	Support   string
}

// New returns a page in the language of a locale. Words that name dates have none.
func New(l Look, locale string) Page {
	p, _ := newPage(l, locale, nil)
	return p
}

// newPage returns a page whose texts have values, and the words of its language.
func newPage(l Look, locale string, values func(wording.Voice) map[string]string) (Page, wording.PageWords) {
	w := l.Words.Pages(locale)
	v := wording.Values{Words: map[string]string{}, Counts: map[string]int{wording.FieldLetters: MaxText}}
	if values != nil {
		v.Words = values(w.Voice)
	}
	v.Words[wording.FieldBrand], v.Words[wording.FieldSupport] = w.Isolated(l.Brand.Name), w.Isolated(l.Brand.Support)
	p := Page{
		Brand: l.Brand, Colors: l.Brand.Palette(), Language: w.Language.Tag(), Direction: w.Direction(), Say: w.Say(v), Support: v.Words[wording.FieldSupport],
		Question: w.Feedback.Say(w.Dates, v),
	}
	if p.Support != "" {
		p.Questions[0], p.Questions[1] = w.Questions.Around(w.Dates, v, wording.FieldSupport)
	}
	return p, w
}
