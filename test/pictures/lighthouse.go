package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"marketplace.example/trials/test/browser"
	"marketplace.example/trials/test/fakeapi"
	"marketplace.example/trials/test/stack"
)

// mostBytes bounds the HTML of a page.
const mostBytes = 100 << 10

// measured is what Lighthouse says of a page. Its scores go to 100.
type measured struct {
	Name   string `json:"name"`
	Status string `json:"status"`
	// HTML is the length of the page, Bytes that of all that is loaded with it, in bytes.
	HTML          int
	Bytes         float64 `json:"bytes"`
	Performance   int     `json:"performance"`
	Accessibility int     `json:"accessibility"`
	BestPractices int     `json:"bestPractices"`
	// Missed are the audits that count, and are not passed.
	Missed []string `json:"missed"`
}

// page is one to be measured, as measure.mjs reads it.
type measuredPage struct {
	Name   string `json:"name"`
	URL    string `json:"url"`
	Cookie string `json:"cookie"`
	html   int
}

// measure prints what Lighthouse says of each page of the dashboard, in the world in which it is longest, and of the API's. How well
// search engines find them is left out: they are nobody's but the operators'.
func measure(ctx context.Context, out io.Writer, only string) error {
	pages, stop, err := measuredPages(only)
	defer stop()
	if err != nil {
		return err
	}
	html := map[string]int{}
	for _, p := range pages {
		html[p.Name] = p.html
	}
	below := 0
	fmt.Fprintf(out, "%-28s %11s %13s %14s %8s %8s\n", "page", "performance", "accessibility", "best practices", "HTML KiB", "all KiB")
	err = lighthouse(ctx, pages, func(m measured) {
		m.HTML = html[m.Name]
		fmt.Fprintf(out, "%-28s %11d %13d %14d %8.1f %8.1f\n", m.Name, m.Performance, m.Accessibility, m.BestPractices, float64(m.HTML)/1024, m.Bytes/1024)
		if m.Status != "" {
			m.Missed = append(m.Missed, m.Status)
		}
		if min(m.Performance, m.Accessibility, m.BestPractices) == 100 && m.HTML < mostBytes {
			return
		}
		below++
		for _, missed := range m.Missed {
			fmt.Fprintln(out, "    "+missed)
		}
	})
	if err == nil && below > 0 {
		err = fmt.Errorf("%d of %d pages are not at 100, or longer than %d KiB", below, len(pages), mostBytes>>10)
	}
	return err
}

// lighthouse shows what it says of each page.
func lighthouse(ctx context.Context, pages []measuredPage, show func(measured)) error {
	root, err := stack.Root()
	if err != nil {
		return err
	}
	program, err := browser.Find()
	if err != nil {
		return err
	}
	input, err := json.Marshal(map[string]any{"chromium": program, "pages": pages})
	if err != nil {
		return fmt.Errorf("writing the list of pages: %w", err)
	}
	cmd := exec.CommandContext(ctx, "node", filepath.Join(root, "test", "lighthouse", "measure.mjs"))
	cmd.Stdin, cmd.Stderr = bytes.NewReader(input), os.Stderr
	lines, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("reading what Lighthouse says: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting Lighthouse: %w", err)
	}
	for scanner := bufio.NewScanner(lines); scanner.Scan(); {
		var m measured
		if err = json.Unmarshal(scanner.Bytes(), &m); err != nil {
			break
		}
		show(m)
	}
	return errors.Join(err, cmd.Wait())
}

// measuredPages serves them until they are stopped.
func measuredPages(only string) (pages []measuredPage, stop func(), err error) {
	var servers []*httptest.Server
	stop = func() {
		for _, s := range servers {
			s.Close()
		}
	}
	api := httptest.NewServer(fakeapi.NewInMemory())
	servers = append(servers, api)
	byPath := map[string]int{}
	for _, p := range append(everyPage(), picture{name: "api-docs", path: "/api/docs"}) {
		server := api
		if p.serve != nil {
			if server, err = p.serve(); err != nil {
				return nil, stop, err
			}
			servers = append(servers, server)
		}
		one, err := p.signedIn(server.URL)
		if err != nil {
			return nil, stop, fmt.Errorf("%s: %w", p.name, err)
		}
		path, _, _ := strings.Cut(p.path, "?")
		if i, known := byPath[path]; !known {
			byPath[path] = len(pages)
			pages = append(pages, one)
		} else if one.html > pages[i].html {
			pages[i] = one
		}
	}
	return slices.DeleteFunc(pages, func(p measuredPage) bool { return !strings.HasPrefix(p.Name, only) }), stop, nil
}

// signedIn opens the page at a server once, as an admin.
func (p picture) signedIn(server string) (one measuredPage, err error) {
	one = measuredPage{Name: p.name, URL: server + p.path}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return one, fmt.Errorf("keeping cookies: %w", err)
	}
	client := &http.Client{Jar: jar}
	if strings.HasPrefix(p.path, "/admin/") && p.path != signIn {
		answer, err := client.PostForm(server+signIn, url.Values{"token": {token}})
		if err != nil {
			return one, fmt.Errorf("signing in: %w", err)
		}
		_ = answer.Body.Close()
	}
	answer, err := client.Get(one.URL)
	if err != nil {
		return one, fmt.Errorf("opening it: %w", err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return one, fmt.Errorf("reading it: %w", err)
	}
	one.html = len(body)
	address, err := url.Parse(server)
	if err != nil {
		return one, fmt.Errorf("reading its address: %w", err)
	}
	for _, cookie := range jar.Cookies(address.JoinPath(p.path)) {
		one.Cookie = cookie.Name + "=" + cookie.Value
	}
	return one, nil
}
