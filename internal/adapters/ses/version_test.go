package ses

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/internal/platform/config"
)

// kept is a version as it comes back from the database.
func kept(t *testing.T, c Content) (hash string, v Version) {
	t.Helper()
	v, ok := VersionOf(c)
	require.True(t, ok)
	hash, content, err := v.Encoded()
	require.NoError(t, err)
	v, err = ReadVersion(content)
	require.NoError(t, err)
	return hash, v
}

// Whoever looks at an e-mail later sees what was sent, to the letter, but for the links.
func TestAnEMailIsTheSameAgain(t *testing.T) {
	t.Parallel()
	for _, language := range append(builtIn.Languages(), "ar-EG", "pt-BR", "tlh", "") {
		for _, kind := range words(templates).Kinds() {
			for _, s := range Samples(nordic(), words(templates), language, kind) {
				_, v := kept(t, s.Content)
				again, err := v.Again(s.Content.VendorID, s.Content.Fields())
				require.NoError(t, err)
				shown, err := RenderShown(s.Content)
				require.NoError(t, err)
				require.Equal(t, shown, again, "%s, %s, %s", language, kind, s.Edge)
				sent := render(t, s.Content)
				require.Equal(t, sent.Subject, again.Subject)
				require.Equal(t, strings.NewReplacer(s.Content.UnsubscribeURL, removed+UnsubscribePath, s.Content.FeedbackURL, removed+FeedbackPath, s.Content.GuideURL, removed+GuidePath).Replace(sent.Text), again.Text)
			}
		}
	}
}

// A vendor whose locale is not known gets dates as the brand's language has them, whatever language the words are found in.
func TestAnEMailInTheBrandsLanguageIsTheSameAgain(t *testing.T) {
	t.Parallel()
	for language, date := range map[string]string{"en-US": "Wednesday, March 18, 2026", "en": "Wednesday, 18 March 2026"} {
		folder := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(folder, "brand.yaml"), []byte("name: N\nlanguage: "+language+"\nbuttons:\n  default: https://n.example\n"), 0o600))
		mail, err := config.Config{MailTemplates: folder}.Mail()
		require.NoError(t, err)
		for _, locale := range []string{"", "tlh", "not a locale", "en-GB"} {
			c := Samples(mail.Brand, mail.Words, locale, KindReminder)[0].Content
			_, v := kept(t, c)
			again, err := v.Again(c.VendorID, c.Fields())
			require.NoError(t, err)
			shown, err := RenderShown(c)
			require.NoError(t, err)
			require.Equal(t, shown, again, "%s, %q", language, locale)
			if locale == "" {
				require.Contains(t, again.Text, date)
			}
		}
	}
}

func TestAVersionIsThatOfTheWordsBrandAndLanguage(t *testing.T) {
	t.Parallel()
	hash := func(change func(*Content)) string {
		c := reminder()
		change(&c)
		h, _ := kept(t, c)
		return h
	}
	same := hash(func(*Content) {})
	require.Len(t, same, 16)
	require.Equal(t, same, hash(func(c *Content) { c.VendorName, c.DaysLeft, c.VendorID, c.Zone = "Another", 9, "v-2", "" }), "vendors differ, versions do not")
	require.Equal(t, same, hash(func(c *Content) { c.Locale = "en-GB" }), "it has no words of its own")
	require.Equal(t, same, hash(func(c *Content) { c.Words = words(templates) }), "the Arabic words are another e-mail's")
	for name, change := range map[string]func(*Content){
		"kind": func(c *Content) { c.Kind = KindExpiry }, "language": func(c *Content) { c.Locale = "de" }, "brand": func(c *Content) { c.Brand.Support = "x@shop.example" },
	} {
		require.NotEqual(t, same, hash(change), name)
	}
}

// A version that was stored by an earlier program is read by this one: the file was written once, and is not written anew.
func TestAnOldVersionIsShown(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile(filepath.Join("testdata", "version.json"))
	require.NoError(t, err)
	v, err := ReadVersion(content)
	require.NoError(t, err)
	r, err := v.Again("v-1001", reminder().Fields())
	require.NoError(t, err)
	require.Contains(t, r.Text, "Nordic Market & Søn")
	require.Contains(t, r.HTML, "#0f766e")
	require.Contains(t, r.HTML, `src="https://cdn.shop.example/logo.png?v=1&amp;w=2"`)

	v.Layouts.HTML = "{{.NoField}}"
	_, err = v.Again("v-1001", reminder().Fields())
	require.ErrorContains(t, err, "NoField")
	v.Layouts.HTML = "{{"
	_, err = v.Again("v-1001", reminder().Fields())
	require.ErrorContains(t, err, "layout")
	v.Words.Mail = map[string]any{"subject": 1.0}
	_, err = v.Again("v-1001", reminder().Fields())
	require.ErrorContains(t, err, "the words of reminder in en")
}

// Whoever looks at a vendor's e-mail cannot act for the vendor.
func TestAShownEMailHasNoLinks(t *testing.T) {
	t.Parallel()
	c := reminder()
	c.UnsubscribeURL, c.FeedbackURL = "https://shop.example/unsubscribe/v1.secret", "https://shop.example/feedback/v1.secret"
	_, v := kept(t, c)
	again, err := v.Again("v-1", c.Fields())
	require.NoError(t, err)
	preview, err := RenderShown(c)
	require.NoError(t, err)
	for _, r := range []Rendered{again, preview} {
		require.NotContains(t, r.HTML+r.Text, "secret")
		require.NotContains(t, strings.ToLower(r.HTML), "href")
		require.Equal(t, strings.Count(render(t, c).HTML, "<a "), strings.Count(r.HTML, "<a "), "they look the same")
		require.Contains(t, r.Text, "https://link-removed.invalid/unsubscribe")
	}
	require.Equal(t, `<p><a style="x">a</a> &lt; <A>b</a><!-- c --></p>`, strings.Replace(inert(`<p><a href="https://a" style="x" target="_blank">a</a> &lt; <A HREF='b'>b</a><!-- c --></p>`), "<a>b", "<A>b", 1))
}

func TestFieldsHoldNoMoreOfANameThanTheGreeting(t *testing.T) {
	t.Parallel()
	c := reminder()
	c.VendorName = strings.Repeat("W", 10_000)
	require.LessOrEqual(t, len([]rune(c.Fields().Name)), maxNameRunes)
	c.VendorName = "www.evil.example"
	require.Empty(t, c.Fields().Name)
	require.Equal(t, trial.MailFields{}.GraceEndsAt, Content{}.Fields().GraceEndsAt)
}
