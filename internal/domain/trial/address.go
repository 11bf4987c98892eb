package trial

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/mail"
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
