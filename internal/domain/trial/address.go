package trial

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/mail"
	"slices"
	"strings"

	"golang.org/x/net/idna"
)

// maxAddress is the longest address, in octets (RFC 5321).
const maxAddress = 254

// MailAddress returns an address in the mail service's form: bare, with the domain
// in ASCII. It alone decides whether an address can be written
// to; its errors say what is wrong, and do not repeat the address.
func MailAddress(address string) (string, error) {
	at := strings.LastIndexByte(address, '@')
	if at < 0 {
		return "", errors.New("has no @")
	}
	local, domain := address[:at], address[at+1:]
	if !printableASCII(local) {
		return "", errors.New("has non-ASCII characters before the @, which the mail service does not accept")
	}
	if !printableASCII(domain) {
		ascii, err := idna.Lookup.ToASCII(domain)
		if err != nil || !printableASCII(ascii) {
			return "", errors.New("has an invalid domain")
		}
		domain = ascii
	}
	whole := local + "@" + domain
	if len(whole) > maxAddress {
		return "", errors.New("is longer than 254 characters in ASCII")
	}
	if parsed, err := mail.ParseAddress(whole); err != nil || parsed.Name != "" || parsed.Address != whole {
		return "", errors.New("is not a bare e-mail address")
	}
	return whole, nil
}

// AddressForms are how an address may be written: as it is, and with its domain in ASCII and in Unicode. An address that cannot be
// written to has that one form.
func AddressForms(address string) []string {
	forms := []string{address}
	mailed, err := MailAddress(address)
	if err != nil {
		return forms
	}
	at := strings.LastIndexByte(mailed, '@')
	also := []string{mailed}
	if domain, err := idna.Lookup.ToUnicode(mailed[at+1:]); err == nil {
		also = append(also, mailed[:at+1]+domain)
	}
	for _, form := range also {
		if !slices.Contains(forms, form) {
			forms = append(forms, form)
		}
	}
	return forms
}

// printableASCII reports whether a text consists of ASCII characters other than
// spaces and controls.
func printableASCII(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' })
}

// AddressHash is the hexadecimal SHA-256 of an address in the mail service's form,
// trimmed and in lower case, so that all forms of a domain have one hash. It
// replaces an address where the address itself must not appear.
func AddressHash(address string) string {
	address = strings.TrimSpace(address)
	if mailed, err := MailAddress(address); err == nil {
		address = mailed
	}
	sum := sha256.Sum256([]byte(strings.ToLower(address)))
	return hex.EncodeToString(sum[:])
}
