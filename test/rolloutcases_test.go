package test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/test/system"
)

// rollsOut brings a rollout from its plan to its final report: a check is waived, a criterion ticked, it is paused and goes on.
func (b *dashboardUser) rollsOut() {
	b.t.Helper()
	b.rollout(true, 0)
	b.opens("/admin/")
	b.follows(`a[href="/admin/rollout/start"]`)
	b.does(chromedp.SetValue(chromedp.CSS("#plan"), b.written(casePlan())))
	b.follows("main form button")
	b.sees("The plan scenario, if it started now")
	b.fits("rollout-1-plan")
	b.does(chromedp.SendKeys(chromedp.CSS("#reason"), "the product owner has agreed"))
	b.follows("section[aria-labelledby=begin] form button")
	b.sees("The rollout was asked to start.")
	b.waives()
	b.asks("/admin/rollout/pause", "the support desk is not there yet", "The rollout was asked to pause.")
	b.stands(rollout.Paused)
	b.goesBack()
	b.sendsAgain()
	b.asks("/admin/rollout/tick/feedback-positive", "nine of ten like it", "The rollout was asked to note what you judged.",
		chromedp.Click(chromedp.CSS("input[name=met][value=yes]")))
	b.opens("/admin/")
	b.unfolds()
	b.sees("Paused: the support desk is not there yet")
	b.fits("rollout-4-paused")
	b.asks("/admin/rollout/resume", "it is there", "The rollout was asked to go on.")
	b.stands(rollout.Running)
	b.asks("/admin/rollout/advance", "all is well", "The rollout was asked to enter its next stage.")
	b.awaitRollout(wholeLife, func(v rollout.View) error {
		if v.Rollout.Stage.Kind != rollout.Guard {
			return fmt.Errorf("the final report is not due yet")
		}
		return nil
	})
	count := map[rollout.EventType]int{}
	for _, e := range b.decisions() {
		count[e.Type]++
	}
	require.Equal(b.t, []int{1, 1, 1, 1}, []int{count[rollout.EventWaived], count[rollout.EventTicked], count[rollout.EventPaused], count[rollout.EventResumed]})
	b.opens("/admin/")
	b.sees("Automation is on for 100 % of new vendors")
	b.fits("rollout-5-all")
	b.opens("/admin/decisions")
	b.sees("nine of ten like it")
	b.fits("rollout-6-decisions")
	b.opens("/admin/rollout/calendar")
	b.sees("as planned and as it went")
	b.fits("rollout-7-calendar")
	b.readsTheFinalReport()
}

// waives takes the check as passed that nothing here can satisfy.
func (b *dashboardUser) waives() {
	b.t.Helper()
	const control = `a[href="/admin/rollout/waive/backup"]`
	b.waits("the preflight", func() error {
		b.opens("/admin/")
		b.unfolds()
		if b.text(control) == "" {
			return fmt.Errorf("has nothing to waive: %q", b.text("section[aria-labelledby=rollout]"))
		}
		return nil
	})
	b.fits("rollout-2-preflight")
	b.asks("/admin/rollout/waive/backup", "a dump is in the vault", "The rollout was asked to take the check as passed.")
}

// stands waits until the overview says so of the rollout, by itself.
func (b *dashboardUser) stands(status rollout.Status) {
	b.t.Helper()
	b.waits("the rollout", func() error {
		if text := b.text("#rollout-status"); text != string(status) {
			return fmt.Errorf("it is %q, not %q", text, status)
		}
		return nil
	})
}

// sendsAgain sends the form of a pause that has been carried out: with another reason it is refused, whether the
// browser has kept it or not.
func (b *dashboardUser) sendsAgain() {
	b.t.Helper()
	b.sees("Pause the rollout")
	b.fits("rollout-3-back")
	b.marks() // chromedp finds no places on a page that the browser had kept
	b.does(chromedp.Evaluate[chromedp.Void](`document.querySelector("#reason").value = "again"; document.querySelector("main form button").click()`))
	b.arrives()
	b.sees("Nothing was done")
}

// readsTheFinalReport opens it as its readers get it.
func (b *dashboardUser) readsTheFinalReport() {
	b.t.Helper()
	var found system.Message
	eventually(b.t, soon, func() error {
		mails, err := b.Messages(b.ctx, "owner@example.com")
		for _, m := range mails {
			if strings.HasPrefix(m.Subject, "Trial rollout: final report at 100 %") && strings.HasPrefix(m.Tags["notice"], b.current()) {
				found = m
				return nil
			}
		}
		return fmt.Errorf("it has not come: %w", err)
	})
	b.does(chromedp.Navigate("data:text/html;base64," + base64.StdEncoding.EncodeToString([]byte(found.HTML))))
	b.fits("rollout-8-report")
}

// current is the id of the latest rollout.
func (b *dashboardUser) current() string {
	b.t.Helper()
	return b.awaitRollout(soon, func(rollout.View) error { return nil }).Rollout.ID
}

// hasTheNight is a night in which e-mails bounce: the automation is stopped by the button that every page has, whoever was struck
// wrongly is found in the list and freed, and the rollout is restarted.
func (b *dashboardUser) hasTheNight() {
	b.t.Helper()
	struck, gone, leaves := b.vendor("ines"), b.vendor("joao"), b.vendor("kim")
	for _, id := range []string{struck, gone} {
		b.registerAt(id, id+"+bounce@vendors.example.com")
	}
	b.register(leaves)
	b.unsubscribes(leaves)
	for _, id := range []string{struck, gone} {
		b.awaitSuppressed(id, trial.CauseBounce)
	}
	b.awaitSuppressed(leaves, trial.CauseUnsubscribed)

	b.opens("/admin/")
	b.sees("bounced")
	b.fits("night-1-bounces")
	b.follows("a.stop")
	b.fits("night-2-stop")
	b.does(chromedp.SendKeys(chromedp.CSS("#reason"), "mail to one provider bounces"))
	b.follows("main form button")
	b.waits("the stop", func() error { // the flags are off at once, and the rollout follows
		b.opens("/admin/stop")
		if text := b.text("main"); !strings.Contains(text, "How to go on") {
			return fmt.Errorf("the page says %q", text)
		}
		return nil
	})
	b.fits("night-3-stopped")

	b.does(chromedp.Click(chromedp.CSS(`nav details:has(a[href="/admin/suppressions"]) summary`)))
	b.follows(`nav a[href="/admin/suppressions"]`)
	b.sees("Nothing: the vendor has unsubscribed")
	b.fits("night-4-list")
	b.does(chromedp.SetValue(chromedp.CSS("#cause"), string(trial.CauseBounce)))
	b.follows(`form[action="/admin/suppressions"] button`)
	b.sees(gone)
	require.NotContains(b.t, b.text("main"), leaves)
	b.follows(`a[href="/admin/suppressions/` + struck + `"]`)
	b.fits("night-5-lift")
	b.does(chromedp.SendKeys(chromedp.CSS("#reason"), "its provider was down"))
	b.follows("main form button")
	b.sees("Nothing stops e-mail to " + struck)
	b.fits("night-6-lifted")
	rows := b.suppressed()
	require.NotContains(b.t, rows, struck)
	require.Contains(b.t, rows, gone)
	b.restarts()
	eventually(b.t, wholeLife, func() error {
		if mails := b.mails(struck); len(mails) < 2 {
			return fmt.Errorf("no e-mail has followed: %v", mails)
		}
		return nil
	})
	require.Equal(b.t, []string{"welcome/0"}, b.mails(gone))
	require.Equal(b.t, []string{"welcome/0"}, b.mails(leaves))
}

// unsubscribes follows the link of a vendor's first e-mail.
func (b *dashboardUser) unsubscribes(id string) {
	b.t.Helper()
	link, err := url.Parse(strings.Trim(b.awaitMail(soon, id, "welcome/0").Headers["List-Unsubscribe"], "<>"))
	require.NoError(b.t, err)
	a, err := system.Call(b.ctx, http.MethodPost, b.API+link.Path, "", []byte("List-Unsubscribe=One-Click"), http.Header{"Content-Type": {"application/x-www-form-urlencoded"}})
	b.answered(http.StatusOK, a, err)
}

// restarts has the rollout that was stopped go on where it had been.
func (b *dashboardUser) restarts() {
	b.t.Helper()
	before := b.current()
	b.opens("/admin/rollout/start")
	b.does(chromedp.Click(chromedp.CSS(`input[name=restart][value="`+before+`"]`)), chromedp.SetValue(chromedp.CSS("#phase"), "2"))
	b.follows("main form button")
	b.sees("Restart " + before + " at phase 2")
	b.fits("night-7-restart")
	b.does(chromedp.SendKeys(chromedp.CSS("#reason"), "the provider is back"))
	b.follows("section[aria-labelledby=begin] form button")
	b.sees("The rollout was asked to start.")
	b.awaitRollout(wholeLife, func(v rollout.View) error {
		if v.Rollout.ID == before {
			return fmt.Errorf("it is still the one before")
		}
		return nil
	})
	b.waives()
	eventually(b.t, wholeLife, func() error { // on a slow machine its preflight has waited long, and it pauses
		v := b.awaitRollout(soon, func(rollout.View) error { return nil }).Rollout
		switch {
		case v.Percentage == 100 && v.Stage.Kind != rollout.Notice:
			return nil
		case v.Status == rollout.Paused:
			a, err := b.Admin(b.ctx, http.MethodPost, rollouts+"/current/resume", flags.Request{Reason: "it is waived"})
			b.answered(http.StatusAccepted, a, err)
		}
		return fmt.Errorf("it is %s at %v %%", v.Status, v.Percentage)
	})
	b.opens("/admin/")
	b.sees("Automation is on for 100 % of new vendors")
	b.fits("night-8-goes-on")
}
