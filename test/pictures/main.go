// Pictures makes pictures of the dashboard's pages, from a made-up world, and of
// the e-mails, in a browser: wide and narrow, light and dark, the pages also empty,
// busy and with the database away. Or it measures the pages. It needs Chromium.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/chromedp/chromedp"

	"marketplace.example/trials/test/browser"
	"marketplace.example/trials/test/harness"
	"marketplace.example/trials/test/sample"
)

const token = "token-of-the-pictures"

// limit bounds one picture on a busy machine.
const limit = time.Minute

func main() {
	into := flag.String("into", "pictures", "the `folder` that takes the pictures")
	guide := flag.Bool("guide", false, "make those of docs/monitoring-guide.md instead, of the tops of pages")
	only := flag.String("only", "", "make only those whose name begins with `this`")
	lighthouse := flag.Bool("lighthouse", false, "make none, but print what Lighthouse says of the pages")
	harness.Main("pictures", func(ctx context.Context, out io.Writer) error {
		if *lighthouse {
			return measure(ctx, out, *only)
		}
		return take(ctx, *into, *guide, *only)
	})
}

// take makes the pictures of everything, or those of the guide.
func take(ctx context.Context, into string, guide bool, only string) error {
	all := ofTheGuide()
	if !guide {
		mails, err := everyMail()
		if err != nil {
			return err
		}
		all = everyLook(append(everyPage(), mails...))
	}
	return run(ctx, slices.DeleteFunc(all, func(p picture) bool { return !strings.HasPrefix(p.name, only) }), into)
}

// picture is one to take.
type picture struct {
	name string
	// serve answers with what is on it.
	serve func() (*httptest.Server, error)
	path  string
	// form is what is sent to the path; nil where the page is opened.
	form map[string]string
	// isOver says that the session is.
	isOver bool
	width  int64
	scheme string
	// top takes what is seen without scrolling.
	top bool
}

const signIn = "/admin/sign-in"

// page is a page of a world.
func page(name string, world func() *sample.World, path string) picture {
	return picture{name: name, path: path, serve: func() (*httptest.Server, error) { return world().Serve(token) }}
}

// inBerlin is a page for somebody who has chosen a zone.
func inBerlin(name string, world func() *sample.World, path string) picture {
	return picture{name: name, path: path, serve: func() (*httptest.Server, error) {
		pages, err := world().Serve(token)
		if err != nil {
			return nil, err
		}
		inUTC := pages.Config.Handler
		pages.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.AddCookie(&http.Cookie{Name: "trials_zone", Value: "Europe/Berlin"}) //nolint:gosec // G124: sent by a browser, not set
			inUTC.ServeHTTP(w, r)
		})
		return pages, nil
	}}
}

// sent is the page that answers a form.
func (p picture) sent(form map[string]string) picture {
	p.form = form
	return p
}

// over is the page for somebody whose session is over.
func (p picture) over() picture {
	p.isOver = true
	return p
}

func everyPage() []picture {
	all := []picture{
		page("sign-in", sample.Empty, signIn), // before the browser is signed in, which it is to every port then
		page("overview-empty", sample.Empty, "/admin/"),
		page("overview-busy", sample.Busy, "/admin/"),
		page("overview-broken", sample.Broken, "/admin/"),
		page("trials-empty", sample.Empty, "/admin/trials"),
		page("trials-busy", sample.Busy, "/admin/trials"),
		page("trials-broken", sample.Broken, "/admin/trials"),
		page("trial", sample.Busy, "/admin/trials/vendor-013"),
		page("vendor", sample.Busy, "/admin/trials/vendor-013/vendor"),
		page("vendors", sample.Busy, "/admin/vendors"),
		page("vendors-found", sample.Busy, "/admin/vendors").sent(map[string]string{"sought": "Casa"}),
		page("vendors-unclear", sample.Busy, "/admin/vendors").sent(map[string]string{"sought": "v"}),
		page("kept", sample.Busy, "/admin/trials/vendor-013/extend").sent(map[string]string{"days": "7", "reason": "The vendor was ill for a week.", "revision": "1", "request": "7Q"}).over(),
		page("sent-mail", sample.Busy, "/admin/trials/vendor-013/emails/reminder-3d/0"),
		page("sent-mail-refused", sentNothing, "/admin/trials/vendor-013/emails/reminder-3d/0"),
		page("e-mails", sample.Busy, "/admin/mail"),
		page("e-mails-wrong", badTemplates, "/admin/mail?policy=thirty-days&language=pt&timezone=America/Sao_Paulo"),
		page("e-mail", sample.Busy, "/admin/mail/reminder-7d?language=de"),
		page("decisions", sample.Busy, "/admin/decisions"),
		page("evidence", sample.Busy, "/admin/evidence"),
		page("evidence-empty", sample.Empty, "/admin/evidence"),
		page("audit-empty", sample.Empty, "/admin/audit"),
		page("audit-busy", sample.Busy, "/admin/audit"),
		page("audit-broken", sample.Broken, "/admin/audit"),
		page("audit-narrowed", sample.Busy, "/admin/audit?subject=trials%2Fvendor-013&from=2026-03-12T08:00"),
		page("audit-tampered", tampered, "/admin/audit?outcome=done"),
		page("bulk-empty", sample.Empty, "/admin/bulk"),
		page("bulk-busy", sample.Busy, "/admin/bulk"),
		page("bulk-broken", sample.Broken, "/admin/bulk"),
		page("bulk-running", sample.Busy, "/admin/bulk/bulk-20260314-101820-7b90e6aa"),
		page("bulk-paused", sample.Busy, "/admin/bulk/bulk-20260313-162000-a17e0b29"),
		page("bulk-planned", sample.Busy, "/admin/bulk/bulk-20260314-084000-00c4d21e"),
		page("bulk-over", sample.Busy, "/admin/bulk/bulk-20260312-102000-5f3a11c0"),
		page("bulk-items", sample.Busy, "/admin/bulk/bulk-20260312-102000-5f3a11c0/items"),
		page("bulk-begin", sample.Busy, "/admin/bulk/start"),
		page("bulk-start", sample.Busy, "/admin/bulk/bulk-20260314-084000-00c4d21e/start"),
		page("bulk-undo", sample.Busy, "/admin/bulk/bulk-20260312-102000-5f3a11c0/undo"),
		page("start-rollout", sample.Empty, "/admin/rollout/start"),
		page("start-rollout-again", sample.Rollouts()["switched-off"], "/admin/rollout/start"),
		page("start-rollout-running", sample.Busy, "/admin/rollout/start"),
		page("waive", sample.Rollouts()["preflight"], "/admin/rollout/waive/backup"),
		page("calendar-empty", sample.Empty, "/admin/rollout/calendar"),
		page("forecast", sample.Busy, "/admin/rollout/forecast"),
		page("rollback", sample.Busy, "/admin/rollout/rollback"),
		page("pause", sample.Busy, "/admin/rollout/pause"),
		page("tick", sample.Busy, "/admin/rollout/tick/feedback-positive"),
		page("resend", sample.Busy, "/admin/trials/vendor-013/emails/reminder-3d/0/resend"),
		page("resend-refused", sample.Busy, "/admin/trials/vendor-013/emails/reminder-7d/0/resend"),
		page("task", sample.Completed, "/admin/rollout/tick/daily-monitoring-review"),
		page("overview-completed", sample.Completed, "/admin/"),
		page("trial-extend", sample.Busy, "/admin/trials/vendor-013/extend"),
		page("sessions", sample.SignedIn, "/admin/sessions"),
		page("sessions-empty", sample.Empty, "/admin/sessions"),
		page("sessions-end", sample.SignedIn, "/admin/sessions/6a979d3aa72f7e4e/end"),
		page("suppressions", sample.Busy, "/admin/suppressions"),
		page("suppressions-empty", sample.Empty, "/admin/suppressions"),
		page("suppressions-broken", sample.Broken, "/admin/suppressions"),
		page("suppression-lift", sample.Busy, "/admin/suppressions/vendor-002"),
		page("suppression-refused", sample.Busy, "/admin/suppressions/vendor-004"),
		page("stop", sample.Busy, "/admin/stop"),
		page("stop-broken", sample.Broken, "/admin/stop"),
		page("stop-done", sample.Rollouts()["switched-off"], "/admin/stop"),
		page("experiment", sample.Experimenting, "/admin/experiments"),
		page("experiment-over", sample.Experimenting, "/admin/experiments/experiment-20251001-080000-aa0193"),
		page("experiment-empty", sample.Empty, "/admin/experiments"),
		page("experiment-end", sample.Experimenting, "/admin/experiments/experiment-20260110-090000-5d2f0a/end"),
		page("experiment-start", planning, "/admin/experiments/start?name=shorter-trial&armA=standard-14d&armB=week&difference=5&perDay=&conversion="),
		page("policies", sample.Busy, "/admin/policies"),
		page("figures", sample.Busy, "/admin/figures"),
		page("figures-long", sample.Busy, "/admin/figures?days=90&cohort=automated&cohort=control"),
		page("figures-empty", sample.Empty, "/admin/figures?days=7"),
		page("figures-broken", sample.Broken, "/admin/figures"),
		page("canary-empty", sample.Empty, "/admin/canary"),
		page("canary", sample.Busy, "/admin/canary"),
		page("flags-empty", sample.Empty, "/admin/flags"),
		page("flags-busy", sample.Busy, "/admin/flags"),
		page("flags-broken", sample.Broken, "/admin/flags"),
		page("flag-percentage", sample.Busy, "/admin/flags/trialAutomation.rolloutPercentage?value=50"),
		page("flag-switch", sample.Busy, "/admin/flags/trialAutomation.emailReminders"),
		page("tokens-empty", sample.Empty, "/admin/tokens"),
		page("tokens-busy", sample.Busy, "/admin/tokens"),
		page("tokens-broken", sample.Broken, "/admin/tokens"),
		page("token-revoke", sample.Busy, "/admin/tokens/"+sample.OperatorsToken()+"/revoke"),
		page("backups-empty", sample.Empty, "/admin/backups"),
		page("backups-busy", sample.Busy, "/admin/backups"),
		page("backups-broken", sample.Broken, "/admin/backups"),
		page("settings-empty", sample.Empty, "/admin/settings"),
		page("settings-busy", sample.Busy, "/admin/settings"),
		page("settings-broken", sample.Broken, "/admin/settings"),
		page("alerts", sample.Busy, "/admin/alerts?days=7"),
		page("alerts-empty", sample.Empty, "/admin/alerts"),
		page("alerts-broken", sample.Broken, "/admin/alerts"),
		page("alert-firing", sample.Busy, "/admin/alerts/emailDeliveryFailed"),
		page("alert-silenced", sample.Busy, "/admin/alerts/reconcilerFinds"),
		page("alert-empty", sample.Empty, "/admin/alerts/backupLate"),
		page("zone", sample.Busy, "/admin/zone"),
		inBerlin("zone-chosen", sample.Busy, "/admin/zone"),
		inBerlin("zone-overview", sample.Busy, "/admin/"),
		inBerlin("zone-trial", sample.Busy, "/admin/trials/vendor-013"),
		inBerlin("zone-trials", sample.Busy, "/admin/trials"),
		inBerlin("zone-audit", sample.Busy, "/admin/audit"),
		inBerlin("zone-calendar", sample.Busy, "/admin/rollout/calendar"),
		inBerlin("zone-evidence", sample.Busy, "/admin/evidence"),
		page("silence", sample.Busy, "/admin/alerts/workerAway/silence"),
	}
	rollouts := sample.Rollouts()
	for _, name := range slices.Sorted(maps.Keys(rollouts)) {
		all = append(all, page("rollout-"+name, rollouts[name], "/admin/"), page("evidence-"+name, rollouts[name], "/admin/evidence"),
			page("calendar-"+name, rollouts[name], "/admin/rollout/calendar"))
	}
	return all
}

// planning is a world at 100 % without an experiment.
func planning() *sample.World {
	w := sample.Experimenting()
	w.Experimented = w.Experimented[:1]
	return w
}

// sentNothing is a world in which an e-mail cannot be shown.
func sentNothing() *sample.World {
	w := sample.Busy()
	send := w.Sends["vendor-013/reminder-3d/0"]
	send.Template = "0123456789abcdef"
	w.Sends[send.Key] = send
	return w
}

// badTemplates is a world whose templates are wrong.
func badTemplates() *sample.World {
	w := sample.Busy()
	w.BadTemplates()
	return w
}

// tampered is a world in which somebody has changed what is on record.
func tampered() *sample.World {
	w := sample.Busy()
	w.Record[len(w.Record)-4].Reason = "nothing to see here"
	return w
}

// everyLook are pictures wide and narrow, light and dark.
func everyLook(pictures []picture) []picture {
	var all []picture
	for _, p := range pictures {
		for _, p.width = range []int64{1440, 390} {
			for _, p.scheme = range []string{"light", "dark"} {
				one := p
				one.name = fmt.Sprintf("%s-%d-%s", p.name, p.width, p.scheme)
				all = append(all, one)
			}
		}
	}
	return all
}

func ofTheGuide() []picture {
	variant := func(p picture, width int64, scheme string) picture {
		p.width, p.scheme, p.top = width, scheme, true
		return p
	}
	return []picture{
		variant(page("overview", sample.Busy, "/admin/"), 1100, "light"),
		variant(page("overview-broken", sample.Broken, "/admin/"), 800, "light"),
		variant(page("overview-phone", sample.Busy, "/admin/"), 390, "dark"),
	}
}

func run(ctx context.Context, pictures []picture, into string) error {
	if err := os.MkdirAll(into, 0o755); err != nil {
		return fmt.Errorf("making the folder: %w", err)
	}
	ctx, stop, err := browser.Start(ctx)
	if err != nil {
		return err
	}
	defer stop()
	signedIn := false
	for _, p := range pictures {
		if !signedIn && p.path != signIn {
			if err := enter(ctx); err != nil {
				return err
			}
			signedIn = true
		}
		if err := p.take(ctx, filepath.Join(into, p.name+".png")); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return nil
}

// enter signs in.
func enter(ctx context.Context) error {
	pages, err := sample.Empty().Serve(token)
	if err != nil {
		return err
	}
	defer pages.Close()
	if err := chromedp.Do(ctx, browser.SignIn(pages.URL, token)); err != nil {
		return fmt.Errorf("signing in: %w", err)
	}
	return nil
}

func (p picture) take(ctx context.Context, file string) error {
	pages, err := p.serve()
	if err != nil {
		return err
	}
	defer pages.Close()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if err := chromedp.Do(ctx, browser.Look(p.width, p.scheme), p.open(pages.URL)); err != nil {
		return fmt.Errorf("opening %s: %w", p.path, err)
	}
	if !p.top {
		if err := p.unroll(ctx); err != nil {
			return err
		}
	}
	png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		return fmt.Errorf("taking the picture: %w", err)
	}
	if err := os.WriteFile(file, png, 0o600); err != nil {
		return fmt.Errorf("keeping the picture: %w", err)
	}
	return nil
}

func (p picture) open(site string) chromedp.Action[chromedp.Void] {
	if p.isOver {
		site = browser.Stranger(site)
	}
	if p.form != nil {
		return browser.Post(site, p.path, p.form)
	}
	return chromedp.Steps(chromedp.Navigate(site+p.path), chromedp.WaitVisible(chromedp.CSS("body")))
}

// unroll makes the browser as high as the page. Where Chromium takes what is beyond its edge, it shifts pages that are read from right to left.
func (p picture) unroll(ctx context.Context) error {
	height, err := chromedp.Run(ctx, chromedp.Evaluate[int64]("document.documentElement.scrollHeight"))
	if err != nil {
		return fmt.Errorf("measuring the page: %w", err)
	}
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(p.width, height)); err != nil {
		return fmt.Errorf("unrolling the page: %w", err)
	}
	return nil
}
