package test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/test/browser"
	"marketplace.example/trials/test/system"
)

// linksOf are the addresses of the pages that an e-mail links to, where a browser on this machine reaches them.
func (s *scenario) linksOf(m system.Message) map[string]string {
	s.t.Helper()
	found := map[string]string{}
	for _, link := range regexp.MustCompile(`href="(https://marketplace\.example/(guide|feedback|unsubscribe)/[^"]+)"`).FindAllStringSubmatch(m.HTML, -1) {
		u, err := url.Parse(link[1])
		require.NoError(s.t, err)
		found[link[2]] = s.API + u.Path
	}
	require.Len(s.t, found, 3, "every e-mail links to all pages")
	return found
}

// A vendor reads an e-mail and follows its links: it answers, stops the e-mails, has them again, and is erased.
func TestAVendorFollowsTheLinksInItsEMails(t *testing.T) {
	folder := t.TempDir()
	require.NoError(t, os.CopyFS(folder, os.DirFS("../internal/adapters/ses/testdata/mail")))
	s := begin(t, system.Options{Day: day * 60, Env: []string{"MAIL_TEMPLATES=" + folder}})
	ctx := surf(t)
	id := s.vendor("heidi")
	s.starter("vendor", "register", "--id", id, "--email", email(id), "--name", "Heidi", "--locale", "de-AT", "--timezone", "Europe/Vienna")
	welcome := s.awaitMail(soon, id, "welcome/0")
	links := s.linksOf(welcome)

	// A mail scanner follows every link, and changes nothing.
	for _, link := range links {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			a, err := system.Call(s.ctx, method, link, "", nil, http.Header{"Accept": {"text/html"}})
			require.NoError(t, err)
			require.Less(t, a.Status, 500)
		}
	}
	open := func(page string) {
		require.NoError(t, chromedp.Do(ctx, chromedp.Navigate(page), chromedp.WaitVisible(chromedp.CSS("h1"))))
	}
	shows := func(texts ...string) {
		t.Helper()
		shown, err := chromedp.Run(ctx, chromedp.Evaluate[string]("document.querySelector('main').innerText"))
		require.NoError(t, err)
		for _, text := range texts {
			require.Contains(t, shown, text)
		}
	}
	press := func(button, then string) {
		t.Helper()
		require.NoError(t, chromedp.Do(ctx, chromedp.Click(chromedp.CSS(button)), chromedp.WaitVisible(chromedp.CSS(then))))
	}
	recorded := func() (reasons []string) {
		t.Helper()
		a, err := s.Admin(s.ctx, http.MethodGet, "/api/admin/vendors/"+id+"/export", nil)
		s.answered(http.StatusOK, a, err)
		var exported struct{ Suppressions []trial.Suppression }
		require.NoError(t, a.Into(&exported))
		for _, p := range exported.Suppressions {
			reasons = append(reasons, string(p.Reason))
		}
		return reasons
	}
	open(links["feedback"])
	shows("Souk Al Nour", "War diese E-Mail hilfreich?", "Was könnte besser sein?")
	require.Contains(t, s.starter("vendor", "feedback", id), "This vendor has not answered.", "opening the page is no answer")
	require.Empty(t, recorded(), "and stops nothing")
	require.NoError(t, chromedp.Do(ctx, chromedp.SendKeys(chromedp.CSS("#text"), "Schön erklärt, „danke“!"), chromedp.Click(chromedp.CSS("input[value=yes]"))))
	press("button", "main:not(:has(form))")
	shows("Vielen Dank", "Ihre Antwort ist angekommen")
	require.Contains(t, s.starter("vendor", "feedback", id), "Schön erklärt, „danke“!")
	a, err := s.Admin(s.ctx, http.MethodGet, "/api/admin/vendors/"+id+"/export", nil)
	s.answered(http.StatusOK, a, err)
	require.Contains(t, string(a.Body), "Schön erklärt")

	open(links["guide"])
	shows("Ihre Testphase läuft bis", "Europe/Vienna", "So geht es weiter", "Eine E-Mail erinnert Sie")
	plans, err := chromedp.Run(ctx, chromedp.Evaluate[string]("document.querySelector('a.button').href"))
	require.NoError(t, err)
	require.Equal(t, "https://souk.example/plans?vendor="+id, plans, "where the brand says")
	press("button[value=stop]", "button[value=again]")
	shows("Sie erhalten keine E-Mails zu Ihrer Testphase mehr.")
	require.Equal(t, []string{"unsubscribed"}, recorded())
	press("button[value=again]", "button[value=stop]")
	shows("Sie erhalten wieder E-Mails zu Ihrer Testphase.")
	require.Equal(t, []string{"resubscribed"}, recorded())
	open(links["unsubscribe"])
	shows("E-Mails zu Ihrer Testphase", "Diese E-Mails abbestellen")
	press("button", "a[href*=guide]")
	press("a[href*=guide]", "button[value=again]")
	require.Equal(t, []string{"unsubscribed"}, recorded())
	press("button[value=again]", "button[value=stop]")

	axe, byLanguage := loadAxe(t), map[string]map[string]string{"de": links}
	for language, locale := range map[string]string{"en": "en-US", "ar": "ar-EG"} {
		other := s.vendor("vendor-" + language)
		s.starter("vendor", "register", "--id", other, "--email", email(other), "--name", "Amal", "--locale", locale, "--timezone", "Africa/Cairo")
		byLanguage[language] = s.linksOf(s.awaitMail(soon, other, "welcome/0"))
	}
	for language, pages := range byLanguage {
		pages["nowhere"] = s.API + "/guide/forged"
		for page, address := range pages {
			s.looksWell(ctx, axe, address, page+"-"+language)
		}
	}

	s.starter("vendor", "erase", id, "--reason", "asked for it", "--yes")
	a, err = s.Admin(s.ctx, http.MethodGet, "/api/admin/vendors/"+id+"/export", nil)
	s.answered(http.StatusOK, a, err)
	require.NotContains(t, string(a.Body), "Schön erklärt")
	open(links["guide"])
	shows("This link does not work")
	open(links["feedback"])
	shows("Was this e-mail helpful?")
}

// looksWell checks a page in each width and color scheme, and keeps a picture of each.
func (s *scenario) looksWell(ctx context.Context, axe browser.Axe, address, name string) {
	s.t.Helper()
	for _, width := range []int64{1440, 390} {
		for _, scheme := range []string{"light", "dark"} {
			of := fmt.Sprintf("%s-%d-%s", name, width, scheme)
			require.NoError(s.t, chromedp.Do(ctx, browser.Look(width, scheme), chromedp.Navigate(address), chromedp.WaitVisible(chromedp.CSS("h1"))), of)
			wide, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("document.documentElement.scrollWidth > innerWidth"))
			require.NoError(s.t, err)
			require.False(s.t, wide, "%s is wider than the screen", of)
			found, err := axe.Check(ctx)
			require.NoError(s.t, err, of)
			require.Empty(s.t, found, of)
			// Beyond its viewport Chromium shifts pages that are read from right to left.
			height, err := chromedp.Run(ctx, chromedp.Evaluate[int64]("document.documentElement.scrollHeight"))
			require.NoError(s.t, err, of)
			require.NoError(s.t, chromedp.Do(ctx, chromedp.EmulateViewport(width, height)), of)
			picture, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
			require.NoError(s.t, err, of)
			require.NoError(s.t, os.WriteFile(filepath.Join(s.t.ArtifactDir(), of+".png"), picture, 0o600))
		}
	}
}
