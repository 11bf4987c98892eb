// Package layout is how an e-mail to a vendor is laid out: the built-in templates, and what those of a marketplace's own must hold.
package layout

import (
	"embed"
	"fmt"
	htmltemplate "html/template"
	"strings"
	texttemplate "text/template"

	"marketplace.example/trials/internal/domain/brand"
	"marketplace.example/trials/internal/domain/notice"
)

// The names of the templates' files.
const (
	HTMLFile = "layout.html"
	TextFile = "layout.txt"
)

// Page is what the templates show. A text may be empty: its place is left out then.
type Page struct {
	// Language is the e-mail's, Direction how it is written: ltr or rtl.
	Language, Direction                   string
	Subject, Preheader, Heading, Greeting string
	Paragraphs                            []string
	Dates                                 []Dated
	// Button is what leads to ActionURL.
	Button, ActionURL string
	// After are the paragraphs behind the button.
	After []string
	// Demonstration says that days are short.
	Demonstration               string
	Unsubscribe, UnsubscribeURL string
	// Colon stands between a label and what it names.
	Colon                 string
	Feedback, FeedbackURL string
	Guide, GuideURL       string
	// Questions is what stands before and after Support, which is empty for no address.
	Questions    [2]string
	Support      string
	Brand        brand.Brand
	AddressLines []string
	Light, Dark  brand.Scheme
	// Why says why the vendor gets the e-mail.
	Why string
}

// Dated is one line of the e-mail's table of dates. The zone is separate, so that a layout can keep it on one line.
type Dated struct{ Label, Date, Zone string }

// Layout is a pair of templates, which show the same of a page.
type Layout struct {
	html   *htmltemplate.Template
	text   *texttemplate.Template
	source Source
}

// Source is a layout as it is written. Its fields are stored.
type Source struct {
	Text string `json:"text"`
	HTML string `json:"html"`
}

// Source returns the layout as it was written.
func (l *Layout) Source() Source { return l.source }

// Layout returns the layout ready for use. It is not tried: what was stored was tried before it was used.
func (s Source) Layout() (*Layout, error) {
	l, problem := s.parse()
	if problem != nil {
		return nil, fmt.Errorf("reading %s, line %d: %s", problem.File, problem.Line, problem.Message)
	}
	return l, nil
}

func (s Source) parse() (*Layout, *Problem) {
	html, err := htmltemplate.New(HTMLFile).Funcs(htmltemplate.FuncMap{"wrap": wrap}).Parse(s.HTML)
	if err != nil {
		return nil, new(explain(HTMLFile, err))
	}
	text, err := texttemplate.New(TextFile).Funcs(texttemplate.FuncMap{"wrap": wrap}).Parse(s.Text)
	if err != nil {
		return nil, new(explain(TextFile, err))
	}
	return &Layout{html, text, s}, nil
}

//go:embed builtin
var builtIn embed.FS

// BuiltIn is the layout for all who have none of their own.
var BuiltIn = func() *Layout {
	l, problems := New(nil)
	if len(problems) > 0 {
		panic(problems[0].Message) // the files are ours
	}
	return l
}()

// Render returns the two bodies of an e-mail.
func (l *Layout) Render(p Page) (html, text string, err error) {
	var h, t strings.Builder
	if err := l.text.Execute(&t, p); err != nil {
		return "", "", fmt.Errorf("rendering the text: %w", err)
	}
	if err := l.html.Execute(&h, p); err != nil {
		return "", "", fmt.Errorf("rendering the HTML: %w", err)
	}
	return h.String(), t.String(), nil
}

// textWidth is the line length of the text body; a longer word, such as a link, stays whole.
const textWidth = 72

// wrap breaks a paragraph into lines of at most textWidth characters.
func wrap(s string) string { return notice.Wrapped(s, textWidth) }
