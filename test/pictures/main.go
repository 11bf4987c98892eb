// Pictures makes pictures of the dashboard's pages, from a made-up world, in a
// browser: wide and narrow, light and dark, empty, busy and with the database
// away. It needs Chromium.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/chromedp/chromedp"

	"marketplace.example/trials/test/browser"
	"marketplace.example/trials/test/sample"
)

const token = "token-of-the-pictures"

// limit bounds one picture on a busy machine.
const limit = time.Minute

func main() {
	into := flag.String("into", "pictures", "the `folder` that takes the pictures")
	guide := flag.Bool("guide", false, "make those of docs/monitoring-guide.md instead, of the tops of pages")
	flag.Parse()
	pictures := everyPage()
	if *guide {
		pictures = ofTheGuide()
	}
	if err := run(context.Background(), pictures, *into); err != nil {
		fmt.Fprintln(os.Stderr, "pictures:", err)
		os.Exit(1)
	}
}

// picture is one to take.
type picture struct {
	name   string
	world  func() *sample.World
	path   string
	width  int64
	scheme string
	// top takes what is seen without scrolling.
	top bool
}

const signIn = "/admin/sign-in"

func everyPage() []picture {
	var all []picture
	for _, p := range []picture{
		{name: "sign-in", world: sample.Empty, path: signIn}, // before the browser is signed in, which it is to every port then
		{name: "overview-empty", world: sample.Empty, path: "/admin/"},
		{name: "overview-busy", world: sample.Busy, path: "/admin/"},
		{name: "overview-broken", world: sample.Broken, path: "/admin/"},
		{name: "trials-empty", world: sample.Empty, path: "/admin/trials"},
		{name: "trials-busy", world: sample.Busy, path: "/admin/trials"},
		{name: "trials-broken", world: sample.Broken, path: "/admin/trials"},
		{name: "trial", world: sample.Busy, path: "/admin/trials/vendor-013"},
		{name: "decisions", world: sample.Busy, path: "/admin/decisions"},
		{name: "rollback", world: sample.Busy, path: "/admin/rollout/rollback"},
		{name: "pause", world: sample.Busy, path: "/admin/rollout/pause"},
		{name: "alert-firing", world: sample.Busy, path: "/admin/alerts/emailDeliveryFailed"},
		{name: "alert-silenced", world: sample.Busy, path: "/admin/alerts/unknownSends"},
		{name: "alert-empty", world: sample.Empty, path: "/admin/alerts/backupLate"},
		{name: "silence", world: sample.Busy, path: "/admin/alerts/workerAway/silence"},
	} {
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
	return []picture{
		{"overview", sample.Busy, "/admin/", 1100, "light", true},
		{"overview-broken", sample.Broken, "/admin/", 800, "light", true},
		{"overview-phone", sample.Busy, "/admin/", 390, "dark", true},
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
	pages, err := p.world().Serve(token)
	if err != nil {
		return err
	}
	defer pages.Close()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if err := chromedp.Do(ctx, browser.Look(p.width, p.scheme), chromedp.Navigate(pages.URL+p.path), chromedp.WaitVisible(chromedp.CSS("main"))); err != nil {
		return fmt.Errorf("opening %s: %w", p.path, err)
	}
	capture := chromedp.FullScreenshot(100)
	if p.top {
		capture = chromedp.CaptureScreenshot()
	}
	png, err := chromedp.Run(ctx, capture)
	if err != nil {
		return fmt.Errorf("taking the picture: %w", err)
	}
	if err := os.WriteFile(file, png, 0o600); err != nil {
		return fmt.Errorf("keeping the picture: %w", err)
	}
	return nil
}
