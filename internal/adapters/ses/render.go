package ses

import (
	"cmp"
	"embed"
	"fmt"
	htmltemplate "html/template"
	"strings"
	texttemplate "text/template"

	"marketplace.example/trials/internal/domain/brand"
	"marketplace.example/trials/internal/domain/notice"
	"marketplace.example/trials/internal/domain/wording"
)

// Each kind is written once, as plain text; two layouts render it, so the two bodies of an e-mail cannot differ,
// and only the HTML layout has to escape.
//
//go:embed templates
var templateFiles embed.FS

var (
	textLayout = texttemplate.Must(texttemplate.New("layout.txt").
			Funcs(texttemplate.FuncMap{"wrap": wrap}).
			ParseFS(templateFiles, "templates/layout.txt"))
	htmlLayout = htmltemplate.Must(htmltemplate.ParseFS(templateFiles, "templates/layout.html"))
)

// page is the input of the layouts.
type page struct {
	Language, Direction                   string
	Subject, Preheader, Heading, Greeting string
	Paragraphs                            []string
	Dates                                 []dated
	Button, ActionURL                     string
	After                                 []string
	Demonstration                         string
	Unsubscribe, UnsubscribeURL, Colon    string
	Feedback, FeedbackURL                 string
	Guide, GuideURL                       string
	// Questions is what stands before and after Support, which is empty for no address.
	Questions    [2]string
	Support      string
	Brand        brand.Brand
	AddressLines []string
	Light, Dark  brand.Scheme
	Why          string
}

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
	p := c.page(w)
	var text, html strings.Builder
	if err := textLayout.Execute(&text, p); err != nil {
		return Rendered{}, fmt.Errorf("rendering the text of %s: %w", c.Kind, err)
	}
	if err := htmlLayout.Execute(&html, p); err != nil {
		return Rendered{}, fmt.Errorf("rendering the HTML of %s: %w", c.Kind, err)
	}
	return Rendered{Subject: p.Subject, Text: text.String(), HTML: html.String()}, nil
}

func (c Content) page(w wording.Words) page {
	values := c.values(w)
	fill := func(t wording.Text) string { return t.Say(w.Dates, values) }
	palette := c.Brand.Palette()
	p := page{
		Language: w.Language.Tag(), Direction: w.Direction(),
		Subject: oneLine(fill(w.Subject)), Preheader: fill(w.Preheader), Heading: fill(w.Heading), Greeting: fill(w.Greeting),
		Paragraphs: filled(w.Paragraphs, fill), Dates: c.dates(w), After: filled(w.After, fill),
		Unsubscribe: fill(w.Unsubscribe), UnsubscribeURL: c.UnsubscribeURL, Feedback: fill(w.Feedback), FeedbackURL: c.FeedbackURL,
		Guide: c.Words.Pages(c.Locale).Link(), GuideURL: c.GuideURL, Why: fill(w.Why),
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

// textWidth is the line length of the text body; a longer word, such as a
// link, stays whole.
const textWidth = 72

// wrap breaks a paragraph into lines of at most textWidth characters.
func wrap(s string) string { return notice.Wrapped(s, textWidth) }
