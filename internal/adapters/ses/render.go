package ses

import (
	"embed"
	"fmt"
	htmltemplate "html/template"
	"strings"
	texttemplate "text/template"

	"marketplace.example/trials/internal/domain/brand"
	"marketplace.example/trials/internal/domain/notice"
)

// Each kind is written once, as plain text, in templates/KIND.tmpl; two layouts
// render it, so the two bodies of an e-mail cannot differ,
// and only the HTML layout has to escape.
//
//go:embed templates
var templateFiles embed.FS

var (
	wordings = map[string]*texttemplate.Template{
		KindWelcome:  parseWording(KindWelcome),
		KindReminder: parseWording(KindReminder),
		KindExpiry:   parseWording(KindExpiry),
		KindGraceEnd: parseWording(KindGraceEnd),
	}
	textLayout = texttemplate.Must(texttemplate.New("layout.txt").
			Funcs(texttemplate.FuncMap{"wrap": wrap}).
			ParseFS(templateFiles, "templates/layout.txt"))
	htmlLayout = htmltemplate.Must(htmltemplate.ParseFS(templateFiles, "templates/layout.html"))
)

func parseWording(kind string) *texttemplate.Template {
	return texttemplate.Must(texttemplate.New(kind).
		Option("missingkey=error").
		ParseFS(templateFiles, "templates/"+kind+".tmpl"))
}

// facts are the fields available to the wording of a kind.
type facts struct {
	Content
	Until, Length, Grace, Marketplace string
}

// askFeedback are the words of the link at the end of each e-mail to the page that asks whether it helped.
const askFeedback = "Was this e-mail helpful?"

// page is the input of the layouts.
type page struct {
	Subject, Preheader, Heading, Greeting string
	Paragraphs                            []string
	Dates                                 []dated
	Button, ActionURL                     string
	After                                 []string
	Demonstration                         string
	UnsubscribeURL                        string
	FeedbackURL, AskFeedback              string
	Brand                                 brand.Brand
	Light, Dark                           brand.Scheme
	Why                                   string
}

// Render renders an e-mail. It fails on content that would make a false or
// unsafe one, and names the field.
func Render(c Content) (Rendered, error) {
	if err := c.validate(); err != nil {
		return Rendered{}, fmt.Errorf("mail content: %w", err)
	}
	p, err := c.page()
	if err != nil {
		return Rendered{}, fmt.Errorf("wording %s: %w", c.Kind, err)
	}
	var text, html strings.Builder
	if err := textLayout.Execute(&text, p); err != nil {
		return Rendered{}, fmt.Errorf("rendering the text of %s: %w", c.Kind, err)
	}
	if err := htmlLayout.Execute(&html, p); err != nil {
		return Rendered{}, fmt.Errorf("rendering the HTML of %s: %w", c.Kind, err)
	}
	return Rendered{Subject: p.Subject, Text: text.String(), HTML: html.String()}, nil
}

func (c Content) page() (page, error) {
	f := facts{
		Content:     c,
		Until:       c.untilEnd(),
		Length:      countDays(c.LengthDays),
		Grace:       countDays(c.GraceDays),
		Marketplace: c.Brand.Marketplace(),
	}
	parts := map[string]string{}
	for _, part := range []string{"subject", "preheader", "heading", "body", "button", "after"} {
		var b strings.Builder
		if err := wordings[c.Kind].ExecuteTemplate(&b, part, f); err != nil {
			return page{}, err
		}
		parts[part] = b.String()
	}
	palette := c.Brand.Palette()
	return page{
		Subject:        oneLine(parts["subject"]),
		Preheader:      oneLine(parts["preheader"]),
		Heading:        oneLine(parts["heading"]),
		Greeting:       c.greeting(),
		Paragraphs:     paragraphs(parts["body"]),
		Dates:          c.dates(),
		Button:         oneLine(parts["button"]),
		ActionURL:      c.actionURL(),
		After:          paragraphs(parts["after"]),
		Demonstration:  c.demonstration(),
		UnsubscribeURL: c.UnsubscribeURL,
		FeedbackURL:    c.FeedbackURL,
		AskFeedback:    askFeedback,
		Brand:          c.Brand,
		Light:          palette.Light,
		Dark:           palette.Dark,
		Why:            "You get this e-mail because you sell on " + c.Brand.Marketplace() + ".",
	}, nil
}

func (c Content) greeting() string {
	name := greetingName(c.VendorName)
	if name == "" {
		return "Hello,"
	}
	return "Hello " + name + ","
}

func (c Content) demonstration() string {
	if !c.compressed() {
		return ""
	}
	return fmt.Sprintf("This is a demonstration: a day lasts %s here.", c.Day)
}

// paragraphs splits a text at its blank lines and unwraps each paragraph.
func paragraphs(s string) []string {
	var out []string
	for block := range strings.SplitSeq(s, "\n\n") {
		if p := oneLine(block); p != "" {
			out = append(out, p)
		}
	}
	return out
}

// textWidth is the line length of the text body; a longer word, such as a
// link, stays whole.
const textWidth = 72

// wrap breaks a paragraph into lines of at most textWidth characters.
func wrap(s string) string { return notice.Wrapped(s, textWidth) }
