package brand

import (
	"fmt"
	"maps"
	"math"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"marketplace.example/trials/internal/domain/trial"
)

// Limits of a brand, in characters but for the logo's width in pixels.
const (
	maxName         = 60
	maxSenderName   = 60
	maxAlt          = 80
	maxAddress      = 300
	maxAddressLines = 6
	maxURL          = 1000

	minLogoWidth, maxLogoWidth = 16, 520
)

// Problems says what makes a brand unfit for use, by its fields; nil for nothing. No message repeats a value. The zero
// Brand has problems too: a brand of one's own has a name and says where its buttons lead.
func (b Brand) Problems() []*trial.Error {
	var all []*trial.Error
	add := func(field, problem string) {
		if problem != "" {
			all = append(all, trial.Invalid(field, "%s", problem))
		}
	}
	if b.Name == "" {
		add("name", "is missing")
	}
	add("name", checkLine(b.Name, maxName))
	b.Logo.problems(add)
	add("sender.name", checkLine(b.Sender.Name, maxSenderName))
	add("sender.replyTo", checkAddress(b.Sender.ReplyTo))
	add("support", checkAddress(b.Support))
	add("postalAddress", b.checkPostalAddress())
	b.Buttons.problems(add)
	b.colorProblems(add)
	return all
}

func (l Logo) problems(add func(field, problem string)) {
	if l == (Logo{}) {
		return
	}
	switch {
	case l.URL == "":
		add("logo.url", "is missing")
	case strings.ContainsAny(l.URL, "{}"):
		add("logo.url", "has a placeholder; the logo is the same for every vendor")
	default:
		add("logo.url", CheckLink(l.URL))
	}
	if l.Alt == "" {
		add("logo.alt", "is missing: it is what vendors see where images are off")
	}
	add("logo.alt", checkLine(l.Alt, maxAlt))
	if l.Width < minLogoWidth || l.Width > maxLogoWidth {
		add("logo.width", fmt.Sprintf("must be %d to %d pixels", minLogoWidth, maxLogoWidth))
	}
}

func (b Brand) checkPostalAddress() string {
	lines := b.AddressLines()
	if len(lines) > maxAddressLines {
		return fmt.Sprintf("has more than %d lines", maxAddressLines)
	}
	return checkLine(strings.Join(lines, " "), maxAddress)
}

func (b Buttons) problems(add func(field, problem string)) {
	if b.Default != "" {
		add("buttons.default", checkTarget(b.Default))
	}
	for _, kind := range slices.Sorted(maps.Keys(b.Own)) {
		add("buttons."+kind, checkTarget(b.Own[kind]))
	}
	for _, own := range b.byKind() {
		switch {
		case own.target != "":
			add("buttons."+own.kind, checkTarget(own.target))
		case b.Default == "":
			add("buttons."+own.kind, "is missing, and there is no default: the button would lead nowhere")
		}
	}
}

func (b Brand) colorProblems(add func(field, problem string)) {
	wrong := false
	own := map[string]*Scheme{"light": &b.Colors.Light, "dark": &b.Colors.Dark}
	for _, scheme := range []string{"light", "dark"} {
		for _, f := range own[scheme].fields() {
			if *f.color != "" && !f.color.valid() {
				wrong = true
				add("colors."+scheme+"."+f.name, `is not a color like "#1d4ed8", in quotes`)
			}
		}
	}
	if wrong {
		return
	}
	for _, c := range b.Contrasts() {
		if c.Ratio >= MinContrast {
			continue
		}
		field := c.Text
		if own[c.Scheme].named(field) == "" {
			field = c.On // the text's color is the built-in one
		}
		add("colors."+c.Scheme+"."+field, fmt.Sprintf("the contrast of %s on %s is %s, and must be at least %g", c.Text, c.On, c, MinContrast))
	}
}

// String is the ratio, rounded down, so that none below a limit looks like it.
func (c Contrast) String() string { return fmt.Sprintf("%.2f", math.Floor(c.Ratio*100)/100) }

// checkLine says what keeps a text from being one line of a header or of an e-mail; empty for nothing.
func checkLine(text string, most int) string {
	switch {
	case !utf8.ValidString(text) || strings.ContainsFunc(text, hidden):
		return "contains line breaks, control characters or others that cannot be seen"
	case strings.TrimSpace(text) != text:
		return "begins or ends with a blank"
	case utf8.RuneCountInString(text) > most:
		return fmt.Sprintf("has more than %d characters", most)
	}
	return ""
}

// hidden reports whether a character could break a line or change how others are read. The joiners of some scripts may stay.
func hidden(r rune) bool {
	return !unicode.Is(unicode.Join_Control, r) && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
}

func checkAddress(address string) string {
	if address == "" {
		return ""
	}
	if _, err := trial.MailAddress(address); err != nil {
		return "is not a bare e-mail address like help@example.com: it " + err.Error()
	}
	return ""
}

// brokenEscape is one whose second half would be the vendor's id or token.
var brokenEscape = regexp.MustCompile(`%[0-9A-Fa-f]?\{`)

// checkTarget says what keeps a button from leading somewhere; empty for nothing.
func checkTarget(target string) string {
	one, other := strings.NewReplacer(VendorID, "a", Token, "a").Replace(target), strings.NewReplacer(VendorID, "b", Token, "b").Replace(target)
	if strings.ContainsAny(one, "{}") {
		return "has a placeholder other than " + VendorID + " and " + Token
	}
	if brokenEscape.MatchString(target) {
		return "has a % that belongs to no escape: one is % and two hexadecimal digits"
	}
	if problem := CheckLink(one); problem != "" {
		return problem
	}
	// Both are URLs, as they differ in letters only.
	first, _ := url.Parse(one)
	second, err := url.Parse(other)
	if err != nil || first.Host != second.Host {
		return "has a placeholder in its host; it belongs behind that"
	}
	return ""
}

// CheckLink says why a link in an e-mail leads nowhere, or where nobody should be led; empty if it does not.
func CheckLink(address string) string {
	if utf8.RuneCountInString(address) > maxURL {
		return fmt.Sprintf("has more than %d characters", maxURL)
	}
	if strings.ContainsFunc(address, func(r rune) bool { return r <= ' ' || r > '~' || r == '<' || r == '>' || r == '"' }) {
		return "contains blanks, or characters that a link writes as %XX"
	}
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Hostname() == "":
		return "is not a URL like https://shop.example.com/plans"
	case u.User != nil:
		return "must contain no login"
	case u.Scheme == "https", u.Scheme == "http" && isLoopback(u.Hostname()):
		return ""
	}
	return "must begin with https://; http:// is for this machine only"
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
