package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/policy"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/internal/domain/wording"
	"marketplace.example/trials/internal/platform/config"
)

// mailFolder is a folder for MAIL_TEMPLATES with files of a marketplace's own beside its brand.
func mailFolder(t *testing.T, files map[string]string) string {
	t.Helper()
	folder := t.TempDir()
	write := func(name, text string) {
		path := filepath.Join(folder, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	write("brand.yaml", "name: N\nbuttons: {default: https://n.example}\n")
	for name, text := range files {
		write(name, text)
	}
	return folder
}

func TestTheBuiltInWordsAreWhole(t *testing.T) {
	t.Parallel()
	m, err := config.Config{}.Mail()
	require.NoError(t, err)
	require.Equal(t, []string{"de", "en", "es", "fr", "pt"}, m.Words.Languages())
	require.Equal(t, wording.BuiltInKinds(), m.Words.Kinds())
	for _, language := range m.Words.Languages() {
		for _, kind := range m.Words.Kinds() {
			w, ok := m.Words.For(language, kind)
			require.True(t, ok)
			require.Equal(t, language, w.Language.Tag(), kind)
		}
	}
}

func TestWordsOfOnesOwnAreRead(t *testing.T) {
	t.Parallel()
	folder := mailFolder(t, map[string]string{
		"brand.yaml":        "name: N\nlanguage: pt-BR\nbuttons: {default: https://n.example}\n",
		"pt-BR/expiry.yaml": "button: Quero continuar\n",
		"pt/half-way.yaml":  "subject: Metade\nparagraphs:\n  - daysLeft:\n      0: Hoje.\n      one: Falta {daysLeft} dia.\n      other: Faltam {daysLeft} dias.\n",
		"README.md":         "ours",
		".git/config":       "x",
	})
	m, err := config.Config{MailTemplates: folder}.Mail()
	require.NoError(t, err)
	w, ok := m.Words.For("", "expiry")
	require.True(t, ok)
	require.Equal(t, "Quero continuar", w.Button.Say(w.Language, wording.Values{}))
	require.Equal(t, "Seu período de teste terminou", w.Heading.Say(w.Language, wording.Values{}))
	w, ok = m.Words.For("ja", "half-way")
	require.True(t, ok)
	for n, want := range map[int]string{0: "Hoje.", 1: "Falta 1 dia.", 2: "Faltam 2 dias."} {
		require.Equal(t, want, w.Paragraphs[0].Say(w.Language, wording.Values{Counts: map[string]int{wording.FieldDaysLeft: n}}))
	}
}

func TestWrongWordsAreNamedByFileAndLine(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ file, text, problem string }{
		"unknown field":     {"en/welcome.yaml", "heading: Hi\nsubject: Hi {email}\n", ": line 2: subject: {email} is no field here"},
		"in a form":         {"en/reminder.yaml", "subject:\n  daysLeft:\n    one: a\n    other: in {daysleft} days\n", ": line 4: subject.daysLeft.other: {daysleft} is no field"},
		"form of a number":  {"en/reminder.yaml", "subject:\n  daysLeft:\n    0: <b>a</b>\n    other: in some days\n", ": line 3: subject.daysLeft.0: looks like HTML"},
		"in a paragraph":    {"en/expiry.yaml", "after:\n  - fine\n  - a {\n", ": line 3: after[1]: has a brace"},
		"unknown text":      {"en/expiry.yaml", "after: [x]\ntitle: x\n", ": line 2: title: is no field here"},
		"broken syntax":     {"en/expiry.yaml", "subject: [\n", ": line 1: did not find"},
		"twice":             {"en/expiry.yaml", "subject: a\nsubject: b\n", ": line 2: subject: is already set on line 1"},
		"an alias":          {"en/expiry.yaml", "subject: &a a\n", ": line 1: subject: is or has an alias"},
		"nothing":           {"en/expiry.yaml", "", ": has no fields"},
		"a form twice":      {"en/expiry.yaml", "subject:\n  graceDays:\n    other: a\n    other: b\n", ": line 4: other: is already set on line 3"},
		"half a megabyte":   {"en/expiry.yaml", "heading: a\nsubject: " + strings.Repeat("a", 1<<19) + "\n", ": line 2: subject: has 524288 letters, at most 200"},
		"a megabyte":        {"en/expiry.yaml", "subject: " + strings.Repeat("a", 1<<20) + "\n", ": is larger than 1048576 bytes"},
		"misplaced":         {"welcome.yaml", "subject: a\n", ": belongs into the folder of its language, such as en"},
		"another ending":    {"en/welcome.yml", "subject: a\n", ": is no kind of e-mail: it must be called common.yaml, pages.yaml, or"},
		"no kind":           {"en/Half Way.yaml", "subject: a\n", ": is no kind of e-mail"},
		"language missing":  {"ar/welcome.yaml", "subject: a\nparagraphs: [a]\n", ": its language needs a common.yaml beside it"},
		"not whole":         {"ar/common.yaml", "greeting: a\n", ": why: is missing"},
		"default missing":   {"brand.yaml", "name: N\nlanguage: ja\nbuttons: {default: https://n.example}\n", ": line 2: language: has no words: make a folder ja, or name one of de, en, es, fr, pt"},
		"default, no such":  {"brand.yaml", "name: N\nlanguage: english\nbuttons: {default: https://n.example}\n", `: line 2: language: "english" is no language`},
		"button of no kind": {"brand.yaml", "name: N\nbuttons:\n  default: https://n.example\n  farewell: https://n.example\n", ": line 4: buttons.farewell: is no kind of e-mail; such are welcome, reminder"},
		"only in one":       {"de/half-way.yaml", "subject: Halb\nparagraphs: [Halb]\n", ": is not there in en, the default language"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := mailFolder(t, map[string]string{c.file: c.text})
			m, err := config.Config{MailTemplates: folder}.Mail()
			require.ErrorContains(t, err, filepath.Join(folder, filepath.FromSlash(c.file))+c.problem)
			require.Nil(t, m.Words)
			_, err = config.Parse(with(complete(), "MAIL_TEMPLATES", folder), config.Worker)
			require.ErrorContains(t, err, "MAIL_TEMPLATES: ", "no worker starts with it")
		})
	}
	for folder, problem := range map[string]string{"english": `: "english" is no language like pt-BR`, "pt_BR": ": is written pt-BR", "tlh": ": dates and plural forms of tlh are not known here"} {
		at := mailFolder(t, map[string]string{folder + "/welcome.yaml": "subject: a\n"})
		_, err := config.Config{MailTemplates: at}.Mail()
		require.ErrorContains(t, err, filepath.Join(at, folder)+problem)
	}
}

// A button leads where the brand says, also in an e-mail of one's own.
func TestAButtonOfAnOwnKindHasATarget(t *testing.T) {
	t.Parallel()
	const four = "name: N\nbuttons:\n  welcome: https://n.example\n  reminder: https://n.example\n  expiry: https://n.example\n  grace-end: https://n.example\n"
	const words = "subject: Half\nparagraphs: [Half]\n"
	for text, brandText := range map[string]string{words: four, words + "button: Go\n": four + "  half-way: https://n.example/{vendorId}\n"} {
		m, err := config.Config{MailTemplates: mailFolder(t, map[string]string{"brand.yaml": brandText, "en/half-way.yaml": text})}.Mail()
		require.NoError(t, err)
		require.Equal(t, strings.Contains(text, "button"), m.Brand.Target("half-way", "v1", "") == "https://n.example/v1")
	}
	_, err := config.Config{MailTemplates: mailFolder(t, map[string]string{"brand.yaml": four, "en/half-way.yaml": words + "button: Go\n"})}.Mail()
	require.ErrorContains(t, err, "brand.yaml: line 2: buttons.half-way: is missing, and there is no default")
}

func TestEverythingWrongIsNamedAtOnce(t *testing.T) {
	t.Parallel()
	folder := mailFolder(t, map[string]string{"en/welcome.yaml": "subject: \"{a}\"\nheading: \"{b}\"\n", "fr/expiry.yaml": "subject: \"{c}\"\n"})
	_, err := config.Config{MailTemplates: folder}.Mail()
	require.Error(t, err)
	require.Len(t, strings.Split(err.Error(), "\n"), 3, err.Error())
}

// Whatever a file holds, it is an e-mail that can be said for every number of days, or an error.
func FuzzReadWords(f *testing.F) {
	seed(f, "../../domain/wording/builtin/en/reminder.yaml", "../../domain/wording/builtin/pt/welcome.yaml")
	f.Add([]byte("subject: {daysLeft: {0: a, one: b, other: \"{daysLeft}\"}}\nparagraphs: [a]"))
	f.Fuzz(func(t *testing.T, content []byte) {
		folder := mailFolder(t, map[string]string{"en/own.yaml": string(content)})
		m, err := config.Config{MailTemplates: folder}.Mail()
		if err != nil {
			require.NotEmpty(t, err.Error())
			return
		}
		w, ok := m.Words.For("pt", "own")
		require.True(t, ok)
		for n := range 3 {
			v := wording.Values{Words: map[string]string{}, Counts: map[string]int{wording.FieldDaysLeft: n, wording.FieldGraceDays: n, wording.FieldLengthDays: n}}
			require.NotEmpty(t, w.Subject.Say(w.Language, v))
			require.NotContains(t, w.Subject.Say(w.Language, v), "\n")
		}
	})
}

func TestEachEMailOfAPolicysOwnNeedsItsWords(t *testing.T) {
	t.Parallel()
	set := policy.BuiltIn()
	set.Policies[0].Mailings = []trial.Mailing{{ID: "middle", After: trial.AfterStart, Days: 7, Template: "half-way"}}
	folder := mailFolder(t, map[string]string{"en/half-way.yaml": "subject: Half\nparagraphs: [Half]\n"})
	m, err := config.Config{MailTemplates: folder}.MailOf(set)
	require.NoError(t, err)
	require.Contains(t, m.Words.Kinds(), "half-way")
	bare := mailFolder(t, map[string]string{})
	_, err = config.Config{MailTemplates: bare}.MailOf(set)
	require.EqualError(t, err, "policy standard-14d, step middle: template: there are no words half-way: make the file "+filepath.Join(bare, "en", "half-way.yaml"))
	_, err = config.Config{}.MailOf(set)
	require.ErrorContains(t, err, "make the file MAIL_TEMPLATES/en/half-way.yaml")
	_, err = config.Config{MailTemplates: bare}.MailOf(policy.BuiltIn())
	require.NoError(t, err)
}
