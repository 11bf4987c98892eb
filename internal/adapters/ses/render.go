package ses

import (
	"cmp"
	"fmt"

	"marketplace.example/trials/internal/domain/layout"
	"marketplace.example/trials/internal/domain/wording"
)

// Render renders an e-mail. It fails on content that would make a false or
// unsafe one, and names the field.
func Render(c Content) (Rendered, error) {
	if err := c.validate(); err != nil {
		return Rendered{}, fmt.Errorf("mail content: %w", err)
	}
	w, ok := c.Words.For(c.Locale, c.Kind)
	if !ok {
		return Rendered{}, fmt.Errorf("mail content: kind: %q is not a kind of e-mail", c.Kind)
	}
	return c.renderedWith(w, c.Words.Pages(c.Locale).Link(), c.laidOut())
}

// laidOut is the layout of the content.
func (c Content) laidOut() *layout.Layout {
	if c.Layout == nil {
		return layout.BuiltIn
	}
	return c.Layout
}

// renderedWith is a valid content in these words and this layout. guide names the link to the vendor's guide.
func (c Content) renderedWith(w wording.Words, guide string, l *layout.Layout) (Rendered, error) {
	p := c.page(w, guide)
	html, text, err := l.Render(p)
	if err != nil {
		return Rendered{}, fmt.Errorf("%s: %w", c.Kind, err)
	}
	return Rendered{Subject: p.Subject, Text: text, HTML: html}, nil
}

func (c Content) page(w wording.Words, guide string) layout.Page {
	values := c.values(w)
	fill := func(t wording.Text) string { return t.Say(w.Dates, values) }
	palette := c.Brand.Palette()
	p := layout.Page{
		Language: w.Language.Tag(), Direction: w.Direction(),
		Subject: oneLine(fill(w.Subject)), Preheader: fill(w.Preheader), Heading: fill(w.Heading), Greeting: fill(w.Greeting),
		Paragraphs: filled(w.Paragraphs, fill), Dates: c.dates(w), After: filled(w.After, fill),
		Unsubscribe: fill(w.Unsubscribe), UnsubscribeURL: c.UnsubscribeURL, Feedback: fill(w.Feedback), FeedbackURL: c.FeedbackURL,
		Guide: guide, GuideURL: c.GuideURL, Why: fill(w.Why),
		Brand: c.Brand, Light: palette.Light, Dark: palette.Dark,
	}
	p.Colon = cmp.Or(fill(w.Colon), ":")
	if p.Button = fill(w.Button); p.Button != "" {
		p.ActionURL = c.actionURL()
	}
	if c.compressed() {
		p.Demonstration = fill(w.Demonstration)
	}
	if p.Support = values.Words[wording.FieldSupport]; p.Support != "" {
		p.Questions[0], p.Questions[1] = w.Questions.Around(w.Dates, values, wording.FieldSupport)
	}
	for _, line := range c.Brand.AddressLines() {
		p.AddressLines = append(p.AddressLines, w.Isolated(line))
	}
	return p
}

// values are what the fields of the words stand for.
func (c Content) values(w wording.Words) wording.Values {
	v := wording.Values{
		Words: map[string]string{
			wording.FieldName: w.Isolated(greetingName(c.VendorName)), wording.FieldBrand: w.Isolated(c.Brand.Name),
			wording.FieldSupport: w.Isolated(c.Brand.Support), wording.FieldEndDate: w.Day(c.EndsAt, c.clock()), wording.FieldDayLength: c.Day.String(),
		},
		Counts: map[string]int{
			wording.FieldDaysLeft: c.DaysLeft, wording.FieldGraceDays: c.GraceDays, wording.FieldLengthDays: c.LengthDays,
		},
		ShortDays: c.compressed(),
	}
	if !c.GraceEndsAt.IsZero() {
		v.Words[wording.FieldGraceEndDate] = w.Day(c.GraceEndsAt, c.clock())
	}
	return v
}

// filled are the paragraphs that say something.
func filled(texts []wording.Text, fill func(wording.Text) string) []string {
	var all []string
	for _, t := range texts {
		if text := fill(t); text != "" {
			all = append(all, text)
		}
	}
	return all
}
