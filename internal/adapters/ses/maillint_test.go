package ses

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/brand"
)

// mailLint is the folder where `npm ci` installs what others know of HTML and of mail programs.
var mailLint = filepath.Join("..", "..", "..", "test", "maillint")

// accepted are the rules of html-validate that an e-mail may break, and what it may use although one of Gmail, Outlook, Apple Mail and
// Yahoo lacks it, wholly or in part; why says what happens then.
var accepted = []struct {
	why   string
	rules []string
}{
	{"some programs drop style sheets, and Outlook on Windows takes widths and colors from attributes", []string{"no-inline-style", "no-deprecated-attr"}},
	{"a table without it has the same rows", []string{"prefer-tbody"}},
	{"without it the e-mail is light and as wide as a card", []string{"color-scheme CSS property", "color-scheme meta tag", "@media", "<style> element"}},
	{"what the body says, the outermost table says again", []string{"<body> element", "lang attribute"}},
	{"the preheader is hidden in several ways, and each program knows one; the button keeps its size by mso-padding-alt", []string{
		"display", "display:none", "max-height property", "overflow",
	}},
	{"no link has a direction, and text from right to left is in e-mails of that direction only", []string{"dir attribute"}},
	{"a word as long as a line may widen the e-mail; names are cut after 80 letters", []string{"overflow-wrap"}},
	{"links open in a window of their own in each of them", []string{"target attribute"}},
	{"screen readers may say that there is a table", []string{"role attribute"}},
	{"corners are square", []string{"border-radius"}},
	{"a row of space is higher, lines stand further apart or closer to a rule", []string{"height property", "height attribute", "line-height", "padding", "border"}},
	{"the card's width is an attribute too", []string{"max-width", "width property", "width attribute"}},
	{"the values it lacks are not used", []string{"align attribute", "background", "font-size", "font-weight", "mailto: links", "margin", "text-decoration"}},
	{"bars of notices have other proportions, and figures may take two lines", []string{"table-layout", "white-space"}},
}

type lintFinding struct {
	Rule, Mail string
	Says       []string
}

// lint asks html-validate and caniemail.com about e-mails, given by name.
func lint(t *testing.T, mails map[string]string) []lintFinding {
	t.Helper()
	if _, err := os.Stat(filepath.Join(mailLint, "node_modules", "caniemail")); err != nil {
		t.Fatalf("what checks e-mails is not installed: run `make test-tools`, or `npm ci --prefix test/maillint` (%v)", err)
	}
	input, err := json.Marshal(mails)
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), "node", filepath.Join(mailLint, "lint.mjs"))
	var output bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(input), &output, t.Output()
	require.NoError(t, cmd.Run())
	var found []lintFinding
	require.NoError(t, json.Unmarshal(output.Bytes(), &found))
	return found
}

// Every e-mail, built in or not, stands before what others know of HTML and of mail programs.
func TestMailProgramsShowEveryMail(t *testing.T) {
	t.Parallel()
	mails, folder := map[string]string{}, words(templates)
	for name, b := range map[string]brand.Brand{"neutral": {}, "branded": nordic()} {
		for _, language := range append(builtIn.Languages(), "ar-EG") {
			for _, kind := range folder.Kinds() {
				usual := Samples(b, folder, language, kind)[0].Content
				usual.Day = time.Second // for the paragraph on demonstrations
				mails[strings.Join([]string{name, language, kind}, ", ")] = render(t, usual).HTML
			}
		}
	}
	notices, err := filepath.Glob(filepath.Join("testdata", "notice-*.html"))
	require.NoError(t, err)
	require.NotEmpty(t, notices)
	for _, name := range notices {
		html, err := os.ReadFile(name)
		require.NoError(t, err)
		mails[filepath.Base(name)] = string(html)
	}
	unused := map[string]bool{}
	for _, a := range accepted {
		require.NotEmpty(t, a.why)
		for _, rule := range a.rules {
			unused[rule] = true
		}
	}
	for _, f := range lint(t, mails) {
		if !unused[f.Rule] {
			t.Errorf("%s, first in %s: %s", f.Rule, f.Mail, strings.Join(f.Says, "; "))
		}
		delete(unused, f.Rule)
	}
	require.Empty(t, unused, "what is accepted is still used")
}
