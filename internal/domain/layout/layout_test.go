package layout_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/layout"
)

// text is a layout of one's own with all that it must show.
const text = `{{.Greeting}} {{.Heading}}
{{range .Paragraphs}}{{wrap .}}{{end}}
{{range .Dates}}{{.Label}}{{$.Colon}} {{.Date}} {{.Zone}}{{end}}
{{with .ActionURL}}{{$.Button}} {{.}}{{end}}
{{range .After}}{{.}}{{end}} {{.Demonstration}}
{{.Why}} {{.Support}} {{range .AddressLines}}{{.}}{{end}}
{{.Guide}} {{.GuideURL}} {{.Feedback}} {{.FeedbackURL}}
{{.Unsubscribe}} {{.UnsubscribeURL}}
`

// html is the same as HTML.
const html = `<html lang="{{.Language}}" dir="{{.Direction}}"><body><h1>{{.Heading}}</h1><p>{{.Greeting}}</p>
{{range .Paragraphs}}<p>{{.}}</p>{{end}}
{{range .Dates}}<p>{{.Label}} {{.Date}} {{.Zone}}</p>{{end}}
{{with .ActionURL}}<a href="{{.}}">{{$.Button}}</a>{{end}}
{{range .After}}<p>{{.}}</p>{{end}} {{.Demonstration}}
{{.Why}} {{.Support}} {{range .AddressLines}}{{.}}{{end}}
<a href="{{.GuideURL}}">{{.Guide}}</a> <a href="{{.FeedbackURL}}">{{.Feedback}}</a>
<a href="{{.UnsubscribeURL}}">{{.Unsubscribe}}</a></body></html>
`

func TestALayoutOfOnesOwnReplacesTheBuiltIn(t *testing.T) {
	t.Parallel()
	l, problems := layout.New(map[string]string{layout.HTMLFile: html, layout.TextFile: text})
	require.Empty(t, problems)
	inHTML, inText, err := l.Render(layout.Page{Heading: "<b>&", Why: "you sell"})
	require.NoError(t, err)
	require.Contains(t, inHTML, "<h1>&lt;b&gt;&amp;</h1>", "what vendors write is escaped")
	require.Contains(t, inText, "<b>&")
	one, problems := layout.New(map[string]string{layout.TextFile: text})
	require.Empty(t, problems)
	inHTML, _, err = one.Render(layout.Page{})
	require.NoError(t, err)
	require.Contains(t, inHTML, `class="card"`, "the other is built in")
}

func TestAWrongLayoutIsNamedByLine(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		file, text string
		line       int
		message    string
	}{
		"unknown field":         {layout.HTMLFile, html + "\n{{.VendorEmail}}", 10, ".VendorEmail is no field here; such are ActionURL, AddressLines,"},
		"where no e-mail is":    {layout.TextFile, text + `{{if eq .Language "xx"}}{{.Token}}{{end}}`, 9, ".Token is no field here"},
		"within another":        {layout.TextFile, text + "{{range .Dates}}{{.Heading}}{{end}}", 9, "can't evaluate field Heading"},
		"broken syntax":         {layout.TextFile, text + "{{range .Dates}}", 9, "unexpected EOF"},
		"unknown function":      {layout.HTMLFile, "{{shout .Heading}}", 1, `function "shout" not defined`},
		"a script":              {layout.HTMLFile, strings.Replace(html, "</body>", "<script>{{if .Why}}'{{end}}</script></body>", 1), 8, "end in different contexts"},
		"no end":                {layout.TextFile, text + `{{define "a"}}` + strings.Repeat("x", 1000) + `{{template "a" .}}{{end}}{{template "a" .}}`, 0, "writes more than"},
		"no link to stop":       {layout.HTMLFile, strings.Replace(html, `href="{{.UnsubscribeURL}}"`, "", 1), 0, "does not show {{.UnsubscribeURL}}"},
		"a link that is none":   {layout.HTMLFile, strings.Replace(html, `<a href="{{.FeedbackURL}}">`, "<p>{{.FeedbackURL}}", 1), 0, "does not show {{.FeedbackURL}}"},
		"no guide":              {layout.TextFile, strings.Replace(text, "{{.GuideURL}}", "", 1), 0, "does not show {{.GuideURL}}"},
		"no footer":             {layout.TextFile, strings.Replace(text, "{{.Why}}", "", 1), 0, "does not show {{.Why}}"},
		"no address":            {layout.HTMLFile, strings.Replace(html, "{{range .AddressLines}}{{.}}{{end}}", "", 1), 0, "does not show {{.AddressLines}}"},
		"the button's text":     {layout.HTMLFile, strings.Replace(html, "{{$.Button}}", "", 1), 0, "does not show {{.Button}}"},
		"the first paragraph":   {layout.HTMLFile, strings.Replace(html, "{{range .Paragraphs}}<p>{{.}}</p>{{end}}", "{{with .Paragraphs}}{{index . 0}}{{end}}", 1), 0, "does not show {{.Paragraphs}}"},
		"needs what may be off": {layout.HTMLFile, html + "{{index .After 1}}", 9, "index out of range"},
		"only for some brands":  {layout.HTMLFile, strings.Replace(html, `href="{{.UnsubscribeURL}}"`, `{{with .Support}}href="{{$.UnsubscribeURL}}"{{end}}`, 1), 0, "does not show {{.UnsubscribeURL}}"},
		"only with a button":    {layout.TextFile, strings.Replace(text, "{{.GuideURL}}", "{{if .Button}}{{.GuideURL}}{{end}}", 1), 0, "does not show {{.GuideURL}}"},
		"one of two dates":      {layout.TextFile, strings.Replace(text, "{{range .Dates}}", "{{range slice .Dates 1}}", 1), 0, "does not show {{.Dates}}"},
		"needs two paragraphs":  {layout.HTMLFile, strings.Replace(html, "{{range .Paragraphs}}<p>{{.}}</p>{{end}}", "{{if .Paragraphs}}{{index .Paragraphs 0}}{{index .Paragraphs 1}}{{end}}", 1), 2, "index out of range"},
		"needs a paragraph":     {layout.TextFile, text + "{{index .Paragraphs 0}}", 9, "index out of range"},
		"needs an address":      {layout.TextFile, text + "{{with .Support}}{{index $.AddressLines 0}}{{end}}", 9, "index out of range"},
		"needs questions":       {layout.HTMLFile, strings.Replace(html, "{{range .AddressLines}}{{.}}{{end}}", "{{with .Support}}{{range $.AddressLines}}{{.}}{{end}}{{end}}", 1), 0, "does not show {{.AddressLines}}"},
		"large":                 {layout.TextFile, text + strings.Repeat("a", layout.MaxBytes), 0, "is larger than 65536 bytes"},
		"larger in use":         {layout.TextFile, text + strings.Repeat("{{range .After}}{{range $.After}}{{range $.After}}{{range $.After}}"+strings.Repeat("a", 3000)+"{{end}}{{end}}{{end}}{{end}}", 10), 0, "writes more than"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, problems := layout.New(map[string]string{c.file: c.text})
			require.Nil(t, l)
			require.NotEmpty(t, problems)
			require.Equal(t, c.file, problems[0].File)
			require.Equal(t, c.line, problems[0].Line, problems[0].Message)
			require.Contains(t, problems[0].Message, c.message)
		})
	}
}
