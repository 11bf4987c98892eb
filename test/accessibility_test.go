package test

import (
	"context"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"marketplace.example/trials/test/browser"
	"marketplace.example/trials/test/sample"
	"marketplace.example/trials/test/stack"
)

// browserLimit bounds all that a test does in a browser, on a busy machine too.
const browserLimit = wholeLife

// surf starts a browser for one test.
func surf(t *testing.T) context.Context {
	t.Helper()
	limited, cancel := context.WithTimeout(t.Context(), browserLimit)
	t.Cleanup(cancel)
	ctx, stop, err := browser.Start(limited)
	require.NoError(t, err)
	t.Cleanup(stop)
	return ctx
}

func loadAxe(t *testing.T) browser.Axe {
	t.Helper()
	root, err := stack.Root()
	require.NoError(t, err)
	axe, err := browser.LoadAxe(root)
	require.NoError(t, err)
	return axe
}

// Every page, in light and dark, wide and narrow, is one that everybody can use,
// as far as a program can tell.
func TestThePagesAreAccessible(t *testing.T) {
	t.Parallel()
	const token = "token-of-the-accessible-pages"
	axe, ctx := loadAxe(t), surf(t)
	looks := []chromedp.Action[chromedp.Void]{browser.Look(1440, "light"), browser.Look(390, "dark")}
	signedIn := false
	for _, c := range []struct {
		world *sample.World
		paths []string
	}{
		{sample.Busy(), []string{"/admin/sign-in"}},
		{sample.Busy(), []string{"/admin/", "/admin/?asked=pause", "/admin/trials", "/admin/trials?id=nobody", "/admin/trials/vendor-013", "/admin/trials/vendor-013/emails/reminder-3d/0", "/admin/mail", "/admin/mail?timezone=Mars", "/admin/mail/reminder-7d?language=de", "/admin/policies", "/admin/decisions", "/admin/evidence",
			"/admin/audit", "/admin/audit?subject=trials&outcome=refused", "/admin/audit?from=today", "/admin/bulk", "/admin/bulk/bulk-20260313-162000-a17e0b29", "/admin/bulk/bulk-20260314-084000-00c4d21e",
			"/admin/bulk/bulk-20260312-102000-5f3a11c0/items", "/admin/bulk/bulk-20260312-102000-5f3a11c0/items?outcome=odd", "/admin/bulk/start", "/admin/bulk/bulk-20260314-084000-00c4d21e/start", "/admin/bulk/bulk-20260314-084000-00c4d21e?asked=dry-run", "/admin/rollout/calendar", "/admin/rollout/start", "/admin/figures", "/admin/canary", "/admin/flags", "/admin/flags/trialAutomation.rolloutPercentage?value=50", "/admin/flags/adminTools.enabled", "/admin/tokens", "/admin/tokens/" + sample.OperatorsToken() + "/revoke", "/admin/backups", "/admin/settings", "/admin/stop", "/admin/trials/vendor-013/extend", "/admin/trials/vendor-013?changed=extend", "/admin/rollout/forecast", "/admin/rollout/pause", "/admin/rollout/rollback", "/admin/rollout/tick/feedback-positive", "/admin/nowhere", "/admin/zone", "/admin/alerts", "/admin/alerts/emailDeliveryFailed", "/admin/alerts/reconcilerFinds?asked=silence",
			"/admin/alerts/workerAway/acknowledge", "/admin/alerts/workerAway/silence"}},
		{sample.SignedIn(), []string{"/admin/sessions", "/admin/sessions/6a979d3aa72f7e4e/end", "/admin/signed-in"}},
		{sample.Experimenting(), []string{"/admin/experiments", "/admin/experiments/experiment-20260110-090000-5d2f0a/end", "/admin/experiments/start",
			"/admin/experiments/start?name=shorter&armA=standard-14d&armB=week&difference=5&perDay=&conversion="}},
		{sample.Empty(), []string{"/admin/experiments", "/admin/", "/admin/rollout/start", "/admin/rollout/calendar", "/admin/trials", "/admin/policies", "/admin/decisions", "/admin/evidence", "/admin/audit", "/admin/bulk", "/admin/figures", "/admin/tokens", "/admin/backups", "/admin/settings"}},
		{sample.Broken(), []string{"/admin/", "/admin/trials", "/admin/audit", "/admin/bulk", "/admin/backups", "/admin/settings"}},
		{sample.Rollouts()["for-a-person"](), []string{"/admin/", "/admin/evidence"}},
		{sample.Rollouts()["switched-off"](), []string{"/admin/", "/admin/evidence", "/admin/rollout/start", "/admin/rollout/calendar"}},
		{sample.Rollouts()["preflight"](), []string{"/admin/rollout/waive/backup"}},
	} {
		pages, err := c.world.Serve(token)
		require.NoError(t, err)
		if !signedIn && len(c.paths) > 1 {
			require.NoError(t, chromedp.Do(ctx, browser.SignIn(pages.URL, token)))
			signedIn = true
		}
		for _, path := range c.paths {
			for _, variant := range looks {
				require.NoError(t, chromedp.Do(ctx, variant, chromedp.Navigate(pages.URL+path), chromedp.WaitVisible(chromedp.CSS("main"))), path)
				found, err := axe.Check(ctx)
				require.NoError(t, err, path)
				require.Empty(t, found, path)
			}
		}
		pages.Close()
	}
	pages, err := sample.Busy().Serve(token)
	require.NoError(t, err)
	defer pages.Close()
	for _, answer := range []chromedp.Action[chromedp.Void]{
		browser.Post(pages.URL, "/admin/vendors", map[string]string{"sought": "Casa"}),
		browser.Post(pages.URL, "/admin/vendors", map[string]string{"sought": "v"}),
		browser.Post(browser.Stranger(pages.URL), "/admin/trials/vendor-013/extend", map[string]string{"days": "7", "reason": "The vendor was ill."}),
	} {
		for i, variant := range looks {
			require.NoError(t, chromedp.Do(ctx, variant, answer), i)
			found, err := axe.Check(ctx)
			require.NoError(t, err)
			require.Empty(t, found, i)
		}
	}
}
