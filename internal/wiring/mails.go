package wiring

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"marketplace.example/trials/internal/adapters/ses"
	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/brand"
	"marketplace.example/trials/internal/domain/notice"
	"marketplace.example/trials/internal/domain/policy"
	"marketplace.example/trials/internal/domain/trial"
)

// sampleVendor is the name of the vendor in previews.
const sampleVendor = "Zoë & Søn"

// Mails implements app.Mails.
type Mails struct{ Templates *Templates }

// Again implements app.Mails.
func (m Mails) Again(version []byte, vendorID string, f trial.MailFields) (app.ShownMail, error) {
	v, err := ses.ReadVersion(version)
	if err != nil {
		return app.ShownMail{}, err
	}
	r, err := v.Again(vendorID, f)
	return shown(v.Brand, r, v.Words.Language), err
}

// Preview implements app.Mails.
func (m Mails) Preview(r trial.Rehearsed, locale string) (app.ShownMail, error) {
	mail, c := m.Templates.Current(), ses.ContentOf(r.After, r.Step, r.At)
	c.VendorName, c.Locale, c.Brand, c.Words, c.Layout = sampleVendor, locale, mail.Brand, mail.Words, mail.Layout
	rendered, err := ses.RenderShown(c)
	if err != nil {
		return app.ShownMail{}, err
	}
	words, _ := mail.Words.For(locale, c.Kind)
	return shown(mail.Brand, rendered, words.Language.Tag()), nil
}

// Ordered renders the preview that was asked for.
func (m Mails) Ordered(policies policy.Set, day time.Duration, p notice.Preview) (app.ShownMail, error) {
	steps, err := policies.Rehearse(p.Policy, p.Zone, day, p.At)
	if err != nil {
		return app.ShownMail{}, err
	}
	for _, r := range steps {
		if r.Kind == p.Kind {
			return m.Preview(r, p.Language)
		}
	}
	return app.ShownMail{}, trial.Invalid("kind", "%.40q is no e-mail of this policy", p.Kind)
}

// Languages implements app.Mails.
func (m Mails) Languages() []string {
	words := m.Templates.Current().Words
	others := slices.DeleteFunc(words.Languages(), func(tag string) bool { return tag == words.Fallback() })
	return append([]string{words.Fallback()}, others...)
}

// Faults implements app.Mails. It looks at the templates anew, so that whoever writes them sees at once what they have become.
func (m Mails) Faults(ctx context.Context) error {
	if err := m.Templates.Reload(ctx); err != nil {
		return err
	}
	return m.Templates.Faults()
}

func shown(b brand.Brand, r ses.Rendered, language string) app.ShownMail {
	return app.ShownMail{
		From: b.Sender.Name, ReplyTo: b.Sender.ReplyTo, Subject: r.Subject, Text: r.Text, HTML: r.HTML, Image: image(b.Logo.URL), Language: language,
	}
}

// image is an address of an image as a content security policy names it: without its query, and with nothing in it that ends an entry.
// It is empty for none.
func image(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || u.Host == "" || strings.ContainsAny(u.Host, " ;,'\"") {
		return ""
	}
	return "https://" + u.Host + strings.NewReplacer(";", "%3B", ",", "%2C", "'", "%27").Replace(u.EscapedPath())
}
