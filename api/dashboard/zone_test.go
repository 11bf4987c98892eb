package dashboard_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/api/dashboard"
	"marketplace.example/trials/test/sample"
)

func TestAZoneIsChosen(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	require.Contains(t, s.get("/admin/alerts/emailDeliveryFailed").text(), "Fires since 2026-03-14 09:45:00 UTC")
	require.Contains(t, s.get("/admin/").text(), "Times are UTC. Choose a time zone")

	r := httptest.NewRequest(http.MethodGet, "/admin/zone", http.NoBody)
	r.Header.Set("Referer", "http://example.com/admin/trials?status=grace")
	asked := s.send(r)
	require.Equal(t, "/admin/trials?status=grace", asked.fields().Get("to"), "back to where the link was followed")
	for _, elsewhere := range []string{"https://elsewhere.example/admin/trials", "http://example.com/admin/zone", "%"} {
		r = httptest.NewRequest(http.MethodGet, "/admin/zone", http.NoBody)
		r.Header.Set("Referer", elsewhere)
		require.Equal(t, "/admin/", s.send(r).fields().Get("to"), elsewhere)
	}

	wrong := s.post("/admin/zone", url.Values{"to": {"/admin/trials"}, "zone": {"Mars/Olympus"}})
	require.Equal(t, http.StatusBadRequest, wrong.status)
	require.Contains(t, wrong.body, `value="Mars/Olympus"`, "what was typed is kept")
	inOrder(t, wrong.text(), "There is no such zone.", "Europe/Berlin")
	require.Equal(t, "/admin/trials", wrong.fields().Get("to"))
	require.Nil(t, s.zone)

	session := s.cookie
	for range 2 { // sent twice, it is as sent once
		a := s.post("/admin/zone", url.Values{"to": {"/admin/alerts/emailDeliveryFailed"}, "zone": {" Europe/Berlin "}})
		require.Equal(t, http.StatusSeeOther, a.status)
		require.Equal(t, "/admin/alerts/emailDeliveryFailed", a.header.Get("Location"))
		require.Equal(t, "trials_zone=Europe/Berlin; Path=/admin/; Max-Age=31536000; HttpOnly; SameSite=Strict", a.header.Get("Set-Cookie"))
	}
	require.Equal(t, session, s.cookie, "the session is untouched")
	a := s.get("/admin/alerts/emailDeliveryFailed")
	inOrder(t, a.text(), "Fires since 14 Mar 2026, 10:45:00 CET (09:45 UTC) (35 minutes ago)", "Times are those of Europe/Berlin, with UTC beside them.")
	require.Contains(t, a.body, `<time datetime="2026-03-14T09:45:00Z"`)
	require.Contains(t, s.get("/admin/zone").body, `value="Europe/Berlin"`)

	for _, none := range []string{"", "UTC", "Etc/Zulu"} {
		s.post("/admin/zone", url.Values{"zone": {"America/New York"}})
		require.Equal(t, "America/New_York", s.zone.Value, "a space for the underscore is understood")
		a = s.post("/admin/zone", url.Values{"to": {"https://elsewhere.example/"}, "zone": {none}})
		require.Equal(t, "/admin/", a.header.Get("Location"))
		require.Negative(t, s.zone.MaxAge, "the cookie ends with the choice")
	}
}

func TestAStrangeZoneIsNone(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	plain := s.get("/admin/alerts/emailDeliveryFailed").body
	for _, value := range []string{"Mars/Olympus", "Local", "../../../etc/passwd", "Europe", "<script>", strings.Repeat("x", 3000)} {
		s.zone = &http.Cookie{Name: "trials_zone", Value: value} //nolint:gosec // G124: sent by a browser, not set
		a := s.get("/admin/alerts/emailDeliveryFailed")
		require.Equal(t, http.StatusOK, a.status)
		require.Equal(t, plain, a.body, value)
	}
}

// alone is a moment in UTC that is not beside another: beside one it ends a parenthesis.
var alone = regexp.MustCompile(`.{0,40}\d\d:\d\d(?::\d\d)? UTC(?:[^)].{0,20}|$)`)

func TestEveryMomentIsInTheZone(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy(), func(o *dashboard.Options) {
		o.Experiments, o.Canaries = sample.Busy(), sample.Busy()
	})
	file := s.get("/admin/trials.csv").body
	s.post("/admin/zone", url.Values{"zone": {"Europe/Berlin"}})
	for _, page := range append([]string{"/admin/figures", "/admin/canary"}, everyPage...) {
		a := s.get(page)
		a.body = others.ReplaceAllString(a.body, "")
		for _, label := range labels.FindAllStringSubmatch(a.body, -1) {
			require.Empty(t, alone.FindAllString(label[1], -1), page)
		}
		require.Empty(t, alone.FindAllString(a.text(), -1), page)
	}
	require.Equal(t, file, s.get("/admin/trials.csv").body, "files stay in UTC")
}

// others are pictures, which have UTC below the vendor's clock and above the viewer's, and what is on the vendor's clock and says so.
var others = regexp.MustCompile(`(?s)<svg.*?</svg>|<td[^>]*"On the vendor's clock">[^<]*</td>|, [^,]* on the vendor's clock`)

// labels are what is written in tags for those who do not see the page.
var labels = regexp.MustCompile(`(?:aria-label|title)="([^"]*)"`)
