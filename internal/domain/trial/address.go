package trial

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/mail"
	"strings"

	"golang.org/x/net/idna"
)

// maxAddress is how long an address may be, in octets (RFC 5321).
const maxAddress = 254

// MailAddress is an address as the mail service takes it: bare, with the domain
// in its ASCII form. It is the one judgement of whether an address can be written
// to; its errors say what is wrong, and do not repeat it.
func MailAddress(address string) (string, error) {
	at := strings.LastIndexByte(address, '@')
	if at < 0 {
		return "", errors.New("has no @")
	}
	local, domain := address[:at], address[at+1:]
	if !printableASCII(local) {
		return "", errors.New("has other than ASCII characters before the @, which the mail service does not take")
	}
	if !printableASCII(domain) {
		ascii, err := idna.Lookup.ToASCII(domain)
		if err != nil || !printableASCII(ascii) {
			return "", errors.New("has a domain that cannot be")
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

// printableASCII tells whether a text has neither spaces nor controls, and
// nothing beyond ASCII.
func printableASCII(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' })
}

// AddressHash is the hexadecimal SHA-256 of an address as the mail service takes
// it, trimmed and in lower case, so that a domain has one in all its forms. It
// stands for an address where the address itself must not be.
func AddressHash(address string) string {
	address = strings.TrimSpace(address)
	if mailed, err := MailAddress(address); err == nil {
		address = mailed
	}
	sum := sha256.Sum256([]byte(strings.ToLower(address)))
	return hex.EncodeToString(sum[:])
}
