package dashboard_test

import (
	"context"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/test/sample"
)

var framed = regexp.MustCompile(`<iframe class="(\w+)" src="([^"]+)" sandbox title="([^"]+)"></iframe>`)

// frames are the addresses that a page frames, by their titles.
func frames(t *testing.T, page answer) map[string]string {
	t.Helper()
	require.Contains(t, page.header.Get("Content-Security-Policy"), "; frame-src 'self'")
	all := map[string]string{}
	for _, f := range framed.FindAllStringSubmatch(page.body, -1) {
		all[f[3]] = html.UnescapeString(f[2])
	}
	require.Len(t, all, 4, "two widths, two color schemes")
	return all
}

// harmless requires that what is framed does nothing, loads nothing and leads nowhere.
func harmless(t *testing.T, a answer) {
	t.Helper()
	require.Equal(t, http.StatusOK, a.status)
	require.Equal(t, "default-src 'none'; style-src 'unsafe-inline'; img-src 'none'; sandbox; form-action 'none'; base-uri 'none'; frame-ancestors 'self'",
		a.header.Get("Content-Security-Policy"))
	require.Equal(t, "SAMEORIGIN", a.header.Get("X-Frame-Options"))
	require.NotContains(t, a.body, "href")
	require.NotContains(t, a.body, "prefers-color-scheme")
}

func TestAnEMailAsItWasSent(t *testing.T) {
	t.Parallel()
	w := sample.Busy()
	s := signedIn(t, w)
	require.Contains(t, s.get("/admin/trials/vendor-013").body, `href="/admin/trials/vendor-013/emails/reminder-3d/0">as it was sent</a>`)
	page := s.get("/admin/trials/vendor-013/emails/reminder-3d/0")
	inOrder(t, page.text(), "reminder-3d, as it was sent", "made of version", "The vendor's name is left out of the greeting", "Name and address", "Subject", "Your trial ends in 3 days", "From", "Nordic Market", "On a desk, dark", "Hello,",
		"https://link-removed.invalid/unsubscribe")
	all := frames(t, page)
	light, dark := s.get(all["The e-mail on a phone, light"]), s.get(all["The e-mail on a desk, dark"])
	harmless(t, light)
	harmless(t, dark)
	require.Contains(t, light.text(), "Hello,")
	require.NotContains(t, page.body+light.body, "Casa Azul")
	require.NotEqual(t, light.body, dark.body)
	require.Equal(t, http.StatusOK, s.get("/admin/").status)
	require.NotContains(t, s.get("/admin/").header.Get("Content-Security-Policy"), "frame-src")

	_, err := w.EraseVendor(context.Background(), "vendor-013", trial.Erasure{At: w.Moment, By: "admin", Reason: "asked"})
	require.NoError(t, err)
	erased := s.get("/admin/trials/vendor-013/emails/reminder-3d/0")
	require.Contains(t, erased.text(), "This vendor was erased at 2026-03-14 10:20 UTC.")
	require.NotContains(t, erased.body, "Casa Azul")
	require.Equal(t, http.StatusNotFound, s.get(all["The e-mail on a phone, light"]).status)
	require.Equal(t, http.StatusNotFound, s.get("/admin/trials/vendor-013/emails/reminder-3d/9").status)
}

func TestEveryEMailBeforeItIsSent(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	page := s.get("/admin/mail?policy=thirty-days&language=pt&timezone=Asia/Tokyo")
	require.Equal(t, http.StatusOK, page.status)
	inOrder(t, page.text(), "What a vendor gets who registers now: thirty-days", "welcome", "JST", "half-way", "JST", "Seu período de teste termina em 15 dias", "grace-end", "Every e-mail", "thirty-days")
	require.Contains(t, page.body, `href="/admin/mail/half-way?language=pt&amp;policy=thirty-days&amp;timezone=Asia%2FTokyo"`)
	every := s.get("/admin/mail")
	inOrder(t, every.text(), "standard-14d (default)", "reminder-7d", "en de es fr pt", "thirty-days", "half-way")
	require.Equal(t, http.StatusBadRequest, s.get("/admin/mail?timezone=Mars").status)
	require.Contains(t, s.get("/admin/mail?policy=gone").text(), "is not one of the policies")

	mail := s.get("/admin/mail/half-way?language=pt&policy=thirty-days&timezone=Asia/Tokyo")
	inOrder(t, mail.text(), "half-way of thirty-days", "JST", "Seu período de teste termina em 15 dias", "Language of the words", "pt", "Its text part", "Zoë & Søn")
	for _, address := range frames(t, mail) {
		harmless(t, s.get(address))
	}
	require.Equal(t, http.StatusNotFound, s.get("/admin/mail/half-way").status, "the default policy has none")
	require.NotEqual(t, http.StatusOK, s.get("/admin/mail/welcome/frame").status, "no scheme")
}

func TestBadTemplatesAreShownWithAllThatIsWrong(t *testing.T) {
	t.Parallel()
	w := sample.Busy()
	w.BadTemplates()
	inOrder(t, signedIn(t, w).get("/admin/mail").text(), "The templates have changed and are wrong", "with what they were before", "de/welcome.yaml: line 3", "buttons.expiry", "What a vendor gets")
}

func TestSendMeThisOne(t *testing.T) {
	t.Parallel()
	w := sample.Busy()
	s := signedIn(t, w)
	const path = "/admin/mail/reminder-7d?language=fr&policy=thirty-days"
	values := s.filledAt(path, "")
	values.Set("to", "vendor@example.com")
	refused := s.post("/admin/mail/reminder-7d", values)
	require.Equal(t, http.StatusBadRequest, refused.status)
	require.Contains(t, refused.text(), "to must be the address of a stakeholder")
	require.Contains(t, refused.body, `value="vendor@example.com"`)
	require.Empty(t, w.Previews)

	values.Set("to", "po@nordic.example")
	sent := s.post("/admin/mail/reminder-7d", values)
	require.Equal(t, http.StatusSeeOther, sent.status)
	require.Equal(t, "/admin/mail/reminder-7d?language=fr&policy=thirty-days&sent=yes", sent.header.Get("Location"))
	require.Contains(t, s.get(sent.header.Get("Location")).text(), "It is on its way")
	require.Len(t, w.Previews, 1)
	require.Equal(t, "fr", w.Previews[0].Language)
	require.Equal(t, trial.Kind("reminder-7d"), w.Previews[0].Kind)

	issue(t, w, access.Viewer)
	s.post("/admin/sign-out", url.Values{})
	s.signIn(string(access.Viewer))
	require.NotContains(t, s.get(path).text(), "Send me this one")
	require.Equal(t, http.StatusForbidden, s.post("/admin/mail/reminder-7d", values).status)
}

// A frame of an e-mail is light or dark; another address is a mistake of whoever wrote it.
func TestAFrameOfAnEMailIsLightOrDark(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	require.Equal(t, http.StatusOK, s.get("/admin/mail/welcome/frame?scheme=dark").status)
	for _, scheme := range []string{"", "sepia", "light dark"} {
		a := s.get("/admin/mail/welcome/frame?" + url.Values{"scheme": {scheme}}.Encode())
		require.Equal(t, http.StatusBadRequest, a.status, scheme)
		require.Contains(t, a.text(), "scheme: must be light or dark.")
	}
}
