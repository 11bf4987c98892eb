// Package brand is what a marketplace's e-mails to its vendors look like: its name, logo and colors, who they come
// from, and where their buttons lead.
package brand

import (
	"cmp"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// Brand is a marketplace's brand. The zero value is the neutral one: it has no name, and its buttons lead nowhere.
// [Brand.Problems] says whether another is fit for use.
type Brand struct {
	// Name is the marketplace's, at the top and in the words of each e-mail.
	Name string `yaml:"name"`
	// Logo is at the top instead of the name, which the zero Logo leaves there.
	Logo   Logo   `yaml:"logo"`
	Colors Colors `yaml:"colors"`
	Sender Sender `yaml:"sender"`
	// Support is a bare address to which vendors may write; empty for none.
	Support string `yaml:"support"`
	// PostalAddress is the marketplace's, of one line or several; empty for none.
	PostalAddress string  `yaml:"postalAddress"`
	Buttons       Buttons `yaml:"buttons"`
	// Language is that of e-mails to vendors whose own is not known, or has no words; empty for English.
	Language string `yaml:"language"`
}

// Logo is an image that mail programs load.
type Logo struct {
	// URL is https.
	URL string `yaml:"url"`
	// Alt is shown where images are off.
	Alt string `yaml:"alt"`
	// Width is in CSS pixels; the height follows from the image.
	Width int `yaml:"width"`
}

// Sender is who an e-mail comes from, at the address of MAIL_FROM.
type Sender struct {
	// Name is shown instead of the address; empty leaves what MAIL_FROM says.
	Name string `yaml:"name"`
	// ReplyTo is the bare address that answers go to; empty leaves them to the sender.
	ReplyTo string `yaml:"replyTo"`
}

// Buttons are the targets of the buttons, by the kind of e-mail. VendorID in them stands for the vendor's id, Token for a signed token.
type Buttons struct {
	// Default is the target in e-mails of a kind without one of its own.
	Default  string `yaml:"default"`
	Welcome  string `yaml:"welcome"`
	Reminder string `yaml:"reminder"`
	Expiry   string `yaml:"expiry"`
	GraceEnd string `yaml:"grace-end"`
	// Own are those of the kinds that are not built in.
	Own map[string]string `yaml:",inline"`
}

// The placeholders in a button's target.
const (
	VendorID = "{vendorId}"
	// Token is what the marketplace's front end knows the vendor by.
	Token = "{token}"
)

// button is a target and the kind of e-mail that it belongs to, which is also its field's name.
type button struct{ kind, target string }

func (b Buttons) byKind() []button {
	return []button{{"welcome", b.Welcome}, {"reminder", b.Reminder}, {"expiry", b.Expiry}, {"grace-end", b.GraceEnd}}
}

// Signed are the fields with a target that has a token, such as buttons.welcome, in order; nil for none.
func (b Buttons) Signed() []string {
	all := map[string]string{"default": b.Default}
	maps.Copy(all, b.Own)
	for _, own := range b.byKind() {
		all[own.kind] = own.target
	}
	var fields []string
	for _, kind := range slices.Sorted(maps.Keys(all)) {
		if strings.Contains(all[kind], Token) {
			fields = append(fields, "buttons."+kind)
		}
	}
	return fields
}

// Target is where the button in an e-mail of a kind leads a vendor; empty for nowhere. The id is
// percent-encoded; the token stands as it is, and matters only if a target has one: see [Buttons.Signed].
func (b Brand) Target(kind, vendorID, token string) string {
	target := cmp.Or(b.Buttons.Own[kind], b.Buttons.Default)
	for _, own := range b.Buttons.byKind() {
		if own.kind == kind && own.target != "" {
			target = own.target
		}
	}
	// Encoded so, an id stays whole in the path and in the query.
	return strings.NewReplacer(VendorID, strings.ReplaceAll(url.QueryEscape(vendorID), "+", "%20"), Token, token).Replace(target)
}

// AddressLines are the lines of the postal address.
func (b Brand) AddressLines() []string {
	var lines []string
	for line := range strings.Lines(b.PostalAddress) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}
