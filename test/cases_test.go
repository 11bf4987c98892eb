package test

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/test/browser"
	"marketplace.example/trials/test/system"
)

// patientPolicy is the built-in one with a grace so long that whoever looks after a trial has the time for it.
const patientPolicy = `policies:
  - name: fortnight
    lengthDays: 14
    graceDays: 90
    sendHour: 9
    quietDays: []
    steps:
      - {id: welcome}
      - {id: reminder-7d, after: beforeEnd, days: 7}
      - {id: reminder-3d, after: beforeEnd, days: 3}
      - {id: reminder-1d, after: beforeEnd, days: 1}
      - {id: expiry}
      - {id: grace-end}
rules: []
default: fortnight
`

// Support, and whoever has the night, do their whole job on the pages: a vendor's trial ended too early; a rollout is brought from its
// plan to its final report; mails bounce. With -artifacts there are pictures of each step.
func TestWholeJobsAreDoneInABrowser(t *testing.T) {
	policies := filepath.Join(t.TempDir(), "policies.yaml")
	require.NoError(t, os.WriteFile(policies, []byte(patientPolicy), 0o600))
	s := begin(t, system.Options{Day: 4 * time.Second, Env: []string{"POLICIES=" + policies, "STAKEHOLDERS=" + stakeholder(t)}})
	s.t.Cleanup(s.showDecisions)
	b := &dashboardUser{scenario: s, browser: surf(t)}
	b.does(browser.Look(1440, "light"), browser.SignIn(s.API, s.Secrets.AdminToken))
	b.helpsAVendor()
	b.rollsOut()
	b.hasTheNight()
}

// opens goes to a page by its address.
func (b *dashboardUser) opens(path string) {
	b.t.Helper()
	b.does(chromedp.Navigate(b.API+path), chromedp.WaitVisible(chromedp.CSS("main")))
}

// follows clicks what leads to another page, and waits until that is there.
func (b *dashboardUser) follows(what string) {
	b.t.Helper()
	b.marks()
	b.does(chromedp.Click(chromedp.CSS(what)))
	b.arrives()
}

// arrives waits for a page that has no mark.
func (b *dashboardUser) arrives() {
	b.t.Helper()
	b.waits("the next page", func() error {
		there, err := chromedp.Run(b.browser, chromedp.Evaluate[bool](`window.mark !== 1 && document.readyState === "complete" && document.querySelector("main") !== null`))
		if err == nil && !there {
			err = fmt.Errorf("has not come; this one says %q", b.text("main"))
		}
		return err
	})
}

// asks opens the page of a form, fills it in and sends it, until the page that follows says that this was done. Where what the form
// showed has changed meanwhile it looks again, as the page says.
func (b *dashboardUser) asks(path, reason, says string, fill ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	b.waits(path, func() error {
		b.opens(path)
		b.does(fill...)
		b.does(chromedp.SendKeys(chromedp.CSS("#reason"), reason))
		b.follows("main form button")
		if text := b.text("main"); !strings.Contains(text, says) {
			return fmt.Errorf("the page does not say %q but %q", says, text)
		}
		return nil
	})
}

// goesBack returns by the browser's button to the form that was sent. The browser has kept that page, or asks for it anew; one that
// answered a form it gets by sending that again, after its user has agreed.
func (b *dashboardUser) goesBack() {
	b.t.Helper()
	b.does(chromedp.Evaluate[chromedp.Void]("window.mark = 2; history.back()"))
	b.waits("the page before", func() error {
		there, err := chromedp.Run(b.browser, chromedp.Evaluate[bool](`window.mark !== 2 && document.readyState === "complete"`))
		if err == nil && !there {
			err = fmt.Errorf("has not come")
		}
		return err
	})
	if b.text("main") == "" {
		b.does(chromedp.Reload())
		b.arrives()
	}
}

// unfolds opens what is folded about the rollout, as a reader does.
func (b *dashboardUser) unfolds() {
	b.t.Helper()
	b.does(chromedp.Evaluate[chromedp.Void](`document.querySelectorAll("section[aria-labelledby=rollout] details").forEach(d => { d.open = true })`))
}

// pictured tells whether pictures are wanted: they take their time.
func pictured() bool {
	wanted := flag.Lookup("test.artifacts")
	return wanted != nil && wanted.Value.String() == "true"
}

// beyond are the innermost places that make a page wider than the screen.
const beyond = `document.documentElement.scrollWidth <= innerWidth ? [] : [...document.querySelectorAll("body *")]
	.filter(e => e.getBoundingClientRect().right > innerWidth && !e.closest(".scroll .scroll, svg"))
	.map(e => e.tagName + "." + e.className + ": " + (e.innerText ?? "").slice(0, 60)).slice(-12)`

// fits holds the page to every width, and keeps pictures of it where they are wanted.
func (b *dashboardUser) fits(name string) {
	b.t.Helper()
	for _, width := range []int64{390, 1440} {
		for _, scheme := range []string{"dark", "light"} {
			if scheme == "dark" && !pictured() {
				continue
			}
			of := fmt.Sprintf("%s-%d-%s", name, width, scheme)
			b.does(browser.Look(width, scheme))
			wide, err := chromedp.Run(b.browser, chromedp.Evaluate[[]string](beyond))
			require.NoError(b.t, err)
			require.Empty(b.t, wide, "%s is wider than the screen", of)
			if !pictured() {
				continue
			}
			height, err := chromedp.Run(b.browser, chromedp.Evaluate[int64]("document.documentElement.scrollHeight"))
			require.NoError(b.t, err)
			b.does(chromedp.EmulateViewport(width, height))
			picture, err := chromedp.Run(b.browser, chromedp.CaptureScreenshot())
			require.NoError(b.t, err)
			require.NoError(b.t, os.WriteFile(filepath.Join(b.t.ArtifactDir(), of+".png"), picture, 0o600))
		}
	}
	b.does(browser.Look(1440, "light"))
}

// helpsAVendor is a support case: a vendor writes that its trial ended too early. It is found by its address, the picture of its trial
// says why, it gets its days and its last e-mail again, and all of it is on record.
func (b *dashboardUser) helpsAVendor() {
	b.t.Helper()
	id := b.vendor("nora")
	b.register(id)
	b.awaitMail(soon, id, "welcome/0")
	b.shortensByMistake(id)
	b.awaitStatus(soon, id, trial.Grace)
	page := "/admin/trials/" + id

	b.opens("/admin/trials")
	b.does(chromedp.SendKeys(chromedp.CSS("#sought"), email(id)))
	b.follows(`form[action="/admin/vendors"] button`)
	b.sees(id + " grace")
	b.fits("support-1-found")
	b.follows(`main a[href="` + page + `"]`)
	b.sees("asked in a scenario")
	b.fits("support-2-trial")
	b.follows(`form[action="` + page + `/vendor"] button`)
	b.sees(email(id))
	b.fits("support-3-who")

	b.opens(page)
	b.follows(`a[href="` + page + `/extend"]`)
	b.does(chromedp.SetValue(chromedp.CSS("#days"), "8"), chromedp.SendKeys(chromedp.CSS("#reason"), "a wrong list had shortened it"))
	b.follows("main form button")
	b.sees("As it would be then")
	b.fits("support-4-preview")
	b.follows("main form button")
	b.sees("The trial is extended.")
	ends := b.known(id).Trial.EndsAt
	b.goesBack()
	b.sees("Nothing was done")
	b.fits("support-5-back")
	require.Equal(b.t, ends, b.known(id).Trial.EndsAt)

	b.awaitMail(soon, id, "reminder-7d/2")
	b.resends(id)
	b.opens(page)
	b.sees("extended, ends")
	b.fits("support-6-done")
	b.follows(`a[href="/admin/audit?subject=trials/` + id + `"]`)
	b.sees("a wrong list had shortened it")
	b.fits("support-7-noted")
	b.opens("/admin/audit?subject=vendors/" + id)
	b.sees("iewed")
}

// shortensByMistake leaves a trial a day or two.
func (b *dashboardUser) shortensByMistake(id string) {
	b.t.Helper()
	eventually(b.t, soon, func() error {
		days := int(time.Until(b.known(id).Trial.EndsAt)/b.Day) - 1
		a, err := b.steer(id, trial.MessageShorten, days)
		if err == nil && a.Status != http.StatusOK {
			err = fmt.Errorf("shortening it by %d days is answered %d: %s", days, a.Status, a.Body)
		}
		return err
	})
}

// resends has a vendor's welcome sent once more, from the page of its trial.
func (b *dashboardUser) resends(id string) {
	b.t.Helper()
	path := "/admin/trials/" + id + "/emails/welcome/0/resend"
	b.opens("/admin/trials/" + id)
	b.follows(`main a[href="` + path + `"]`)
	b.fits("support-5a-resend")
	b.asks(path, "the vendor has lost it", "Its operation")
	b.awaitMail(soon, id, "resend-")
}

// casePlan is a rollout that people take through: it waits for them before the first vendor, and its guard lasts.
func casePlan() rollout.Plan {
	p := shortPlan()
	p.NoticeDays, p.GuardDays, p.Backfill, p.BackfillPerHour = 0, 300, false, 0
	p.Triggers.EmailDelivery = 0.05 // it is a person who stops it
	p.Phases = []rollout.Phase{
		{Name: "nobody", Percentage: 0, SoakDays: 90, Gates: []rollout.Gate{}, Criteria: []string{"feedback-positive"}},
		{Name: "all", Percentage: 100, SoakDays: 1, Gates: []rollout.Gate{}},
	}
	return p
}

func (b *dashboardUser) written(p rollout.Plan) string {
	b.t.Helper()
	document, err := json.MarshalIndent(p, "", "\t")
	require.NoError(b.t, err)
	return string(document)
}
