package rest_test

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/api/rest"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/internal/domain/vendorpage"
)

const guidePath = "/guide/guide.v-1"

// browse opens a page as browsers do.
func (a *api) browse(path string) answered {
	a.t.Helper()
	return a.call(request{path: path, header: http.Header{"Accept": {"text/html,application/xhtml+xml,*/*;q=0.8"}}})
}

// press sends the guide's form.
func (a *api) press(mails string) answered {
	a.t.Helper()
	return a.call(request{method: http.MethodPost, path: guidePath, contentType: "application/x-www-form-urlencoded", body: url.Values{"mails": {mails}}.Encode()})
}

func TestTheGuideTellsAVendorOfItsTrial(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.register()
	before, _ := a.store.written()
	for range 2 {
		page := a.browse(guidePath)
		require.Equal(t, http.StatusOK, page.status, "%s", page.body)
		require.Contains(t, page.header.Get("Content-Type"), "text/html")
		require.Equal(t, "no-store", page.header.Get("Cache-Control"))
		require.Equal(t, "no-referrer", page.header.Get("Referrer-Policy"))
		for _, text := range []string{
			`<html lang="fr" dir="ltr">`, `content="noindex"`, "Votre essai dure jusqu’au lundi 23 mars 2026", "lundi 23 mars 2026 à 09:00", "Europe/Paris",
			"Un e-mail vous rappelle la fin de votre essai", "lundi 16 mars 2026", "Ne plus recevoir ces e-mails",
		} {
			require.Contains(t, string(page.body), text)
		}
		require.NotContains(t, string(page.body), "Ada", "no name: the link may be forwarded")
		require.NotContains(t, string(page.body), "example.com")
		require.NotContains(t, string(page.body), "href=", "the neutral brand leads nowhere")
	}
	after, _ := a.store.written()
	require.Equal(t, before, after, "looking changes nothing: mail scanners follow links")
	require.Equal(t, http.StatusMethodNotAllowed, a.call(request{method: http.MethodHead, path: guidePath}).status)
}

// The button is made when the page is opened, and so is its token. The log has neither.
func TestTheGuidesButtonHasAToken(t *testing.T) {
	t.Parallel()
	a := makeAPI(t, options{pages: func() vendorpage.Look {
		branded := neutralLook()
		branded.Brand.Buttons.Reminder = "https://n.example/{vendorId}#{token}"
		return branded
	}})
	a.register()
	page := a.browse(guidePath)
	require.Equal(t, http.StatusOK, page.status, "%s", page.body)
	require.Contains(t, string(page.body), `href="https://n.example/v-1#button.v-1.`+present.Format(time.DateOnly)+`"`)
	for _, entry := range a.logs.All() {
		require.NotContains(t, fmt.Sprint(entry.Message, entry.ContextMap()), "button.v-1")
	}
}

// Each wish counts, as often as it changes, and holds for the next e-mail.
func TestAVendorStopsItsEMailsAndHasThemAgain(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.register()
	for range 2 {
		for range 2 { // a second click changes nothing
			page := a.press("stop")
			require.Equal(t, http.StatusOK, page.status)
			require.Contains(t, string(page.body), `role="status">Vous ne recevrez plus d’e-mails sur votre essai.`)
			require.Contains(t, string(page.body), "Recevoir de nouveau ces e-mails")
			require.NotContains(t, string(page.body), "Un e-mail vous rappelle", "none will come")
			require.Equal(t, trial.ReasonUnsubscribed, a.vendor().NoMail())
		}
		for range 2 {
			page := a.press("again")
			require.Equal(t, http.StatusOK, page.status)
			require.Contains(t, string(page.body), `role="status">Vous recevrez de nouveau des e-mails sur votre essai.`)
			require.Contains(t, string(page.body), "Ne plus recevoir ces e-mails")
			require.Empty(t, a.vendor().NoMail())
		}
	}
	require.Equal(t, []trial.Suppression{{Reason: trial.ReasonResubscribed, At: present.Add(3 * time.Millisecond)}}, into[rest.VendorExport](a.get(exportPath, adminToken), http.StatusOK).Suppressions)

	done := a.call(request{method: http.MethodPost, path: "/unsubscribe/signed.v-1"})
	require.Contains(t, string(done.body), `<a href="../guide/guide.v-1">`, "from there they can be had again")
	require.Equal(t, trial.ReasonUnsubscribed, a.vendor().NoMail())
	a.press("perhaps").problem(http.StatusBadRequest)
	a.call(request{method: http.MethodPost, path: guidePath, body: `{"mails":"again"}`}).problem(http.StatusBadRequest)
	require.Equal(t, trial.ReasonUnsubscribed, a.vendor().NoMail())
}

// The history has the moment that the database has, which counts from the vendor's last wish on whichever clock told it: after a
// restore from before that wish it would count as taken back otherwise.
func TestTheHistoryHasTheMomentThatIsKept(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.register()
	a.press("stop")
	again := present.Add(2 * time.Second)
	require.NoError(t, a.store.Resubscribe(t.Context(), "v-1", again))
	a.press("stop")
	kept := again.Add(time.Millisecond)
	require.Equal(t, []trial.Suppression{{Reason: trial.ReasonUnsubscribed, At: kept}}, a.store.Suppressed["v-1"])
	require.Equal(t, []trial.Request{{Reason: "unsubscribed", By: "vendor", At: present}, {Reason: "unsubscribed", By: "vendor", At: kept}}, a.workflows.noMail["v-1"])
}

func (a *api) vendor() trial.Vendor {
	a.t.Helper()
	v, err := a.store.Vendor(a.t.Context(), "v-1")
	require.NoError(a.t, err)
	return v
}

// An address that takes no e-mail takes none again by a wish, and nobody promises it.
func TestAnAddressThatBouncedStaysClosed(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.register()
	_, _, err := a.store.Suppress(t.Context(), "v-1", trial.Suppression{Reason: trial.ReasonSuppressedAddress, At: present, AddressHash: trial.AddressHash("ada@example.com")})
	require.NoError(t, err)
	page := a.press("again")
	require.Contains(t, string(page.body), "Nous ne pouvons pas envoyer d’e-mails à votre adresse")
	require.NotContains(t, string(page.body), "role=\"status\"")
	require.NotContains(t, string(page.body), "<form")
}

// Whatever is wrong with a link, a browser sees the same page, and it says nothing of anybody.
func TestALinkThatIsNotGoodSaysNothing(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.register()
	want := a.browse("/guide/forged")
	require.Equal(t, http.StatusForbidden, want.status)
	require.Contains(t, string(want.body), "This link does not work")
	require.NotContains(t, string(want.body), "<form")
	into[rest.Erasure](a.post(erasePath, adminToken, `{"reason":"asked for it"}`), http.StatusOK)
	for _, path := range []string{guidePath, "/guide/guide.v-2", "/guide/guide.not.an.id", "/unsubscribe/forged", "/feedback/forged", "/guide/signed.v-1"} {
		got := a.browse(path)
		require.Equal(t, want.status, got.status, path)
		require.Equal(t, string(want.body), string(got.body), path)
	}
	a.press("again").problem(http.StatusForbidden)
	a.press("stop")
	for _, path := range []string{"/unsubscribe/signed.v-1", askedPath} {
		page := a.browse(path)
		require.Equal(t, http.StatusOK, page.status, path)
		require.Contains(t, string(page.body), `lang="en"`, "nor in which language it reads")
	}

	a.store.Err = errUnavailable
	later := a.browse(guidePath)
	require.Equal(t, http.StatusServiceUnavailable, later.status)
	require.Contains(t, string(later.body), "This page is not available right now")
	a.get(guidePath, "").problem(http.StatusServiceUnavailable)
}

// The clock that counts is the trial's, however compressed, and what has passed is not promised.
func TestTheGuideFollowsTheTrial(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.register()
	s := a.store.States["v-1"]
	for text, change := range map[string]func(*trial.State){
		"Votre essai s’est terminé le lundi 9 mars 2026 et les ventes": func(s *trial.State) { s.Status, s.ExpiredAt = trial.Expired, new(present) },
		"Votre essai a été annulé":                                     func(s *trial.State) { s.Status = trial.Cancelled },
		"Vous avez choisi une formule":                                 func(s *trial.State) { s.Status, s.ConvertedAt = trial.Converted, new(present) },
		"La fin de votre essai était prévue":                           func(*trial.State) {},
		"Vous pouvez encore vendre jusqu’au":                           func(s *trial.State) { s.Status = trial.Grace },
	} {
		changed := s
		changed.EndsAt = present.Add(-24 * time.Hour)
		change(&changed)
		a.store.States["v-1"] = changed
		require.Contains(t, string(a.browse(guidePath).body), text)
	}
	delete(a.store.States, "v-1")
	require.Contains(t, string(a.browse(guidePath).body), "Votre essai est en cours de préparation")
}
