package ses

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"golang.org/x/net/html"

	"marketplace.example/trials/internal/domain/brand"
	"marketplace.example/trials/internal/domain/layout"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/internal/domain/wording"
)

// versionLetters are enough of the hash to tell a marketplace's versions apart.
const versionLetters = 16

// Version is all that an e-mail of one kind in one language is made of, but for what differs from vendor to vendor. Its fields are
// stored, also by the names that Go gives those of the brand: a renamed one is empty in old versions.
type Version struct {
	Words   wording.Spoken `json:"words"`
	Brand   brand.Brand    `json:"brand"`
	Layouts layout.Source  `json:"layouts"`
}

// VersionOf returns the version that Render makes the e-mail of now. It is false if there is no such kind.
func VersionOf(c Content) (Version, bool) {
	words, ok := c.Words.Spoken(c.Locale, c.Kind)
	return Version{Words: words, Brand: c.Brand, Layouts: c.laidOut().Source()}, ok
}

// Encoded returns the version as it is stored, and the hash of that, which names it.
func (v Version) Encoded() (hash string, content []byte, err error) {
	content, err = json.Marshal(v)
	if err != nil {
		return "", nil, fmt.Errorf("writing a version of an e-mail's template: %w", err)
	}
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])[:versionLetters], content, nil
}

// ReadVersion reads what Encoded has written.
func ReadVersion(content []byte) (Version, error) {
	var v Version
	if err := json.Unmarshal(content, &v); err != nil {
		return v, fmt.Errorf("reading a version of an e-mail's template: %w", err)
	}
	return v, nil
}

// Fields are what the content says of its vendor, as they are stored with the send. The name is as the greeting has it.
func (c Content) Fields() trial.MailFields {
	f := trial.MailFields{
		Kind: c.Kind, Name: greetingName(c.VendorName), Locale: c.Locale, Zone: c.Zone, DaysLeft: c.DaysLeft, GraceDays: c.GraceDays, LengthDays: c.LengthDays,
		EndsAt: c.EndsAt, Ended: c.Ended, Day: c.Day,
	}
	if !c.GraceEndsAt.IsZero() {
		f.GraceEndsAt = &c.GraceEndsAt
	}
	return f
}

// Again renders the e-mail that was made of this version for a vendor, with links that lead nowhere: see [Content.Shown].
func (v Version) Again(vendorID string, f trial.MailFields) (Rendered, error) {
	words, err := v.Words.Words(f.Locale, v.Brand.Language)
	if err != nil {
		return Rendered{}, fmt.Errorf("the words of %s in %s: %w", f.Kind, v.Words.Language, err)
	}
	l, err := v.Layouts.Layout()
	if err != nil {
		return Rendered{}, err
	}
	c := Content{
		Kind: f.Kind, VendorID: vendorID, VendorName: f.Name, Locale: f.Locale, Zone: f.Zone, DaysLeft: f.DaysLeft, GraceDays: f.GraceDays, LengthDays: f.LengthDays,
		EndsAt: f.EndsAt, Ended: f.Ended, Day: f.Day, Brand: v.Brand,
	}
	if f.GraceEndsAt != nil {
		c.GraceEndsAt = *f.GraceEndsAt
	}
	c = c.Shown()
	if err := c.validate(); err != nil {
		return Rendered{}, fmt.Errorf("mail content: %w", err)
	}
	r, err := c.renderedWith(words, v.Words.Guide, l)
	r.HTML = inert(r.HTML)
	return r, err
}

// RenderShown renders an e-mail to be looked at, not to be sent to its vendor: with links that lead nowhere.
func RenderShown(c Content) (Rendered, error) {
	r, err := Render(c.Shown())
	r.HTML = inert(r.HTML)
	return r, err
}

const (
	// removed is in the place of links. No host has that name (RFC 2606).
	removed = "https://link-removed.invalid"
	// removedToken is in the place of the token in a button's target.
	removedToken = "token-removed"
)

// Shown is the content without the links that act for the vendor: whoever looks at an e-mail must not answer or unsubscribe
// for it. No token is signed for it.
func (c Content) Shown() Content {
	c.UnsubscribeURL, c.FeedbackURL, c.GuideURL = removed+UnsubscribePath, removed+FeedbackPath, removed+GuidePath
	c.ButtonToken = removedToken
	return c
}

// inert is HTML whose links lead nowhere, and look the same.
func inert(text string) string {
	var b strings.Builder
	for tokens := html.NewTokenizer(strings.NewReader(text)); ; {
		kind := tokens.Next()
		if kind == html.ErrorToken { // the end: the tokenizer takes any text for HTML
			return b.String()
		}
		raw := string(tokens.Raw())
		if token := tokens.Token(); kind == html.StartTagToken && token.Data == "a" {
			kept := token.Attr[:0]
			for _, a := range token.Attr {
				if a.Key != "href" && a.Key != "target" {
					kept = append(kept, a)
				}
			}
			token.Attr = kept
			raw = token.String()
		}
		b.WriteString(raw)
	}
}

// ContentOf is the content of a step's e-mail, without brand, words and links. The trial is as it stands after the step, which
// runs at now.
func ContentOf(s trial.State, step trial.Step, now time.Time) Content {
	return Content{
		Kind: contentKind(s.Policy, step.Kind), VendorID: s.VendorID, DaysLeft: s.DaysLeft(step, now), GraceDays: s.Policy.GraceDays,
		LengthDays: s.LengthLeft(now), EndsAt: s.EndsAt, Ended: !now.Before(s.EndsAt), GraceEndsAt: graceEnd(s), Zone: s.Zone, Day: s.Day,
	}
}

// graceEnd is when selling is paused, or was; zero without a grace.
func graceEnd(s trial.State) time.Time {
	switch {
	case s.Policy.GraceDays == 0:
		return time.Time{}
	case s.ExpiredAt != nil: // it may have been held or late
		return *s.ExpiredAt
	}
	return s.GraceEndsAt
}

// contentKind is the kind of e-mail that a step sends; a mailing's is its template.
func contentKind(p trial.Policy, k trial.Kind) string {
	if m, own := p.Mailing(k); own {
		return m.Template
	}
	if k.IsReminder() {
		return KindReminder
	}
	return string(k)
}
