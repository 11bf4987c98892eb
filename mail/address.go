package mail

import (
	"crypto/sha256"
	"encoding/hex"
	"net/mail"
	"strings"
)

// AddressHash returns the hexadecimal SHA-256 of an address, trimmed and in
// lower case. Suppression is kept under it, so that an address which must not
// be mailed again is recognised without being stored.
func AddressHash(address string) string {
	sum := sha256.Sum256([]byte(strings.ToLower(strings.TrimSpace(address))))
	return hex.EncodeToString(sum[:])
}

// bareAddress is an address without the display name that it may come with.
func bareAddress(address string) string {
	if parsed, err := mail.ParseAddress(address); err == nil {
		return parsed.Address
	}
	return address
}

// validRecipient tells whether SES can be handed the address: a bare address
// of ASCII letters, since SES takes no others, and nothing that ends a line.
func validRecipient(address string) bool {
	if len(address) > 320 {
		return false
	}
	for i := range len(address) {
		if address[i] <= ' ' || address[i] > '~' {
			return false
		}
	}
	parsed, err := mail.ParseAddress(address)
	return err == nil && parsed.Name == "" && parsed.Address == address
}
