package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"time"

	"marketplace.example/trials/internal/adapters/ses"
	"marketplace.example/trials/internal/domain/brand"
	"marketplace.example/trials/internal/domain/notice"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/platform/config"
	"marketplace.example/trials/test/sample"
	"marketplace.example/trials/test/stack"
)

// everyMail are the e-mails to vendors, and the notices as they were approved.
func everyMail() ([]picture, error) {
	var all []picture
	contents, err := mails()
	if err != nil {
		return nil, err
	}
	for name, content := range contents {
		rendered, err := ses.Render(content)
		if err != nil {
			return nil, fmt.Errorf("setting %s: %w", name, err)
		}
		all = append(all, email("mail-"+name, rendered.HTML))
	}
	root, err := stack.Root()
	if err != nil {
		return nil, fmt.Errorf("looking for the e-mails: %w", err)
	}
	approved, err := filepath.Glob(filepath.Join(root, "internal", "adapters", "ses", "testdata", "notice-*.html"))
	if err != nil {
		return nil, fmt.Errorf("looking for the e-mails: %w", err)
	}
	for _, file := range approved {
		html, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("reading an e-mail: %w", err)
		}
		all = append(all, email("mail-"+strings.TrimSuffix(filepath.Base(file), ".html"), string(html)))
	}
	for _, name := range []string{"in-phase", "delayed", "paused-by-gate", "for-a-person", "rolled-back-once"} {
		rendered, err := lastNotice(sample.Rollouts()[name]())
		if err != nil {
			return nil, fmt.Errorf("setting the notice %s: %w", name, err)
		}
		all = append(all, email("mail-rollout-"+name, rendered.HTML))
	}
	return all, nil
}

// lastNotice is the last one about the rollout of a world, but for daily updates.
func lastNotice(w *sample.World) (ses.Rendered, error) {
	stakeholders := []notice.Stakeholder{{Role: notice.DevOps, Name: "Ana Lopes", Email: "ana@shop.example", Phone: "+1 555 0100", OnCall: true}}
	var last notice.Message
	var state rollout.State
	for _, e := range w.Rollout {
		state = state.Apply(e)
		if m := notice.MessageFor(state, e); m != nil && e.Type != rollout.EventUpdate {
			last = m.Addressed("https://trials.shop.example", stakeholders)
		}
	}
	if last.RolloutID != "" {
		last.History = notice.HistoryOf(w.Series)
	}
	return ses.RenderNotice(last)
}

// email is an e-mail, as a browser shows it.
func email(name, html string) picture {
	return picture{name: name, path: "/", serve: func() (*httptest.Server, error) {
		return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = io.WriteString(w, html) // the browser has gone
		})), nil
	}}
}

// mails are one of each kind to vendors, and those that differ most in their words.
func mails() (map[string]ses.Content, error) {
	root, err := stack.Root()
	if err != nil {
		return nil, fmt.Errorf("looking for the e-mails: %w", err)
	}
	built, err := config.Config{}.Mail()
	if err != nil {
		return nil, err
	}
	arabic, err := config.Config{MailTemplates: filepath.Join(root, "internal", "adapters", "ses", "testdata", "mail")}.Mail()
	if err != nil {
		return nil, err
	}
	ends := time.Date(2026, 3, 18, 7, 20, 0, 0, time.UTC)
	content := func(kind string, change func(*ses.Content)) ses.Content {
		c := ses.Content{
			Kind: kind, Words: built.Words, VendorName: "Zoë & Søn", DaysLeft: 3, GraceDays: 3, LengthDays: 14, EndsAt: ends, GraceEndsAt: ends.AddDate(0, 0, 3), Zone: "America/New_York",
			VendorID: "v1", Brand: brand.Brand{Buttons: brand.Buttons{Default: "https://shop.example/plans"}}, UnsubscribeURL: "https://shop.example/unsubscribe/v1.token",
			FeedbackURL: "https://shop.example/feedback/v1.token", GuideURL: "https://shop.example/guide/v1.token",
		}
		if change != nil {
			change(&c)
		}
		return c
	}
	all := map[string]ses.Content{
		"welcome":        content(ses.KindWelcome, nil),
		"welcome-late":   content(ses.KindWelcome, func(c *ses.Content) { c.LengthDays = 1 }),
		"reminder":       content(ses.KindReminder, nil),
		"reminder-today": content(ses.KindReminder, func(c *ses.Content) { c.DaysLeft, c.GraceDays = 0, 0 }),
		"reminder-demo":  content(ses.KindReminder, func(c *ses.Content) { c.Day = 2 * time.Second }),
		"expiry":         content(ses.KindExpiry, nil),
		"grace-end":      content(ses.KindGraceEnd, func(c *ses.Content) { c.VendorName = strings.Repeat("Very Long Name & Sons ", 5) }),
	}
	for _, language := range built.Words.Languages() {
		for _, kind := range built.Words.Kinds() {
			all[kind+"-"+language] = content(kind, func(c *ses.Content) {
				c.Locale, c.Brand.Name, c.Brand.Support, c.Brand.PostalAddress = language, "Nordic Market", "help@shop.example", "Nordic Market AB\nStorgatan 1"
			})
		}
	}
	all["reminder-ar"] = content(ses.KindReminder, func(c *ses.Content) { c.Words, c.Brand, c.Locale = arabic.Words, arabic.Brand, "ar-EG" })
	return all, nil
}
