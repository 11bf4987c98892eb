// Package browser drives Chromium, for tests and pictures of the dashboard.
package browser

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// startLimit is generous: on a busy machine the first start takes its time.
const startLimit = time.Minute

// Start starts a browser; the context it returns is one for package chromedp.
func Start(ctx context.Context) (browser context.Context, stop func(), err error) {
	program, err := Find()
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

// Find looks for Chromium under its usual names.
func Find() (string, error) {
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

// Post opens the page that answers a form, which is sent from the site's own sign-in page. That page has the form again.
func Post(site, path string, fields map[string]string) chromedp.Action[chromedp.Void] {
	const send = `(([path, fields]) => {
		const form = document.createElement("form")
		form.method = "post"
		form.action = path
		for (const [name, value] of Object.entries(fields)) {
			const field = form.appendChild(document.createElement("input"))
			field.type = "hidden"
			field.name = name
			field.value = value
		}
		document.body.appendChild(form).submit()
	})(%s)`
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		arguments, err := json.Marshal([]any{path, fields})
		if err != nil {
			return fmt.Errorf("writing the form: %w", err)
		}
		_, err = chromedp.Steps(
			chromedp.Navigate(site+"/admin/sign-in"),
			chromedp.Evaluate[chromedp.Void](fmt.Sprintf(send, arguments)),
			chromedp.WaitVisible(chromedp.CSS(fmt.Sprintf("main form[action=%q]", path))),
		)(ctx, t)
		return err
	})
}

// Stranger is a site at an address for which the browser has no session.
func Stranger(site string) string { return strings.Replace(site, "127.0.0.1", "localhost", 1) }

// Look sets how wide the browser is, and whether it prefers light or dark.
func Look(width int64, scheme string) chromedp.Action[chromedp.Void] {
	return chromedp.Steps(chromedp.EmulateViewport(width, 900), chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		return err
	}))
}
