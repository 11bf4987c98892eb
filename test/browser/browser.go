// Package browser drives Chromium, for tests and pictures of the dashboard.
package browser

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// startLimit is generous: on a busy machine the first start takes its time.
const startLimit = time.Minute

// Start starts a browser; the context it returns is one for package chromedp.
func Start(ctx context.Context) (browser context.Context, stop func(), err error) {
	program, err := find()
	if err != nil {
		return nil, nil, err
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(program), chromedp.WSURLReadTimeout(startLimit),
		chromedp.NoSandbox,                           // tests run as root in a container
		chromedp.Flag("disable-dev-shm-usage", true), // which has little shared memory
		chromedp.Flag("hide-scrollbars", true),
	)
	allocator, end := chromedp.NewExecAllocator(ctx, options...)
	browser, cancel := chromedp.NewContext(allocator)
	stop = func() {
		cancel()
		end()
	}
	if err := chromedp.Do(browser); err != nil {
		stop()
		return nil, nil, fmt.Errorf("starting the browser: %w", err)
	}
	return browser, stop, nil
}

// find looks for Chromium under its usual names.
func find() (string, error) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if program, err := exec.LookPath(name); err == nil {
			return program, nil
		}
	}
	return "", errors.New("there is no Chromium; .ci/test-deps installs it on Debian")
}

// SignIn signs in to the dashboard of an API.
func SignIn(api, token string) chromedp.Action[chromedp.Void] {
	field := chromedp.CSS("#token")
	return chromedp.Steps(
		chromedp.Navigate(api+"/admin/sign-in"),
		chromedp.SendKeys(field, token),
		chromedp.Submit(field),
		chromedp.WaitVisible(chromedp.CSS("#live")),
	)
}

// Look sets how wide the browser is, and whether it prefers light or dark.
func Look(width int64, scheme string) chromedp.Action[chromedp.Void] {
	return chromedp.Steps(chromedp.EmulateViewport(width, 900), chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		return err
	}))
}
