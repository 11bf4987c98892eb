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
	flag.Parse()
	if err := run(context.Background(), *into); err != nil {
		fmt.Fprintln(os.Stderr, "pictures:", err)
		os.Exit(1)
	}
}

// shots are the pages to take, by the names of their files.
var shots = []struct {
	name  string
	world func() *sample.World
	path  string
}{
	{"sign-in", sample.Empty, "/admin/sign-in"}, // first: after it the browser is signed in, whatever the port
	{"overview-empty", sample.Empty, "/admin/"},
	{"overview-busy", sample.Busy, "/admin/"},
	{"overview-broken", sample.Broken, "/admin/"},
	{"trials-empty", sample.Empty, "/admin/trials"},
	{"trials-busy", sample.Busy, "/admin/trials"},
	{"trials-broken", sample.Broken, "/admin/trials"},
	{"trial", sample.Busy, "/admin/trials/vendor-013"},
	{"decisions", sample.Busy, "/admin/decisions"},
	{"rollback", sample.Busy, "/admin/rollout/rollback"},
	{"pause", sample.Busy, "/admin/rollout/pause"},
}

func run(ctx context.Context, into string) error {
	if err := os.MkdirAll(into, 0o755); err != nil {
		return fmt.Errorf("making the folder: %w", err)
	}
	ctx, stop, err := browser.Start(ctx)
	if err != nil {
		return err
	}
	defer stop()
	for i, s := range shots {
		if i == 1 {
			if err := enter(ctx); err != nil {
				return err
			}
		}
		for _, width := range []int64{1440, 390} {
			for _, scheme := range []string{"light", "dark"} {
				file := filepath.Join(into, fmt.Sprintf("%s-%d-%s.png", s.name, width, scheme))
				if err := take(ctx, s.world(), s.path, width, scheme, file); err != nil {
					return fmt.Errorf("%s: %w", file, err)
				}
			}
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

func take(ctx context.Context, w *sample.World, path string, width int64, scheme, file string) error {
	pages, err := w.Serve(token)
	if err != nil {
		return err
	}
	defer pages.Close()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if err := chromedp.Do(ctx, browser.Look(width, scheme), chromedp.Navigate(pages.URL+path), chromedp.WaitVisible(chromedp.CSS("main"))); err != nil {
		return fmt.Errorf("opening %s: %w", path, err)
	}
	picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		return fmt.Errorf("taking the picture: %w", err)
	}
	if err := os.WriteFile(file, picture, 0o600); err != nil {
		return fmt.Errorf("keeping the picture: %w", err)
	}
	return nil
}
