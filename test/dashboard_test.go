package test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/bulk"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/test/browser"
	"marketplace.example/trials/test/system"
)

// What an operator does on the dashboard, in a browser: sees a figure change
// without loading the page again, pauses, resumes, and rolls back the rollout.
func TestTheDashboardInABrowser(t *testing.T) {
	s := begin(t, system.Options{Day: 10 * time.Second})
	plan := shortPlan()
	plan.NoticeDays, plan.Phases[0].SoakDays = 0, 100
	s.startRollout(plan)
	b := &dashboardUser{scenario: s, browser: surf(t)}

	require.NoError(t, chromedp.Do(b.browser, browser.Look(1440, "light"), chromedp.Navigate(s.API+"/admin/")))
	b.sees("It is what opens /api/admin")
	b.does(chromedp.SendKeys(chromedp.CSS("#token"), s.Secrets.AdminToken+"\r"))
	b.sees("Automation is on for 0 % of new vendors")

	b.marks()
	before := b.standing()
	for i := range 3 {
		s.register(s.vendor(fmt.Sprintf("seen%d", i)))
	}
	b.waits("the trials that stand", func() error {
		if now := b.standing(); now == before {
			return fmt.Errorf("still %q", now)
		}
		return nil
	})
	b.isMarked()

	b.pausesByKeyboard()
	b.steers("resume", "", "running")
	b.marks()
	b.steers("rollback", "was rolled back completely", "rolled back")
	b.sees("Automation is disabled")
	s.awaitRollout(wholeLife, func(v rollout.View) error {
		if v.Rollout.Status != rollout.RolledBack {
			return fmt.Errorf("the workflow has not caught up")
		}
		return nil
	})
	b.readsOn()
	b.extends("ill")
	b.silences("backupLate")

	require.NoError(t, chromedp.Do(b.browser, chromedp.Click(chromedp.CSS("form.out button"))))
	b.sees("It is what opens /api/admin")
}

// dashboardUser is an operator with a browser.
type dashboardUser struct {
	*scenario
	browser context.Context
}

func (b *dashboardUser) does(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	require.NoError(b.t, chromedp.Do(b.browser, steps...))
}

// text is what the page says now; empty while another one comes.
func (b *dashboardUser) text(of string) string {
	text, err := chromedp.Run(b.browser, chromedp.Evaluate[string](fmt.Sprintf("document.querySelector(%q)?.innerText ?? ''", of)))
	if err != nil {
		return ""
	}
	return strings.Join(strings.Fields(text), " ")
}

func (b *dashboardUser) waits(what string, until func() error) {
	b.t.Helper()
	eventually(b.t, wholeLife, func() error {
		if err := until(); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		return nil
	})
}

func (b *dashboardUser) sees(words string) {
	b.t.Helper()
	b.waits("the page", func() error {
		if text := b.text("main"); !strings.Contains(text, words) {
			return fmt.Errorf("it does not say %q but %q", words, text)
		}
		return nil
	})
}

// standing is what the page says of how many trials there are.
func (b *dashboardUser) standing() string {
	b.t.Helper()
	var text string
	b.waits("the figures", func() error {
		if text = b.text("section[aria-labelledby=standing]"); text == "" {
			return fmt.Errorf("are not there")
		}
		return nil
	})
	return text
}

// marks leaves a mark that is gone when the page is loaded again.
func (b *dashboardUser) marks() { b.does(chromedp.Evaluate[chromedp.Void]("window.mark = 1")) }

func (b *dashboardUser) isMarked() {
	b.t.Helper()
	marked, err := chromedp.Run(b.browser, chromedp.Evaluate[bool]("window.mark === 1"))
	require.NoError(b.t, err)
	require.True(b.t, marked, "the page was loaded again")
}

// steers uses a control: follows its link, gives a reason, and sees it done.
func (b *dashboardUser) steers(control, says, status string) {
	b.t.Helper()
	b.does(
		chromedp.Click(chromedp.CSS(`a[href="/admin/rollout/`+control+`"]`)),
		chromedp.WaitVisible(chromedp.CSS("#reason")),
		chromedp.Click(chromedp.CSS("main form button")),
	)
	b.sees("Stakeholders are told") // without a reason the browser keeps the form
	b.does(
		chromedp.SendKeys(chromedp.CSS("#reason"), "the operator wants to look"),
		chromedp.Click(chromedp.CSS("main form button")),
		chromedp.WaitVisible(chromedp.CSS("#live")),
	)
	b.marks()
	b.waits("the rollout", func() error {
		if text := b.text("#rollout-status"); text != status {
			return fmt.Errorf("it is %q, not %q", text, status)
		}
		return nil
	})
	b.isMarked()
	b.sees(says)
}

// presses strikes keys, wherever the focus is.
func (b *dashboardUser) presses(keys string) {
	b.t.Helper()
	b.does(chromedp.KeyEvent(keys))
}

// tabsTo goes from one place to the next until it is there, and the place shows it.
func (b *dashboardUser) tabsTo(place string) {
	b.t.Helper()
	for range 100 {
		b.presses(kb.Tab)
		if b.isAt(place) {
			seen, err := chromedp.Run(b.browser, chromedp.Evaluate[string]("getComputedStyle(document.activeElement).outlineStyle"))
			require.NoError(b.t, err)
			require.Equal(b.t, "solid", seen, "nobody sees that the focus is on %s", place)
			return
		}
	}
	require.Fail(b.t, "the keyboard does not lead to "+place)
}

func (b *dashboardUser) isAt(place string) bool {
	b.t.Helper()
	at, err := chromedp.Run(b.browser, chromedp.Evaluate[bool](fmt.Sprintf("document.activeElement?.matches(%q) ?? false", place)))
	require.NoError(b.t, err)
	return at
}

// pausesByKeyboard pauses the rollout without a mouse; the page is fetched again
// meanwhile, and takes the focus from nobody.
func (b *dashboardUser) pausesByKeyboard() {
	b.t.Helper()
	const control = `a[href="/admin/rollout/pause"]`
	b.does(chromedp.Navigate(b.API+"/admin/"), chromedp.WaitVisible(chromedp.CSS(control)))
	b.tabsTo("a.skip")
	b.presses(kb.Enter)
	b.tabsTo(control)
	b.does(chromedp.Evaluate[chromedp.Void](`document.addEventListener("htmx:after:swap", () => { window.fetched = true })`))
	b.waits("the page", func() error {
		again, err := chromedp.Run(b.browser, chromedp.Evaluate[bool]("window.fetched === true"))
		if err == nil && !again {
			err = fmt.Errorf("was not fetched again")
		}
		return err
	})
	require.True(b.t, b.isAt(control), "the focus is lost")
	b.presses(kb.Enter)
	b.sees("Stakeholders are told")
	b.tabsTo("#reason")
	b.presses("the operator wants to look")
	b.tabsTo("main form button")
	b.presses(kb.Enter)
	b.waits("the rollout", func() error {
		if text := b.text("#rollout-status"); text != "paused" {
			return fmt.Errorf("it is %q", text)
		}
		return nil
	})
	b.sees("Paused: the operator wants to look")
}

// extends gives a trial more days, after a look at what that changes.
func (b *dashboardUser) extends(vendor string) {
	b.t.Helper()
	id := b.vendor(vendor)
	b.register(id)
	b.awaitStatus(soon, id, trial.Active)
	before := b.known(id).Trial.EndsAt
	b.does(
		chromedp.Navigate(b.API+"/admin/trials/"+id),
		chromedp.Click(chromedp.CSS(`a[href="/admin/trials/`+id+`/extend"]`)),
		chromedp.SendKeys(chromedp.CSS("#reason"), "the vendor was ill"),
		chromedp.Click(chromedp.CSS("main form button")),
	)
	b.sees("As it would be then")
	require.Equal(b.t, before, b.known(id).Trial.EndsAt, "a look changes nothing")
	b.does(chromedp.Click(chromedp.CSS("main form button")))
	b.sees("The trial is extended.")
	require.Equal(b.t, before.Add(7*b.Day), b.known(id).Trial.EndsAt)
}

// silences has nobody told of an alert, and sees that in its history.
func (b *dashboardUser) silences(alert string) {
	b.t.Helper()
	b.does(
		chromedp.Navigate(b.API+"/admin/"),
		chromedp.Click(chromedp.CSS(`a[href="/admin/alerts/`+alert+`"]`)),
		chromedp.Click(chromedp.CSS(`a[href="/admin/alerts/`+alert+`/silence"]`)),
		chromedp.Click(chromedp.CSS(`input[name=minutes][value="480"]`)),
		chromedp.SendKeys(chromedp.CSS("#reason"), "the vault moves"),
		chromedp.Click(chromedp.CSS("main form button")),
	)
	b.sees("Silenced by admin until")
	b.sees("silenced the vault moves (admin)")
}

// readsOn looks at the other pages of the real system.
func (b *dashboardUser) readsOn() {
	b.t.Helper()
	axe := loadAxe(b.t)
	id := b.vendor("seen0")
	dry := b.bulkDone(b.bulk("", map[string]any{"action": bulk.Cancel, "ids": []string{id}, "dryRun": true, "reason": "looking"}).Operation.ID).Operation.ID
	for path, says := range map[string]string{
		"/admin/": "The rollout was rolled back", "/admin/decisions": "Rolled back completely: the operator wants to look",
		"/admin/stop": "The automation is stopped", "/admin/audit": "Roll back rollout", "/admin/audit?subject=rollouts&outcome=done": "Rollout: rolled back",
		"/admin/bulk": "looked at 1", "/admin/bulk/" + dry: "Dry run over: ", "/admin/bulk/" + dry + "/items": id,
		"/admin/trials": id, "/admin/trials?id=" + id: "What happened, and why", "/admin/trials/" + id: "In Temporal's Web UI",
	} {
		b.does(chromedp.Navigate(b.API + path))
		b.sees(says)
		found, err := axe.Check(b.browser)
		require.NoError(b.t, err)
		require.Empty(b.t, found, path)
	}
}
