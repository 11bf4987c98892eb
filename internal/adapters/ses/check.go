package ses

import (
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/net/html"

	"marketplace.example/trials/internal/domain/brand"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/internal/domain/wording"
)

// Limits of an e-mail as mail programs show it.
const (
	// MaxSubject is in letters; phones cut longer ones.
	MaxSubject = 60
	// MaxHTML is in bytes; Gmail clips what is longer, and hides the link to unsubscribe with it.
	MaxHTML = 102 << 10
)

// Sample is content of an e-mail to look at, at one of the edges of what is possible.
type Sample struct {
	Edge    string
	Content Content
}

// edges are what differs from the usual content.
var edges = []struct {
	name   string
	change func(*Content)
}{
	{"usual", func(*Content) {}},
	{"long name", func(c *Content) { c.VendorName = strings.Repeat("Very Long Name & Sons ", 10) }},
	{"long word", func(c *Content) { c.VendorName = strings.Repeat("W", 200) }},
	{"no name", func(c *Content) { c.VendorName = "" }},
	{"name from right to left", func(c *Content) { c.VendorName = "متجر زينب 24" }},
	{"no zone", func(c *Content) { c.Zone = "" }},
	{"one day left", func(c *Content) { c.DaysLeft, c.LengthDays = 1, 1 }},
	{"last day", func(c *Content) { c.DaysLeft, c.LengthDays = 0, 1 }},
	{"a year", func(c *Content) { c.DaysLeft, c.LengthDays, c.GraceDays = 365, 365, 365 }},
	{"grace 0", func(c *Content) { c.GraceDays, c.GraceEndsAt = 0, time.Time{} }},
	{"demonstration", func(c *Content) { c.Day = 2 * time.Second }},
}

// Samples are the contents of a brand's e-mails of a kind in a language at every edge, the usual one first.
func Samples(b brand.Brand, words *wording.Set, language, kind string) []Sample {
	ends := time.Date(2026, time.March, 18, 7, 20, 0, 0, time.UTC)
	all := make([]Sample, 0, len(edges))
	for _, edge := range edges {
		c := Content{
			Kind: kind, Words: words, Locale: language, VendorName: "Zoë & Søn", VendorID: "v-1001", DaysLeft: 3, GraceDays: 3, LengthDays: 14, EndsAt: ends,
			GraceEndsAt: ends.AddDate(0, 0, 3), Zone: "America/New_York", Brand: b,
			UnsubscribeURL: "https://trials.example.com" + UnsubscribePath + "/" + linkVersion + ".v-1001.sample",
			FeedbackURL:    "https://trials.example.com" + FeedbackPath + "/" + linkVersion + ".v-1001." + kind + ".sample",
			GuideURL:       "https://trials.example.com" + GuidePath + "/" + linkVersion + ".v-1001.sample",
			ButtonToken:    "sample",
		}
		edge.change(&c)
		all = append(all, Sample{edge.name, c})
	}
	return all
}

// Faults are what is wrong with a rendered e-mail: what mail programs cut or hide, and links that lead nowhere; nil for nothing.
func Faults(r Rendered) []string {
	var faults []string
	if n := utf8.RuneCountInString(r.Subject); n > MaxSubject {
		faults = append(faults, fmt.Sprintf("the subject has %d letters, at most %d are shown everywhere", n, MaxSubject))
	}
	if len(r.HTML) > MaxHTML {
		faults = append(faults, fmt.Sprintf("the HTML has %d bytes, Gmail clips it after %d", len(r.HTML), MaxHTML))
	}
	if strings.TrimSpace(r.Text) == "" {
		faults = append(faults, "the text part is missing")
	}
	return append(faults, htmlFaults(r.HTML)...)
}

// htmlFaults are those of links and images.
func htmlFaults(text string) []string {
	var faults []string
	for tokens := html.NewTokenizer(strings.NewReader(text)); ; {
		kind := tokens.Next()
		if kind == html.ErrorToken { // the end: the tokenizer takes any text for HTML
			return faults
		}
		if kind != html.StartTagToken && kind != html.SelfClosingTagToken {
			continue
		}
		token := tokens.Token()
		attributes := map[string]string{}
		for _, a := range token.Attr {
			attributes[a.Key] = a.Val
		}
		switch token.Data {
		case "a":
			if problem := linkFault(attributes["href"]); problem != "" {
				faults = append(faults, fmt.Sprintf("a link to %.80q leads nowhere: it %s", attributes["href"], problem))
			}
		case "img":
			if problem := brand.CheckLink(attributes["src"]); problem != "" {
				faults = append(faults, fmt.Sprintf("an image at %.80q cannot be loaded: it %s", attributes["src"], problem))
			}
			if strings.TrimSpace(attributes["alt"]) == "" {
				faults = append(faults, fmt.Sprintf("the image at %.80q has no text for where images are off", attributes["src"]))
			}
		}
	}
}

// linkFault says why a link leads nowhere; empty if it does not.
func linkFault(address string) string {
	if to, ok := strings.CutPrefix(address, "mailto:"); ok {
		to, err := url.PathUnescape(to)
		if err == nil {
			_, err = trial.MailAddress(to)
		}
		if err != nil {
			return "names no e-mail address"
		}
		return ""
	}
	return brand.CheckLink(address)
}
