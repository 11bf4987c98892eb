package test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/adapters/ses"
	"marketplace.example/trials/internal/platform/config"
	"marketplace.example/trials/test/browser"
	"marketplace.example/trials/test/stack"
)

// anImage is one on a page: what is read in its place, and how many pixels high that is.
type anImage struct {
	Alt    string
	Loaded bool
	Height int
}

const everyImage = `[...document.images].map(i => ({alt: i.alt, loaded: i.naturalWidth > 0, height: i.offsetHeight}))`

// ofWholePages are rules for what an e-mail is not: it stands within a mail program's page.
var ofWholePages = []string{"landmark-one-main", "region"}

// Many mail programs load images only when asked. Until then the brand's name stands there, and all can be read: every kind in every
// language, each of both in every look.
func TestEveryMailIsReadWithoutImages(t *testing.T) {
	t.Parallel()
	branded, arabic := mailsOf(t, "deploy", "mail"), mailsOf(t, "internal", "adapters", "ses", "testdata", "mail")
	looks := []chromedp.Action[chromedp.Void]{browser.Look(1440, "light"), browser.Look(390, "light"), browser.Look(1440, "dark"), browser.Look(390, "dark")}
	axe, ctx := loadAxe(t), surf(t)
	for i, language := range append(branded.Words.Languages(), "ar") {
		for j, kind := range branded.Words.Kinds() {
			words, of := branded.Words, language+", "+kind
			if language == "ar" {
				words = arabic.Words
			}
			mail, err := ses.Render(ses.Samples(branded.Brand, words, language, kind)[0].Content)
			require.NoError(t, err, of)
			page := withoutImages(t, mail.HTML)
			require.NoError(t, chromedp.Do(ctx, looks[(i+j)%len(looks)], chromedp.Navigate(page), chromedp.WaitVisible(chromedp.CSS("h1"))), of)
			images, err := chromedp.Run(ctx, chromedp.Evaluate[[]anImage](everyImage))
			require.NoError(t, err, of)
			require.Len(t, images, 1, of)
			require.Equal(t, branded.Brand.Name, images[0].Alt, of)
			require.False(t, images[0].Loaded, of)
			require.GreaterOrEqual(t, images[0].Height, 24, "%s: a line of text", of)
			found, err := axe.Check(ctx)
			require.NoError(t, err, of)
			require.Empty(t, slices.DeleteFunc(found, func(f browser.Finding) bool { return slices.Contains(ofWholePages, f.ID) }), of)
		}
	}
}

// mailsOf are the brand and the words of a folder.
func mailsOf(t *testing.T, folder ...string) config.Mail {
	t.Helper()
	root, err := stack.Root()
	require.NoError(t, err)
	mail, err := config.Config{MailTemplates: filepath.Join(append([]string{root}, folder...)...)}.Mail()
	require.NoError(t, err)
	return mail
}

// withoutImages serves a page on which no image is loaded, and returns its address.
func withoutImages(t *testing.T, html string) string {
	t.Helper()
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "img-src 'none'")
		_, _ = io.WriteString(w, html) // the browser has gone
	}))
	t.Cleanup(page.Close)
	return page.URL
}
