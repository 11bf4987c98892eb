package layout

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"marketplace.example/trials/internal/domain/brand"
)

// MaxBytes is the size of a template's file: Gmail clips an e-mail after 102 KB, words and all.
const MaxBytes = 64 << 10

// Problem is what is wrong with a file. Line is 0 where it is about all of it.
type Problem struct {
	File    string
	Line    int
	Message string
}

// New returns the layout of a marketplace's own files, by their names, with the built-in ones where it has none, and everything
// that is wrong with its own: it is nil then.
func New(own map[string]string) (*Layout, []Problem) {
	source := func(file string) string {
		if text, ok := own[file]; ok {
			return text
		}
		text, err := builtIn.ReadFile("builtin/" + file)
		if err != nil {
			panic(err) // the names are constants
		}
		return string(text)
	}
	var all []Problem
	for _, file := range slices.Sorted(maps.Keys(own)) {
		all = append(all, forbidden(file, own[file])...)
	}
	if len(all) > 0 {
		return nil, all
	}
	l, problem := Source{HTML: source(HTMLFile), Text: source(TextFile)}.parse()
	if problem != nil {
		return nil, []Problem{*problem}
	}
	if all = l.try(); len(all) > 0 {
		return nil, all
	}
	return l, nil
}

var (
	action = regexp.MustCompile(`(?s)\{\{.*?\}\}`)
	quoted = regexp.MustCompile("(?s)/\\*.*?\\*/|\"(?:[^\"\\\\]|\\\\.)*\"|`[^`]*`")
	named  = regexp.MustCompile(`\.([A-Za-z_]\w*)`)
)

// forbidden finds what no template of ours may have, also where no sample would come to it.
func forbidden(file, source string) []Problem {
	if len(source) > MaxBytes {
		return []Problem{{File: file, Message: fmt.Sprintf("is larger than %d bytes", MaxBytes)}}
	}
	known := map[string]bool{}
	fieldsOf(reflect.TypeFor[Page](), known)
	var all []Problem
	for _, at := range action.FindAllStringIndex(source, -1) {
		for _, m := range named.FindAllStringSubmatch(quoted.ReplaceAllString(source[at[0]:at[1]], ""), -1) {
			if !known[m[1]] {
				all = append(all, Problem{file, lineOf(source, at[0]), "." + m[1] + " is no field here; such are " + strings.Join(pageFields(), ", ")})
			}
		}
	}
	return all
}

func lineOf(source string, at int) int { return 1 + strings.Count(source[:at], "\n") }

// fieldsOf are the names of all fields that a template can come to.
func fieldsOf(t reflect.Type, known map[string]bool) {
	for t.Kind() == reflect.Slice || t.Kind() == reflect.Array || t.Kind() == reflect.Map {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return
	}
	for _, f := range reflect.VisibleFields(t) {
		known[f.Name] = true
		fieldsOf(f.Type, known)
	}
}

func pageFields() []string {
	var names []string
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Page]()) {
		names = append(names, f.Name)
	}
	slices.Sort(names)
	return names
}

// at is where a template's error is.
var at = regexp.MustCompile(`^(?:html/)?template: ?layout\.\w+:(\d+)(?::\d+)?: (?s:(.*))$`)

func explain(file string, err error) Problem {
	p := Problem{File: file, Message: strings.ReplaceAll(err.Error(), "\n", " ")}
	if m := at.FindStringSubmatch(err.Error()); m != nil {
		p.Line, _ = strconv.Atoi(m[1]) // it is digits
		p.Message = strings.ReplaceAll(m[2], "\n", " ")
	}
	if errors.Is(err, errTooLong) {
		p.Message = errTooLong.Error()
	}
	return p
}

// errTooLong ends a template that writes without end.
var errTooLong = fmt.Errorf("writes more than %d bytes", 4*MaxBytes)

// bounded takes so much of a template's output.
type bounded struct{ strings.Builder }

func (b *bounded) Write(p []byte) (int, error) {
	if b.Len()+len(p) > 4*MaxBytes {
		return 0, errTooLong
	}
	return b.Builder.Write(p)
}

// must are what a sample shows, and the field that does.
var must = []struct{ mark, field string }{
	{"MARK-heading", "Heading"},
	{"MARK-greeting", "Greeting"},
	{"MARK-paragraph-2", "Paragraphs"},
	{"MARK-label", "Dates"},
	{"MARK-date", "Dates"},
	{"MARK-zone", "Dates"},
	{"MARK-button", "Button"},
	{"https://mark.example/action", "ActionURL"},
	{"MARK-after-2", "After"},
	{"MARK-demonstration", "Demonstration"},
	{"MARK-why", "Why"},
	{"MARK-support", "Support"},
	{"MARK-street", "AddressLines"},
	{"https://mark.example/guide", "GuideURL"},
	{"https://mark.example/feedback", "FeedbackURL"},
	{"https://mark.example/unsubscribe", "UnsubscribeURL"},
}

// samples are a page with all there is, one with nothing that may be left out, and that one with each part which it leaves out: the
// e-mails of some brand have one without another.
func samples() []Page {
	full := Page{
		Language: "en", Direction: "ltr", Subject: "MARK-subject", Preheader: "MARK-preheader", Heading: "MARK-heading", Greeting: "MARK-greeting",
		Paragraphs: []string{"MARK-paragraph-1", "MARK-paragraph-2"}, Dates: []Dated{{"a", "b", "c"}, {"MARK-label", "MARK-date", "MARK-zone"}},
		Button: "MARK-button", ActionURL: "https://mark.example/action", After: []string{"MARK-after-1", "MARK-after-2"}, Demonstration: "MARK-demonstration",
		Unsubscribe: "MARK-unsubscribe", UnsubscribeURL: "https://mark.example/unsubscribe", Colon: ":", Feedback: "MARK-feedback", FeedbackURL: "https://mark.example/feedback",
		Guide: "MARK-guide", GuideURL: "https://mark.example/guide", Questions: [2]string{"MARK-before", "MARK-behind"}, Support: "MARK-support",
		Brand: brand.Brand{Name: "MARK-name", Support: "help@mark.example"}, AddressLines: []string{"MARK-street"}, Why: "MARK-why",
		Light: brand.Brand{}.Palette().Light, Dark: brand.Brand{}.Palette().Dark,
	}
	bare := Page{
		Language: "ar", Direction: "rtl", Subject: full.Subject, Heading: full.Heading, Greeting: full.Greeting, Dates: full.Dates[1:],
		Unsubscribe: full.Unsubscribe, UnsubscribeURL: full.UnsubscribeURL, Colon: ":", Guide: full.Guide, GuideURL: full.GuideURL, Why: full.Why,
		Light: full.Light, Dark: full.Dark,
	}
	all := []Page{full, bare}
	for _, add := range []func(*Page){
		func(p *Page) { p.Preheader = full.Preheader },
		func(p *Page) { p.Paragraphs = full.Paragraphs[1:] },
		func(p *Page) { p.Dates = full.Dates },
		func(p *Page) { p.Button, p.ActionURL = full.Button, full.ActionURL },
		func(p *Page) { p.After = full.After[1:] },
		func(p *Page) { p.Demonstration = full.Demonstration },
		func(p *Page) { p.Feedback, p.FeedbackURL = full.Feedback, full.FeedbackURL },
		func(p *Page) {
			p.Questions, p.Support, p.Brand.Support = full.Questions, full.Support, full.Brand.Support
		},
		func(p *Page) { p.Brand.Name = full.Brand.Name },
		func(p *Page) { p.AddressLines = full.AddressLines },
	} {
		p := bare
		add(&p)
		all = append(all, p)
	}
	return all
}

// try renders the samples, each of which must show all that it has.
func (l *Layout) try() []Problem {
	return slices.Concat(
		tried(HTMLFile, func(b *bounded, p Page) error { return l.html.Execute(b, p) }),
		tried(TextFile, func(b *bounded, p Page) error { return l.text.Execute(b, p) }))
}

// tried are the problems of one file.
func tried(file string, write func(*bounded, Page) error) []Problem {
	var all []Problem
	for _, p := range samples() {
		var out bounded
		if err := write(&out, p); err != nil {
			return []Problem{explain(file, err)}
		}
		for _, field := range hidden(file, p, out.String()) {
			problem := Problem{File: file, Message: "does not show {{." + field + "}}, as every e-mail that has it must"}
			if !slices.Contains(all, problem) {
				all = append(all, problem)
			}
		}
	}
	return all
}

// hidden are the fields that a page has and its e-mail does not show.
func hidden(file string, p Page, out string) []string {
	var fields []string
	has := fmt.Sprint(p)
	for _, m := range must {
		if file == TextFile && m.field == "Heading" { // the subject says it
			continue
		}
		shown := m.mark
		if file == HTMLFile && strings.HasPrefix(m.mark, "https://") {
			shown = `href="` + m.mark + `"`
		}
		if strings.Contains(has, m.mark) && !strings.Contains(out, shown) {
			fields = append(fields, m.field)
		}
	}
	return fields
}
